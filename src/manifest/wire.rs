//! The two versions of the manifest as canonical JSON, padded with spaces.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::content::{Entry, MAX_LEN, MAX_LEN_V1, Manifest, ManifestError};
use crate::blob::padded_len;

/// Manifests of at most [`MAX_LEN_V1`] bytes are padded to a multiple of this many bytes, so that their size reveals
/// little about names. Longer ones are padded as blobs are, by steps that are no smaller.
const PADDING: usize = 2048;

/// A version of the manifest, in the order of its members on the wire.
pub(super) trait Wire: Serialize + DeserializeOwned + Into<Manifest> {
    /// The number in `v`.
    const VERSION: u64;
    /// The longest manifest of this version, padded, in bytes.
    const MAX_LEN: usize;

    /// The JSON and its padding.
    fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| ManifestError::NotCanonical)?;
        bytes.resize(padded(bytes.len()), b' ');
        if bytes.len() > Self::MAX_LEN { Err(ManifestError::TooLong) } else { Ok(bytes) }
    }

    /// Reads what [`Wire::to_bytes`] wrote, and nothing else.
    fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| ManifestError::NotCanonical)?;
        if read.to_bytes().is_ok_and(|again| again == bytes) {
            Ok(read.into())
        } else {
            Err(ManifestError::NotCanonical)
        }
    }
}

/// The length of a manifest of `len` bytes with its padding.
fn padded(len: usize) -> usize {
    if len <= MAX_LEN_V1 {
        return len.next_multiple_of(PADDING);
    }
    usize::try_from(padded_len(len as u64)).unwrap_or(usize::MAX)
}

/// The number in `v`, whatever else is there.
pub(super) fn version(bytes: &[u8]) -> Result<u64, ManifestError> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    serde_json::from_slice::<Version>(bytes).map(|version| version.v).map_err(|_| ManifestError::NotCanonical)
}

/// Version 1: files without directories.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct V1 {
    v: u64,
    name: Option<String>,
    entries: Vec<EntryV1>,
    age_len: u64,
    blob_len: u64,
    view_only: bool,
    created: String,
}

/// A file in version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryV1 {
    name: Option<String>,
    r#type: String,
    size: u64,
}

impl Wire for V1 {
    const VERSION: u64 = 1;
    const MAX_LEN: usize = MAX_LEN_V1;
}

impl V1 {
    /// The manifest in version 1. `None`: it has something that version 1 cannot express.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let is_flat = |entry: &Entry| entry.path.len() <= 1 && !entry.executable;
        let is_plain = manifest.from.is_none() && manifest.note.is_none() && manifest.directories.is_empty();
        if !is_plain || !manifest.entries.iter().all(is_flat) {
            return None;
        }
        let entry = |entry: &Entry| EntryV1 {
            name: entry.name().map(str::to_owned),
            r#type: entry.r#type.clone(),
            size: entry.size,
        };
        Some(Self {
            v: Self::VERSION,
            name: manifest.name.clone(),
            entries: manifest.entries.iter().map(entry).collect(),
            age_len: manifest.age_len,
            blob_len: manifest.blob_len,
            view_only: manifest.view_only,
            created: manifest.created.clone(),
        })
    }
}

impl From<V1> for Manifest {
    fn from(read: V1) -> Self {
        Self {
            name: read.name,
            from: None,
            note: None,
            entries: read.entries.into_iter().map(|entry| Entry::new(entry.name, entry.r#type, entry.size)).collect(),
            directories: Vec::new(),
            age_len: read.age_len,
            blob_len: read.blob_len,
            view_only: read.view_only,
            created: read.created,
        }
    }
}

/// Version 2: files in directories, and the sender's words.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct V2 {
    v: u64,
    name: Option<String>,
    from: Option<String>,
    note: Option<String>,
    entries: Vec<Entry>,
    directories: Vec<Vec<String>>,
    age_len: u64,
    blob_len: u64,
    view_only: bool,
    created: String,
}

impl Wire for V2 {
    const VERSION: u64 = 2;
    const MAX_LEN: usize = MAX_LEN;
}

impl V2 {
    /// The manifest in version 2, which can express all of it.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let Manifest { name, from, note, entries, directories, age_len, blob_len, view_only, created } =
            manifest.clone();
        Self { v: Self::VERSION, name, from, note, entries, directories, age_len, blob_len, view_only, created }
    }
}

impl From<V2> for Manifest {
    fn from(read: V2) -> Self {
        let V2 { v: _, name, from, note, entries, directories, age_len, blob_len, view_only, created } = read;
        Self { name, from, note, entries, directories, age_len, blob_len, view_only, created }
    }
}
