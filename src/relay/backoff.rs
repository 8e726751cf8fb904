//! Backoff: attempts, and the pauses between them.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::sleep;

/// Repeats `attempt` until it returns `Break`. Sleeps for the next of `pauses` before each further attempt. When no
/// pause is left, returns the last `Continue`.
pub(super) async fn retry<B, C, F: Future<Output = ControlFlow<B, C>>>(
    pauses: impl IntoIterator<Item = Duration>,
    mut attempt: impl FnMut() -> F,
) -> ControlFlow<B, C> {
    let mut pauses = pauses.into_iter();
    loop {
        match attempt().await {
            ControlFlow::Continue(last) => match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return ControlFlow::Continue(last),
            },
            ControlFlow::Break(result) => return ControlFlow::Break(result),
        }
    }
}

/// Pauses: `first`, then each twice as long as the one before.
pub(super) fn doubling(first: Duration) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(first), |pause| Some(pause.saturating_mul(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_the_pauses_or_a_break() {
        let start = tokio::time::Instant::now();
        let mut attempts = 0;
        let pauses = || doubling(Duration::from_millis(200)).take_while(|pause| *pause < Duration::from_secs(3));
        let end: ControlFlow<(), u32> = retry(pauses(), || {
            attempts += 1;
            std::future::ready(ControlFlow::Continue(attempts))
        })
        .await;
        assert_eq!(end, ControlFlow::Continue(5));
        assert_eq!(start.elapsed().as_millis(), 200 + 400 + 800 + 1600);
        let end: ControlFlow<&str, ()> = retry(pauses(), async || ControlFlow::Break("done")).await;
        assert_eq!(end, ControlFlow::Break("done"));
    }
}
