//! Flushing on macOS and the BSDs.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::fsync;

use crate::platform::files::errors::is_unflushable;
use crate::platform::files::flush::directories::each_below;

/// Some network drives of macOS refuse `F_FULLFSYNC`, but offer fsync(2).
pub(super) fn flush(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is_unflushable(&error) => Ok(fsync(file)?),
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
