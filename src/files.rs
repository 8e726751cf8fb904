//! What the standard library lacks for files that must not be lost. What is particular to Linux stands here.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

/// Renames a file unless there is one of the new name already: then the error is of the kind `AlreadyExists`. On file
/// systems that cannot do that in one step, a second link is made and the first removed.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        result => result.map_err(io::Error::from),
    }
}

/// Renames a directory unless there is something of the new name already. On file systems that cannot do that in one step,
/// an empty directory takes the name first, and is then replaced.
pub fn rename_directory_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::create_dir(to)?;
            fs::rename(from, to)
        }
        result => result.map_err(io::Error::from),
    }
}

/// The directory that a path lies in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes what was created, renamed or removed in a directory durable.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
