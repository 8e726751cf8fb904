//! Phases: the state of a share as a function of its records and of the clock.

use std::sync::Arc;

use crate::relay::rules::known::Remembered;
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Offer, UploadEnd, load};
use crate::relay::store::Store;
use crate::relay::{Gone, RelayError, ShareState};
use crate::secret::{Claimant, Id};

/// All records of a share that was announced.
#[derive(Clone, Debug)]
pub(super) struct Records {
    /// The announcement.
    pub(super) offer: Arc<Offer>,
    /// The commit or abort.
    pub(super) upload_end: Option<Arc<UploadEnd>>,
    /// The claim, or the end of a waiting share.
    pub(super) claim: Option<Claim>,
    /// The end of the claim.
    pub(super) end: Option<ClaimEnd>,
}

/// The phases of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not committed yet.
    Uploading,
    /// It may be claimed.
    Waiting,
    /// The claimant may download it.
    Leased {
        /// The end of the lease, Unix seconds.
        until: u64,
    },
    /// Ended.
    Over {
        /// How it ended.
        state: ShareState,
        /// When, Unix seconds.
        at: u64,
        /// Whether a record says so. Otherwise the clock does, and the sweeper has yet to write the record.
        settled: bool,
    },
}

impl Phase {
    /// Whether a record says that the share has ended.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Over { settled: true, .. })
    }
}

impl Records {
    /// Reads the records of `id` so that together they were true at one moment: see [`Self::complete`]. `None`: no such
    /// share.
    pub(super) async fn load(store: &dyn Store, id: &Id) -> Result<Option<Self>, RelayError> {
        let Some(offer) = load(store, &Offer::name(id)).await? else { return Ok(None) };
        Self::complete(store, id, Arc::new(offer), Remembered::default()).await.map(Some)
    }

    /// Reads the records that are not remembered in the order in which they are written, but `seal` and `claim` at the
    /// same time.
    pub(super) async fn complete(
        store: &dyn Store,
        id: &Id,
        offer: Arc<Offer>,
        known: Remembered,
    ) -> Result<Self, RelayError> {
        let (seal, claim) = (UploadEnd::name(id), Claim::name(id));
        let (upload_end, claim) = match (known.upload_end, known.claim) {
            (Some(upload_end), Some(claim)) => (Some(upload_end), Some(claim)),
            (Some(upload_end), None) if upload_end.is_aborted() => (Some(upload_end), None),
            (Some(upload_end), None) => (Some(upload_end), load(store, &claim).await?),
            (None, _) => {
                let (upload_end, claim) = tokio::try_join!(load(store, &seal), load::<Claim>(store, &claim))?;
                let upload_end = match &claim {
                    // Both were written after `seal` was read and before `claim` was.
                    Some(_) if upload_end.is_none() => load(store, &seal).await?,
                    _ => upload_end,
                };
                (upload_end.map(Arc::new), claim)
            }
        };
        // Without its `seal` a claim is none: the records are being deleted.
        let claim = if upload_end.is_some() { claim } else { None };
        let end = match &claim {
            Some(Claim::Claimed { .. }) => load(store, &ClaimEnd::name(id)).await?,
            _ => None,
        };
        Ok(Self { offer, upload_end, claim, end })
    }

    /// When the share expires, if it is committed.
    pub(super) fn expires(&self) -> Option<u64> {
        match self.upload_end.as_deref() {
            Some(UploadEnd::Committed { at, .. }) => Some(at.saturating_add(self.offer.ttl)),
            _ => None,
        }
    }

    /// The phase at `now`.
    pub(super) fn phase(&self, now: u64) -> Phase {
        let expires = match self.upload_end.as_deref() {
            None => return Phase::Uploading,
            Some(UploadEnd::Aborted { at, .. }) => return over(ShareState::Aborted, *at),
            Some(UploadEnd::Committed { at, .. }) => at.saturating_add(self.offer.ttl),
        };
        match &self.claim {
            None if now < expires => Phase::Waiting,
            None => Phase::Over { state: ShareState::Expired, at: expires, settled: false },
            Some(claim) => claim.phase(self.end.as_ref(), now),
        }
    }

    /// The device that claimed the share.
    pub(super) fn claimant(&self) -> Option<&Claimant> {
        match &self.claim {
            Some(Claim::Claimed { claimant, .. }) => Some(claimant),
            _ => None,
        }
    }

    /// The error for `asker`, whose request is not possible in `phase`.
    pub(super) fn refusal(&self, phase: Phase, asker: Option<&Claimant>) -> RelayError {
        refusal(self.claim.as_ref(), phase, asker)
    }

    /// The error for the sender, who may know all of it, if the share has ended.
    pub(super) fn expect_not_over(&self, now: u64) -> Result<(), RelayError> {
        match self.phase(now) {
            phase @ Phase::Over { .. } => Err(self.refusal(phase, self.claimant())),
            _ => Ok(()),
        }
    }

    /// The error for a sender who uploads to a share whose upload has ended.
    pub(super) fn refusal_of_upload(&self, now: u64) -> RelayError {
        self.expect_not_over(now).err().unwrap_or(RelayError::Committed)
    }

    /// The records, if the share has not ended: those may be remembered.
    pub(super) fn remembered(&self, now: u64) -> Option<Remembered> {
        let Self { offer, upload_end, claim, .. } = self.clone();
        match self.phase(now) {
            Phase::Over { .. } => None,
            _ => Some(Remembered { offer: Some(offer), upload_end, claim }),
        }
    }
}

impl Claim {
    /// The phase at `now` of a share with this claim and this `end`.
    pub(super) fn phase(&self, end: Option<&ClaimEnd>, now: u64) -> Phase {
        match (self, end) {
            (Self::Revoked { at, .. }, _) | (Self::Claimed { .. }, Some(ClaimEnd::Revoked { at, .. })) => {
                over(ShareState::Revoked, *at)
            }
            (Self::Expired { at, .. }, _) => over(ShareState::Expired, *at),
            (Self::Locked { at, .. }, _) => over(ShareState::Locked, *at),
            (Self::Claimed { .. }, Some(ClaimEnd::Finished { at, .. })) => over(ShareState::Finished, *at),
            (Self::Claimed { .. }, Some(ClaimEnd::Lapsed { at, .. })) => over(ShareState::Lapsed, *at),
            (Self::Claimed { until, .. }, None) if now < *until => Phase::Leased { until: *until },
            (Self::Claimed { until, .. }, None) => {
                Phase::Over { state: ShareState::Lapsed, at: *until, settled: false }
            }
        }
    }
}

/// An end of which a record says so.
fn over(state: ShareState, at: u64) -> Phase {
    Phase::Over { state, at, settled: true }
}

/// The error for `asker`, whose request is not possible in `phase`. A claimed share is `AlreadyOpened` to all but
/// the claimant, finished or not; while the claimant can resume, the error has the end of the lease.
pub(super) fn refusal(claim: Option<&Claim>, phase: Phase, asker: Option<&Claimant>) -> RelayError {
    let gone = |how, at| RelayError::Gone { how, at, claimant: None, until: None };
    if let Some(Claim::Claimed { at, claimant, .. }) = claim {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{V1, Verifiers};

    #[test]
    fn phase_follows_from_records_and_clock() {
        let verifier = || serde_json::from_value(serde_json::json!("A".repeat(43))).unwrap();
        let verifiers = Verifiers { link: verifier(), open: verifier(), own: verifier() };
        let offer = Arc::new(Offer::new(0, 100, 10, verifiers));
        let announced = Records { offer, upload_end: None, claim: None, end: None };
        assert_eq!((announced.phase(999), announced.expires()), (Phase::Uploading, None));
        let upload_end =
            UploadEnd::Committed { v: V1, at: 20, blob_len: 1, parts: Vec::new(), manifest: None, hold: None };
        let upload_end = Some(Arc::new(upload_end));
        let waiting = Records { upload_end, ..announced };
        assert_eq!((waiting.phase(119), waiting.expires()), (Phase::Waiting, Some(120)));
        let over = |state, at, settled| Phase::Over { state, at, settled };
        assert_eq!(waiting.phase(120), over(ShareState::Expired, 120, false));
        let claimant = Claimant::from_bytes([7; 32]);
        let claimed = Records { claim: Some(Claim::Claimed { v: V1, at: 30, until: 40, claimant }), ..waiting };
        assert_eq!(claimed.phase(39), Phase::Leased { until: 40 });
        assert_eq!(claimed.phase(40), over(ShareState::Lapsed, 40, false));
        let ended = Records { end: Some(ClaimEnd::Lapsed { v: V1, at: 40 }), ..claimed };
        assert_eq!(ended.phase(0), over(ShareState::Lapsed, 40, true));
    }
}
