//! Standard output as a file.

use std::fs::File;
use std::io;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as side;

/// Standard output without a buffer.
///
/// # Errors
/// The process has too many files open.
pub fn stdout() -> io::Result<File> {
    side::stdout()
}

/// Whether standard output was closed when the process started. On Unix, Rust's runtime opens `/dev/null` in its place,
/// for reading and writing.
pub fn stdout_is_closed() -> bool {
    side::stdout_is_closed()
}
