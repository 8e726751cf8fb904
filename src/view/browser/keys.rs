//! Keys at the terminal while a browser shows the share.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::view::ending::{End, Save};
use crate::view::full_screen::FullScreen;
use crate::view::keys::Key;
use crate::view::memory::MemoryFile;

/// The longest wait for a key between two checks of the closing time.
const TICK: Duration = Duration::from_millis(50);

/// State that the keys and the page share.
#[derive(Default)]
pub(super) struct Shared {
    /// The paths of files that a key has saved.
    pub(super) saved: Mutex<Vec<PathBuf>>,
    /// When the page closes by itself; set once a browser has requested it.
    pub(super) until: Mutex<Option<Instant>>,
}

/// Waits for the key that closes the page. `save`: the memory from which the key `s` saves the files.
pub(super) fn until_closed(
    mut screen: FullScreen,
    mut save: Option<(MemoryFile, Save)>,
    shared: &Shared,
    stop: &AtomicBool,
) -> io::Result<End> {
    loop {
        let until = *shared.until.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Instant::now() + TICK;
        match screen.key(Some(until.map_or(next, |until| until.min(next))), stop)? {
            Some(Key::Close) => return Ok(End::SEEN),
            Some(Key::Interrupt) => return Ok(End::Left),
            Some(Key::Save) => {
                let mut saved = shared.saved.lock().unwrap_or_else(PoisonError::into_inner);
                if let (true, Some((memory, save))) = (saved.is_empty(), &mut save) {
                    match save(memory) {
                        Ok(paths) => *saved = paths,
                        Err(error) => screen.write(format!("Not saved: {error}.\r\n").as_bytes())?,
                    }
                }
            }
            None if stop.load(Ordering::SeqCst) => return Ok(End::Left),
            None if until.is_some_and(|until| until <= Instant::now()) => return Ok(End::SEEN),
            Some(_) | None => {}
        }
    }
}
