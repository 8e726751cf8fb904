//! The clipboard of a desktop, without an entry in its history.
//!
//! On Linux and the BSDs (X11, Wayland) the program that set a clipboard serves its content for as long as it runs. So
//! a second process of this program holds it: until something else is copied, or for ten minutes. On macOS and Windows
//! the system keeps the content, until something else is copied. Clipboard managers are asked to keep no copy.

#[cfg(any(target_vendor = "apple", windows))]
mod kept;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod x11;

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

#[cfg(any(target_vendor = "apple", windows))]
use kept as side;
#[cfg(all(unix, not(target_vendor = "apple")))]
use x11 as side;

/// Whether a second process holds the clipboard, for ten minutes.
pub const IS_HELD: bool = side::IS_HELD;

/// Copies `text`. `prepare`: sets the desktop session of the second process.
///
/// # Errors
/// There is no clipboard.
pub fn set(text: &str, prepare: impl FnOnce(&mut Command)) -> io::Result<()> {
    side::set(text, prepare)
}

/// Runs the second process, if the arguments of this process are those of it.
pub fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    side::run_second(arguments)
}
