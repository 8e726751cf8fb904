//! Errors of opening a folder.

use std::io;
use std::path::PathBuf;

use crate::platform::files::HAS_LASTING_PATHS;

/// Why other users could replace a directory.
const UNPREVENTED: &str = if HAS_LASTING_PATHS {
    "the proc file system is missing, which would prevent that"
} else {
    "this system has no way to prevent that"
};

/// Errors of opening a folder as a store.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another relay uses it.
    #[error("another relay is using {0}")]
    InUse(PathBuf),
    /// Its file system has no locks, so another relay could not be detected.
    #[error("files in {0} cannot be locked, so a second relay would not be detected")]
    Unlockable(PathBuf, #[source] io::Error),
    /// Other users can enter it, and a store lies there that a new one in the private directory would hide.
    #[error(
        "other users can enter {}, where a store lies ({}): a new one in {} would hide it",
        given.display(), found.display(), inside.display()
    )]
    Exposed {
        /// The directory that was given.
        given: PathBuf,
        /// A file or directory of the store.
        found: PathBuf,
        /// The private directory, which does not exist.
        inside: PathBuf,
    },
    /// A store seems to lie in it, and another one in the private directory.
    #[error("{} belongs to one store, and {} to another", found.display(), inside.display())]
    Two {
        /// A file or directory of the first.
        found: PathBuf,
        /// The private directory.
        inside: PathBuf,
    },
    /// The private directory, or something at its top, belongs to another user.
    #[error("{0} belongs to another user")]
    NotOurs(PathBuf),
    /// The private directory, or something at the top of a store, is a symbolic link.
    #[error("{0} is a symbolic link")]
    Link(PathBuf),
    /// Other users may write to the private directory, which is not empty.
    #[error("other users of this machine can change files in {0}, and may have done so")]
    Planted(PathBuf),
    /// Other users may replace the private directory, and this system has no path that would not follow.
    #[error("other users of this machine can replace {0}, and {UNPREVENTED}")]
    Replaceable(PathBuf),
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
