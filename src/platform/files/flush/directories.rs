//! Walking through directories.

use std::fs;
use std::io;
use std::path::Path;

use crate::platform::files::errors::is_unflushable;

/// Flushes each directory below `directory`. Symbolic links are not followed. A directory that is gone, or that this
/// process cannot flush, is passed over.
pub(super) fn each_below(directory: &Path, flush: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        match each_below(&path, flush).and_then(|()| flush(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound || is_unflushable(&error) => {}
            flushed => flushed?,
        }
    }
    Ok(())
}
