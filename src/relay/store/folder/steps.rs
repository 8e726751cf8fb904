//! Files are read and written in steps.

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::relay::store::StoreError;

/// Bytes that are read or written in one step.
pub(super) const STEP: usize = 256 << 10;
/// The longest time of a brief step. One that the page cache serves takes a tenth of it.
const BRIEF: Duration = Duration::from_millis(2);

/// Runs file operations on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(StoreError::Failed("interrupted".to_owned())))
}

/// Runs the next step of a file. After a brief one it runs on the thread of its caller, because passing it to another
/// thread and back would take as long. The first one, and one after a step that waited for the disk, run on a blocking
/// thread.
pub(super) async fn step<T: Send + 'static>(
    is_brief: &mut bool,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let timed = || {
        let start = Instant::now();
        work().map(|done| (done, start.elapsed() < BRIEF))
    };
    let (done, was_brief) = if *is_brief { timed()? } else { blocking(timed).await? };
    *is_brief = was_brief;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use super::*;

    /// The thread on which a step of this length runs.
    async fn thread_of(is_brief: &mut bool, time: Duration) -> ThreadId {
        let work = move || {
            thread::sleep(time);
            Ok(thread::current().id())
        };
        step(is_brief, work).await.unwrap()
    }

    #[tokio::test]
    async fn only_a_step_after_a_brief_one_holds_its_caller_up() {
        let (here, mut is_brief) = (thread::current().id(), false);
        assert_ne!(thread_of(&mut is_brief, BRIEF).await, here);
        assert!(!is_brief);
        // The system may interrupt even the shortest step for longer.
        while !is_brief {
            assert_ne!(thread_of(&mut is_brief, Duration::ZERO).await, here);
        }
        assert_eq!(thread_of(&mut is_brief, BRIEF).await, here);
        assert!(!is_brief);
        assert_ne!(thread_of(&mut is_brief, Duration::ZERO).await, here);
    }
}
