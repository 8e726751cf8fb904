//! macOS and Windows: the system keeps the content.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

use arboard::Clipboard;
#[cfg(target_vendor = "apple")]
use arboard::SetExtApple;
#[cfg(windows)]
use arboard::SetExtWindows;

pub(super) const IS_HELD: bool = false;

pub(super) fn set(text: &str, _: impl FnOnce(&mut Command)) -> io::Result<()> {
    let mut clipboard = Clipboard::new().map_err(io::Error::other)?;
    let set = clipboard.set();
    // `org.nspasteboard.ConcealedType`. The user's other devices may still paste it (Universal Clipboard).
    #[cfg(target_vendor = "apple")]
    let set = set.exclude_from_history();
    // Neither the history nor other devices of the user get it.
    #[cfg(windows)]
    let set = set.exclude_from_monitoring();
    set.text(text).map_err(io::Error::other)
}

pub(super) fn run_second(_: &[OsString]) -> Option<ExitCode> {
    None
}
