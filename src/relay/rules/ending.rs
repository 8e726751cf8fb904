//! The end of a share: the record that makes its data unreadable, and the deletion of the data.
//!
//! A hint for the sweeper precedes the record, and the deletion follows it. If the process dies in between, the next
//! sweep of any node deletes the data. So a relay can answer the recipient of a share once the record is durable: in a
//! distant bucket, deleting a long share takes many times as long.
//!
//! The data of a share with a hold stays: see `hold`. Only its slots are deleted here.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::relay::rules::known::Remembered;
use crate::relay::rules::phase::Records;
use crate::relay::rules::records::{ClaimEnd, Decision, UploadEnd, failure, load};
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::store::Store;
use crate::relay::{RelayError, V1};
use crate::secret::Id;

impl StoreRelay {
    /// Lets [`crate::relay::Relay::finish`] answer before the data is deleted. For a process that lives on, and calls
    /// [`StoreRelay::end_deletions`] at its end.
    #[must_use]
    pub fn deleting_after_answers(self) -> Self {
        Self { deletions: Some(TaskTracker::new()), ..self }
    }

    /// Waits until all begun deletions have ended.
    pub async fn end_deletions(&self) {
        if let Some(deletions) = &self.deletions {
            deletions.close();
            deletions.wait().await;
        }
    }

    /// Ends a share by `decision`, unless another decision exists. Deletes its data if `decision` is in force, unless
    /// the share has a `hold`.
    pub(super) async fn end_share<D: Decision>(
        &self,
        id: &Id,
        decision: D,
        hold: Option<u64>,
    ) -> Result<Written<D>, RelayError> {
        let (written, known) = self.decide(id, decision).await?;
        if written.is_ours() {
            match hold {
                None => self.delete_now(id, &known).await,
                Some(_) => warn(delete_slots(&*self.store, id, &known).await),
            }
        }
        Ok(written)
    }

    /// Ends an upload, unless it was committed.
    pub(super) async fn abort(&self, id: &Id) -> Result<Written<UploadEnd>, RelayError> {
        self.end_share(id, UploadEnd::Aborted { v: V1, at: self.now() }, None).await
    }

    /// Ends a share whose content has arrived, unless another decision exists. Its data is deleted later, if this relay
    /// does that.
    pub(super) async fn end_received(&self, id: &Id, end: ClaimEnd) -> Result<Written<ClaimEnd>, RelayError> {
        let (written, known) = self.decide(id, end).await?;
        if written.is_ours() {
            let (store, id) = (self.store.clone(), *id);
            let deletion = async move { warn(delete_received(&*store, &id, known).await) };
            match &self.deletions {
                Some(deletions) => drop(deletions.spawn(deletion)),
                None => deletion.await,
            }
        }
        Ok(written)
    }

    /// Writes `decision`, unless another one exists, and returns what was remembered of the share before.
    async fn decide<D: Decision>(&self, id: &Id, decision: D) -> Result<(Written<D>, Remembered), RelayError> {
        let known = self.known.get(id, self.now());
        self.mark_due(id, self.now()).await?;
        let written = write_once(&*self.store, &*self.clock, &D::name(id), decision).await?;
        // Before anything is deleted: a part that lands later finds nothing remembered, and reads how the share ended.
        self.known.forget(id);
        if let Written::New(decision) = &written {
            self.metrics.share(decision.event());
        }
        Ok((written, known))
    }

    /// Deletes the data of a share that has just ended. After a failure the sweeper tries again.
    pub(super) async fn delete_now(&self, id: &Id, known: &Remembered) {
        warn(delete_data(&*self.store, id, known).await);
    }

    /// Deletes what was stored after the end of a share. After a failure the sweeper tries again.
    pub(super) async fn delete_if_ended(&self, id: &Id) {
        let deleted = async {
            match Records::load(&*self.store, id).await? {
                Some(records) if records.phase(self.now()).is_settled() => self.clear(id, &records).await,
                Some(_) => Ok(()),
                // Its records were deleted too. The sweeper deletes what is left of such a share.
                None => self.mark_due(id, self.now()).await,
            }
        };
        if let Err(error) = deleted.await {
            self.known.note_landed(id);
            tracing::warn!(%error, "deleting late data of an ended share failed; the sweeper tries again");
        }
    }
}

/// Logs the failure of a deletion.
fn warn(deleted: Result<(), RelayError>) {
    if let Err(error) = deleted {
        tracing::warn!(%error, "deleting the data of an ended share failed; the sweeper tries again");
    }
}

/// Deletes what a share leaves that was just received, unless it has a hold: its slots then. Without the record of the
/// commit it is unknown whether it has one, so nothing is deleted.
async fn delete_received(store: &dyn Store, id: &Id, mut known: Remembered) -> Result<(), RelayError> {
    if known.upload_end.is_none() {
        known.upload_end = load(store, &UploadEnd::name(id)).await?.map(Arc::new);
    }
    match known.upload_end.as_deref() {
        Some(UploadEnd::Committed { hold: None, .. }) => delete_data(store, id, &known).await,
        Some(UploadEnd::Committed { hold: Some(_), .. }) => delete_slots(store, id, &known).await,
        Some(UploadEnd::Aborted { .. }) | None => Ok(()),
    }
}

/// Deletes the slots of a share, if it has some.
async fn delete_slots(store: &dyn Store, id: &Id, known: &Remembered) -> Result<(), RelayError> {
    let has_slots = known.offer.as_ref().is_none_or(|offer| offer.has_passphrase());
    if has_slots { delete_below(store, &names::guesses(id), &[]).await } else { Ok(()) }
}

/// Deletes parts, slots and manifest, all at the same time: objects whose names follow from what is `known` at once,
/// and the others as they are listed. The record that makes them unreadable must be durable before.
pub(super) async fn delete_data(store: &dyn Store, id: &Id, known: &Remembered) -> Result<(), RelayError> {
    let mut named = vec![names::manifest(id)];
    if let Some(UploadEnd::Committed { parts, .. }) = known.upload_end.as_deref() {
        named.extend((0..).zip(parts).map(|(number, crc)| names::part(id, number, *crc)));
    }
    let parts = names::parts(id);
    // Each deletion is tried, even if another one fails.
    let (named, parts, slots) =
        tokio::join!(store.delete(&named), delete_below(store, &parts, &named), delete_slots(store, id, known));
    named.map_err(failure).and(parts).and(slots)
}

/// Deletes all objects whose names begin with `prefix`, but for those that are deleted by name.
pub(super) async fn delete_below(store: &dyn Store, prefix: &str, named: &[String]) -> Result<(), RelayError> {
    let objects = store.list(prefix, None).await.map_err(failure)?;
    let named: HashSet<&String> = named.iter().collect();
    let names = objects.into_iter().map(|object| object.name).filter(|name| !named.contains(name));
    let names: Vec<String> = names.collect();
    if names.is_empty() { Ok(()) } else { store.delete(&names).await.map_err(failure) }
}
