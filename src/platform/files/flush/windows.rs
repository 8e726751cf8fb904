//! Flushing on Windows. A handle with the right to write is needed.

use std::fs::File;
use std::io;
use std::path::Path;

use winapi_util::file::typ;

use crate::platform::files::flush::directories::each_below;
use crate::platform::files::opening::open_to_flush;

pub(super) fn flush(file: &File) -> io::Result<()> {
    if typ(file)?.is_disk() { file.sync_all() } else { Ok(()) }
}

pub(super) fn flush_at(path: &Path) -> io::Result<()> {
    open_to_flush(path)?.sync_all()
}

pub(super) fn flush_below(directory: &Path, in_directories: bool) -> io::Result<()> {
    if !in_directories {
        return Ok(());
    }
    each_below(directory, &flush_at)?;
    flush_at(directory)
}
