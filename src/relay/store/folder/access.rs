//! Modes of the files and directories in a folder.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::durable_fs::{parent, sync_dir};
use crate::platform::files;

/// Users with access to a folder.
#[derive(Clone, Copy)]
pub(super) enum FolderAccess {
    /// Only its owner.
    Owner,
    /// Its group.
    Group,
}

impl FolderAccess {
    /// Opens a file for reading and writing, or creates it. With `new`, fails if it exists.
    pub(super) fn open_file(self, path: &Path, new: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        files::private(options.read(true).write(true));
        if new {
            options.create_new(true)
        } else {
            options.create(true).truncate(false)
        };
        let file = options.open(path)?;
        match self {
            // The umask has cleared bits of the mode. The file of another member has the right mode already.
            Self::Group if new => files::share_with_group(&file)?,
            Self::Group | Self::Owner => {}
        }
        Ok(file)
    }

    /// Creates a directory and its parents, durable and private.
    pub(super) fn make_dirs(self, path: &Path) -> io::Result<()> {
        // Also for an existing directory, which may be new. A directory above the store may be unreadable for this
        // process; then it is not flushed.
        let durable = || sync_dir(parent(path));
        let create = || files::private_directory().create(path);
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Some file systems report `NotFound` for a new directory in an existing one.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                self.make_dirs(parent.ok_or(error)?)?;
                // Only once: below a dangling symbolic link this would fail forever.
                create()
            }
            created => created,
        };
        match created {
            Ok(()) => {
                if let Self::Group = self {
                    files::share_directory_with_group(path)?;
                }
                durable()
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => durable(),
            Err(error) => Err(error),
        }
    }
}
