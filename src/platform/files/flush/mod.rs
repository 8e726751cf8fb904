//! Flushing to the disk.
//!
//! A file is flushed through the drive's own cache too, by `F_FULLFSYNC` on macOS and by `FlushFileBuffers` on Windows,
//! where a pipe is not flushed: that would wait for its reader.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(not(system = "linux"))]
mod directories;
#[cfg(system = "linux")]
mod linux;
#[cfg(system = "linux")]
use linux as side;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "unix")]
use unix as side;
#[cfg(system = "windows")]
mod windows;
#[cfg(system = "windows")]
use windows as side;

/// Flushes the content of a file.
///
/// # Errors
/// An error for which [`super::is_unflushable`] holds if the file system does not offer that; any other error of the
/// disk.
pub fn flush(file: &File) -> io::Result<()> {
    side::flush(file)
}

/// Flushes the content of a file, or the names in a directory.
///
/// # Errors
/// As [`flush`], and `NotFound`.
pub fn flush_at(path: &Path) -> io::Result<()> {
    side::flush_at(path)
}

/// Flushes the names of everything below a directory, which an earlier process may have left unflushed. Linux flushes
/// the whole file system in one step. Other systems flush one directory after another, unless `in_directories` is
/// false because the file system does not offer that.
///
/// # Errors
/// As [`flush_at`].
pub fn flush_below(directory: &Path, in_directories: bool) -> io::Result<()> {
    side::flush_below(directory, in_directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_directories_and_all_below_a_directory_are_flushed() {
        let directory = tempfile::tempdir().unwrap();
        let [inner, file] = ["inner", "inner/file"].map(|name| directory.path().join(name));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(&file, "text").unwrap();
        flush(&File::options().write(true).open(&file).unwrap()).unwrap();
        for path in [&file, &inner] {
            flush_at(path).unwrap();
        }
        flush_below(directory.path(), true).unwrap();
        let gone = flush_at(&directory.path().join("gone")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
