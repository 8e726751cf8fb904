//! Flushing on macOS and the BSDs.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::fsync;
use rustix::io::Errno;

use crate::platform::files::flush::directories::each_below;

/// macOS refuses `F_FULLFSYNC` on exFAT and on some network drives, each with another error. fsync(2) works there.
pub(super) fn flush(file: &File) -> io::Result<()> {
    let is_of_disk = |error: &io::Error| {
        Errno::from_io_error(error).is_some_and(|number| [Errno::IO, Errno::NOSPC, Errno::DQUOT].contains(&number))
    };
    match file.sync_all() {
        Err(error) if !is_of_disk(&error) => Ok(fsync(file)?),
        flushed => flushed,
    }
}

pub(super) fn flush_at(path: &Path) -> io::Result<()> {
    flush(&File::open(path)?)
}

/// The last flush is one through the drive's cache, which then has everything of the ones before.
pub(super) fn flush_below(directory: &Path, in_directories: bool) -> io::Result<()> {
    if !in_directories {
        return Ok(());
    }
    each_below(directory, &|path| Ok(fsync(File::open(path)?)?))?;
    flush_at(directory)
}
