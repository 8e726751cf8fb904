//! Names of files: taking one that is free, and which of them are the same.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

#[cfg(any(windows, test))]
mod busy;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as side;

/// Whether names that differ only in case or in the composition of characters usually refer to one file: on macOS and
/// Windows. The BSDs count among them, because a directory there may be one of a USB stick or of Windows.
const FOLDS: bool = !cfg!(system = "linux");

/// Renames a file or directory unless the new name is taken. Linux and macOS do that in one step; Windows gives a file
/// a second link, and removes the first. While another program has the file open, Windows tries again for five seconds.
///
/// # Errors
/// `AlreadyExists` when the new name is taken; an error for which [`super::is_refusal`] holds when the system or the
/// file system cannot rename like that; any other error of the file system.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    side::rename_new(from, to)
}

/// Renames a file or directory, and replaces a file that has the new name. While another program has one of them open,
/// Windows tries again for five seconds.
///
/// # Errors
/// Any error of the file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    side::rename(from, to)
}

/// Whether a path names a stream of a file, and not a file (`photo.jpg:note`): on Windows only.
pub fn is_of_a_stream(path: &Path) -> bool {
    path.file_name().is_some_and(side::is_of_a_stream)
}

/// A path that is the same for all names of one file on this system. On Linux it is the path itself.
pub fn folded(path: &Path) -> Cow<'_, Path> {
    if FOLDS { Cow::Owned(caseless(path)) } else { Cow::Borrowed(path) }
}

/// A path without differences in case, or in the composition of characters. Characters with several small letters, such
/// as ß and ſ, are unified too.
fn caseless(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let lower = text.nfd().flat_map(char::to_lowercase);
    PathBuf::from(lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_name_that_is_taken_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (name, text) in [("one", "1"), ("two", "2")] {
            fs::write(path(name), text).unwrap();
        }
        for name in ["directory", "full"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("full/file"), "").unwrap();
        for (from, to) in [("one", "two"), ("one", "directory"), ("full", "directory"), ("full", "two")] {
            match rename_new(&path(from), &path(to)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if cfg!(not(any(target_vendor = "apple", target_os = "linux", windows))) => {
                    return assert!(crate::platform::files::is_refusal(&error));
                }
                renamed => panic!("{from} → {to}: {renamed:?}"),
            }
            assert!(path(from).exists() && path(to).exists());
        }
        assert_eq!(fs::read_to_string(path("two")).unwrap(), "2");
        rename_new(&path("one"), &path("three")).unwrap();
        rename_new(&path("full"), &path("moved")).unwrap();
        assert!(!path("one").exists() && path("three").exists() && path("moved/file").exists());
    }

    #[test]
    fn a_rename_replaces_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
        for path in [&one, &two] {
            fs::write(path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        rename(&one, &two).unwrap();
        assert_eq!((fs::read(&two).unwrap(), one.exists()), (b"one".to_vec(), false));
    }

    #[test]
    fn streams_of_a_file_are_named_on_windows_only() {
        assert_eq!(is_of_a_stream(Path::new("a/photo.jpg:note")), cfg!(windows));
        assert!(!is_of_a_stream(Path::new("C:/photo.jpg")) && !is_of_a_stream(Path::new("..")));
    }

    #[test]
    fn names_that_macos_and_windows_take_for_one_are_one() {
        let same = |one: &str, other: &str| caseless(Path::new(one)) == caseless(Path::new(other));
        for (one, other) in
            [("A/b.TXT", "a/B.txt"), ("é", "e\u{301}"), ("É", "e\u{301}"), ("STRASSE", "straße"), ("ẞ", "ß")]
        {
            assert!(same(one, other), "{one} {other}");
        }
        assert!(!same("a", "b") && !same("e", "é") && !same("a/b", "ab"));
    }
}
