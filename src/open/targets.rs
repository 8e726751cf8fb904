//! Targets of received files: the sender's names, made safe, distinct and free.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;
use crate::media;
use crate::open::claim::Destination;
use crate::open::names::{PathKind, first_free, numbered};
use crate::open::staging::{SavedFiles, Staging, Target};
use crate::safe_text::safe_name;

/// Bytes that are copied at once.
const COPIED: u64 = 1 << 20;

/// The targets of the files of one share.
#[derive(Clone, Debug)]
pub struct Targets {
    files: Vec<Target>,
    /// The directory for the files of an album.
    album: Option<PathBuf>,
}

/// The error of a share that cannot be saved at a path.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A symbolic link, a device, a pipe or a socket.
    #[error("not a regular file")]
    Special,
    /// A file in place of a directory.
    #[error("not a directory")]
    NotADirectory,
    /// A file that may not be replaced.
    #[error("already exists")]
    Exists,
    /// The path cannot be read.
    #[error(transparent)]
    Path(io::Error),
}

/// An absolute path, so that a later run in another directory finds the same file.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Targets {
    /// Files under the sender's names in `directory`: one file, or the new directory of an album.
    pub fn within(manifest: &Manifest, directory: &Path) -> Self {
        if manifest.entries.len() == 1 {
            return Self { files: files(manifest, directory), album: None };
        }
        let preferred = absolute(&directory.join(safe_name(manifest.name.as_deref(), "album")));
        // An existing directory stays as it is.
        Self::album(manifest, first_free(&preferred, PathKind::Directory))
    }

    /// The files of an album in a directory that does not exist yet.
    fn album(manifest: &Manifest, album: PathBuf) -> Self {
        Self { files: files(manifest, &album), album: Some(album) }
    }

    /// Files at a path that the user specified: in it if it is a directory, otherwise under that name. `replace`: an
    /// existing file may be replaced.
    ///
    /// # Errors
    ///
    /// Something else has this path.
    pub fn at(manifest: &Manifest, path: &Path, replace: bool) -> Result<Self, TargetError> {
        let needs_directory = manifest.entries.len() > 1 || path.to_string_lossy().ends_with('/');
        // Symbolic links and devices are never replaced.
        if fs::symlink_metadata(path).is_ok_and(|data| !data.is_file() && !path.is_dir()) {
            return Err(TargetError::Special);
        }
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => Ok(Self::within(manifest, path)),
            Ok(_) if needs_directory => Err(TargetError::NotADirectory),
            Ok(_) if !replace => Err(TargetError::Exists),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(TargetError::Path(error)),
            Err(_) if needs_directory => Ok(Self::album(manifest, absolute(path))),
            Ok(_) | Err(_) => {
                let target = Target { path: absolute(path), size: manifest.total_size(), replace };
                Ok(Self { files: vec![target], album: None })
            }
        }
    }

    /// The parent directory of the files, or of the album.
    pub fn directory(&self) -> &Path {
        let first = self.files.first().map(|target| target.path.as_path());
        self.album.as_deref().or(first).and_then(Path::parent).unwrap_or(Path::new("."))
    }

    /// Saves bytes that are already on this device: `read` returns ranges of the concatenated files. `hidden` are names
    /// that may be used meanwhile.
    ///
    /// # Errors
    ///
    /// The bytes cannot be read or written.
    pub fn save<B: AsRef<[u8]>>(
        self,
        hidden: Vec<PathBuf>,
        read: impl Fn(Range<u64>) -> io::Result<B>,
    ) -> io::Result<SavedFiles> {
        let total: u64 = self.files.iter().map(|target| target.size).sum();
        let mut staging = self.prepare(hidden)?;
        let mut at = 0;
        while at < total {
            let piece = read(at..total.min(at + COPIED))?;
            staging.write_all(piece.as_ref())?;
            at += piece.as_ref().len() as u64;
        }
        staging.sync()?.place()
    }
}

impl Destination for Targets {
    type Sink = Staging;

    fn hidden_names(&self) -> Vec<PathBuf> {
        Staging::hidden_names(&self.files, self.album.as_deref())
    }

    fn prepare(self, hidden: Vec<PathBuf>) -> io::Result<Staging> {
        Staging::create(self.files, hidden, self.album)
    }
}

/// The files of a share in one directory, with distinct names.
fn files(manifest: &Manifest, directory: &Path) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::with_capacity(manifest.entries.len());
    let (mut taken, mut numbers) = (HashSet::new(), HashMap::<PathBuf, u32>::new());
    for entry in &manifest.entries {
        let given = entry.name.as_deref().or(manifest.name.as_deref().filter(|_| manifest.entries.len() == 1));
        let path = absolute(&directory.join(safe_name(given, media::default_name(&entry.r#type))));
        let mut free = path.clone();
        while !taken.insert(free.clone()) {
            let number = numbers.entry(path.clone()).or_default();
            *number += 1;
            free = numbered(&path, *number, PathKind::File);
        }
        targets.push(Target { path: free, size: entry.size, replace: false });
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Entry;

    fn manifest(names: &[&str]) -> Manifest {
        let entry = |name: &&str| Entry { name: Some((*name).to_owned()), r#type: "text/plain".to_owned(), size: 3 };
        Manifest::new(Some("trip".to_owned()), names.iter().map(entry).collect(), 300, false, "2026-11-22".to_owned())
    }

    fn names(targets: &Targets) -> Vec<String> {
        let name = |target: &Target| target.path.file_name().unwrap().to_string_lossy().into_owned();
        targets.files.iter().map(name).collect()
    }

    #[test]
    fn an_album_gets_a_free_directory_and_distinct_names() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("trip")).unwrap();
        let targets = Targets::within(&manifest(&["a.txt", "a.txt", "../b.txt"]), directory.path());
        assert_eq!(targets.album, Some(directory.path().join("trip (1)")));
        assert_eq!(targets.directory(), directory.path());
        let [first, second, third] = names(&targets).try_into().unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("a.txt", "a (1).txt"));
        assert!(!third.contains('/'), "{third}");
    }

    #[test]
    fn a_path_with_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let [file, pipe, new] = ["file", "link", "new"].map(|name| directory.path().join(name));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("/dev/null", &pipe).unwrap();
        let (one, two) = (manifest(&["a"]), manifest(&["a", "b"]));
        assert!(matches!(Targets::at(&one, &pipe, true), Err(TargetError::Special)));
        assert!(matches!(Targets::at(&two, &file, true), Err(TargetError::NotADirectory)));
        assert!(matches!(Targets::at(&one, &file, false), Err(TargetError::Exists)));
        assert_eq!(names(&Targets::at(&one, &file, true).unwrap()), ["file"]);
        assert_eq!(names(&Targets::at(&one, directory.path(), false).unwrap()), ["a"]);
        assert_eq!(Targets::at(&two, &new, false).unwrap().album, Some(new));
    }

    #[test]
    fn bytes_on_this_device_are_saved_file_by_file() {
        let directory = tempfile::tempdir().unwrap();
        let targets = Targets::within(&manifest(&["a.txt", "b.txt"]), directory.path());
        let hidden = targets.hidden_names();
        let at = |at: u64| usize::try_from(at).unwrap();
        let read = |range: Range<u64>| Ok(b"onetwo"[at(range.start)..at(range.end)].to_vec());
        let saved = targets.save(hidden, read).unwrap();
        let album = saved.album.unwrap();
        assert_eq!(fs::read(album.join("a.txt")).unwrap(), b"one");
        assert_eq!(fs::read(album.join("b.txt")).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing hidden is left");
    }
}
