//! Requests of the sender about a share: status and revocation.

use std::time::Duration;

use tokio::time::Instant;

use crate::relay::rules::phase::{Phase, Records};
use crate::relay::rules::records::{Claim, ClaimEnd, UploadEnd, failure};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{Credential, MAX_GUESSES, RelayError, ShareState, Status, V1};
use crate::secret::{Id, Role};

/// Interval at which a waiting [`crate::relay::Relay::status`] reads the store.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Attempts to revoke a share. Each either ends it or finds that it has moved to its next phase; a share has three such
/// moves.
const ATTEMPTS: u32 = 4;

impl StoreRelay {
    /// [`crate::relay::Relay::status`].
    pub(super) async fn await_status(
        &self,
        owner: &Credential,
        known: &[ShareState],
        wait: Duration,
    ) -> Result<Status, RelayError> {
        let start = Instant::now();
        loop {
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() || !known.contains(&self.state(owner).await?) {
                return self.status_now(owner).await;
            }
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }

    /// [`crate::relay::Relay::revoke`].
    pub(super) async fn revoke_share(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        let id = &owner.id;
        for _ in 0..ATTEMPTS {
            let records = self.records(owner, Role::Owner).await?;
            let at = self.now();
            let (is_ended, was) = match records.phase(at) {
                Phase::Uploading => (self.abort(id).await?.is_ours(), ShareState::Uploading),
                Phase::Waiting => {
                    (self.end_share(id, Claim::Revoked { v: V1, at }, None).await?.is_ours(), ShareState::Waiting)
                }
                Phase::Leased { .. } => {
                    let end = ClaimEnd::Revoked { v: V1, at };
                    (self.end_share(id, end, records.hold()).await?.is_ours(), ShareState::Claimed)
                }
                // Only the clock says so: a claim may still win.
                Phase::Over { state: ShareState::Lapsed, at, settled: false } => {
                    let end = ClaimEnd::Lapsed { v: V1, at };
                    (self.end_share(id, end, records.hold()).await?.is_ours(), ShareState::Lapsed)
                }
                Phase::Over { state, at, settled: false } => {
                    (self.end_share(id, Claim::Expired { v: V1, at }, None).await?.is_ours(), state)
                }
                Phase::Over { state, settled: true, .. } => (true, state),
            };
            if is_ended {
                return Ok(was);
            }
        }
        Err(RelayError::BUSY)
    }

    /// The state of a share. Reads at most four records.
    ///
    /// # Errors
    /// [`RelayError::Unknown`] for an unknown share or a wrong owner token, and the errors of reading the store.
    pub async fn state(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        Ok(self.state_and_end(&self.records(owner, Role::Owner).await?).0)
    }

    /// The state of a share and when it ended, for its sender. Until the grace is over, an expiry by the clock is not
    /// final: a claim from the last second may still win.
    fn state_and_end(&self, records: &Records) -> (ShareState, Option<u64>) {
        match records.phase(self.now().saturating_sub(self.policy.grace.as_secs())) {
            Phase::Uploading => (ShareState::Uploading, None),
            Phase::Waiting => (ShareState::Waiting, None),
            Phase::Leased { .. } => (ShareState::Claimed, None),
            Phase::Over { state, at, .. } => (state, Some(at)),
        }
    }

    async fn status_now(&self, owner: &Credential) -> Result<Status, RelayError> {
        let id = &owner.id;
        let records = self.records(owner, Role::Owner).await?;
        let (state, ended) = self.state_and_end(&records);
        let committed = match records.upload_end.as_deref() {
            Some(UploadEnd::Committed { at, .. }) => Some(*at),
            _ => None,
        };
        let (claimed, until) = match &records.claim {
            Some(Claim::Claimed { at, until, .. }) => (Some(*at), Some(*until)),
            _ => (None, None),
        };
        let receipt = match &records.end {
            Some(ClaimEnd::Finished { receipt, .. }) => Some(*receipt),
            _ => None,
        };
        let overdue = match state {
            ShareState::Waiting | ShareState::Claimed => Some(matches!(records.phase(self.now()), Phase::Over { .. })),
            _ => None,
        };
        let guesses = async {
            match state {
                // Its slots are deleted.
                ShareState::Locked => Ok(MAX_GUESSES),
                _ if !records.offer.has_passphrase() => Ok(0),
                _ => {
                    let slots = self.store.list(&names::guesses(id), None).await.map_err(failure)?;
                    Ok(u8::try_from(slots.len()).unwrap_or(MAX_GUESSES))
                }
            }
        };
        let is_settled = records.phase(self.now()).is_settled();
        let kept_until = records.hold_end().filter(|_| is_settled);
        // Nobody can download them any more. A listing would show whether the share was reported, also by its time.
        let bytes_left = async { if kept_until.is_some() { Ok(0) } else { self.bytes_held(id).await } };
        let (guesses, bytes_left) = tokio::try_join!(guesses, bytes_left)?;
        Ok(Status {
            v: V1,
            state,
            created: records.offer.at,
            committed,
            expires: records.expires(),
            claimed,
            until,
            ended,
            claimant: records.claimant().copied(),
            receipt,
            guesses,
            bytes_left,
            overdue,
            kept_until,
        })
    }

    async fn bytes_held(&self, id: &Id) -> Result<u64, RelayError> {
        let parts = self.store.list(&names::parts(id), None).await.map_err(failure)?;
        Ok(parts.iter().map(|part| part.len).sum())
    }
}
