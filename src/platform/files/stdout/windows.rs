//! The handle of standard output.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};

pub(super) fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Without a standard output the handle is zero.
pub(super) fn stdout_is_closed() -> bool {
    io::stdout().as_raw_handle().is_null()
}
