//! Opening files and directories without surprises.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::platform::files::errors::not_a_file;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use self::side::open_to_flush;
#[cfg(windows)]
use windows as side;

/// Makes these options fail for a symbolic link. On Windows they open the link itself, which is not a file.
pub fn unfollowed(options: &mut OpenOptions) -> &mut OpenOptions {
    side::unfollowed(options)
}

/// All of a file of up to `longest` bytes. A FIFO or a device is refused, and not waited for.
///
/// # Errors
/// `InvalidInput` for what is no file, `FileTooLarge`, and those of the file system.
pub fn read_short(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let file = side::open_without_waiting(path)?;
    let data = file.metadata()?;
    if data.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !data.is_file() {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too long"));
    }
    Ok(bytes)
}

/// Opens a directory, and nothing else: not the target of a symbolic link either.
///
/// # Errors
/// `NotADirectory`, or any other error of the file system.
pub fn open_directory(path: &Path) -> io::Result<File> {
    side::open_directory(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "text").unwrap();
        assert!(open_directory(directory.path()).unwrap().metadata().unwrap().is_dir());
        assert_eq!(open_directory(&file).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(read_short(&file, 4).unwrap(), b"text");
        assert_eq!(read_short(&file, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_short(directory.path(), 9).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
