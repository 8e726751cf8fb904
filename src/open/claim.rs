//! The claim: the one opening of a share. Everything that can fail on this device is tried first: the destination is
//! prepared, then the share is claimed.

use std::io;
use std::path::PathBuf;

use crate::blob;
use crate::manifest::Manifest;
use crate::open::error::OpenError;
use crate::open::fetch::Opened;
use crate::open::look::{Envelope, Opener, Ours, Refusal};
use crate::open::notes::{JournalError, Notes, Stage};
use crate::relay::{self, RelayError, Waiting};
use crate::secret::Flags;

/// A destination for plaintext, before anything is claimed.
pub trait Destination {
    /// The prepared destination.
    type Sink;

    /// Names that the sink may use before its files have their final ones. The journal has them before any is used, so
    /// that a later run can clean up behind a kill.
    fn hidden_names(&self) -> Vec<PathBuf>;

    /// Tries everything that can fail. `hidden` is the result of [`Destination::hidden_names`].
    ///
    /// # Errors
    ///
    /// The destination cannot be written.
    fn prepare(self, hidden: Vec<PathBuf>) -> io::Result<Self::Sink>;
}

/// Errors of preparing a destination. Nothing was claimed for it.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The destination cannot be written.
    #[error(transparent)]
    Destination(io::Error),
}

fn prepare<D: Destination>(notes: &mut Notes, to: D) -> Result<D::Sink, PrepareError> {
    let hidden = to.hidden_names();
    notes.note_begun(hidden.clone())?;
    to.prepare(hidden).map_err(PrepareError::Destination)
}

impl Envelope {
    /// Prepares the destination.
    ///
    /// # Errors
    ///
    /// The journal or the destination cannot be written. The share is still waiting.
    pub fn prepare<D: Destination>(self, to: D) -> Result<Ready<D::Sink>, PrepareError> {
        let Self { opener, mut notes, waiting, manifest } = self;
        let sink = prepare(&mut notes, to)?;
        Ok(Ready { opener, notes, waiting, manifest, sink })
    }
}

/// A waiting share whose destination is prepared. The next step is [`Ready::claim`].
pub struct Ready<S> {
    opener: Opener,
    notes: Notes,
    waiting: Waiting,
    manifest: Manifest,
    sink: S,
}

impl<S> Ready<S> {
    /// Claims the share. A relay grants this once.
    ///
    /// # Errors
    ///
    /// The relay refuses, or its answer differs from that to the look before.
    pub async fn claim(self) -> Result<Claimed<S>, OpenError> {
        let Self { opener, notes, waiting, manifest, sink } = self;
        // From here on the claim may have been granted.
        notes.reach(Stage::Claimed);
        let claim = opener.claim().await.inspect_err(|error| {
            if matches!(error, RelayError::Gone { .. } | RelayError::Unknown) {
                notes.reach(Stage::Untouched);
            }
        })?;
        opener.read_manifest(&claim.manifest, claim.blob_len)?;
        expect_parts(&claim)?;
        // The claimed share must be the one that was shown.
        if claim.manifest != waiting.manifest {
            return Err(OpenError::Corrupt);
        }
        Ok(Claimed { share: Opened { opener, claim, manifest }, notes, sink })
    }
}

impl Ours {
    /// Repeats the claim, which changes nothing at the relay.
    ///
    /// # Errors
    ///
    /// The relay refuses, or its answer is invalid. The holder of a claim needs no proof, so a wrong passphrase is
    /// found only here: [`OpenError::WrongPassphrase`], with the session to try another.
    pub async fn resume(self) -> Result<Resumed, Refusal> {
        let Self { opener, session } = self;
        let claim = opener.claim().await?;
        let manifest = match opener.read_manifest(&claim.manifest, claim.blob_len) {
            Err(OpenError::Corrupt) if opener.keys.flags.contains(Flags::PASSPHRASE) => {
                return Err(Refusal { error: OpenError::WrongPassphrase, session: Some(Box::new(session)) });
            }
            manifest => manifest?,
        };
        expect_parts(&claim)?;
        session.notes.reach(Stage::Claimed);
        Ok(Resumed { share: Opened { opener, claim, manifest }, notes: session.notes })
    }
}

fn expect_parts(claim: &relay::ClaimResponse) -> Result<(), OpenError> {
    if claim.parts.len() as u64 == blob::part_count(claim.blob_len) { Ok(()) } else { Err(OpenError::Corrupt) }
}

/// A share that this device claimed earlier, without a destination. The next step is [`Resumed::prepare`].
pub struct Resumed {
    share: Opened,
    notes: Notes,
}

impl Resumed {
    /// Its files.
    pub fn manifest(&self) -> &Manifest {
        &self.share.manifest
    }

    /// Prepares the destination.
    ///
    /// # Errors
    ///
    /// The journal or the destination cannot be written. This device can resume later.
    pub fn prepare<D: Destination>(self, to: D) -> Result<Claimed<D::Sink>, PrepareError> {
        let Self { share, mut notes } = self;
        let sink = prepare(&mut notes, to)?;
        Ok(Claimed { share, notes, sink })
    }
}

/// A share that this device has claimed, and its destination. The next step is to receive it
/// ([`Claimed::receive`]), or to read it in any order ([`Claimed::seek`]).
pub struct Claimed<S> {
    pub(super) share: Opened,
    pub(super) notes: Notes,
    pub(super) sink: S,
}

impl<S> Claimed<S> {
    /// Its files.
    pub fn manifest(&self) -> &Manifest {
        &self.share.manifest
    }
}
