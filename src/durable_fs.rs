//! Durable file operations, with fallbacks for file systems that lack some.
//!
//! Some file systems lack hard links (Android, exFAT, many in user space), a rename that never replaces, locks, or the
//! flush of a directory (AFS, shared folders of virtual machines, some network drives). Each function uses the safest
//! operation that the file system offers. An error of the disk (`EIO`, `ENOSPC`) never leads to a fallback.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::platform::files;
use crate::secret::random_hex;

/// Renames a file unless the new name exists. If the file system cannot do that in one step, makes a second link and
/// removes the first: either way the new name never refers to anything but the whole file.
///
/// # Errors
/// `AlreadyExists` if the new name exists, `Unsupported` if the file system offers neither way, or any other error of
/// the file system.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match files::rename_new(from, to) {
        Err(error) if files::is_refusal(&error) => match fs::hard_link(from, to) {
            Err(error) if files::is_refusal(&error) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this file system has neither hard links nor a rename that never replaces",
            )),
            linked => linked.and_then(|()| fs::remove_file(from)),
        },
        result => result,
    }
}

/// Like [`rename_new`], on every file system. If it offers neither way, creates an empty file with the new name, unless
/// one exists, and replaces it. An existing file is still never replaced, and the new name never refers to a part of
/// `from`. But a program that is killed in between leaves the empty file, and what another program writes to the empty
/// file in between is lost.
///
/// # Errors
/// `AlreadyExists`, or any other error of the file system.
pub fn rename_new_anywhere(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            OpenOptions::new().write(true).create_new(true).open(to)?;
            files::rename(from, to).inspect_err(|_| drop(fs::remove_file(to)))
        }
        result => result,
    }
}

/// Renames a directory unless the new name exists. If the file system cannot do that in one step, creates an empty
/// directory with the new name and replaces it.
///
/// # Errors
/// `AlreadyExists`, or any other error of the file system.
pub fn rename_directory_new(from: &Path, to: &Path) -> io::Result<()> {
    match files::rename_new(from, to) {
        Err(error) if files::is_refusal(&error) => {
            fs::create_dir(to)?;
            files::rename(from, to).inspect_err(|_| drop(fs::remove_dir(to)))
        }
        result => result,
    }
}

/// The directory of a path.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Flushes the content of a file to the disk, if its file system offers that.
///
/// # Errors
/// Any error of the disk.
pub fn sync(file: &File) -> io::Result<()> {
    unless_refused(files::flush(file))
}

/// Flushes the content of a file that is not open to the disk, if its file system offers that.
///
/// # Errors
/// Any error of the disk; `NotFound` when the file is gone.
pub(crate) fn sync_at(path: &Path) -> io::Result<()> {
    unless_refused(files::flush_at(path))
}

/// Flushes a directory to the disk, if its file system offers that. A directory that this process may write but not
/// read is not flushed.
///
/// # Errors
/// Any error of the disk; `NotFound` when the directory is gone.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    unless_refused(files::flush_at(path))
}

/// Flushes all names below a directory to the disk, if its file system offers that. `in_directories`: whether it
/// flushes directories.
///
/// # Errors
/// Any error of the disk.
pub fn sync_below(path: &Path, in_directories: bool) -> io::Result<()> {
    unless_refused(files::flush_below(path, in_directories))
}

/// Ignores the error of a flush that the file system does not offer.
fn unless_refused(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error) if files::is_unflushable(&error) => Ok(()),
        synced => synced,
    }
}

/// Locks a file against other programs that lock it. Returns whether it is locked, or `None` if the file system has no
/// locks.
///
/// # Errors
/// Any error of the file system, except a lack of locks.
pub fn try_lock(file: &File) -> io::Result<Option<bool>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(true)),
        Err(TryLockError::WouldBlock) => Ok(Some(false)),
        Err(TryLockError::Error(error)) if files::has_no_locks(&error) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Waits until a file is locked. Returns at once if the file system has no locks.
///
/// # Errors
/// Any error of the file system, except a lack of locks.
pub fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if files::has_no_locks(&error) => Ok(()),
        locked => locked,
    }
}

/// Makes a directory, and those above it, that only this user can use.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    files::private_directory().recursive(true).create(path)
}

/// Writes `bytes`, durably, to a new private file in the directory of `path`. Returns its name.
pub(crate) fn written_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", random_hex::<8>()));
    let between = path.with_file_name(name);
    let mut file = private(&between)?;
    let written = file.write_all(bytes).and_then(|()| sync(&file));
    written.inspect_err(|_| drop(fs::remove_file(&between)))?;
    Ok(between)
}

/// Makes `bytes` the content of a private file, durably: a reader sees the old content or the new one.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let between = written_beside(path, bytes)?;
    files::rename(&between, path).inspect_err(|_| drop(fs::remove_file(&between)))?;
    sync_dir(parent(path))
}

/// A new file that only its owner can read.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    files::private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}
