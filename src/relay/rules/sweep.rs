//! The sweeper: ends shares that have expired or lapsed, and deletes their data.
//!
//! A hint `due/<hour>/<second>-<id>` precedes each record that makes something due later. The sweeper reads the share's
//! records and does what they call for. It deletes a hint only when the next one is written or nothing is left to do.
//! So any number of sweepers may run, and each may die at any point. The cost of a sweep depends on what is due, not on
//! what is stored.
//!
//! A sweep first writes and deletes the records that senders can see. It deletes the data of held shares after that,
//! since the time of it depends on whether they were reported. The next sweep does not wait for these deletions. The
//! data of held shares goes an hour before the last of their records. So a request that finds no record any more finds
//! no data either, whether the share was reported or not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::relay::clock::after;
use crate::relay::rules::ending::delete_below;
use crate::relay::rules::phase::{Phase, Records};
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Offer, failure};
use crate::relay::rules::{CLOCK_TOLERANCE, StoreRelay, UPLOAD_TIME, names};
use crate::relay::{Credential, HOLD, RelayError, ShareState, TOMBSTONE_TIME, V1};
use crate::secret::Id;

/// The two passes of a sweep: see the module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Everything, unless it is held.
    Records,
    /// The deletion of held data.
    HeldData,
}

/// The next step for a share.
enum Next {
    /// It must be looked at again then, Unix seconds.
    At(u64),
    /// The rest is for the next pass of this sweep.
    Pass,
    /// Nothing is left to do.
    Nothing,
}

/// Shares that are processed at once, since requests to a bucket are slow.
const AT_ONCE: usize = 8;
/// Time between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Age at which an object from a test of the store is deleted.
const PROBE_TIME: Duration = Duration::from_hours(1);
/// Interval at which our clock is compared with the store's.
const CHECK_CLOCK_EVERY: Duration = Duration::from_hours(1);

impl StoreRelay {
    /// Does all that is due, once. Returns how many shares were processed. The next sweep repeats those that failed.
    ///
    /// # Errors
    /// [`RelayError::Busy`] while our clock and the store's differ, and the errors of listing the store.
    pub async fn sweep(&self) -> Result<usize, RelayError> {
        let (looked_at, held) = self.sweep_records().await?;
        self.sweep_data(held).await;
        Ok(looked_at)
    }

    /// The first pass of a sweep. Returns how many shares it looked at, and the hints that are left to the second one.
    async fn sweep_records(&self) -> Result<(usize, Vec<String>), RelayError> {
        if !self.clock_agrees.load(Ordering::Relaxed) {
            return Err(RelayError::BUSY);
        }
        let last = self.clock.now().saturating_sub(self.policy.grace.as_secs());
        let before = names::first_due(last);
        let hints = self.store.list(&names::hints(), Some(&before)).await.map_err(failure)?;
        let hints: Vec<String> = hints.into_iter().map(|hint| hint.name).collect();
        Ok(self.attend_all(hints, Pass::Records).await)
    }

    /// The second pass, for the shares of these hints, and what no sender waits for.
    async fn sweep_data(&self, held: Vec<String>) {
        self.attend_all(held, Pass::HeldData).await;
        self.look_at_landed().await;
        if let Err(error) = self.tidy().await {
            tracing::warn!(%error, "leftover objects could not be removed");
        }
    }

    /// Attends to the shares of these hints. Returns how many it looked at, and the hints that are left to the next
    /// pass.
    async fn attend_all(&self, hints: Vec<String>, pass: Pass) -> (usize, Vec<String>) {
        let attended = stream::iter(hints).map(async |hint| {
            // After a failure the hint stays, so that the next sweep tries again.
            match names::parse_due(&hint) {
                Some((_, id)) => match self.attend(&id, &hint, pass).await {
                    Ok(true) => return (1, None),
                    Ok(false) => return (1, Some(hint)),
                    Err(error) => tracing::warn!(%error, "cleaning up a share failed; the next sweep tries again"),
                },
                None => tracing::warn!("ignored a hint with an unknown form of name"),
            }
            (0, None)
        });
        let outcomes: Vec<(usize, Option<String>)> = attended.buffer_unordered(AT_ONCE).collect().await;
        let looked_at = outcomes.iter().map(|(looked_at, _)| looked_at).sum();
        (looked_at, outcomes.into_iter().filter_map(|(_, left)| left).collect())
    }

    /// Deletes the parts that were stored while another node ended their share: of each share with parts that have
    /// landed since the last sweep, reads how its upload ended. A sweep that is dropped keeps the notes of the others.
    async fn look_at_landed(&self) {
        let looks = stream::iter(self.known.landed()).map(async |id| {
            // Before the look: a part that lands meanwhile is noted again.
            self.known.clear_landed(&id);
            let landing = self.known.landing(&id);
            let Ok(upload_end) = self.upload_end(&id).await else { return };
            // An offer that is remembered exists. Without one the records were deleted.
            if upload_end.is_some() || self.known.get(&id, self.now()).offer.is_none() {
                self.delete_if_ended(&id).await;
            }
            landing.call_off();
        });
        looks.buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// Removes the leftovers of programs that died while they wrote to the store or tested it, and old counts.
    async fn tidy(&self) -> Result<(), RelayError> {
        self.store.tidy().await.map_err(failure)?;
        let now = self.clock.now();
        let probes = names::probes();
        let (tried, uses) = tokio::join!(self.store.list(&probes, None), self.delete_old_uses());
        let tried = tried.map_err(failure)?;
        uses?;
        self.delete_strays().await?;
        let old = tried.into_iter().filter(|object| now > after(object.written, PROBE_TIME));
        let names: Vec<String> = old.map(|object| object.name).collect();
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(failure) }
    }

    /// Does what is due for one share, writes the hint for what will be due next, and deletes this one. Returns whether
    /// that is done, or left to the next pass.
    async fn attend(&self, id: &Id, hint: &str, pass: Pass) -> Result<bool, RelayError> {
        match self.settle(id, Some(hint), pass).await? {
            Next::Pass => return Ok(false),
            Next::At(next) => {
                self.mark_due(id, next).await?;
                if names::due(id, next) == hint {
                    return Ok(true);
                }
            }
            Next::Nothing => {}
        }
        self.store.delete(&[hint.to_owned()]).await.map_err(failure).map(|()| true)
    }

    /// Writes the record of an end that only the clock has decided so far, for the share's sender.
    ///
    /// # Errors
    /// [`RelayError::Unknown`] for an unknown share or a wrong owner token, and the errors of the store.
    pub async fn settle_now(&self, owner: &Credential) -> Result<(), RelayError> {
        self.state(owner).await?;
        self.settle(&owner.id, None, Pass::Records).await.map(drop)
    }

    /// Whether a time has passed by the clock of every node.
    pub(super) fn is_due(&self, at: u64, now: u64) -> bool {
        now > after(at, self.policy.grace)
    }

    /// Does what is due for a share, because of a hint if there is one.
    async fn settle(&self, id: &Id, hint: Option<&str>, pass: Pass) -> Result<Next, RelayError> {
        let now = self.clock.now();
        let due = |at| self.is_due(at, now);
        let Some(records) = Records::load(&*self.store, id).await? else {
            return self.delete_unannounced(id).await.map(|()| Next::Nothing);
        };
        match records.phase(now) {
            Phase::Uploading => {
                let at = after(records.offer.at, UPLOAD_TIME);
                if due(at) {
                    self.abort(id).await?;
                    return Ok(Next::At(now));
                }
                Ok(Next::At(at))
            }
            Phase::Waiting => Ok(records.expires().map_or(Next::Nothing, Next::At)),
            Phase::Leased { until } => Ok(Next::At(until)),
            // Only the clock has decided so far. Another record may win; the next look finds it.
            Phase::Over { state: ShareState::Lapsed, at, settled: false } => {
                if due(at) {
                    self.end_share(id, ClaimEnd::Lapsed { v: V1, at }, records.hold()).await?;
                    // Its hold may be over too, if nobody has swept for long.
                    let is_held = records.hold().is_some() && pass == Pass::Records;
                    return Ok(if is_held { Next::Pass } else { Next::At(now) });
                }
                Ok(Next::At(at))
            }
            Phase::Over { at, settled: false, .. } => {
                if due(at) {
                    self.end_share(id, Claim::Expired { v: V1, at }, None).await?;
                    return Ok(Next::At(now));
                }
                Ok(Next::At(at))
            }
            Phase::Over { at, settled: true, .. } => {
                if records.hold().is_some() {
                    return self.settle_held(id, &records, at, hint, pass).await;
                }
                if due(after(at, TOMBSTONE_TIME)) {
                    self.delete_offer(id).await?;
                    delete_below(&*self.store, &names::share(id), &[]).await?;
                    return Ok(Next::Nothing);
                }
                self.clear(id, &records).await?;
                Ok(Next::At(self.next_look(at)))
            }
        }
    }

    /// Does what is due for a share with a hold that ended at `at`.
    async fn settle_held(
        &self,
        id: &Id,
        records: &Records,
        at: u64,
        hint: Option<&str>,
        pass: Pass,
    ) -> Result<Next, RelayError> {
        let (now, tombstone) = (self.now(), after(at, TOMBSTONE_TIME));
        let last = after(tombstone, HOLD);
        // This hint was written when the data was deleted. So no request finds data without the offer.
        if hint == Some(&*names::due(id, last)) && self.is_due(last, now) {
            self.delete_offer(id).await?;
            self.delete_unannounced(id).await?;
            return Ok(Next::Nothing);
        }
        if pass == Pass::Records {
            return Ok(Next::Pass);
        }
        if self.is_due(tombstone, now) {
            self.delete_held(id).await?;
            self.delete_objects(vec![names::report(id), names::review(id)]).await?;
            return Ok(Next::At(last));
        }
        Ok(Next::At(match self.keep_or_close(id, records).await? {
            Some(hold_end) => hold_end,
            None => self.next_look(at),
        }))
    }

    /// When a share that ended at `at` must be looked at again: a part may have been stored after the end by a node
    /// that then died; a power cut may have undone a deletion.
    fn next_look(&self, at: u64) -> u64 {
        let second_look = after(at, UPLOAD_TIME);
        if self.is_due(second_look, self.now()) { after(at, TOMBSTONE_TIME) } else { second_look }
    }

    /// Deletes what is left of a share whose offer could not be read. Listing must agree that there is none, and after
    /// the rest was listed: it may be announced now, and what follows its offer must stay.
    async fn delete_unannounced(&self, id: &Id) -> Result<(), RelayError> {
        let left = self.store.list(&names::share(id), None).await.map_err(failure)?;
        let offer = self.store.list(&Offer::name(id), None).await.map_err(failure)?;
        if !offer.is_empty() {
            return Err(RelayError::BUSY);
        }
        let (left, report) = (left.into_iter().map(|object| object.name), names::report(id));
        let (last, left): (Vec<String>, Vec<String>) = left.partition(|name| *name == report);
        let mut names = Vec::new();
        if self.policy.operator.is_some() || !last.is_empty() {
            // In one step with the data, and before the record that shows that it may exist.
            let index = self.store.list(&names::all_reported_of(id), None).await.map_err(failure)?;
            names.extend(index.into_iter().map(|object| object.name));
        }
        names.extend(left.into_iter().chain(last));
        self.delete_objects(names).await
    }

    /// Deletes the offer of a share, so that the rest is not taken for one.
    async fn delete_offer(&self, id: &Id) -> Result<(), RelayError> {
        self.store.delete(&[Offer::name(id)]).await.map_err(failure)?;
        self.known.forget(id);
        Ok(())
    }

    /// Sweeps about once a minute, until the future is dropped.
    pub async fn keep_sweeping(self: Arc<Self>) {
        let (held, due) = watch::channel(Vec::new());
        tokio::join!(self.keep_sweeping_records(held), self.keep_sweeping_data(due));
    }

    /// The second pass of each sweep. If it takes long, the next first one does not wait for it.
    async fn keep_sweeping_data(&self, mut due: watch::Receiver<Vec<String>>) {
        while due.changed().await.is_ok() {
            let held = due.borrow_and_update().clone();
            self.sweep_data(held).await;
        }
    }

    /// The first pass of each sweep. Passes on the hints that are left to the second one.
    async fn keep_sweeping_records(&self, held: watch::Sender<Vec<String>>) {
        let (mut checked, mut wall) = (Instant::now(), (Instant::now(), self.clock.now()));
        let mut start = Instant::now();
        loop {
            let jitter = Duration::from_millis(u64::from(self.clock.chance() % 10_000));
            tokio::time::sleep_until(start + SWEEP_EVERY + jitter).await;
            start = Instant::now();
            // The wall clock differs from the monotonic one: it was set. Compare it with the store before using it.
            let (then, was) = std::mem::replace(&mut wall, (Instant::now(), self.clock.now()));
            let jumped = wall.1.abs_diff(was + then.elapsed().as_secs()) > CLOCK_TOLERANCE.as_secs();
            if jumped {
                self.clock_agrees.store(false, Ordering::Relaxed);
            }
            // A doubtful clock stays so until it agrees with the store's.
            if !self.clock_agrees.load(Ordering::Relaxed) || checked.elapsed() > CHECK_CLOCK_EVERY {
                if let Err(error) = self.check_clock().await {
                    tracing::warn!(%error, "the store's clock could not be read");
                    continue;
                }
                checked = Instant::now();
            }
            let begun = Instant::now();
            let swept = self.sweep_records().await;
            self.metrics.sweep(swept.as_ref().ok().map(|(looked_at, _)| *looked_at), begun.elapsed());
            match swept {
                Ok((_, left)) => drop(held.send_replace(left)),
                Err(error) => tracing::warn!(%error, "the sweep failed"),
            }
        }
    }
}
