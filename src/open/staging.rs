//! Staging files: received content, from the first byte to the final names.
//!
//! A file is written without a name where the file system supports that (`O_TMPFILE`), so that a killed program leaves
//! nothing; elsewhere under a temporary name, which the next run removes. It gets its name only when the whole share
//! was verified and flushed to the disk, in one step that never replaces a file unless that was requested. An album's
//! files are named in a hidden directory, which then becomes the album in one step: the album is complete or absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::durable_fs::{parent, rename_directory_new, rename_new_anywhere, sync, sync_dir};
use crate::open::names::{PathKind, first_free, take_first_free};
use crate::platform::files;
use crate::secret::random_hex;
use crate::state::journal::PlacedFile;

/// Prefix of hidden names, for file systems on which a file needs a name.
const HIDDEN: &str = ".share-";

/// The name and length of one file.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The final path. It is absolute, because later runs may have another working directory.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Whether a file that has this name may be replaced.
    pub replace: bool,
}

/// A file without its final name.
struct Nameless {
    file: File,
    /// The hidden name: that of the file where it needs one, or a temporary name while it replaces another file.
    hidden: PathBuf,
    /// Whether the file has the hidden name now.
    is_hidden: bool,
    target: Target,
}

impl Nameless {
    /// Creates a file without a name. Not every file system and kernel supports this.
    fn create(target: Target, hidden: PathBuf) -> io::Result<Self> {
        let file = files::create_unnamed(parent(&target.path))?;
        Ok(Self { file, hidden, is_hidden: false, target })
    }

    /// Creates a file under its hidden name.
    fn create_hidden(target: Target, hidden: PathBuf) -> io::Result<Self> {
        let file = files::private(OpenOptions::new().read(true).write(true).create_new(true)).open(&hidden)?;
        Ok(Self { file, hidden, is_hidden: true, target })
    }

    /// Gives the file a name, which must be free.
    fn name(&mut self, path: &Path) -> io::Result<()> {
        if self.is_hidden {
            rename_new_anywhere(&self.hidden, path)?;
            self.is_hidden = false;
            return Ok(());
        }
        files::link_unnamed(&self.file, path)
    }

    /// Gives the file its final name, or the next free one.
    fn place(mut self) -> io::Result<PathBuf> {
        let path = self.target.path.clone();
        if self.target.replace {
            if !self.is_hidden {
                let hidden = self.hidden.clone();
                self.name(&hidden)?;
                self.is_hidden = true;
            }
            files::rename(&self.hidden, &path)?;
            self.is_hidden = false;
            return Ok(path);
        }
        take_first_free(&path, PathKind::File, |name| self.name(name))
    }
}

impl Drop for Nameless {
    fn drop(&mut self) {
        if self.is_hidden {
            let _ = fs::remove_file(&self.hidden);
        }
    }
}

fn hidden_name(directory: &Path) -> PathBuf {
    directory.join(format!("{HIDDEN}{}", random_hex::<8>()))
}

/// Removes files and album directories that a killed program left under hidden names. Also removes empty files that
/// reserved a name for one of the `placed` files, on file systems without a better way (see [`rename_new_anywhere`]):
/// the name was free when it was noted, and the file itself is still hidden.
pub(super) fn remove_leftovers(hidden: &[PathBuf], placed: &[PlacedFile]) {
    for placed in placed {
        let is_empty = fs::symlink_metadata(&placed.path).is_ok_and(|data| data.is_file() && data.len() == 0);
        if is_empty && !placed.is_empty() && hidden.iter().any(|hidden| placed.is_at(hidden)) {
            let _ = fs::remove_file(&placed.path);
        }
    }
    for path in hidden {
        let is_ours = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(HIDDEN.as_bytes()));
        match fs::symlink_metadata(path) {
            Ok(data) if data.is_dir() && is_ours => {
                let _ = fs::remove_dir_all(path);
            }
            _ => {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The directory of an album that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Album {
    /// Its path.
    pub path: PathBuf,
    /// The directories in it, by their paths from there, each after the one that it is in.
    pub directories: Vec<PathBuf>,
}

/// The directory of an album: its hidden path now, and its final path.
struct AlbumDirectory {
    hidden: PathBuf,
    album: Album,
}

impl AlbumDirectory {
    fn create(hidden: PathBuf, album: Album) -> io::Result<Self> {
        // Like the files in it, the directory is accessible to its owner only, so nobody else can put a link there. On
        // Windows that holds in the user's profile.
        files::private_directory().create(&hidden)?;
        let created = Self { hidden, album };
        let directories = created.album.directories.iter().map(|path| created.hidden.join(path));
        directories.clone().try_for_each(|path| files::private_directory().create(path)).inspect_err(|_| {
            let _ = fs::remove_dir_all(&created.hidden);
        })?;
        sync_dir(parent(&created.hidden))?;
        Ok(created)
    }

    /// The current path of a file in it.
    fn now(&self, path: &Path) -> PathBuf {
        moved(path, &self.album.path, &self.hidden)
    }

    /// Gives the directory its final name, or the next free one.
    fn place(&self) -> io::Result<PathBuf> {
        for path in self.album.directories.iter().rev() {
            sync_dir(&self.hidden.join(path))?;
        }
        sync_dir(&self.hidden)?;
        let rename = |name: &Path| rename_directory_new(&self.hidden, name);
        let path = take_first_free(&self.album.path, PathKind::Directory, rename)?;
        sync_dir(parent(&path))?;
        Ok(path)
    }
}

/// A path in the directory `from`, after that became `to`.
fn moved(path: &Path, from: &Path, to: &Path) -> PathBuf {
    path.strip_prefix(from).map_or_else(|_| path.to_owned(), |inner| to.join(inner))
}

/// The files of a share while their bytes are written, one after another.
pub struct Staging {
    files: Vec<Nameless>,
    /// The directory of the album that they form.
    album: Option<AlbumDirectory>,
    /// The file that is being written, and the number of its missing bytes.
    current: usize,
    missing: u64,
}

impl Staging {
    /// Hidden names that [`Staging::create`] and [`SyncedStaging::place`] may use, for the run that cleans up after a
    /// kill.
    pub(super) fn hidden_names(targets: &[Target], album: Option<&Album>) -> Vec<PathBuf> {
        let directory = album.map(|album| hidden_name(parent(&album.path)));
        let directory_of = |target: &Target| directory.clone().unwrap_or_else(|| parent(&target.path).to_owned());
        let files = targets.iter().chain(targets.first()).map(|target| hidden_name(&directory_of(target)));
        files.chain(directory.clone()).collect()
    }

    /// Creates a nameless file for each target, in the order of the share's bytes. With `album`, they become the files
    /// of that directory, which must not exist. `hidden` are their hidden names. Checks in advance that files can be
    /// created there, can get names there, and fit on the disk.
    ///
    /// # Errors
    ///
    /// One of these fails, or the album cannot be created.
    pub(super) fn create(targets: Vec<Target>, mut hidden: Vec<PathBuf>, album: Option<Album>) -> io::Result<Self> {
        let total: u64 = targets.iter().map(|target| target.size).sum();
        let mut staging = Self { files: Vec::with_capacity(targets.len()), album: None, current: 0, missing: 0 };
        if let Some(album) = album {
            let hidden = hidden.pop().ok_or(io::ErrorKind::InvalidInput)?;
            staging.album = Some(AlbumDirectory::create(hidden, album)?);
        }
        let now = |target: Target| match &staging.album {
            Some(album) => Target { path: album.now(&target.path), ..target },
            None => target,
        };
        let targets: Vec<Target> = targets.into_iter().map(now).collect();
        let (Some(first), Some(trial)) = (targets.first(), hidden.pop()) else { return Ok(staging) };
        let directory = parent(&first.path).to_owned();
        let probe = |create: fn(Target, PathBuf) -> io::Result<Nameless>| {
            let mut probe = create(first.clone(), hidden.first().cloned().unwrap_or_default())?;
            probe.name(&trial)
        };
        // Files get a hidden name from the beginning if they cannot be created without one, or cannot get one later.
        let create = if probe(Nameless::create).is_ok() { Nameless::create } else { Nameless::create_hidden };
        if !trial.exists() {
            probe(create)?;
        }
        fs::remove_file(&trial)?;
        sync_dir(&directory)?;
        let space = files::free_space(&directory).ok().flatten();
        if space.is_some_and(|space| space.free < total) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        staging.missing = first.size;
        for (target, hidden) in targets.into_iter().zip(hidden) {
            staging.files.push(create(target, hidden)?);
        }
        Ok(staging)
    }

    /// The parent directory of the files, or of the album.
    pub fn directory(&self) -> PathBuf {
        let first = self.files.first().map(|file| file.target.path.as_path());
        let path = self.album.as_ref().map(|album| album.album.path.as_path()).or(first);
        path.map_or_else(PathBuf::new, |path| parent(path).to_owned())
    }

    /// Flushes all files to the disk, and chooses their names if those stay free.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn sync(self) -> io::Result<SyncedStaging> {
        let flush = |file: &Nameless| {
            sync(&file.file)?;
            let path = match &self.album {
                Some(AlbumDirectory { hidden, album }) => moved(&file.target.path, hidden, &album.path),
                None if file.target.replace => file.target.path.clone(),
                None => first_free(&file.target.path, PathKind::File),
            };
            PlacedFile::of(&file.file, path)
        };
        let intended = self.files.iter().map(flush).collect::<io::Result<_>>()?;
        Ok(SyncedStaging { staging: self, intended })
    }
}

/// Files that are durable and have no names yet.
pub struct SyncedStaging {
    staging: Staging,
    intended: Vec<PlacedFile>,
}

impl SyncedStaging {
    /// The files with their intended names: enough to recognize them after a crash before [`SyncedStaging::place`].
    pub fn intended(&self) -> &[PlacedFile] {
        &self.intended
    }

    /// The parent directory of the files, or of the album.
    pub fn directory(&self) -> PathBuf {
        self.staging.directory()
    }

    /// Gives the files their names, durably.
    ///
    /// # Errors
    ///
    /// The disk fails, or too many names are taken.
    pub fn place(self) -> io::Result<SavedFiles> {
        let Self { mut staging, .. } = self;
        let mut placed = Vec::with_capacity(staging.files.len());
        for file in staging.files.drain(..) {
            let handle = file.file.try_clone()?;
            let path = file.place()?;
            if staging.album.is_none() {
                sync_dir(parent(&path))?;
            }
            placed.push(PlacedFile::of(&handle, path)?);
        }
        // Windows renames a directory only while none of its files is open.
        let album = staging.album.as_ref().map(AlbumDirectory::place).transpose()?;
        // The directory has its name, so dropping the staging must not remove it.
        let hidden = staging.album.take().map(|album| album.hidden);
        if let (Some(hidden), Some(album)) = (&hidden, &album) {
            for file in &mut placed {
                file.path = moved(&file.path, hidden, album);
            }
        }
        Ok(SavedFiles { files: placed, album })
    }
}

/// Files with their final names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFiles {
    /// The files.
    pub files: Vec<PlacedFile>,
    /// The directory of the album.
    pub album: Option<PathBuf>,
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.files.clear();
        if let Some(album) = &self.album {
            let _ = fs::remove_dir_all(&album.hidden);
        }
    }
}

impl Write for Staging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while self.missing == 0 && self.current + 1 < self.files.len() {
            self.current += 1;
            self.missing = self.files[self.current].target.size;
        }
        let count = usize::try_from(self.missing).unwrap_or(usize::MAX).min(bytes.len());
        let Some(file) = self.files.get_mut(self.current).filter(|_| count > 0 || bytes.is_empty()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the data is longer than announced"));
        };
        let count = file.file.write(&bytes[..count])?;
        self.missing -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that was killed between the two steps of [`rename_new_anywhere`].
    #[test]
    fn an_empty_file_that_reserved_a_name_is_removed_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let [photo, other, third] = ["photo.jpg", "other.jpg", "third.jpg"].map(|name| directory.path().join(name));
        let target = Target { path: photo.clone(), size: 4, replace: false };
        let mut file = Nameless::create_hidden(target, hidden_name(directory.path())).unwrap();
        file.file.write_all(b"true").unwrap();
        let placed = PlacedFile::of(&file.file, photo.clone()).unwrap();
        fs::write(&photo, "").unwrap();
        fs::write(&other, "").unwrap();
        fs::write(&third, "else").unwrap();
        let elsewhere = PlacedFile::of(&File::open(&third).unwrap(), other.clone()).unwrap();
        remove_leftovers(&[file.hidden.clone()], &[placed, elsewhere]);
        file.is_hidden = false;
        assert!(!photo.exists() && !file.hidden.exists());
        assert!(other.exists(), "nothing hidden belongs there");
    }
}
