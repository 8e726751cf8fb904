//! Files are read and written in steps.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::relay::store::StoreError;

/// Bytes that are read or written in one step: a download holds twice as much.
pub(super) const STEP: usize = 128 << 10;
/// The longest time of a brief step. One that the page cache serves takes a tenth of it.
const BRIEF: Duration = Duration::from_millis(2);
/// Steps that have to be brief before one may hold its caller up: 4 MiB.
const WARY: u32 = 32;

/// Runs file operations on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(StoreError::Failed("interrupted".to_owned())))
}

/// The thread on which a store's steps run. While the page cache serves them, it is that of the caller, because passing
/// a step to another thread and back takes as long as the step, and moves its memory to another core. After one that
/// waited for the disk, the next [`WARY`] of all files run on blocking threads. A disk that stands still holds up one
/// caller, whose runtime has another thread for everything else.
pub(super) struct Pace {
    /// Steps that are still to run on blocking threads.
    wary: AtomicU32,
    /// Locked while a step holds its caller up.
    holds: Mutex<()>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wary: AtomicU32::new(WARY), holds: Mutex::const_new(()) }
    }
}

impl Pace {
    /// Runs the next step of a file.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let timed = || {
            let start = Instant::now();
            let done = work();
            (done, start.elapsed() < BRIEF)
        };
        let wary = self.wary.load(Ordering::Relaxed);
        let has_others = Handle::current().metrics().num_workers() > 1;
        let held = if wary == 0 && has_others { self.holds.try_lock().ok() } else { None };
        let (done, was_brief) = match held {
            Some(_held) => timed(),
            None => blocking(|| Ok(timed())).await?,
        };
        if !was_brief {
            self.wary.store(WARY, Ordering::Relaxed);
        } else if wary > 0 {
            // Unless a step of another file has changed it meanwhile.
            let _ = self.wary.compare_exchange(wary, wary - 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use super::*;

    /// The thread on which a step of this length runs, and fails.
    async fn thread_of(pace: &Pace, time: Duration) -> ThreadId {
        let (to, from) = std::sync::mpsc::channel();
        let work = move || {
            thread::sleep(time);
            to.send(thread::current().id()).unwrap();
            Err::<(), _>(StoreError::Failed("as planned".to_owned()))
        };
        pace.step(work).await.unwrap_err();
        from.recv().unwrap()
    }

    /// Runs brief steps until a disk counts as fast. Returns how many there were.
    async fn calm(pace: &Pace) -> u32 {
        let mut brief = 0;
        while pace.wary.load(Ordering::Relaxed) > 0 {
            assert_ne!(thread_of(pace, Duration::ZERO).await, thread::current().id());
            brief += 1;
        }
        brief
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_slow_disk_holds_up_one_caller_and_none_until_it_was_fast_for_a_while() {
        let (here, pace) = (thread::current().id(), Pace::default());
        for _ in 0..2 {
            // The system may interrupt even the shortest step for longer.
            assert!(calm(&pace).await >= WARY);
            assert_eq!(thread_of(&pace, BRIEF).await, here);
            assert_ne!(thread_of(&pace, BRIEF).await, here);
        }
        calm(&pace).await;
        let _held = pace.holds.lock().await;
        assert_ne!(thread_of(&pace, Duration::ZERO).await, here, "another caller is held up");
    }

    #[tokio::test]
    async fn the_only_thread_of_a_runtime_is_never_held_up() {
        let pace = Pace::default();
        assert!(calm(&pace).await >= WARY);
        assert_ne!(thread_of(&pace, Duration::ZERO).await, thread::current().id());
    }
}
