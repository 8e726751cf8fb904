//! Errors of opening a folder.

use std::io;
use std::path::PathBuf;

/// Errors of opening a folder as a store.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another relay uses it.
    #[error("another relay is using {0}")]
    InUse(PathBuf),
    /// Its file system has no locks, so another relay could not be detected.
    #[error("files in {0} cannot be locked, so a second relay would not be detected")]
    Unlockable(PathBuf, #[source] io::Error),
    /// A store lies in it, and users without a right to that have access.
    #[error("{0} can be read by other users of this machine")]
    Exposed(PathBuf),
    /// The private directory belongs to another user.
    #[error("{0} belongs to another user")]
    NotOurs(PathBuf),
    /// The private directory is a symbolic link.
    #[error("{0} is a symbolic link")]
    Link(PathBuf),
    /// The private directory is the folder of a group, which has an address of its own.
    #[error("{0} is the folder of a group")]
    OfGroup(PathBuf),
    /// Other users may change what is in it, and the file system does not let us change that.
    #[error("other users of this machine can change files in {0}, and its file system has no modes to prevent that")]
    Writable(PathBuf),
    /// It lacks the setgid bit, so members of its group could not read each other's files.
    #[error("new files in {0} do not inherit its group")]
    Ungrouped(PathBuf),
    /// It cannot be created or read.
    #[error("{0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
}
