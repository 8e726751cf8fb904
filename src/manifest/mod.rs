//! The manifest: the names, types and sizes of a share's files, readable only with the link.
//!
//! A manifest is canonical JSON, padded with spaces, inside an age file of its own. It is read before anything is
//! claimed, so a damaged manifest costs no recipient their one opening. Names and words come from a stranger: see
//! [`crate::safe_text`].
//!
//! There are two versions. A sender writes the second one only for what the first one cannot express, so that older
//! programs can open all other shares.

mod content;
mod paths;
mod wire;

pub use self::content::{Entry, MAX_FROM, MAX_LEN, MAX_LEN_V1, MAX_NOTE, Manifest, ManifestError};
pub use self::paths::{MAX_COMPONENT, MAX_COMPONENTS};
use self::wire::{V1, V2, Wire};
use crate::safe_text::is_hidden;

/// The longest type of an entry, in bytes.
const MAX_TYPE: usize = 127;
/// The type of a file of no known type.
const UNKNOWN_TYPE: &str = "application/octet-stream";

impl Manifest {
    /// The bytes that are encrypted: canonical JSON and spaces, of version 1 if that is sufficient.
    ///
    /// # Errors
    /// [`ManifestError::TooLong`] above [`MAX_LEN`] bytes; [`ManifestError::Paths`] for paths that no reader accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        if !paths::are_sound(self) {
            return Err(ManifestError::Paths);
        }
        match V1::of(self).map(|manifest| manifest.to_bytes()) {
            Some(Ok(bytes)) => Ok(bytes),
            _ => V2::of(self).to_bytes(),
        }
    }

    /// Reads what [`Manifest::to_bytes`] wrote, and nothing else: no other order, no duplicate or unknown field, no
    /// other padding. `blob_len` is the length that the relay states.
    ///
    /// # Errors
    /// [`ManifestError`], when it is not canonical, of a newer version, or contradicts itself or `blob_len`.
    pub fn parse(bytes: &[u8], blob_len: u64) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_LEN {
            return Err(ManifestError::NotCanonical);
        }
        let mut manifest = match wire::version(bytes)? {
            0 => return Err(ManifestError::NotCanonical),
            V1::VERSION => V1::read(bytes)?,
            V2::VERSION => V2::read(bytes)?,
            _ => return Err(ManifestError::TooNew),
        };
        if !manifest.is_dated() {
            return Err(ManifestError::NotCanonical);
        }
        if !paths::are_sound(&manifest) {
            return Err(ManifestError::Paths);
        }
        let total = manifest.entries.iter().try_fold(0u64, |sum, entry| sum.checked_add(entry.size));
        let consistent = total.is_some_and(|total| total <= manifest.age_len)
            && !manifest.entries.is_empty()
            && manifest.age_len <= manifest.blob_len
            && manifest.blob_len == blob_len;
        if !consistent {
            return Err(ManifestError::Contradiction);
        }
        // Neither a type nor a long word must make a share that nobody can open.
        for entry in &mut manifest.entries {
            entry.r#type = essence(&entry.r#type);
        }
        manifest.from = manifest.from.and_then(|from| words(&from, MAX_FROM));
        manifest.note = manifest.note.and_then(|note| words(&note, MAX_NOTE));
        Ok(manifest)
    }

    /// Whether the date has the form of a date.
    fn is_dated(&self) -> bool {
        let date = self.created.as_bytes();
        date.len() == 10
            && date.iter().enumerate().all(|(at, c)| if at == 4 || at == 7 { *c == b'-' } else { c.is_ascii_digit() })
    }
}

/// A media type without parameters, in lower case. What is none is of the unknown type.
fn essence(text: &str) -> String {
    let (before, _) = text.split_once(';').unwrap_or((text, ""));
    let bare = before.trim_matches([' ', '\t']);
    let is_token =
        |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-._".contains(&c));
    let is_type =
        bare.len() <= MAX_TYPE && bare.split_once('/').is_some_and(|(one, other)| is_token(one) && is_token(other));
    if is_type { bare.to_ascii_lowercase() } else { UNKNOWN_TYPE.to_owned() }
}

/// The first `limit` characters of the sender's words. `None`: they show nothing.
fn words(text: &str, limit: usize) -> Option<String> {
    let cut: String = text.chars().take(limit).collect();
    cut.chars().any(|c| !c.is_whitespace() && !is_hidden(c)).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_written_where_it_suffices() {
        let plain =
            Manifest::new(None, vec![Entry::new(None, "text/plain".into(), 3)], 300, false, "2026-11-22".into());
        let version = |change: fn(&mut Manifest)| {
            let mut manifest = plain.clone();
            change(&mut manifest);
            let bytes = manifest.to_bytes().unwrap();
            assert!(Manifest::parse(&bytes, 4096) == Ok(manifest));
            wire::version(&bytes).unwrap()
        };
        assert_eq!(version(|_| {}), 1);
        assert_eq!(version(|manifest| manifest.entries[0].path.push("../a".into())), 1);
        assert_eq!(version(|manifest| manifest.entries[0].path = vec!["a".into(), "b".into()]), 2);
        assert_eq!(version(|manifest| manifest.entries[0].executable = true), 2);
        assert_eq!(version(|manifest| manifest.directories = vec![vec!["a".into()]]), 2);
        assert_eq!(version(|manifest| manifest.from = Some("Anna".into())), 2);
        assert_eq!(version(|manifest| manifest.note = Some("from the beach".into())), 2);
        let many = |manifest: &mut Manifest| manifest.entries = vec![Entry::new(None, "a/b".into(), 0); 2000];
        assert_eq!(version(many), 2);
    }

    #[test]
    fn a_manifest_that_no_reader_accepts_is_not_written() {
        let file = Entry::new(Some("a".into()), "text/plain".into(), 0);
        let mut manifest = Manifest::new(None, vec![file.clone()], 300, false, "2026-11-22".into());
        manifest.directories = vec![vec!["a".into()]];
        assert_eq!(manifest.to_bytes(), Err(ManifestError::Paths));
        manifest.directories.clear();
        manifest.entries = vec![file; 20_000];
        assert_eq!(manifest.to_bytes(), Err(ManifestError::TooLong));
    }

    #[test]
    fn a_manifest_is_read_only_in_the_form_in_which_it_is_written() {
        let entry = Entry::new(Some("a".into()), "image/jpeg".into(), 3);
        let manifest = Manifest::new(None, vec![entry], 300, false, "2026-11-22".into());
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(bytes.len(), 2048);
        assert_eq!(Manifest::parse(&bytes, 4096), Ok(manifest));
        let text = String::from_utf8(bytes).unwrap();
        let repadded = |json: String| {
            let mut json = json.trim_end().to_owned().into_bytes();
            json.resize(2048, b' ');
            json
        };
        for (from, to, why) in [
            ("\"v\":1,", "\"v\":1,\"v\":1,", ManifestError::NotCanonical),
            ("\"name\":null,", "\"name\":null,\"name\":null,", ManifestError::NotCanonical),
            ("\"v\":1,\"name\":null,", "\"name\":null,\"v\":1,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":1,\"x\":0,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\": 1,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":2,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":0,", ManifestError::NotCanonical),
            ("\"v\":1,", "\"v\":3,", ManifestError::TooNew),
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
