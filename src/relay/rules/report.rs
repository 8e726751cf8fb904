//! Reports: the opener of a share discloses it to the operator.
//!
//! A report is one record. Nothing is copied: see `hold` for what becomes of the data. An empty object in the index
//! precedes the record, so that the operator finds all reported shares, and the relay the bytes of all of them, with
//! one listing.

use std::sync::atomic::Ordering;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::relay::clock::after;
use crate::relay::metrics::ShareEvent;
use crate::relay::rules::hold::{Reporting, hold_end};
use crate::relay::rules::index::{ReportedBytes, STRAYS_EVERY, room_of, sum, taken};
use crate::relay::rules::records::{ClaimEnd, Decision, Offer, UploadEnd, failure, load};
use crate::relay::rules::write_once::{Written, write_hint, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{Credential, RelayError, Report, ReportTo, Reported, V1};
use crate::secret::Id;

/// Entries of the index that are looked at at once.
const AT_ONCE: usize = 8;

impl StoreRelay {
    /// [`crate::relay::Relay::reportable`].
    pub(super) async fn reportable_bytes(&self, holder: &Credential) -> Result<u64, RelayError> {
        if self.policy.operator.is_none() {
            return Err(RelayError::Unknown);
        }
        let (id, known) = (&holder.id, self.held(holder).await?.known);
        let upload_end = match known.upload_end {
            Some(upload_end) => Some(upload_end),
            None => self.upload_end(id).await?,
        };
        let Some(UploadEnd::Committed { blob_len, hold: Some(_), .. }) = upload_end.as_deref() else {
            return Err(RelayError::Unknown);
        };
        let manifest = self.store.list(&names::manifest(id), None).await.map_err(failure)?;
        Ok(manifest.iter().fold(*blob_len, |sum, manifest| sum.saturating_add(manifest.len)))
    }

    /// [`crate::relay::Relay::report`].
    pub(super) async fn report_share(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        let Some(operator) = &self.policy.operator else { return Err(RelayError::Unknown) };
        let id = &holder.id;
        let held = self.held(holder).await?;
        let upload_end = async {
            match &held.known.upload_end {
                Some(upload_end) => Ok(Some(upload_end.clone())),
                None => self.upload_end(id).await,
            }
        };
        let end = ClaimEnd::name(id);
        let (upload_end, end) = tokio::try_join!(upload_end, load::<ClaimEnd>(&*self.store, &end))?;
        let hold_end = hold_end(upload_end.as_deref(), Some(&held.claim), end.as_ref());
        let (Some(upload_end), Some(hold_end)) = (upload_end, hold_end) else { return Err(RelayError::Unknown) };
        if !self.clock_agrees.load(Ordering::Relaxed) {
            return Err(RelayError::BUSY);
        }
        let too_late = RelayError::TooLate { at: hold_end };
        match load::<Reporting>(&*self.store, &names::report(id)).await? {
            Some(Reporting::Reported { at, .. }) => return Ok(Reported { is_new: false, at }),
            Some(Reporting::Closed { .. }) => return Err(too_late),
            None if self.now() >= hold_end => return Err(too_late),
            None => {}
        }
        let bytes = self.stored_bytes(id, &upload_end).await?.ok_or_else(|| too_late.clone())?;
        self.index_reported(id, bytes, operator.max_reported).await?;
        let Report { keys, note, .. } = report.clone();
        let wanted = Reporting::Reported { v: V1, at: self.now(), keys, note };
        match write_once(&*self.store, &*self.clock, &names::report(id), wanted).await? {
            Written::New(Reporting::Reported { at, .. }) => {
                self.metrics.share(ShareEvent::Reported);
                tracing::info!("a share was reported: share relay reports list");
                Ok(Reported { is_new: true, at })
            }
            Written::Same(Reporting::Reported { at, .. }) | Written::Theirs(Reporting::Reported { at, .. }) => {
                Ok(Reported { is_new: false, at })
            }
            _ => {
                // A sweeper was first, and may have deleted the index before this one was written.
                let indexed = self.store.list(&names::all_reported_of(id), None).await.map_err(failure)?;
                self.delete_objects(indexed.into_iter().map(|object| object.name).collect()).await?;
                Err(too_late)
            }
        }
    }

    /// The operator to whom a share that was committed so can be reported.
    pub(super) fn report_to(&self, upload_end: Option<&UploadEnd>) -> Option<ReportTo> {
        let is_held = matches!(upload_end, Some(UploadEnd::Committed { hold: Some(_), .. }));
        let operator = self.policy.operator.as_ref().filter(|_| is_held)?;
        Some(ReportTo { recipient: operator.recipient.clone(), contact: operator.contact.clone() })
    }

    /// The bytes of a committed share in the store, if all of it is there.
    async fn stored_bytes(&self, id: &Id, upload_end: &UploadEnd) -> Result<Option<u64>, RelayError> {
        let UploadEnd::Committed { blob_len, parts, .. } = upload_end else { return Ok(None) };
        let manifest = names::manifest(id);
        let manifest = async { self.store.list(&manifest, None).await.map_err(failure) };
        let (complete, manifest) = tokio::join!(self.expect_complete(id, *blob_len, parts), manifest);
        match complete {
            Ok(_) => Ok(manifest?.first().map(|manifest| blob_len.saturating_add(manifest.len))),
            Err(RelayError::PartsMissing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Enters a share of so many bytes into the index, if the reported shares have at most `max` bytes then.
    async fn index_reported(&self, id: &Id, bytes: u64, max: u64) -> Result<(), RelayError> {
        let (mut index, now) = (self.index.lock().await, self.now());
        let has_room = |taken: u64| taken.saturating_add(room_of(bytes)) <= max;
        let mut reported = ReportedBytes::new();
        let others = match index.full(now) {
            Some(others) if !has_room(others) => others,
            _ => {
                reported = self.reported_bytes().await?;
                reported.remove(id);
                taken(&reported)
            }
        };
        if !has_room(others) {
            self.metrics.report_refused();
            if index.refuse(others, now) {
                tracing::warn!("reports are refused: there is no room for more reported shares; see --max-reported");
            }
            return Err(RelayError::NO_SPACE);
        }
        write_hint(&*self.store, &*self.clock, &names::reported(id, bytes, false)).await?;
        reported.insert(*id, bytes);
        self.metrics.set_reported(reported.len() as u64, sum(reported.values().copied()));
        Ok(())
    }

    /// Sets the number and the bytes of the reported shares, for the metrics.
    pub(super) async fn count_reported(&self) -> Result<(), RelayError> {
        if self.policy.operator.is_some() {
            let reported = self.reported_bytes().await?;
            self.metrics.set_reported(reported.len() as u64, sum(reported.values().copied()));
        }
        Ok(())
    }

    /// Deletes the entries of the index whose share is gone, once a day: an older version of the relay, which knows no
    /// reports, leaves them.
    pub(super) async fn delete_strays(&self) -> Result<(), RelayError> {
        let now = self.now();
        if self.policy.operator.is_none() || !self.index.lock().await.must_search(now) {
            return Ok(());
        }
        let indexed = self.store.list(&names::all_reported(), None).await.map_err(failure)?;
        let old = indexed.into_iter().filter(|entry| now > after(entry.written, STRAYS_EVERY));
        let old = old.filter_map(|entry| Some((names::parse_reported(&entry.name)?.0, entry.name)));
        let looks = stream::iter(old).map(async |(id, name)| {
            let offer = self.store.list(&Offer::name(&id), None).await.map_err(failure)?;
            Ok::<_, RelayError>(offer.is_empty().then_some(name))
        });
        let strays: Vec<String> =
            looks.buffer_unordered(AT_ONCE).try_filter_map(async |stray| Ok(stray)).try_collect().await?;
        self.delete_objects(strays).await?;
        self.index.lock().await.searched(now);
        Ok(())
    }

    /// The bytes of each share in the index.
    pub(super) async fn reported_bytes(&self) -> Result<ReportedBytes, RelayError> {
        let indexed = self.store.list(&names::all_reported(), None).await.map_err(failure)?;
        let indexed = indexed.iter().filter_map(|object| names::parse_reported(&object.name));
        Ok(indexed.map(|(id, bytes, _)| (id, bytes)).collect())
    }
}
