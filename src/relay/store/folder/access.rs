//! Rights of the files and directories in a folder.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::durable_fs::{parent, sync_dir};
use crate::platform::files;

/// Readers and writers of everything in a folder.
#[derive(Clone, Copy)]
pub(super) enum FolderAccess {
    /// Its owner only.
    Owner,
    /// The folder's own group: people who share it.
    Group,
}

impl FolderAccess {
    /// Opens a file for reading and writing; creates it where it is missing, or fails where it is not if `new`.
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
            // Set again, since the process's mask has taken from it. Another member's file is right already.
            Self::Group if new => files::share_with_group(&file)?,
            Self::Group | Self::Owner => {}
        }
        Ok(file)
    }

    /// Creates a directory and its parents, each of them durable and private.
    pub(super) fn make_dirs(self, path: &Path) -> io::Result<()> {
        // Also of one that is there: perhaps it was made a moment ago. A directory above the store may be one that we
        // can pass through and not read; then it is not ours to flush.
        let durable = || sync_dir(parent(path));
        let create = || files::private_directory().create(path);
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not every file system that has a directory lets one be made in it.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                self.make_dirs(parent.ok_or(error)?)?;
                // Once: below a link that leads nowhere nothing can be made.
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
