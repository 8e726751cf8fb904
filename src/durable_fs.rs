//! Files that must not be lost, on file systems that lack something.
//!
//! Some file systems refuse hard links (Android, exFAT, many in user space), a rename that never replaces, locks, or to
//! flush a directory (AFS, shared folders of virtual machines, some network drives). Everything here takes the best way
//! that the file system offers. A refusal is not a failure: an error of the disk (`EIO`, `ENOSPC`) stays an error.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::platform::files;

/// Renames a file unless there is one of the new name already: then the error is of the kind `AlreadyExists`. If the
/// file system cannot do that in one step, a second link is made and the first removed: the new name never leads to
/// anything but the whole file. If it refuses both, the error is of the kind `Unsupported`.
///
/// # Errors
/// `AlreadyExists`, `Unsupported`, or any other error of the file system.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match files::rename_new(from, to) {
        Err(error) if files::is_refusal(&error) => match files::link(from, to) {
            Err(error) if files::is_refusal(&error) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this file system has neither hard links nor a rename that never replaces",
            )),
            linked => linked.and_then(|()| fs::remove_file(from)),
        },
        result => result,
    }
}

/// Like [`rename_new`], on every file system. If neither way is there, an empty file takes the new name first, unless
/// that is taken, and is then replaced. A file that exists is still never replaced, and no part of `from` is ever under
/// the new name; but a program that is killed in between leaves the empty file, and what another program writes into
/// the empty file in that moment is lost.
///
/// # Errors
/// `AlreadyExists`, or any other error of the file system.
pub fn rename_new_anywhere(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            OpenOptions::new().write(true).create_new(true).open(to)?;
            fs::rename(from, to).inspect_err(|_| drop(fs::remove_file(to)))
        }
        result => result,
    }
}

/// Renames a directory unless there is something of the new name already. On file systems that cannot do that in one
/// step, an empty directory takes the name first, and is then replaced.
///
/// # Errors
/// `AlreadyExists`, or any other error of the file system.
pub fn rename_directory_new(from: &Path, to: &Path) -> io::Result<()> {
    match files::rename_new(from, to) {
        Err(error) if files::is_refusal(&error) => {
            fs::create_dir(to)?;
            fs::rename(from, to).inspect_err(|_| drop(fs::remove_dir(to)))
        }
        result => result,
    }
}

/// The directory that a path lies in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the content of a file durable, as far as its file system lets us.
///
/// # Errors
/// Any error of the disk.
pub fn sync(file: &File) -> io::Result<()> {
    unless_refused(file.sync_all())
}

/// Makes what was created, renamed or removed in a directory durable, as far as its file system lets us. A directory
/// that we can write to and not read cannot be flushed either.
///
/// # Errors
/// Any error of the disk; `NotFound` when the directory is gone.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    unless_refused(File::open(path).and_then(|directory| directory.sync_all()))
}

/// Makes everything durable that was written to the file system of a file, as far as it lets us.
///
/// # Errors
/// Any error of the disk.
pub fn sync_file_system(file: &File) -> io::Result<()> {
    unless_refused(files::sync_file_system(file))
}

/// Takes a flush that the file system does not offer for done.
fn unless_refused(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error) if files::is_unflushable(&error) => Ok(()),
        synced => synced,
    }
}

/// Locks a file against other programs that do. Returns whether it is locked: `None` where the file system has no
/// locks, so that nobody can be kept out.
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

/// Waits until a file is locked, or returns at once where the file system has no locks.
///
/// # Errors
/// Any error of the file system, except a lack of locks.
pub fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if files::has_no_locks(&error) => Ok(()),
        locked => locked,
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_refusal_to_flush_is_none_of_the_disks_errors() {
        let failed = |errno: Errno| unless_refused(Err(errno.into()));
        for refused in [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::BADF, Errno::ACCESS, Errno::ROFS] {
            assert!(failed(refused).is_ok(), "{refused}");
        }
        for real in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::NOENT] {
            assert!(failed(real).is_err(), "{real}");
        }
    }
}
