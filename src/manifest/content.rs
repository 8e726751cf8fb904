//! The content of a manifest.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::blob::padded_len;

/// The longest manifest, padded, in bytes.
pub const MAX_LEN: usize = 1 << 20;
/// The longest manifest of version 1, padded, in bytes.
pub const MAX_LEN_V1: usize = 65_536;
/// The longest name of a sender, in characters.
pub const MAX_FROM: usize = 80;
/// The longest note, in characters.
pub const MAX_NOTE: usize = 280;

/// The content of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The sender's name for all files together; a single file's name is in its entry.
    pub name: Option<String>,
    /// The sender, in their own words. At most [`MAX_FROM`] characters, not blank.
    pub from: Option<String>,
    /// A word with it from the sender. At most [`MAX_NOTE`] characters, not blank.
    pub note: Option<String>,
    /// The files, in the order of their bytes. At least one.
    pub entries: Vec<Entry>,
    /// The empty directories, as paths. Those with something in them are in the paths of that.
    pub directories: Vec<Vec<String>>,
    /// Length of the age file at the beginning of the blob, in bytes.
    pub age_len: u64,
    /// Length of the blob with its padding, in bytes.
    pub blob_len: u64,
    /// The sender asks that it be shown and not saved.
    pub view_only: bool,
    /// The day on which it was encrypted, UTC: `YYYY-MM-DD`.
    pub created: String,
}

/// One file of a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its directories and its name. Empty: it has no name. Never use a component as it is: see
    /// [`crate::safe_text::safe_name`].
    pub path: Vec<String>,
    /// Media type that the sender found, without parameters and in lower case once it was read. A type that breaks this
    /// rule is read as `application/octet-stream`.
    pub r#type: String,
    /// Length in bytes.
    pub size: u64,
    /// Whether the sender's file is a program.
    pub executable: bool,
}

impl Entry {
    /// An ordinary file that is in no directory.
    pub fn new(name: Option<String>, r#type: String, size: u64) -> Self {
        Self { path: name.into_iter().collect(), r#type, size, executable: false }
    }

    /// The sender's name for it, without its directories.
    pub fn name(&self) -> Option<&str> {
        self.path.last().map(String::as_str)
    }
}

/// Errors of writing and reading a manifest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    /// Too many files or too long names.
    #[error("the names of these files are too long for one share")]
    TooLong,
    /// Not the canonical JSON of a manifest.
    #[error("the share's manifest is malformed")]
    NotCanonical,
    /// Made by a newer version.
    #[error("the share was made by a newer version of share")]
    TooNew,
    /// Names that cannot be those of files and directories in one tree.
    #[error("the share's file names contradict each other")]
    Paths,
    /// The lengths in it contradict each other, or what the relay holds.
    #[error("the share's manifest is inconsistent")]
    Contradiction,
}

impl Manifest {
    /// A manifest of files without a word from the sender.
    pub fn new(name: Option<String>, entries: Vec<Entry>, age_len: u64, view_only: bool, created: String) -> Self {
        let (from, note, directories, blob_len) = (None, None, Vec::new(), padded_len(age_len));
        Self { name, from, note, entries, directories, age_len, blob_len, view_only, created }
    }

    /// The bytes of file `number` among those of all files together. `None` where there is no such file.
    pub fn range_of(&self, number: usize) -> Option<Range<u64>> {
        let size = self.entries.get(number)?.size;
        let start = self.entries[..number].iter().map(|entry| entry.size).sum::<u64>();
        Some(start..start + size)
    }

    /// The file of a share that is one file and nothing else.
    pub fn only_file(&self) -> Option<&Entry> {
        self.entries.first().filter(|_| self.entries.len() == 1 && self.directories.is_empty())
    }

    /// Bytes of all files together.
    pub fn total_size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_each_other_without_gaps() {
        let sizes = [3, 0, 5];
        let entries = sizes.map(|size| Entry::new(None, "text/plain".into(), size)).to_vec();
        let manifest = Manifest::new(None, entries, 300, false, "2026-11-22".into());
        let ranges: Vec<_> = (0..4).map(|number| manifest.range_of(number)).collect();
        assert_eq!(ranges, [Some(0..3), Some(3..3), Some(3..8), None]);
        assert_eq!(manifest.total_size(), 8);
    }
}
