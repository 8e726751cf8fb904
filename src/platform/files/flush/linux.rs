//! Flushing on Linux.

use std::fs::File;
use std::io;
use std::path::Path;

pub(super) fn flush(file: &File) -> io::Result<()> {
    file.sync_all()
}

pub(super) fn flush_at(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn flush_below(directory: &Path, _: bool) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(directory)?)?)
}
