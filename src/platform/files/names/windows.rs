//! Renames on Windows (`MoveFileExW`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// The rename is that of a temporary file that becomes a lasting one. A directory can be renamed while no file in it is
/// open.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    TempPath::try_from_path(verbatim(from))?.persist_noclobber(verbatim(to)).map_err(|failed| {
        let mut path = failed.path;
        // The old name stays.
        path.disable_cleanup(true);
        failed.error
    })
}

/// A path in the form that may be longer than 260 characters, on volumes that offer it.
fn verbatim(path: &Path) -> PathBuf {
    let directory = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    match (directory.map(fs::canonicalize), path.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}
