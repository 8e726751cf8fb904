//! Renames on Windows. A scanner or an indexer may have a file open for a moment, so they are tried again.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::platform::files::errors::{is_busy, is_denied, is_refusal};
use crate::platform::files::names::busy::persistently;
use crate::platform::files::opening::open_to_flush;

/// A second link never replaces a file, on a server of a network drive either: some servers look first and then
/// replace. Only a file system without links (FAT) moves the file.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(from)?.is_dir();
    let linked = persistently(
        || {
            if is_directory {
                return move_new(from, to).map(|()| false);
            }
            match fs::hard_link(from, to) {
                // Servers answer `ACCESS_DENIED` for a disk without links too.
                Err(error) if is_refusal(&error) || is_denied(&error) => move_new(from, to).map(|()| false),
                linked => linked.map(|()| true),
            }
        },
        |error| may_pass(error, to),
    )?;
    if linked {
        // The new name stands, so an old one that a scanner keeps is no error.
        let _ = persistently(|| fs::remove_file(from), |error| may_pass(error, from));
    }
    Ok(())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    persistently(|| fs::rename(from, to), |error| may_pass(error, to))
}

/// Each part of a name after a colon is the name of a stream.
pub(super) fn is_of_a_stream(name: &OsStr) -> bool {
    name.as_encoded_bytes().contains(&b':')
}

/// Moves a file or directory as tempfile moves a temporary file that becomes a lasting one: without replacing
/// (`MoveFileExW`). A directory can be moved while no file in it is open.
fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    TempPath::try_from_path(verbatim(from))?.persist_noclobber(verbatim(to)).map_err(|failed| {
        let mut path = failed.path;
        // The old name stays. tempfile marks the file as temporary after a failure; `keep` takes the mark away.
        path.disable_cleanup(true);
        let _ = path.keep();
        failed.error
    })
}

/// Whether an error may be due to a program that has the file, or a file in the directory, open for a moment, or to a
/// deleted file whose name is still taken by its last reader. It is final where `path` is in a directory to which this
/// process may not write.
fn may_pass(error: &io::Error, path: &Path) -> bool {
    let is_barred = || open_to_flush(directory_of(path)).is_err_and(|error| is_denied(&error));
    is_busy(error) || (is_denied(error) && !is_barred())
}

/// A path in the form that may be longer than 260 characters, on volumes that offer it.
fn verbatim(path: &Path) -> PathBuf {
    match (fs::canonicalize(directory_of(path)), path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Runs `rename` while another thread has a file open as a scanner does, without sharing.
    fn while_scanned(path: &Path, rename: impl FnOnce()) {
        let file = OpenOptions::new().read(true).share_mode(0).open(path).unwrap();
        let scanner = thread::spawn(move || {
            thread::sleep(Duration::from_millis(150));
            drop(file);
        });
        rename();
        scanner.join().unwrap();
    }

    #[test]
    fn an_album_gets_its_name_though_a_scanner_reads_a_photo() {
        let directory = tempfile::tempdir().unwrap();
        let [hidden, album] = ["hidden", "Trip"].map(|name| directory.path().join(name));
        fs::create_dir(&hidden).unwrap();
        fs::write(hidden.join("photo.jpg"), "photo").unwrap();
        while_scanned(&hidden.join("photo.jpg"), || rename_new(&hidden, &album).unwrap());
        assert_eq!(fs::read(album.join("photo.jpg")).unwrap(), b"photo");
        assert!(!hidden.exists());
    }

    #[test]
    fn a_file_that_a_scanner_reads_is_renamed_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let [staged, photo, other] = ["staged", "photo.jpg", "other"].map(|name| directory.path().join(name));
        fs::write(&staged, "photo").unwrap();
        while_scanned(&staged, || rename_new(&staged, &photo).unwrap());
        assert!(photo.exists() && !staged.exists());
        fs::write(&other, "other").unwrap();
        while_scanned(&photo, || rename(&other, &photo).unwrap());
        assert_eq!(fs::read(&photo).unwrap(), b"other");
    }

    /// Backup programs skip files that are marked as temporary (0x100).
    #[test]
    fn a_file_whose_rename_failed_is_not_marked_as_temporary() {
        use std::os::windows::fs::MetadataExt;

        let directory = tempfile::tempdir().unwrap();
        let [one, taken] = ["one", "taken"].map(|name| directory.path().join(name));
        for path in [&one, &taken] {
            fs::write(path, "").unwrap();
        }
        for refused in [move_new(&one, &taken), rename_new(&one, &taken)] {
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(one.metadata().unwrap().file_attributes() & 0x100, 0);
    }
}
