//! The manifest: the names, types and sizes of a share's files, readable only with the link.
//!
//! A manifest is canonical JSON, padded with spaces, inside an age file of its own. It is read before anything is
//! claimed, so a damaged manifest costs no recipient their one opening. Names come from a stranger: see
//! [`crate::safe_text`].

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::blob::padded_len;

/// Manifests are padded to a multiple of this many bytes, so that their size reveals little about names.
const PADDING: usize = 2048;
/// The longest manifest, padded, in bytes.
pub const MAX_LEN: usize = 65_536;

/// The longest type of an entry, in bytes.
const MAX_TYPE: usize = 127;
/// The type of a file of no known type.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The content of a manifest, in the order of its fields on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    v: u8,
    /// The sender's name for all files together; a single file's name is in its entry.
    pub name: Option<String>,
    /// The files, in the order of their bytes.
    pub entries: Vec<Entry>,
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
    /// The sender's name for it. Never use it as a path: see [`crate::safe_text::safe_name`].
    pub name: Option<String>,
    /// Media type that the sender found, without parameters. A type that breaks this rule is read as
    /// `application/octet-stream`.
    pub r#type: String,
    /// Length in bytes.
    pub size: u64,
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
    /// The lengths in it contradict each other, or what the relay holds.
    #[error("the share's manifest is inconsistent")]
    Contradiction,
}

impl Manifest {
    /// A manifest of version 1.
    pub fn new(name: Option<String>, entries: Vec<Entry>, age_len: u64, view_only: bool, created: String) -> Self {
        Self { v: 1, name, entries, age_len, blob_len: padded_len(age_len), view_only, created }
    }

    /// The bytes that are encrypted: canonical JSON and spaces.
    ///
    /// # Errors
    /// [`ManifestError::TooLong`] above [`MAX_LEN`] bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| ManifestError::NotCanonical)?;
        bytes.resize(bytes.len().next_multiple_of(PADDING), b' ');
        if bytes.len() > MAX_LEN { Err(ManifestError::TooLong) } else { Ok(bytes) }
    }

    /// Reads what [`Manifest::to_bytes`] wrote, and nothing else: no other order, no duplicate or unknown field, no
    /// other padding. `blob_len` is the length that the relay states.
    ///
    /// # Errors
    /// [`ManifestError`], when it is not canonical, of a newer version, or contradicts itself or `blob_len`.
    pub fn parse(bytes: &[u8], blob_len: u64) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            v: u64,
        }
        if bytes.len() > MAX_LEN {
            return Err(ManifestError::NotCanonical);
        }
        let mut manifest: Self = match serde_json::from_slice(bytes) {
            Ok(manifest) => manifest,
            Err(_) => {
                let newer = serde_json::from_slice::<Version>(bytes).is_ok_and(|version| version.v > 1);
                return Err(if newer { ManifestError::TooNew } else { ManifestError::NotCanonical });
            }
        };
        if manifest.v != 1 {
            return Err(ManifestError::TooNew);
        }
        if manifest.to_bytes()? != bytes || !manifest.is_dated() {
            return Err(ManifestError::NotCanonical);
        }
        // The file can still be saved: a type must not make a share that nobody can open.
        for entry in manifest.entries.iter_mut().filter(|entry| !is_type(&entry.r#type)) {
            UNKNOWN_TYPE.clone_into(&mut entry.r#type);
        }
        let total = manifest.entries.iter().try_fold(0u64, |sum, entry| sum.checked_add(entry.size));
        let consistent = total.is_some_and(|total| total <= manifest.age_len)
            && !manifest.entries.is_empty()
            && manifest.age_len <= manifest.blob_len
            && manifest.blob_len == blob_len;
        if consistent { Ok(manifest) } else { Err(ManifestError::Contradiction) }
    }

    /// Whether the date has the form of a date.
    fn is_dated(&self) -> bool {
        let date = self.created.as_bytes();
        date.len() == 10
            && date.iter().enumerate().all(|(at, c)| if at == 4 || at == 7 { *c == b'-' } else { c.is_ascii_digit() })
    }

    /// The bytes of file `number` among those of all files together. `None` where there is no such file.
    pub fn range_of(&self, number: usize) -> Option<Range<u64>> {
        let size = self.entries.get(number)?.size;
        let start = self.entries[..number].iter().map(|entry| entry.size).sum::<u64>();
        Some(start..start + size)
    }

    /// Bytes of all files together.
    pub fn total_size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}

/// Whether a text is a media type without parameters, as far as its characters show.
fn is_type(text: &str) -> bool {
    text.len() <= MAX_TYPE && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"/+-._".contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_each_other_without_gaps() {
        let sizes = [3, 0, 5];
        let entries = sizes.map(|size| Entry { name: None, r#type: "text/plain".into(), size }).to_vec();
        let manifest = Manifest::new(None, entries, 300, false, "2026-11-22".into());
        let ranges: Vec<_> = (0..4).map(|number| manifest.range_of(number)).collect();
        assert_eq!(ranges, [Some(0..3), Some(3..3), Some(3..8), None]);
        assert_eq!(manifest.total_size(), 8);
    }

    #[test]
    fn a_type_that_breaks_the_rule_is_read_as_unknown() {
        let long = "x".repeat(MAX_TYPE + 1);
        for (written, read) in [
            ("image/jpeg", "image/jpeg"),
            ("", ""),
            ("text/plain; charset=utf-8", UNKNOWN_TYPE),
            ("\u{1b}[2J", UNKNOWN_TYPE),
            (&long, UNKNOWN_TYPE),
        ] {
            let entry = Entry { name: None, r#type: written.into(), size: 3 };
            let manifest = Manifest::new(None, vec![entry], 300, false, "2026-11-22".into());
            let parsed = Manifest::parse(&manifest.to_bytes().unwrap(), 4096).unwrap();
            assert_eq!(parsed.entries[0].r#type, read, "{written:?}");
        }
    }

    #[test]
    fn a_manifest_is_read_only_in_the_form_in_which_it_is_written() {
        let entry = Entry { name: Some("a".into()), r#type: "image/jpeg".into(), size: 3 };
        let manifest = Manifest::new(None, vec![entry], 300, false, "2026-11-22".into());
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(bytes.len(), PADDING);
        assert_eq!(Manifest::parse(&bytes, 4096), Ok(manifest));
        let text = String::from_utf8(bytes).unwrap();
        let repadded = |json: String| {
            let mut json = json.trim_end().to_owned().into_bytes();
            json.resize(PADDING, b' ');
            json
        };
        for (from, to, why) in [
            ("\"v\":1,", "\"v\":1,\"v\":1,", ManifestError::NotCanonical),
            ("\"name\":null,", "\"name\":null,\"name\":null,", ManifestError::NotCanonical),
            ("\"v\":1,\"name\":null,", "\"name\":null,\"v\":1,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":1,\"x\":0,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\": 1,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":2,", ManifestError::TooNew),
            ("2026-11-22", "2026-11-2x", ManifestError::NotCanonical),
            ("\"size\":3", "\"size\":301", ManifestError::Contradiction),
            ("\"size\":3", "\"size\":18446744073709551615", ManifestError::Contradiction),
            ("\"age_len\":300", "\"age_len\":5000", ManifestError::Contradiction),
            ("\"blob_len\":4096", "\"blob_len\":4097", ManifestError::Contradiction),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            assert_eq!(Manifest::parse(&repadded(changed), 4096), Err(why), "{from} → {to}");
        }
        assert_eq!(Manifest::parse(text.trim_end().as_bytes(), 4096), Err(ManifestError::NotCanonical));
    }
}
