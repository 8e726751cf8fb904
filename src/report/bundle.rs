//! A report with everything that it is about, in one file: a header, the encrypted manifest, the blob.
//!
//! The header is its length in four bytes, big-endian, and that many bytes of JSON. Nothing in the file is readable
//! without the operator's identity but what the relay knows anyway.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::relay::{Checksum, MAX_SEALED_MANIFEST, ShareState, V1, base64url};
use crate::report::body::hex_id;
use crate::secret::{Claimant, Id};

/// The longest header that is read, in bytes. The list of parts in it has a limit of its own, a quarter of this.
const MAX_HEADER: usize = 1 << 20;

/// The relay's records about one reported share, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// `offer`: the share was announced.
    pub offer: Value,
    /// `seal`: it was committed.
    pub seal: Value,
    /// `claim`: it was opened.
    pub claim: Value,
    /// `end`: it has ended, if it has.
    pub end: Option<Value>,
    /// `report`: it was reported.
    pub report: Value,
}

/// A reported share without its blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The share.
    pub id: Id,
    /// The relay's records.
    pub records: Records,
    /// The encrypted manifest.
    pub manifest: Vec<u8>,
}

/// The JSON at the beginning of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    v: V1,
    #[serde(with = "hex_id")]
    id: Id,
    #[serde(flatten)]
    records: Records,
    manifest_len: usize,
}

/// Errors of reading a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not a bundle, or only its beginning.
    #[error("that is not a saved report")]
    Malformed,
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

impl Bundle {
    /// Reads a bundle. The blob follows it in `from`.
    ///
    /// # Errors
    /// [`BundleError::Malformed`], also if `from` ends too early.
    pub fn read(from: &mut impl Read) -> Result<Self, BundleError> {
        let mut len = [0; 4];
        exactly(from, &mut len)?;
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if len > MAX_HEADER {
            return Err(BundleError::Malformed);
        }
        let mut header = vec![0; len];
        exactly(from, &mut header)?;
        let Header { id, records, manifest_len, .. } =
            serde_json::from_slice(&header).map_err(|_| BundleError::Malformed)?;
        if manifest_len > MAX_SEALED_MANIFEST {
            return Err(BundleError::Malformed);
        }
        let mut manifest = vec![0; manifest_len];
        exactly(from, &mut manifest)?;
        Ok(Self { id, records, manifest })
    }

    /// Writes a bundle. The blob belongs behind it.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_to(&self, to: &mut impl Write) -> io::Result<()> {
        let records = self.records.clone();
        let header = serde_json::to_vec(&Header { v: V1, id: self.id, records, manifest_len: self.manifest.len() })?;
        let len = u32::try_from(header.len()).map_err(io::Error::other)?;
        to.write_all(&len.to_be_bytes())?;
        to.write_all(&header)?;
        to.write_all(&self.manifest)
    }
}

fn exactly(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), BundleError> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BundleError::Malformed,
        _ => BundleError::Read(error),
    })
}

/// The facts in the records of a reported share. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// When it was announced.
    pub created: u64,
    /// When it was opened.
    pub opened: u64,
    /// The opener's public name.
    pub claimant: Claimant,
    /// How and when it ended, if it has.
    pub ended: Option<(ShareState, u64)>,
    /// When it was reported.
    pub reported: u64,
    /// The length of its blob, in bytes.
    pub blob_len: u64,
}

/// The members of `seal` that are checked.
#[derive(Deserialize)]
pub(super) struct Seal {
    pub(super) blob_len: u64,
    pub(super) parts: Vec<Checksum>,
    #[serde(with = "base64url")]
    pub(super) manifest: Bytes,
}

/// The members of `report` that are checked.
#[derive(Deserialize)]
pub(super) struct Reported {
    at: u64,
    #[serde(with = "base64url")]
    pub(super) keys: Bytes,
    #[serde(default, deserialize_with = "base64url::optional::deserialize")]
    pub(super) note: Option<Bytes>,
}

#[derive(Deserialize)]
struct Claimed {
    at: u64,
    claimant: Claimant,
}

#[derive(Deserialize)]
struct Dated {
    at: u64,
}

#[derive(Deserialize)]
struct Ended {
    state: String,
    at: u64,
}

impl Records {
    /// The facts in them. `None`: a record is malformed, or of a share that was not committed, opened and reported.
    pub fn facts(&self) -> Option<Facts> {
        let (offer, claim): (Dated, Claimed) = (read(&self.offer)?, read(&self.claim)?);
        let ended = match &self.end {
            Some(end) => {
                let Ended { state, at } = read(end)?;
                Some((ShareState::parse(&state)?, at))
            }
            None => None,
        };
        let (blob_len, reported) = (self.seal()?.blob_len, self.report()?.at);
        let Claimed { at: opened, claimant } = claim;
        Some(Facts { created: offer.at, opened, claimant, ended, reported, blob_len })
    }

    pub(super) fn seal(&self) -> Option<Seal> {
        read(&self.seal)
    }

    pub(super) fn report(&self) -> Option<Reported> {
        read(&self.report)
    }
}

fn read<'a, T: Deserialize<'a>>(record: &'a Value) -> Option<T> {
    T::deserialize(record).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bundle() -> Bundle {
        let records = Records {
            offer: json!({ "v": 1, "at": 10 }),
            seal: json!({ "state": "sealed", "v": 1, "at": 11, "blob_len": 4096, "parts": [], "manifest": "" }),
            claim: json!({ "state": "claimed", "v": 1, "at": 12, "claimant": Claimant::from_bytes([1; 32]) }),
            end: Some(json!({ "state": "revoked", "v": 1, "at": 13 })),
            report: json!({ "state": "reported", "v": 1, "at": 14, "keys": "AA" }),
        };
        Bundle { id: Id::from_bytes([7; 16]), records, manifest: b"manifest".to_vec() }
    }

    #[test]
    fn a_bundle_is_read_as_it_was_written_and_its_blob_follows() {
        let mut file = Vec::new();
        bundle().write_to(&mut file).unwrap();
        file.extend(b"blob");
        let mut from = &file[..];
        assert_eq!(Bundle::read(&mut from).unwrap(), bundle());
        assert_eq!(from, b"blob");
        for end in [0, 3, 4, 100, file.len() - 5] {
            assert!(matches!(Bundle::read(&mut &file[..end]), Err(BundleError::Malformed)), "{end}");
        }
        file[0] = 1;
        assert!(matches!(Bundle::read(&mut &file[..]), Err(BundleError::Malformed)), "a header of 16 MiB");
    }

    #[test]
    fn records_say_when_and_by_whom_a_share_was_opened_and_reported() {
        let facts = bundle().records.facts().unwrap();
        assert_eq!((facts.created, facts.opened, facts.reported, facts.blob_len), (10, 12, 14, 4096));
        assert_eq!(facts.ended, Some((ShareState::Revoked, 13)));
        let mut open = bundle().records;
        open.end = None;
        assert_eq!(open.facts().unwrap().ended, None);
        open.claim = json!({ "state": "revoked", "v": 1, "at": 12 });
        assert_eq!(open.facts(), None);
        let mut older = bundle().records;
        older.seal.as_object_mut().unwrap().remove("manifest");
        assert_eq!(older.facts(), None, "a seal without the hash of the manifest proves nothing");
    }
}
