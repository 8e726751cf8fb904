//! Staging files: objects that do not have their names yet.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::durable_fs::{parent, rename_new, sync};
use crate::platform::files;
use crate::relay::store::Created;
use crate::relay::store::folder::access::FolderAccess;
use crate::secret::random_hex;

/// A staging file. It is removed on drop unless it became an object.
pub(super) struct Staged {
    pub(super) file: File,
    path: PathBuf,
    access: FolderAccess,
    kept: bool,
}

impl Staged {
    /// A new file in the directory `staging`.
    pub(super) fn new(staging: &Path, access: FolderAccess) -> io::Result<Self> {
        let path = staging.join(random_hex::<16>());
        Ok(Self { file: access.open_file(&path, true)?, path, access, kept: false })
    }

    /// Renames the file to `target` unless that exists. Either way the object at `target` is durable then.
    pub(super) fn keep(mut self, target: &Path) -> io::Result<Created> {
        sync(&self.file)?;
        let directory = parent(target);
        let mut moved = rename_new(&self.path, target);
        // Another program may remove an empty directory between our creation of it and the rename.
        for _ in 0..20 {
            if !moved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            match self.access.make_dirs(directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => made?,
            }
            moved = rename_new(&self.path, target);
        }
        let creation = match moved {
            Ok(()) => {
                self.kept = true;
                Created::New
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Created::Exists,
            Err(error) => return Err(error),
        };
        // Also for an object that another program has just created, which may not be durable yet.
        match self.access.sync_dir(directory) {
            // Another program has deleted the object and its directory.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(creation),
            synced => synced.map(|()| creation),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a name is that of a staging file.
fn is_staged(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Removes staging files older than `older`, or all if that is zero.
pub(super) fn remove_staged(directory: &Path, older: Duration) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Files with other names are not ours.
        let is_ours = entry.file_name().to_str().is_some_and(is_staged) && entry.file_type()?.is_file();
        if !is_ours {
            continue;
        }
        let age = files::entry_data(&entry).and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if older.is_zero() || age.is_some_and(|age| age > older) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}
