//! Files without a name, and paths that lead to an open file or directory: on Linux only.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(not(system = "linux"))]
mod elsewhere;
#[cfg(not(system = "linux"))]
use elsewhere as side;
#[cfg(system = "linux")]
mod linux;
#[cfg(system = "linux")]
pub(in crate::platform) use self::side::descriptor_path;
#[cfg(system = "linux")]
use linux as side;

/// Whether this system has paths that lead to open directories, for [`lasting_path`].
pub const HAS_LASTING_PATHS: bool = cfg!(system = "linux");

/// Creates a file without a name (`O_TMPFILE`), private to its owner. It vanishes on close unless [`link_unnamed`] gave
/// it a name.
///
/// # Errors
/// Any error of the file system; not every system, file system and kernel has such files.
pub fn create_unnamed(directory: &Path) -> io::Result<File> {
    side::create_unnamed(directory)
}

/// Gives a file from [`create_unnamed`] its name, which must be free.
///
/// # Errors
/// `AlreadyExists` when the name is taken; any other error of the file system.
pub fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    side::link_unnamed(file, path)
}

/// A path that leads to an open directory whatever happens to its names. `None` if this system has no such paths.
pub fn lasting_path(directory: &File) -> Option<PathBuf> {
    side::lasting_path(directory)
}
