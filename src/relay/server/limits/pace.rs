//! The lowest accepted rate of a transfer.

use std::time::Duration;

use tokio::time::{Instant, timeout};

/// The time over which a rate is averaged. A mobile network may pause for as long.
pub(in crate::relay::server) const WINDOW: Duration = Duration::from_mins(1);

/// The rate of one transfer, in one direction.
///
/// A transfer has credit: time that it may spend waiting for its peer. It begins with [`WINDOW`], which is also the
/// most. Waiting spends it, and each byte restores the time that the byte takes at the lowest rate. So a transfer at
/// that rate never ends, and one that stands still ends after [`WINDOW`]. Time that the server itself spends costs
/// nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::relay::server) struct Pace {
    /// Bytes a second. 0: any progress restores all credit.
    min_rate: u64,
    credit: Duration,
    /// Since when the transfer waits for its peer.
    waiting: Option<Instant>,
}

/// A transfer was slower than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay::server) struct TooSlow;

impl Default for Pace {
    /// Without a rate.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Pace {
    /// A transfer that must move `min_rate` bytes a second.
    pub(in crate::relay::server) fn new(min_rate: u64) -> Self {
        Self { min_rate, credit: WINDOW, waiting: None }
    }

    /// Notes that the transfer waits from now on, if it does not yet. Returns when its credit ends.
    pub(in crate::relay::server) fn wait(&mut self) -> Instant {
        *self.waiting.get_or_insert_with(Instant::now) + self.credit
    }

    /// Notes that `bytes` were moved, and that the transfer does not wait any more. Returns how long it waited.
    pub(in crate::relay::server) fn moved(&mut self, bytes: u64) -> Duration {
        let waited = self.waiting.take().map_or(Duration::ZERO, |since| since.elapsed());
        let earned = match self.min_rate {
            0 if bytes > 0 => WINDOW,
            0 => Duration::ZERO,
            // A window of bytes restores everything, whatever the rate.
            rate => Duration::from_millis(bytes.min(rate.saturating_mul(WINDOW.as_secs())) * 1000 / rate),
        };
        self.credit = (self.credit.saturating_sub(waited) + earned).min(WINDOW);
        waited
    }

    /// The output of `next`, which moves as many bytes as `len` finds in it.
    ///
    /// # Errors
    /// [`TooSlow`] when the credit ends before.
    pub(in crate::relay::server) async fn on<T>(
        &mut self,
        next: impl Future<Output = T>,
        len: impl FnOnce(&T) -> usize,
    ) -> Result<T, TooSlow> {
        let left = self.wait().duration_since(Instant::now());
        let output = timeout(left, next).await.map_err(|_| TooSlow)?;
        self.moved(len(&output) as u64);
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use std::iter::{once, repeat_n};

    use tokio::time::{advance, sleep};

    use super::*;

    const RATE: u64 = 512;

    /// Moves `bytes` after each of `pauses`. Returns the time until the transfer was too slow.
    async fn ended(rate: u64, bytes: usize, pauses: impl Iterator<Item = u64>) -> Option<Duration> {
        let (start, mut pace) = (Instant::now(), Pace::new(rate));
        for pause in pauses {
            if pace.on(sleep(Duration::from_secs(pause)), |()| bytes).await == Err(TooSlow) {
                return Some(start.elapsed());
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_transfer_at_the_lowest_rate_goes_on() {
        assert_eq!(ended(RATE, 512, repeat_n(1, 10_000)).await, None);
        // In packets, through a line with long pauses.
        assert_eq!(ended(RATE, 59 * 512, repeat_n(59, 100)).await, None);
        assert_eq!(ended(RATE, 1460, repeat_n(2, 10_000)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_ends_with_the_window() {
        let ended = ended(RATE, 1, repeat_n(1, 1000)).await.unwrap();
        assert!(ended >= WINDOW && ended < WINDOW + Duration::from_secs(1), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_ends_with_the_window_at_any_rate() {
        for rate in [0, RATE] {
            assert_eq!(ended(rate, 1, once(1000)).await, Some(WINDOW));
            // Faster progress before does not count.
            assert_eq!(ended(rate, 4 << 20, [0, 0, 1000].into_iter()).await, Some(WINDOW));
        }
        assert_eq!(ended(0, 1, repeat_n(59, 100)).await, None, "without a rate only silences count");
        assert_eq!(ended(0, 0, repeat_n(59, 100)).await, Some(WINDOW), "nothing is no progress");
    }

    #[tokio::test(start_paused = true)]
    async fn bursts_and_pauses_below_the_window_go_on() {
        // 40 KiB at once, then 50 seconds of nothing: a train in a tunnel.
        let pauses = (0..1000).map(|number| if number % 2 == 0 { 50 } else { 1 });
        assert_eq!(ended(RATE, 20 << 10, pauses).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_the_server_spends_costs_nothing() {
        let mut pace = Pace::new(RATE);
        for _ in 0..10 {
            pace.wait();
            pace.moved(0);
            advance(WINDOW * 2).await;
        }
        assert_eq!(pace.wait(), Instant::now() + WINDOW);
    }
}
