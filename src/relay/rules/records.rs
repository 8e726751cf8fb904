//! Records: the small objects that decide what a share is.
//!
//! Nothing is ever updated. A share's state is a function of which cells exist and of the clock ([`Records::phase`]),
//! and whoever creates a cell first has decided what it decides. [`write_once`] is the only way to write one.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::relay::clock::Clock;
use crate::relay::store::{Created, Store, StoreError};
use crate::relay::{Checksum, Gone, INLINE_LEN, RelayError, ShareState, V1, Verifiers};
use crate::secret::{Claimant, Id, Receipt, Verifier};

/// An upload that is not sealed after this many seconds is aborted.
pub const UPLOAD_TIME: u64 = 24 * 3600;
/// A tombstone stands for this many seconds after a share has ended.
pub const TOMBSTONE_TIME: u64 = 30 * 24 * 3600;

/// How long after it is due a thing is done, in seconds: clocks of several nodes differ a little.
pub const GRACE: u64 = 120;
/// Seconds by which our clock and the store's may differ.
pub const CLOCK_TOLERANCE: u64 = 120;
/// Attempts to write a cell or a hint.
const TRIES: u32 = 8;
/// What all of them take at most.
const TRY_TIME: Duration = Duration::from_secs(10);

/// A small object that is created once.
pub trait Cell: Serialize + DeserializeOwned + Send + Sync {
    /// Whether `other` decides the same: then it does not matter who of the two wrote it.
    fn same(&self, other: &Self) -> bool;
}

/// `offer`: a share was announced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    v: V1,
    /// The link's flags.
    pub flags: u8,
    /// Life after sealing, in seconds.
    pub ttl: u64,
    /// When, Unix seconds.
    pub at: u64,
    /// Who may do what.
    pub verifiers: Verifiers,
}

impl Offer {
    /// An offer made at `at`.
    pub fn new(flags: u8, ttl: u64, at: u64, verifiers: Verifiers) -> Self {
        Self { v: V1, flags, ttl, at, verifiers }
    }
}

impl Cell for Offer {
    fn same(&self, other: &Self) -> bool {
        self.flags == other.flags && self.ttl == other.ttl && self.verifiers == other.verifiers
    }
}

/// `seal`: the upload is complete, or never will be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Seal {
    /// Everything is here and durable.
    #[serde(rename = "sealed")]
    Committed {
        /// Version.
        v: V1,
        /// When, Unix seconds: the share's life begins.
        at: u64,
        /// Length of the blob in bytes.
        blob_len: u64,
        /// The checksums of its parts.
        parts: Vec<Checksum>,
    },
    /// The sender gave up, or was not heard of for too long.
    Aborted {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl Cell for Seal {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Committed { blob_len, parts, .. },
                Self::Committed { blob_len: other_len, parts: other_parts, .. },
            ) => blob_len == other_len && parts == other_parts,
            (Self::Aborted { .. }, Self::Aborted { .. }) => true,
            _ => false,
        }
    }
}

/// `try/<n>`: somebody tried this proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Try {
    v: V1,
    at: u64,
    /// The verifier of the token that was presented.
    pub proof: Verifier,
}

impl Try {
    /// A proof presented at `at`.
    pub fn new(at: u64, proof: Verifier) -> Self {
        Self { v: V1, at, proof }
    }
}

impl Cell for Try {
    fn same(&self, other: &Self) -> bool {
        self.proof == other.proof
    }
}

/// `claim`: the one door. Opener, owner, sweeper and guess limit race for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Claim {
    /// Somebody is opening it.
    Claimed {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
        /// The end of the lease, Unix seconds.
        until: u64,
        /// Who.
        claimant: Claimant,
    },
    /// The owner took it back.
    Revoked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// Its time was over.
    Expired {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// Too many wrong proofs.
    Locked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl Cell for Claim {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Claimed { claimant, .. }, Self::Claimed { claimant: other, .. }) => claimant == other,
            (Self::Revoked { .. }, Self::Revoked { .. })
            | (Self::Expired { .. }, Self::Expired { .. })
            | (Self::Locked { .. }, Self::Locked { .. }) => true,
            _ => false,
        }
    }
}

/// `end`: how a claim ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum End {
    /// The opener has it.
    Finished {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
        /// For the sender.
        receipt: Receipt,
    },
    /// The opener was not heard of any more.
    Lapsed {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// The owner took it back while it was being opened.
    Revoked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl Cell for End {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Finished { receipt, .. }, Self::Finished { receipt: other, .. }) => receipt == other,
            (Self::Lapsed { .. }, Self::Lapsed { .. }) | (Self::Revoked { .. }, Self::Revoked { .. }) => true,
            _ => false,
        }
    }
}

/// The names of a share's objects.
pub(crate) mod names {
    use jiff::Timestamp;

    use super::{Checksum, Id};

    /// What the names of all hints for the sweeper begin with.
    pub(crate) const DUE: &str = "due/";

    /// The hint to look at a share at `due`. These names sort by time.
    pub(crate) fn due(id: &Id, due: u64) -> String {
        format!("{}{}", first_due(due), id.hex())
    }

    /// What sorts before all hints of that second, and after all earlier ones.
    pub(crate) fn first_due(due: u64) -> String {
        let at = i64::try_from(due).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(Timestamp::MAX);
        format!("{DUE}{}/{due:010}-", at.strftime("%Y%m%d%H"))
    }

    /// The time and the share in the name of a hint.
    pub(crate) fn parse_due(name: &str) -> Option<(u64, Id)> {
        let (due, id) = name.rsplit('/').next()?.split_once('-')?;
        Some((due.parse().ok()?, Id::from_hex(id)?))
    }

    pub(crate) fn share(id: &Id) -> String {
        format!("v1/{}/", id.hex())
    }

    pub(crate) fn offer(id: &Id) -> String {
        format!("v1/{}/offer", id.hex())
    }

    pub(crate) fn parts(id: &Id) -> String {
        format!("v1/{}/part/", id.hex())
    }

    pub(crate) fn part(id: &Id, number: u32, crc: Checksum) -> String {
        format!("v1/{}/part/{number:06}-{crc}", id.hex())
    }

    /// What all objects of one part number begin with.
    pub(crate) fn part_number(id: &Id, number: u32) -> String {
        format!("v1/{}/part/{number:06}-", id.hex())
    }

    pub(crate) fn manifest(id: &Id) -> String {
        format!("v1/{}/manifest", id.hex())
    }

    pub(crate) fn seal(id: &Id) -> String {
        format!("v1/{}/seal", id.hex())
    }

    pub(crate) fn tries(id: &Id) -> String {
        format!("v1/{}/try/", id.hex())
    }

    pub(crate) fn a_try(id: &Id, number: u8) -> String {
        format!("v1/{}/try/{number:02}", id.hex())
    }

    pub(crate) fn claim(id: &Id) -> String {
        format!("v1/{}/claim", id.hex())
    }

    pub(crate) fn end(id: &Id) -> String {
        format!("v1/{}/end", id.hex())
    }
}

/// All cells of a share that was announced.
#[derive(Clone, Debug)]
pub struct Records {
    /// Announced.
    pub offer: Offer,
    /// Complete.
    pub seal: Option<Seal>,
    /// Decided.
    pub claim: Option<Claim>,
    /// Ended.
    pub end: Option<End>,
}

/// Where a share stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Parts may come.
    Uploading,
    /// It may be claimed.
    Waiting,
    /// Its claimant may take it.
    Leased {
        /// Until then, Unix seconds.
        until: u64,
    },
    /// Nobody gets anything any more.
    Over {
        /// How it ended.
        state: ShareState,
        /// When, Unix seconds.
        at: u64,
        /// Whether a cell says so; otherwise only the clock does, and the sweeper has yet to write it.
        settled: bool,
    },
}

impl Records {
    /// Reads the cells of `id`, in the order in which they are written, so that what is returned was true at one
    /// moment. `None`: there is no such share.
    pub async fn load(store: &dyn Store, id: &Id) -> Result<Option<Self>, RelayError> {
        let Some(offer) = load(store, &names::offer(id)).await? else { return Ok(None) };
        let seal = load(store, &names::seal(id)).await?;
        let claim = if seal.is_some() { load(store, &names::claim(id)).await? } else { None };
        let end = if claim.is_some() { load(store, &names::end(id)).await? } else { None };
        Ok(Some(Self { offer, seal, claim, end }))
    }

    /// When the share ends unopened, if it is sealed.
    pub fn expires(&self) -> Option<u64> {
        match &self.seal {
            Some(Seal::Committed { at, .. }) => Some(at.saturating_add(self.offer.ttl)),
            _ => None,
        }
    }

    /// Where the share stands at `now`.
    pub fn phase(&self, now: u64) -> Phase {
        let over = |state, at: &u64| Phase::Over { state, at: *at, settled: true };
        let expires = match &self.seal {
            None => return Phase::Uploading,
            Some(Seal::Aborted { at, .. }) => return over(ShareState::Aborted, at),
            Some(Seal::Committed { at, .. }) => at.saturating_add(self.offer.ttl),
        };
        match (&self.claim, &self.end) {
            (None, _) if now < expires => Phase::Waiting,
            (None, _) => Phase::Over { state: ShareState::Expired, at: expires, settled: false },
            (Some(Claim::Revoked { at, .. }), _) | (Some(Claim::Claimed { .. }), Some(End::Revoked { at, .. })) => {
                over(ShareState::Revoked, at)
            }
            (Some(Claim::Expired { at, .. }), _) => over(ShareState::Expired, at),
            (Some(Claim::Locked { at, .. }), _) => over(ShareState::Locked, at),
            (Some(Claim::Claimed { .. }), Some(End::Finished { at, .. })) => over(ShareState::Finished, at),
            (Some(Claim::Claimed { .. }), Some(End::Lapsed { at, .. })) => over(ShareState::Lapsed, at),
            (Some(Claim::Claimed { until, .. }), None) if now < *until => Phase::Leased { until: *until },
            (Some(Claim::Claimed { until, .. }), None) => {
                Phase::Over { state: ShareState::Lapsed, at: *until, settled: false }
            }
        }
    }

    /// Who claimed the share.
    pub fn claimant(&self) -> Option<&Claimant> {
        match &self.claim {
            Some(Claim::Claimed { claimant, .. }) => Some(claimant),
            _ => None,
        }
    }

    /// What `asker` is told when the share is not there for it. To others than its holder, a claimed share is an
    /// opened one, whatever became of it; while its holder can resume, they are told so.
    pub fn refusal(&self, phase: Phase, asker: Option<&Claimant>) -> RelayError {
        let gone = |how, at| RelayError::Gone { how, at, claimant: None, until: None };
        if let Some(Claim::Claimed { at, claimant, .. }) = &self.claim {
            let finished = matches!(phase, Phase::Over { state: ShareState::Finished, .. });
            if finished || asker != Some(claimant) {
                let until = if let Phase::Leased { until } = phase { Some(until) } else { None };
                return RelayError::Gone { how: Gone::AlreadyOpened, at: *at, claimant: Some(*claimant), until };
            }
        }
        match phase {
            Phase::Over { state: ShareState::Lapsed, at, .. } => gone(Gone::Lapsed, at),
            Phase::Over { state: ShareState::Expired, at, .. } => gone(Gone::Expired, at),
            Phase::Over { state: ShareState::Revoked, at, .. } => gone(Gone::Revoked, at),
            Phase::Over { state: ShareState::Locked, at, .. } => gone(Gone::Locked, at),
            Phase::Over { state: ShareState::Aborted, at, .. } => gone(Gone::Aborted, at),
            _ => RelayError::Unknown,
        }
    }
}

/// Reads a cell. One that is there and cannot be read is never taken for absent.
pub(crate) async fn load<C: Cell>(store: &dyn Store, name: &str) -> Result<Option<C>, RelayError> {
    match get(store, name).await? {
        None => Ok(None),
        Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| RelayError::BUSY),
    }
}

/// Reads a small object: nothing of ours that is read whole is longer than what comes with the answer to a claim.
pub(crate) async fn get(store: &dyn Store, name: &str) -> Result<Option<bytes::Bytes>, RelayError> {
    match store.read(name, 0).await {
        Ok(None) => Ok(None),
        Ok(Some(content)) if content.len() > INLINE_LEN => Err(RelayError::BUSY),
        Ok(Some(content)) => content.whole().await.map(Some).map_err(|_| RelayError::BUSY),
        Err(error) => Err(failure(error)),
    }
}

/// What a failure of the store is to a caller.
pub(crate) fn failure(error: StoreError) -> RelayError {
    match error {
        StoreError::NoSpace => RelayError::NoSpace { after: 60 },
        StoreError::Content(error) => error,
        StoreError::Failed(why) => {
            tracing::warn!(why, "the store failed");
            RelayError::BUSY
        }
        // A server is busy until its operator has mended that; who keeps the rules alone reads why.
        StoreError::Refused(why) => {
            tracing::error!(why, "the store refuses");
            RelayError::Unreachable(why)
        }
        StoreError::Unable(why) => {
            tracing::error!(why, "the store cannot do it");
            RelayError::Unreachable(why.to_owned())
        }
    }
}

/// What came of writing a cell. Either way it is there, durable, and this is what it says.
#[derive(Clone, Debug)]
pub enum Written<C> {
    /// It says what we wanted it to say.
    Ours(C),
    /// Somebody else decided before us.
    Theirs(C),
}

/// Writes a cell once and for all.
///
/// A store may fail after it has written, report a conflict with our own repeated write, or refuse for no reason. So
/// an error only means to try again, and of what exists it counts what it says: a cell that decides the same as ours is
/// ours.
pub async fn write_once<C: Cell>(
    store: &dyn Store,
    clock: &Arc<dyn Clock>,
    name: &str,
    cell: C,
) -> Result<Written<C>, RelayError> {
    let bytes = bytes::Bytes::from(serde_json::to_vec(&cell).map_err(|_| RelayError::BadRequest)?);
    let written = async {
        for attempt in 0..TRIES {
            match store.create(name, bytes.clone().into()).await {
                Ok(Created::New) => return Ok(Written::Ours(cell)),
                // A full disk is no reason not to see what is there.
                Err(error @ StoreError::NoSpace) => match load::<C>(store, name).await {
                    Ok(Some(stored)) if cell.same(&stored) => return Ok(Written::Ours(stored)),
                    Ok(Some(stored)) => return Ok(Written::Theirs(stored)),
                    Ok(None) | Err(_) => return Err(failure(error)),
                },
                // Durable, by the store's promise; whether it is ours is what it says.
                Ok(Created::Exists) => match load::<C>(store, name).await {
                    Ok(Some(stored)) if cell.same(&stored) => return Ok(Written::Ours(stored)),
                    Ok(Some(stored)) => return Ok(Written::Theirs(stored)),
                    Ok(None) | Err(_) => {}
                },
                Err(error @ (StoreError::Refused(_) | StoreError::Unable(_))) => return Err(failure(error)),
                // It may be there, and not be durable: the next attempt tells.
                Err(_) => {}
            }
            pause(clock, attempt).await;
        }
        Err(RelayError::BUSY)
    };
    timeout(TRY_TIME, written).await.unwrap_or(Err(RelayError::BUSY))
}

/// Writes a hint, whose name says all: it is enough that there is one.
pub(crate) async fn remind(store: &dyn Store, clock: &Arc<dyn Clock>, name: &str) -> Result<(), RelayError> {
    let written = async {
        for attempt in 0..TRIES {
            match store.create(name, bytes::Bytes::new().into()).await {
                Ok(Created::New) => return Ok(()),
                Ok(Created::Exists) if matches!(get(store, name).await, Ok(Some(_))) => return Ok(()),
                Err(error @ (StoreError::NoSpace | StoreError::Refused(_) | StoreError::Unable(_))) => {
                    return Err(failure(error));
                }
                Ok(Created::Exists) | Err(_) => {}
            }
            pause(clock, attempt).await;
        }
        Err(RelayError::BUSY)
    };
    timeout(TRY_TIME, written).await.unwrap_or(Err(RelayError::BUSY))
}

/// Before another attempt, the longer the more there were.
async fn pause(clock: &Arc<dyn Clock>, attempt: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(clock.chance() % (20 << attempt)))).await;
}
