//! The look at a share before it is opened: traces of an earlier run on this device, and the share at the relay.

use std::fs;
use std::io;
use std::sync::Arc;

use crate::manifest::Manifest;
use crate::open::error::OpenError;
use crate::open::finish::Earlier;
use crate::open::notes::{Notes, Progress, Stage};
use crate::open::staging::remove_leftovers;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::client::retry::Backoff;
use crate::relay::{self, Credential, Gone, Relay, RelayError, Waiting};
use crate::seal;
use crate::secret::{DeviceSecret, Id, Keys, Receipt, Token};
use crate::state::StateDir;
use crate::state::journal::{Journal, JournalLine};

/// A device that is about to open one share, with its journal of that share if it can write one.
pub struct Session {
    device: DeviceSecret,
    pub(super) notes: Notes,
}

/// The traces of earlier runs of this device on a share.
pub enum Begin {
    /// None, or only content that has to be fetched again.
    New(Box<Session>),
    /// All files: only the relay has to be informed.
    Saved(Box<Earlier>),
    /// Another program of this device is opening the share.
    Busy,
}

impl Session {
    /// Locks the journal of the share `id`, and cleans up after an earlier run. `progress` shows the stage of the
    /// opening.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written: see [`Session::without_journal`].
    pub fn begin(state: &StateDir, id: &Id, endpoint: &Endpoint, progress: &Progress) -> io::Result<Begin> {
        let Some((journal, record)) = Journal::open(state, id, endpoint)? else { return Ok(Begin::Busy) };
        if let Some(record) = &record {
            remove_leftovers(&record.hidden, record.unnamed());
        }
        let device = state.device()?;
        let record = match record.map(JournalLine::into_saved) {
            Some(Ok((files, receipt))) => {
                return Ok(Begin::Saved(Box::new(Earlier { files, id: *id, device, journal, receipt })));
            }
            Some(Err(record)) => Some(record),
            None => None,
        };
        let session = Self { device, notes: Notes::new(Some(journal), progress.clone()) };
        // An earlier run claimed the share, and may have named some files of an album.
        if let Some(record) = record {
            for placed in record.unnamed().iter().filter(|placed| placed.is_there()) {
                let _ = fs::remove_file(&placed.path);
            }
            session.notes.reach(Stage::Claimed);
        }
        Ok(Begin::New(Box::new(session)))
    }

    /// A session on a device without writable state: this run can open, but no later one can resume.
    pub fn without_journal(device: DeviceSecret, progress: &Progress) -> Self {
        Self { device, notes: Notes::new(None, progress.clone()) }
    }

    /// A session that fetches again the content that an earlier run received, while the relay still has it.
    pub fn again(earlier: Earlier, progress: &Progress) -> Self {
        let notes = Notes::new(Some(earlier.journal), progress.clone());
        notes.reach(Stage::Claimed);
        Self { device: earlier.device, notes }
    }

    /// Looks at the waiting share. Consumes nothing at the relay. `relay` should repeat failed requests
    /// ([`crate::relay::client::retry::Retrying`]); `backoff` is for connections that break while bytes flow.
    ///
    /// # Errors
    ///
    /// The relay refuses, or its manifest is invalid. The [`Refusal`] carries the session if another passphrase may be
    /// tried.
    pub async fn look(self, relay: Arc<dyn Relay>, keys: Keys, backoff: Backoff) -> Result<Look, Refusal> {
        let Self { device, notes } = self;
        let claim_token = device.claim_token(&keys.id);
        let opener = Opener { relay, keys, claim_token, backoff };
        let ours = opener.claim_token.claimant(&opener.keys.id);
        match opener.relay.manifest(&opener.link(), &opener.keys.open_token).await {
            Ok(waiting) => {
                let manifest = opener.read_manifest(&waiting.manifest, waiting.blob_len)?;
                Ok(Look::Waits(Box::new(Envelope { opener, notes, waiting, manifest })))
            }
            Err(RelayError::Gone { how: Gone::AlreadyOpened, claimant: Some(claimant), .. }) if claimant == ours => {
                Ok(Look::Ours(Box::new(Ours { opener, session: Self { device, notes } })))
            }
            Err(error @ RelayError::WrongPassphrase { left: 1.. }) => {
                Err(Refusal { error: error.into(), session: Some(Box::new(Self { device, notes })) })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The answer to a look.
pub enum Look {
    /// The share waits.
    Waits(Box<Envelope>),
    /// This device claimed the share earlier and has not finished.
    Ours(Box<Ours>),
}

/// The error of a share that cannot be looked at or resumed.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub error: OpenError,
    /// The session, if the passphrase is wrong and another one may be tried.
    pub session: Option<Box<Session>>,
}

impl<E: Into<OpenError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { error: error.into(), session: None }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// A waiting share, before it is opened. The next step is [`Envelope::prepare`].
pub struct Envelope {
    pub(super) opener: Opener,
    pub(super) notes: Notes,
    pub(super) waiting: Waiting,
    /// Its files.
    pub manifest: Manifest,
}

impl Envelope {
    /// Time at which it expires if nobody opens it, Unix seconds.
    pub fn expires(&self) -> u64 {
        self.waiting.expires
    }
}

/// A share that this device claimed earlier. The next step is [`Ours::resume`].
pub struct Ours {
    pub(super) opener: Opener,
    pub(super) session: Session,
}

/// The credentials of one device for one link (with its passphrase), at a relay.
pub(super) struct Opener {
    pub(super) relay: Arc<dyn Relay>,
    pub(super) keys: Keys,
    pub(super) claim_token: Token,
    pub(super) backoff: Backoff,
}

impl Opener {
    fn link(&self) -> Credential {
        Credential::new(self.keys.id, self.keys.link_token.clone())
    }

    /// The credential of the claim's holder.
    pub(super) fn holder(&self) -> Credential {
        Credential::new(self.keys.id, self.claim_token.clone())
    }

    /// The receipt for the sender, sent with the finish.
    pub(super) fn receipt(&self) -> Receipt {
        self.keys.receipt(&self.claim_token.claimant(&self.keys.id))
    }

    pub(super) async fn claim(&self) -> Result<relay::ClaimResponse, RelayError> {
        let link = self.link();
        let claim = || self.relay.claim(&link, &self.keys.open_token, &self.claim_token);
        match claim().await {
            // An earlier attempt of this device, whose answer was lost, won the claim during this look.
            Err(RelayError::Gone { how: Gone::AlreadyOpened, claimant: Some(claimant), .. })
                if claimant == self.claim_token.claimant(&self.keys.id) =>
            {
                claim().await
            }
            result => result,
        }
    }

    pub(super) fn read_manifest(&self, sealed: &[u8], blob_len: u64) -> Result<Manifest, OpenError> {
        let plain = seal::open_bytes(sealed, &self.keys.manifest_identity).map_err(|_| OpenError::Corrupt)?;
        Ok(Manifest::parse(&plain, blob_len)?)
    }
}
