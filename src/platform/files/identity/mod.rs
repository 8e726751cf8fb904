//! Recognizing a file.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as side;

/// Data that identify a file after a restart. Inode numbers are reused, so they are not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// On Windows the serial number of the volume.
    device: u64,
    /// On Windows the file's index. NTFS does not reuse it; some file systems have none, or a new one after a rename.
    inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Time of the last write: seconds and nanoseconds. A rename does not change it. On Windows the time of creation,
    /// since 1601, because that of the last write may still change when the last handle is closed.
    modified: (i64, i64),
}

impl Identity {
    /// The identity of a file.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn of(file: &File) -> io::Result<Self> {
        let (device, inode, size, modified) = side::marks(file)?;
        Ok(Self { device, inode, size, modified })
    }

    /// Whether it identifies a file. On Windows some file systems give all files the same index.
    pub fn is_of_one_file(&self) -> bool {
        side::is_index(self.inode)
    }
}

/// Whether a path leads to this open file.
///
/// # Errors
/// Any error of the file system for the path, such as `NotFound`. `Unsupported` where files cannot be identified, on
/// some file systems on Windows.
pub fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    side::leads_to(path, file)
}

/// Whether two looks at a path found one file: by its inode, or on Windows by the time of its creation. There, a file
/// that takes the name of one that was deleted less than 15 seconds ago takes its time of creation too.
pub fn is_same(one: &Metadata, other: &Metadata) -> bool {
    side::is_same(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(path: &Path) -> Identity {
        Identity::of(&File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn a_file_keeps_its_identity_when_it_is_renamed_and_loses_it_when_its_length_changes() {
        let directory = tempfile::tempdir().unwrap();
        let [named, renamed] = ["named", "renamed"].map(|name| directory.path().join(name));
        std::fs::write(&named, "before").unwrap();
        let before = identity(&named);
        std::fs::rename(&named, &renamed).unwrap();
        assert_eq!(identity(&renamed), before);
        assert!(before.is_of_one_file());
        std::fs::write(&renamed, "afterwards").unwrap();
        assert_ne!(identity(&renamed), before);
    }

    #[test]
    fn a_path_leads_to_a_file_until_another_one_has_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let [path, other] = ["a", "b"].map(|name| directory.path().join(name));
        std::fs::write(&path, "one").unwrap();
        let file = File::open(&path).unwrap();
        assert!(leads_to(&path, &file).unwrap());
        std::fs::write(&other, "one").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!leads_to(&path, &file).unwrap());
        assert_eq!(leads_to(&other, &file).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// Journals hold identities, and those of other versions are read.
    #[test]
    fn an_identity_is_stored_flat_under_names_that_stay() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Placed {
            path: String,
            #[serde(flatten)]
            identity: Identity,
        }
        let identity = Identity { device: u64::MAX, inode: 2, size: 3, modified: (-4, 5) };
        let placed = Placed { path: "a".to_owned(), identity };
        let text = r#"{"path":"a","device":18446744073709551615,"inode":2,"size":3,"modified":[-4,5]}"#;
        assert_eq!(serde_json::to_string(&placed).unwrap(), text);
        assert_eq!(serde_json::from_str::<Placed>(text).unwrap(), placed);
    }
}
