//! The checks of a report, in their order. They are as strict as those of an opening: nothing is shown of a share that
//! could not have been opened exactly so.

use std::io::{self, Write};

use age::x25519;
use sha2::{Digest, Sha256};

use crate::blob;
use crate::manifest::{Manifest, ManifestError};
use crate::relay::Checksum;
use crate::report::body::{Disclosed, Malformed, open_note};
use crate::report::bundle::{Bundle, Facts, Seal};
use crate::seal::{self, SealError, Unsealer};

/// Why a report does not show what was sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// None of the operator's identities decrypts it.
    #[error("it was not made for this identity")]
    NotForThisIdentity,
    /// It has another form than the one in which programs write it.
    #[error("it is malformed")]
    Malformed,
    /// A report on another share was replayed.
    #[error("it names another share")]
    OtherShare,
    /// It is not by the opener.
    #[error("it names another device than the one that opened the share")]
    OtherDevice,
    /// A record cannot be read, or is of a share that was never opened.
    #[error("the stored records are damaged")]
    Records,
    /// The encrypted manifest is not the one that was committed.
    #[error("the stored list of files is damaged")]
    StoredManifest,
    /// The manifest identity is that of another share.
    #[error("its identities do not open the list of files")]
    Manifest,
    /// The sender wrote a manifest that no opening accepts.
    #[error("no program opens this list of files: {0}")]
    ManifestForm(#[from] ManifestError),
    /// The blob is not the one that was committed.
    #[error("the stored content is damaged")]
    StoredContent,
    /// The blob identity is that of another share, or the sender wrote a blob that no opening accepts.
    #[error("its identities do not open the content")]
    Content,
    /// Only so many bytes of the content were decrypted before a chunk that the sender damaged.
    #[error("only the first {0} bytes of the content can be decrypted")]
    Broken(u64),
    /// The content has not the length that the manifest announces.
    #[error("the content is not as long as the list of files says")]
    Sizes,
}

impl Refuted {
    /// Whether a sender can cause this, by an upload that no program opens or that only a player shows in part.
    pub fn may_be_by_sender(&self) -> bool {
        match self {
            Self::Manifest | Self::ManifestForm(_) | Self::Content | Self::Broken(_) | Self::Sizes => true,
            Self::NotForThisIdentity
            | Self::Malformed
            | Self::OtherShare
            | Self::OtherDevice
            | Self::Records
            | Self::StoredManifest
            | Self::StoredContent => false,
        }
    }
}

/// The opener's words with a report, which nobody verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// None.
    Missing,
    /// As they were typed: may contain anything.
    Text(String),
    /// The note cannot be read with this identity, or is malformed.
    Unreadable,
}

/// A report whose records, keys and manifest were verified. The content is verified as it is read.
pub struct Verified {
    /// The files.
    pub manifest: Manifest,
    /// The opener's words.
    pub note: Note,
    /// The facts in the relay's records.
    pub facts: Facts,
    blob_identity: x25519::Identity,
    seal: Seal,
}

/// Verifies everything but the content.
///
/// # Errors
/// The first check that fails.
pub fn verify(bundle: &Bundle, identities: &[x25519::Identity]) -> Result<Verified, Refuted> {
    let Bundle { id, records, manifest } = bundle;
    let report = records.report().ok_or(Refuted::Records)?;
    let disclosed = Disclosed::open(&report.keys, identities).map_err(|why| match why {
        None => Refuted::NotForThisIdentity,
        Some(Malformed) => Refuted::Malformed,
    })?;
    if disclosed.id != *id {
        return Err(Refuted::OtherShare);
    }
    let (facts, seal) = (records.facts().ok_or(Refuted::Records)?, records.seal().ok_or(Refuted::Records)?);
    if disclosed.claimant != facts.claimant {
        return Err(Refuted::OtherDevice);
    }
    if Sha256::digest(manifest)[..] != seal.manifest[..] {
        return Err(Refuted::StoredManifest);
    }
    let plain = seal::open_bytes(manifest, &disclosed.manifest_identity).map_err(|_| Refuted::Manifest)?;
    let manifest = Manifest::parse(&plain, seal.blob_len)?;
    if seal.parts.len() as u64 != blob::part_count(seal.blob_len) {
        return Err(Refuted::StoredContent);
    }
    let note = match &report.note {
        None => Note::Missing,
        Some(sealed) => open_note(sealed, id, identities).map_or(Note::Unreadable, Note::Text),
    };
    Ok(Verified { manifest, note, facts, blob_identity: disclosed.blob_identity, seal })
}

/// Errors of reading the content.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// A check failed. What was written must not be shown.
    #[error(transparent)]
    Refuted(#[from] Refuted),
    /// The plaintext could not be written.
    #[error(transparent)]
    Write(io::Error),
}

impl Verified {
    /// Begins to decrypt the content to `out`, which must not be shown before [`Content::finish`] has returned.
    pub fn content<W: Write>(&self, out: W) -> Content<'_, W> {
        let unsealer = Unsealer::new(&self.blob_identity, self.manifest.age_len);
        let out = Limited { out, written: 0, left: self.manifest.total_size(), is_exceeded: false };
        Content { seal: &self.seal, number: 0, part: Vec::new(), unsealer, out }
    }
}

/// The content of a verified report. Its bytes come in any pieces; each part is checked before it is decrypted, in
/// constant memory.
pub struct Content<'a, W> {
    seal: &'a Seal,
    number: u32,
    /// The bytes of part `number` so far.
    part: Vec<u8>,
    unsealer: Unsealer<'a>,
    out: Limited<W>,
}

impl<W: Write> Content<'_, W> {
    /// Takes the next bytes of the blob.
    ///
    /// # Errors
    /// A check fails, or `out` cannot be written.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), ContentError> {
        while !bytes.is_empty() {
            let range = blob::part_range(self.number, self.seal.blob_len);
            let missing = usize::try_from(range.end - range.start).unwrap_or(0).saturating_sub(self.part.len());
            if missing == 0 {
                return Err(Refuted::StoredContent.into());
            }
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.part.extend_from_slice(taken);
            bytes = rest;
            if taken.len() == missing {
                self.open_part()?;
            }
        }
        Ok(())
    }

    /// Decrypts the part that is complete.
    fn open_part(&mut self) -> Result<(), ContentError> {
        if self.seal.parts.get(self.number as usize) != Some(&Checksum::of(&self.part)) {
            return Err(Refuted::StoredContent.into());
        }
        self.unsealer.push(&mut self.part, &mut self.out).map_err(|error| match error {
            _ if self.out.is_exceeded => Refuted::Sizes.into(),
            SealError::Corrupt => self.out.broken().into(),
            SealError::Write(error) => ContentError::Write(error),
        })?;
        self.part.clear();
        self.number += 1;
        Ok(())
    }

    /// Checks the end. All of the content was verified and is in what this returns.
    ///
    /// # Errors
    /// Bytes are missing, or `out` cannot be written.
    pub fn finish(self) -> Result<W, ContentError> {
        if u64::from(self.number) != blob::part_count(self.seal.blob_len) {
            return Err(Refuted::StoredContent.into());
        }
        let broken = self.out.broken();
        self.unsealer.finish().map_err(|_| broken)?;
        let Limited { mut out, left, .. } = self.out;
        if left > 0 {
            return Err(Refuted::Sizes.into());
        }
        out.flush().map_err(ContentError::Write)?;
        Ok(out)
    }
}

/// Passes on as many bytes as the manifest announces.
struct Limited<W> {
    out: W,
    written: u64,
    left: u64,
    is_exceeded: bool,
}

impl<W> Limited<W> {
    /// The error of a chunk that cannot be decrypted after these bytes.
    fn broken(&self) -> Refuted {
        if self.written == 0 { Refuted::Content } else { Refuted::Broken(self.written) }
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.is_exceeded = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let count = self.out.write(bytes)?;
        self.left -= count as u64;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
