//! Kinds of errors that the standard library does not tell apart.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use self::side::{is_busy, is_denied};
#[cfg(windows)]
use windows as side;

/// Whether an error means that the system, the file system, or a guard such as `SELinux` or seccomp, does not offer an
/// operation. An error of the disk (`EIO`, `ENOSPC`) is none of these, nor is `ACCESS_DENIED` on Windows, which often
/// passes.
pub fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || side::is_refusal(error)
}

/// Whether an error means that this process cannot flush a file or directory (fsync(2): "does not support
/// synchronization").
pub fn is_unflushable(error: &io::Error) -> bool {
    is_refusal(error) || side::is_unflushable(error)
}

/// Whether an error is one of the disk (`EIO`). Some file systems also return it for operations that they do not offer.
pub fn is_disk_error(error: &io::Error) -> bool {
    side::is_disk_error(error)
}

/// Whether an error means that the file system has no locks.
pub fn has_no_locks(error: &io::Error) -> bool {
    is_refusal(error) || side::has_no_locks(error)
}

/// The error for a FIFO or a device in place of a file.
pub fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}
