//! Work that blocks, such as a conversation with a terminal, and that ends when nobody waits for it any more.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Stops the work when its caller is dropped, and waits until the terminal is as it was.
struct Guard {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs `work` on a thread of its own, with a flag that is set when it is to stop.
///
/// # Errors
/// As of `work`; or it panicked.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce(&AtomicBool) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (done, ended) = oneshot::channel();
    let flag = stop.clone();
    let thread = std::thread::spawn(move || {
        let end = work(&flag);
        // Nobody may wait for it any more.
        let _ = done.send(end);
    });
    let _guard = Guard { stop, thread: Some(thread) };
    ended.await.unwrap_or_else(|_| Err(io::Error::other("the viewer ended early")))
}
