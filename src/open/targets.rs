//! Targets of received files: the sender's names, made safe, distinct and free.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::manifest::{Entry, Manifest};
use crate::open::claim::Destination;
use crate::open::names::{PathKind, first_free};
use crate::open::staging::{Album, SavedFiles, Staging, Target};
use crate::open::tree::{Tree, file_name};
use crate::platform::files;
use crate::safe_text::safe_name;

/// Bytes that are copied at once.
const COPIED: u64 = 1 << 20;

/// The targets of the files of one share.
#[derive(Clone, Debug)]
pub struct Targets {
    files: Vec<Target>,
    /// The directory of an album.
    album: Option<Album>,
}

/// The error of a share that cannot be saved at a path.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A symbolic link, a device, a pipe or a socket, or on Windows a stream of a file.
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
        if let Some(only) = manifest.only_file() {
            let name = file_name(only, only.name().or(manifest.name.as_deref()));
            let path = absolute(&directory.join(name));
            return Self { files: vec![Target { path, size: only.size, replace: false }], album: None };
        }
        let preferred = absolute(&directory.join(safe_name(manifest.name.as_deref(), "album")));
        // An existing directory stays as it is.
        Self::album(manifest, first_free(&preferred, PathKind::Directory))
    }

    /// The files of an album in a directory that does not exist yet.
    fn album(manifest: &Manifest, album: PathBuf) -> Self {
        let Tree { files, directories } = Tree::of(manifest);
        let file =
            |(path, entry): (&PathBuf, &Entry)| Target { path: album.join(path), size: entry.size, replace: false };
        let files = files.iter().zip(&manifest.entries).map(file).collect();
        Self { files, album: Some(Album { path: album, directories }) }
    }

    /// Files at a path that the user specified: in it if it is a directory, otherwise under that name. `replace`: an
    /// existing file may be replaced.
    ///
    /// # Errors
    ///
    /// Something else has this path.
    pub fn at(manifest: &Manifest, path: &Path, replace: bool) -> Result<Self, TargetError> {
        let needs_directory =
            manifest.only_file().is_none() || path.to_string_lossy().ends_with(std::path::is_separator);
        // Symbolic links and devices are never replaced.
        let is_special = fs::symlink_metadata(path).is_ok_and(|data| !data.is_file() && !path.is_dir());
        if is_special || files::is_of_a_stream(path) {
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
        let album = self.album.as_ref().map(|album| album.path.as_path());
        album.or(first).and_then(Path::parent).unwrap_or(Path::new("."))
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
        Staging::hidden_names(&self.files, self.album.as_ref())
    }

    fn prepare(self, hidden: Vec<PathBuf>) -> io::Result<Staging> {
        Staging::create(self.files, hidden, self.album)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::files::Rights;
    use crate::state::journal::PlacedFile;

    fn manifest(names: &[&str]) -> Manifest {
        let path = |name: &str| name.split('|').map(str::to_owned).collect();
        let entry = |name: &&str| Entry { path: path(name), ..Entry::new(None, "text/plain".to_owned(), 3) };
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
        assert_eq!(targets.album.as_ref().unwrap().path, directory.path().join("trip (1)"));
        assert_eq!(targets.directory(), directory.path());
        let [first, second, third] = names(&targets).try_into().unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("a.txt", "a (1).txt"));
        assert!(!third.contains('/'), "{third}");
    }

    #[test]
    fn a_path_with_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let [file, new] = ["file", "new"].map(|name| directory.path().join(name));
        fs::write(&file, "").unwrap();
        let (one, two) = (manifest(&["a"]), manifest(&["a", "b"]));
        assert!(matches!(Targets::at(&two, &file, true), Err(TargetError::NotADirectory)));
        assert!(matches!(Targets::at(&one, &file, false), Err(TargetError::Exists)));
        assert_eq!(names(&Targets::at(&one, &file, true).unwrap()), ["file"]);
        assert_eq!(names(&Targets::at(&one, directory.path(), false).unwrap()), ["a"]);
        assert_eq!(names(&Targets::at(&manifest(&["a|b|c"]), directory.path(), false).unwrap()), ["c"]);
        assert_eq!(Targets::at(&two, &new, false).unwrap().album.unwrap().path, new);
        let stream = directory.path().join("photo.jpg:note");
        let is_special = matches!(Targets::at(&one, &stream, true), Err(TargetError::Special));
        assert_eq!(is_special, files::is_of_a_stream(&stream));
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

    #[test]
    fn an_album_keeps_its_directories() {
        let directory = tempfile::tempdir().unwrap();
        let mut manifest = manifest(&["a|b|one.txt", "a|two.txt"]);
        manifest.directories = vec![vec!["a".to_owned(), "empty".to_owned()], vec!["c".to_owned()]];
        let targets = Targets::within(&manifest, directory.path());
        let hidden = targets.hidden_names();
        let staging = targets.clone().prepare(hidden.clone()).unwrap();
        drop(staging);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "a share that was not received leaves nothing");
        let at = |at: u64| usize::try_from(at).unwrap();
        let saved = targets.save(hidden, |range| Ok(b"onetwo"[at(range.start)..at(range.end)].to_vec())).unwrap();
        let album = directory.path().join("trip");
        assert_eq!(saved.album.as_ref(), Some(&album));
        let paths: Vec<&Path> = saved.files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, [album.join("a/b/one.txt"), album.join("a/two.txt")]);
        assert!(saved.files.iter().all(PlacedFile::is_there));
        assert_eq!(fs::read(album.join("a/b/one.txt")).unwrap(), b"one");
        assert_eq!(fs::read(album.join("a/two.txt")).unwrap(), b"two");
        for path in ["", "a", "a/b", "a/empty", "c"] {
            let rights = Rights::of(&fs::metadata(album.join(path)).unwrap());
            assert!(!rights.admit_group() && !rights.admit_others(), "{path}");
        }
        let rights = Rights::of(&fs::metadata(album.join("a/two.txt")).unwrap());
        assert!(!rights.admit_group() && !rights.admit_others());
        assert_eq!(fs::read_dir(&album).unwrap().count(), 2, "nothing hidden is left");
    }
}
