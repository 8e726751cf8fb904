//! Names for received files and albums: the sender's name, or else the next free one.

use std::io;
use std::path::{Path, PathBuf};

/// Names that are tried for one file.
const NUMBERS: u32 = 10_000;

/// A file, in whose name the number stands before the extension, or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathKind {
    File,
    Directory,
}

/// `photo.jpg` → `photo (1).jpg`, but `trip.old` → `trip.old (1)` if that is a directory.
pub(super) fn numbered(path: &Path, number: u32, kind: PathKind) -> PathBuf {
    let extension = path.extension().filter(|_| kind == PathKind::File);
    let stem = if kind == PathKind::File { path.file_stem() } else { path.file_name() };
    let extension = extension.map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{} ({number}){extension}", stem.unwrap_or_default().to_string_lossy()))
}

/// The candidate names, in the order in which they are tried.
fn names(path: &Path, kind: PathKind) -> impl Iterator<Item = PathBuf> {
    (0..NUMBERS).map(move |number| if number == 0 { path.to_owned() } else { numbered(path, number, kind) })
}

/// The first name that is free now.
pub(super) fn first_free(path: &Path, kind: PathKind) -> PathBuf {
    names(path, kind).find(|name| name.symlink_metadata().is_err()).unwrap_or_else(|| path.to_owned())
}

/// Takes the first name for which `take` does not fail with `AlreadyExists`.
pub(super) fn take_first_free(
    path: &Path,
    kind: PathKind,
    mut take: impl FnMut(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    for name in names(path, kind) {
        match take(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            taken => return taken.map(|()| name),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_extension_of_a_file_and_behind_the_name_of_a_directory() {
        let number = |name: &str, kind| numbered(Path::new(name), 2, kind).to_string_lossy().into_owned();
        for (name, file, directory) in [
            ("a/photo.jpg", "a/photo (2).jpg", "a/photo.jpg (2)"),
            ("photo", "photo (2)", "photo (2)"),
            ("a.tar.gz", "a.tar (2).gz", "a.tar.gz (2)"),
            (".hidden", ".hidden (2)", ".hidden (2)"),
        ] {
            assert_eq!(
                (number(name, PathKind::File), number(name, PathKind::Directory)),
                (file.into(), directory.into())
            );
        }
    }

    #[test]
    fn the_first_name_that_is_free_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["a.txt", "a (1).txt"] {
            std::fs::write(path(name), "").unwrap();
        }
        assert_eq!(first_free(&path("a.txt"), PathKind::File), path("a (2).txt"));
        let take = |name: &Path| std::fs::File::create_new(name).map(drop);
        assert_eq!(take_first_free(&path("a.txt"), PathKind::File, take).unwrap(), path("a (2).txt"));
        assert_eq!(take_first_free(&path("a.txt"), PathKind::File, take).unwrap(), path("a (3).txt"));
        let refuse = |_: &Path| Err(io::ErrorKind::PermissionDenied.into());
        let refused = take_first_free(&path("a.txt"), PathKind::File, refuse).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
