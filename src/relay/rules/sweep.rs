//! The sweeper: does what is due.
//!
//! Before anything that makes something due later, a marker `due/<hour>/<second>-<id>` is written. It is only a hint:
//! the sweeper looks at the share's cells and does what *they* call for. A marker goes only when the next one is
//! written or nothing is left to do, so a sweeper that dies in the middle leaves its work to the next one, and any
//! number of them may run at once. A sweep costs what is due, not what is stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::relay::rules::StoreRelay;
use crate::relay::rules::probe::PROBES;
use crate::relay::rules::records::{
    CLOCK_TOLERANCE, Claim, End, Phase, Records, TOMBSTONE_TIME, UPLOAD_TIME, failure, names,
};
use crate::relay::{Credential, RelayError, ShareState, V1};
use crate::secret::Id;

/// How many shares are looked at at once: a bucket takes its time for each answer.
const AT_ONCE: usize = 8;
/// Time between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// An object that a store was tried out with is nobody's after this many seconds.
const PROBE_TIME: u64 = 3600;
/// Time between two comparisons of the clock with the store's.
const CHECK_CLOCK_EVERY: Duration = Duration::from_hours(1);

impl StoreRelay {
    /// Does all that is due, once. Returns how many shares were looked at.
    pub async fn sweep(&self) -> Result<usize, RelayError> {
        if !self.clock_agrees.load(Ordering::Relaxed) {
            return Err(RelayError::BUSY);
        }
        let last = self.clock.now().saturating_sub(self.policy.grace);
        let before = names::first_due(last);
        let markers = self.store.list(names::DUE, Some(&before)).await.map_err(failure)?;
        let attended = stream::iter(markers).map(async |marker| {
            // What fails is still marked, and so tried again by the next sweep.
            match names::parse_due(&marker.name) {
                Some((_, id)) => match self.attend(&id, &marker.name).await {
                    Ok(()) => return 1,
                    Err(error) => tracing::warn!(%error, "a share could not be swept"),
                },
                None => tracing::warn!("a marker has a name that nobody here gave it"),
            }
            0
        });
        let looked_at = attended.buffer_unordered(AT_ONCE).fold(0, async |sum, one| sum + one).await;
        if let Err(error) = self.tidy().await {
            tracing::warn!(%error, "what is nobody's could not be removed");
        }
        Ok(looked_at)
    }

    /// Removes what programs have left that died while they wrote or tried the store out.
    async fn tidy(&self) -> Result<(), RelayError> {
        self.store.tidy().await.map_err(failure)?;
        let now = self.clock.now();
        let tried = self.store.list(PROBES, None).await.map_err(failure)?;
        let old = tried.into_iter().filter(|object| now > object.written.saturating_add(PROBE_TIME));
        let names: Vec<String> = old.map(|object| object.name).collect();
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(failure) }
    }

    /// Does what is due for one share, writes the marker for what will be due next, and drops this one.
    async fn attend(&self, id: &Id, marker: &str) -> Result<(), RelayError> {
        if let Some(next) = self.settle(id).await? {
            self.mark_due(id, next).await?;
            if names::due(id, next) == marker {
                return Ok(());
            }
        }
        self.store.delete(&[marker.to_owned()]).await.map_err(failure)
    }

    /// Lets a cell say what the clock says of a share, for its owner.
    pub async fn settle_now(&self, owner: &Credential) -> Result<(), RelayError> {
        self.state(owner).await?;
        self.settle(&owner.id).await.map(drop)
    }

    /// Brings a share to where the clock says that it is. Returns when there will be something to do again.
    async fn settle(&self, id: &Id) -> Result<Option<u64>, RelayError> {
        let now = self.clock.now();
        let due = |at: u64| now > at.saturating_add(self.policy.grace);
        let Some(cells) = Records::load(&*self.store, id).await? else {
            // Who says that there is none must not show one.
            let offer = self.store.list(&names::offer(id), None).await.map_err(failure)?;
            if !offer.is_empty() {
                return Err(RelayError::BUSY);
            }
            self.delete_below(&names::share(id)).await?;
            return Ok(None);
        };
        match cells.phase(now) {
            Phase::Uploading => {
                let at = cells.offer.at.saturating_add(UPLOAD_TIME);
                if due(at) {
                    self.abort(id).await?;
                    return Ok(Some(now));
                }
                Ok(Some(at))
            }
            Phase::Waiting => Ok(cells.expires()),
            Phase::Leased { until } => Ok(Some(until)),
            // The clock says so; now a cell shall. Whoever was faster has decided otherwise, and the next look shows
            // it.
            Phase::Over { state: ShareState::Lapsed, at, settled: false } => {
                if due(at) {
                    self.end(id, End::Lapsed { v: V1, at }).await?;
                    return Ok(Some(now));
                }
                Ok(Some(at))
            }
            Phase::Over { at, settled: false, .. } => {
                if due(at) {
                    self.close(id, Claim::Expired { v: V1, at }).await?;
                    return Ok(Some(now));
                }
                Ok(Some(at))
            }
            Phase::Over { at, settled: true, .. } => {
                let tombstone = at.saturating_add(TOMBSTONE_TIME);
                if due(tombstone) {
                    self.delete_all(id).await?;
                    return Ok(None);
                }
                self.delete_data(id).await?;
                // A part that was on its way when the share ended may have landed since, and whoever brought it may
                // have died; a disk may have forgotten a deletion.
                let second_look = at.saturating_add(UPLOAD_TIME);
                Ok(Some(if due(second_look) { tombstone } else { second_look }))
            }
        }
    }

    /// Forgets a share: the offer first, so that what is left of it cannot be mistaken for a share.
    async fn delete_all(&self, id: &Id) -> Result<(), RelayError> {
        self.store.delete(&[names::offer(id)]).await.map_err(failure)?;
        self.delete_below(&names::share(id)).await
    }

    /// Sweeps about once a minute, for as long as it is not dropped.
    pub async fn keep_sweeping(self: Arc<Self>) {
        let (mut checked, mut wall) = (Instant::now(), (Instant::now(), self.clock.now()));
        loop {
            let jitter = Duration::from_millis(u64::from(self.clock.chance() % 10_000));
            tokio::time::sleep(SWEEP_EVERY + jitter).await;
            // A wall clock that runs away from the monotonic one was set: ask the store before believing it.
            let (then, was) = std::mem::replace(&mut wall, (Instant::now(), self.clock.now()));
            let jumped = wall.1.abs_diff(was + then.elapsed().as_secs()) > CLOCK_TOLERANCE;
            if jumped {
                self.clock_agrees.store(false, Ordering::Relaxed);
            }
            // A clock that is in doubt stays so until the store has confirmed it.
            if !self.clock_agrees.load(Ordering::Relaxed) || checked.elapsed() > CHECK_CLOCK_EVERY {
                if let Err(error) = self.check_clock().await {
                    tracing::warn!(%error, "the store's clock could not be read");
                    continue;
                }
                checked = Instant::now();
            }
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "the sweep failed");
            }
        }
    }
}
