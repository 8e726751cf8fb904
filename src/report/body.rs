//! The two age files of a report, which only the operator can read.
//!
//! Both are canonical JSON, as a manifest is, padded with spaces: the lengths reveal neither a share nor, within 2048
//! bytes, the note.

use std::io;

use age::x25519;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::relay::{MAX_REPORT_NOTE, V1};
use crate::report::operator::Recipient;
use crate::seal;
use crate::secret::{Claimant, Id};

/// The longest note, in characters.
pub const MAX_NOTE: usize = 2000;
/// Bytes of the keys with their padding.
pub const KEYS_LEN: usize = 512;
/// The note is padded to a multiple of this, in bytes.
pub const NOTE_PADDING: usize = 2048;

/// The content of a report's keys: the two identities that decrypt it, the share, and who opened it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    v: V1,
    #[serde(with = "hex_id")]
    pub(super) id: Id,
    pub(super) claimant: Claimant,
    #[serde(with = "identity")]
    pub(super) manifest_identity: x25519::Identity,
    #[serde(with = "identity")]
    pub(super) blob_identity: x25519::Identity,
}

/// The opener's words about a share.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    v: V1,
    #[serde(with = "hex_id")]
    id: Id,
    note: String,
}

/// Errors of a note.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It has more than [`MAX_NOTE`] characters; the number is how many.
    #[error("a note has at most {MAX_NOTE} characters; this one has {0}")]
    TooLong(usize),
    /// Those of the age crate, which has none for one recipient of this kind and a file in memory.
    #[error(transparent)]
    Encrypt(#[from] io::Error),
}

impl Disclosed {
    /// The content for a report on the share `id`.
    pub fn new(
        id: Id,
        claimant: Claimant,
        manifest_identity: x25519::Identity,
        blob_identity: x25519::Identity,
    ) -> Self {
        Self { v: V1, id, claimant, manifest_identity, blob_identity }
    }

    fn to_bytes(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        // Room for all of it from the start: growing would leave copies of the identities in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEYS_LEN));
        serde_json::to_writer(&mut *bytes, self)?;
        bytes.resize(KEYS_LEN, b' ');
        Ok(bytes)
    }

    /// Reads the age file with one of the identities.
    ///
    /// # Errors
    /// `None`: none of them decrypts it. `Some`: it does not have the only form in which it is written.
    pub(super) fn open(sealed: &[u8], identities: &[x25519::Identity]) -> Result<Self, Option<Malformed>> {
        let plain = Zeroizing::new(open(sealed, identities).ok_or(None)?);
        let read: Self = serde_json::from_slice(&plain).map_err(|_| Some(Malformed))?;
        let again = read.to_bytes().map_err(|_| Some(Malformed))?;
        if *again == *plain { Ok(read) } else { Err(Some(Malformed)) }
    }
}

/// An age file whose content has another form than the one in which it is written.
#[derive(Debug)]
pub(super) struct Malformed;

impl NoteBody {
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.resize(bytes.len().next_multiple_of(NOTE_PADDING), b' ');
        Ok(bytes)
    }
}

/// Encrypts what is disclosed.
///
/// # Errors
/// Those of the age crate, which has none for one recipient of this kind and a file in memory.
pub fn seal_keys(disclosed: &Disclosed, to: &Recipient) -> io::Result<Vec<u8>> {
    seal::seal_bytes_to(&disclosed.to_bytes()?, &to.0)
}

/// Encrypts a note about the share `id`.
///
/// # Errors
/// [`NoteError::TooLong`].
pub fn seal_note(id: Id, note: &str, to: &Recipient) -> Result<Vec<u8>, NoteError> {
    let count = note.chars().count();
    if count > MAX_NOTE {
        return Err(NoteError::TooLong(count));
    }
    let body = NoteBody { v: V1, id, note: note.to_owned() };
    Ok(seal::seal_bytes_to(&body.to_bytes()?, &to.0)?)
}

/// Reads a note about the share `id`. `None`: it cannot be decrypted, is malformed, too long, or about another share.
pub(super) fn open_note(sealed: &[u8], id: &Id, identities: &[x25519::Identity]) -> Option<String> {
    let plain = open(sealed, identities)?;
    let read: NoteBody = serde_json::from_slice(&plain).ok()?;
    let is_canonical = read.to_bytes().is_ok_and(|again| again == plain);
    let is_sound = is_canonical && read.id == *id && read.note.chars().count() <= MAX_NOTE;
    is_sound.then_some(read.note)
}

fn open(sealed: &[u8], identities: &[x25519::Identity]) -> Option<Vec<u8>> {
    // No relay takes a longer one, and keys are shorter.
    if sealed.len() > MAX_REPORT_NOTE {
        return None;
    }
    identities.iter().find_map(|identity| seal::open_bytes(sealed, identity).ok())
}

/// An id as its 32 digits.
pub(super) mod hex_id {
    use super::{Deserialize, Deserializer, Id, Serializer, de};

    pub(in crate::report) fn serialize<S: Serializer>(id: &Id, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&id.hex())
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
        Id::from_hex(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not an id"))
    }
}

/// An identity as text: `AGE-SECRET-KEY-1…`.
mod identity {
    use age::secrecy::{ExposeSecret as _, SecretString};

    use super::{Deserialize, Deserializer, Serializer, de, x25519};

    pub(in crate::report) fn serialize<S: Serializer>(identity: &x25519::Identity, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(identity.to_string().expose_secret())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<x25519::Identity, D::Error> {
        let text = SecretString::from(String::deserialize(from)?);
        text.expose_secret().parse().map_err(de::Error::custom)
    }
}
