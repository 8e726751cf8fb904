//! Opening files and directories without surprises.

use std::fs::{DirEntry, File, Metadata, OpenOptions};
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

/// Opens a file, and never through a symbolic link. On Windows files whose content another service keeps, such as that
/// of a cloud drive, are refused too: they could seem to be empty.
///
/// # Errors
/// That of a symbolic link (`ELOOP`; `InvalidInput` on Windows), and any other error of the file system.
pub fn open_unfollowed(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    side::open_unfollowed(options, path)
}

/// The metadata of a file or directory in a listing. Windows looks at each file: it updates the length and the times in
/// a directory late, for a new link only when that is opened.
///
/// # Errors
/// Any error of the file system, such as `NotFound`.
pub fn entry_data(entry: &DirEntry) -> io::Result<Metadata> {
    side::entry_data(entry)
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
    use std::io::Write;

    use super::*;

    #[test]
    fn a_listing_has_the_length_of_a_file_that_is_still_open_and_has_a_second_name() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
        let mut file = File::create(&one).unwrap();
        std::fs::hard_link(&one, &two).unwrap();
        file.write_all(b"text").unwrap();
        let entries: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
        let lengths: Vec<u64> = entries.iter().map(|entry| entry_data(entry).unwrap().len()).collect();
        assert_eq!(lengths, [4, 4]);
        std::fs::remove_file(&two).unwrap();
        let gone = entries.iter().find(|entry| entry.path() == two).unwrap();
        assert_eq!(entry_data(gone).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        std::fs::write(&file, "text").unwrap();
        let open = |path| open_unfollowed(OpenOptions::new().read(true).write(true), path);
        assert_eq!(open(&file).unwrap().metadata().unwrap().len(), 4);
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        // Windows lets few users make links.
        #[cfg(windows)]
        if std::os::windows::fs::symlink_file(&file, &link).is_err() {
            return;
        }
        assert_ne!(open(&link).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

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
