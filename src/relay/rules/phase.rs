//! Phases: the state of a share as a function of its records and of the clock.

use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Offer, UploadEnd, load};
use crate::relay::store::Store;
use crate::relay::{Gone, RelayError, ShareState};
use crate::secret::{Claimant, Id};

/// All records of a share that was announced.
#[derive(Clone, Debug)]
pub(super) struct Records {
    /// The announcement.
    pub(super) offer: Offer,
    /// The commit or abort.
    pub(super) upload_end: Option<UploadEnd>,
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

impl Records {
    /// Reads the records of `id` in the order in which they are written, so that together they were true at one moment.
    /// `None`: no such share.
    pub(super) async fn load(store: &dyn Store, id: &Id) -> Result<Option<Self>, RelayError> {
        let Some(offer) = load(store, &Offer::name(id)).await? else { return Ok(None) };
        let upload_end: Option<UploadEnd> = load(store, &UploadEnd::name(id)).await?;
        let claim: Option<Claim> = if upload_end.is_some() { load(store, &Claim::name(id)).await? } else { None };
        let end = if claim.is_some() { load(store, &ClaimEnd::name(id)).await? } else { None };
        Ok(Some(Self { offer, upload_end, claim, end }))
    }

    /// When the share expires, if it is committed.
    pub(super) fn expires(&self) -> Option<u64> {
        match &self.upload_end {
            Some(UploadEnd::Committed { at, .. }) => Some(at.saturating_add(self.offer.ttl)),
            _ => None,
        }
    }

    /// The phase at `now`.
    pub(super) fn phase(&self, now: u64) -> Phase {
        let over = |state, at: &u64| Phase::Over { state, at: *at, settled: true };
        let expires = match &self.upload_end {
            None => return Phase::Uploading,
            Some(UploadEnd::Aborted { at, .. }) => return over(ShareState::Aborted, at),
            Some(UploadEnd::Committed { at, .. }) => at.saturating_add(self.offer.ttl),
        };
        match (&self.claim, &self.end) {
            (None, _) if now < expires => Phase::Waiting,
            (None, _) => Phase::Over { state: ShareState::Expired, at: expires, settled: false },
            (Some(Claim::Revoked { at, .. }), _)
            | (Some(Claim::Claimed { .. }), Some(ClaimEnd::Revoked { at, .. })) => over(ShareState::Revoked, at),
            (Some(Claim::Expired { at, .. }), _) => over(ShareState::Expired, at),
            (Some(Claim::Locked { at, .. }), _) => over(ShareState::Locked, at),
            (Some(Claim::Claimed { .. }), Some(ClaimEnd::Finished { at, .. })) => over(ShareState::Finished, at),
            (Some(Claim::Claimed { .. }), Some(ClaimEnd::Lapsed { at, .. })) => over(ShareState::Lapsed, at),
            (Some(Claim::Claimed { until, .. }), None) if now < *until => Phase::Leased { until: *until },
            (Some(Claim::Claimed { until, .. }), None) => {
                Phase::Over { state: ShareState::Lapsed, at: *until, settled: false }
            }
        }
    }

    /// The device that claimed the share.
    pub(super) fn claimant(&self) -> Option<&Claimant> {
        match &self.claim {
            Some(Claim::Claimed { claimant, .. }) => Some(claimant),
            _ => None,
        }
    }

    /// The error for `asker`, whose request is not possible in `phase`. A claimed share is `AlreadyOpened` to all but
    /// the claimant, finished or not; while the claimant can resume, the error has the end of the lease.
    pub(super) fn refusal(&self, phase: Phase, asker: Option<&Claimant>) -> RelayError {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{V1, Verifiers};

    #[test]
    fn phase_follows_from_records_and_clock() {
        let verifier = || serde_json::from_value(serde_json::json!("A".repeat(43))).unwrap();
        let verifiers = Verifiers { link: verifier(), open: verifier(), own: verifier() };
        let announced = Records { offer: Offer::new(0, 100, 10, verifiers), upload_end: None, claim: None, end: None };
        assert_eq!((announced.phase(999), announced.expires()), (Phase::Uploading, None));
        let upload_end = Some(UploadEnd::Committed { v: V1, at: 20, blob_len: 1, parts: Vec::new() });
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
