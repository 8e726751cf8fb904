//! Work that blocks, such as reading keys, and that stops when its future is dropped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Stops the work when this is dropped, and waits until it has restored the terminal.
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

/// Runs `work` on its own thread, with a flag that is set when it has to stop.
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
        // The receiver may have been dropped.
        let _ = done.send(end);
    });
    let _guard = Guard { stop, thread: Some(thread) };
    ended.await.unwrap_or_else(|_| Err(io::Error::other("the viewer ended early")))
}
