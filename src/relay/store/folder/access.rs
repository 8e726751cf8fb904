//! Modes of the files and directories in a folder, and the flush of directories.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::durable_fs::{parent, sync, sync_dir};
use crate::platform::files;
use crate::secret::random_hex;

/// How a folder is used.
#[derive(Clone, Copy)]
pub(super) struct FolderAccess {
    /// Whether its group has access, and not only its owner.
    pub(super) group: bool,
    /// Whether its file system flushes directories.
    pub(super) flushes_directories: bool,
}

impl FolderAccess {
    /// Opens a file for reading and writing, or creates it. Fails for a symbolic link, and with `new` if it exists.
    pub(super) fn open_file(self, path: &Path, new: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        files::private(options.read(true).write(true));
        if new {
            options.create_new(true)
        } else {
            options.create(true).truncate(false)
        };
        let file = files::open_unfollowed(&mut options, path)?;
        // The umask has cleared bits of the mode. The file of another member has the right mode already.
        if self.group && new {
            files::share_with_group(&file)?;
        }
        Ok(file)
    }

    /// Creates a directory and its parents, durable and private.
    pub(super) fn make_dirs(self, path: &Path) -> io::Result<()> {
        self.make_dirs_with(path, &mut |parent| self.sync_dir(parent))
    }

    /// Creates a directory and its parents, private. Passes each directory that has to be flushed to `flush`.
    pub(super) fn make_dirs_with(self, path: &Path, flush: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
        let create = || files::private_directory().create(path);
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Some file systems report `NotFound` for a new directory in an existing one.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                self.make_dirs_with(parent.ok_or(error)?, flush)?;
                // Only once: below a dangling symbolic link this would fail forever.
                create()
            }
            created => created,
        };
        match created {
            Ok(()) if self.group => files::share_directory_with_group(path)?,
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // Also for an existing directory, which may be new. A directory above the store may be unreadable for this
        // process; then it is not flushed.
        flush(parent(path))
    }

    /// Flushes a directory, if the file system offers that.
    pub(super) fn sync_dir(self, path: &Path) -> io::Result<()> {
        if self.flushes_directories { sync_dir(path) } else { Ok(()) }
    }
}

/// Whether the file system of the store `root` flushes directories. Some answer each such request with an error of the
/// disk: it counts as that unless a new directory in `staging` shows it too, while a new file can be flushed. The
/// result is for this store alone.
///
/// # Errors
/// Any error of the disk.
pub(super) fn flushes_directories(root: &Path, staging: &Path) -> io::Result<bool> {
    match sync_dir(root) {
        Err(error) if files::is_disk_error(&error) => match sync_new_directory(staging) {
            Err(refused) if files::is_disk_error(&refused) => Ok(false),
            Err(other) => Err(other),
            Ok(Ok(())) => Err(error),
            Ok(Err(of_file)) => Err(of_file),
        },
        synced => synced.map(|()| true),
    }
}

/// Flushes a new directory in `staging`, after a new file in it. The inner result is that of the file and of
/// everything else.
fn sync_new_directory(staging: &Path) -> io::Result<io::Result<()>> {
    let directory = staging.join(random_hex::<16>());
    let path = directory.join("file");
    let written = files::private_directory().create(&directory).and_then(|()| {
        let mut file = files::private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        file.write_all(b"share\n")?;
        sync(&file)
    });
    let synced = match written {
        Ok(()) => sync_dir(&directory).map(Ok),
        Err(error) => Ok(Err(error)),
    };
    let _ = std::fs::remove_file(&path);
    let _ = std::fs::remove_dir(&directory);
    synced
}
