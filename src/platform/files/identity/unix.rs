//! Device and inode.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) fn marks(file: &File) -> io::Result<(u64, u64, u64, (i64, i64))> {
    let data = file.metadata()?;
    Ok((data.dev(), data.ino(), data.size(), (data.mtime(), data.mtime_nsec())))
}

/// Each file system has inode numbers.
pub(super) fn is_index(_: u64) -> bool {
    true
}

pub(super) fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let (there, here) = (fs::metadata(path)?, file.metadata()?);
    Ok((there.dev(), there.ino()) == (here.dev(), here.ino()))
}

pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.ino() == other.ino()
}
