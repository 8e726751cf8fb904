//! The hold: the time for which the data of a share stays after its end, so that the opener can report it to the
//! operator. Nobody can download it then.
//!
//! The node that commits a share decides whether it has one, and writes it to `seal`: so all nodes agree, also after a
//! change of options. Only a share that was claimed is held. Two writers create the record `report`: the opener to
//! report the share, and the sweeper to close it when the hold is over. The first one decides whether the data is
//! deleted at the close, or 30 days after the end of the share.
//!
//! The sender of a share must not see whether it was reported. So no request with an owner token or a link token reads
//! `report`, `review` or the index, nor waits for anything that takes longer while the data is still stored.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};

use crate::relay::clock::after;
use crate::relay::rules::ending::delete_data;
use crate::relay::rules::incoming::completed_by;
use crate::relay::rules::known::Remembered;
use crate::relay::rules::phase::Records;
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Offer, Record, UploadEnd, failure, load};
use crate::relay::rules::write_once::{Written, write_hint, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{Content, RelayError, V1, base64url};
use crate::secret::Id;

/// Time after which the end of a share is looked at once more before a part is complete. Much less than the hold.
const SLOW_PART: Duration = Duration::from_mins(10);

/// `report`: whether a share was reported before the end of its hold. The opener or a sweeper creates it: the first one
/// decides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Reporting {
    /// Its opener has reported it.
    Reported {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
        /// The identities of the manifest and the blob, encrypted to the operator.
        #[serde(with = "base64url")]
        keys: Bytes,
        /// The opener's note, encrypted to the operator.
        #[serde(default, with = "base64url::optional", skip_serializing_if = "Option::is_none")]
        note: Option<Bytes>,
    },
    /// Its hold ended before that.
    Closed {
        /// Version.
        v: V1,
        /// The end of its hold, Unix seconds.
        at: u64,
    },
}

impl Record for Reporting {
    /// Two reports decide the same, whatever is in them: only one device can report a share, and the files of a
    /// repeated report are encrypted anew.
    fn same(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Reported { .. }, Self::Reported { .. }) | (Self::Closed { .. }, Self::Closed { .. })
        )
    }
}

/// `review`: the operator has deleted the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Review {
    pub(super) v: V1,
    /// When, Unix seconds.
    pub(super) at: u64,
}

impl Record for Review {
    fn same(&self, _: &Self) -> bool {
        true
    }
}

/// The end of the hold of a share with these records, Unix seconds: an hour after its end, or after its lease as long
/// as no record ends it. `None` if it has no hold, or was not claimed.
pub(super) fn hold_end(upload_end: Option<&UploadEnd>, claim: Option<&Claim>, end: Option<&ClaimEnd>) -> Option<u64> {
    match (upload_end, claim) {
        (Some(UploadEnd::Committed { hold: Some(hold), .. }), Some(Claim::Claimed { until, .. })) => {
            Some(end.map_or(*until, ClaimEnd::at).saturating_add(*hold))
        }
        _ => None,
    }
}

impl Records {
    /// See [`hold_end`].
    pub(super) fn hold_end(&self) -> Option<u64> {
        hold_end(self.upload_end.as_deref(), self.claim.as_ref(), self.end.as_ref())
    }

    /// Seconds for which the data is kept after the end of the claim, if it was claimed.
    pub(super) fn hold(&self) -> Option<u64> {
        match (self.upload_end.as_deref(), &self.claim) {
            (Some(UploadEnd::Committed { hold, .. }), Some(Claim::Claimed { .. })) => *hold,
            _ => None,
        }
    }
}

impl StoreRelay {
    /// Deletes what may go of a share that a record has ended. After its hold that is all or nothing of its data, as
    /// `report` decides; until then it is what the commit does not list.
    pub(super) async fn clear(&self, id: &Id, records: &Records) -> Result<(), RelayError> {
        match records.hold_end() {
            None => delete_data(&*self.store, id, &Remembered::default()).await,
            Some(hold_end) if self.is_due(hold_end, self.now()) => {
                match load::<Reporting>(&*self.store, &names::report(id)).await? {
                    Some(reporting) => self.clear_held(id, records, &reporting).await,
                    None => self.delete_surplus(id, records).await,
                }
            }
            Some(_) => self.delete_surplus(id, records).await,
        }
    }

    /// Closes an ended share whose hold is over, unless it was reported, and deletes what may go. Returns the end of a
    /// hold that is not over.
    pub(super) async fn keep_or_close(&self, id: &Id, records: &Records) -> Result<Option<u64>, RelayError> {
        let Some(at) = records.hold_end() else { return self.clear(id, records).await.map(|()| None) };
        if !self.is_due(at, self.now()) {
            self.delete_surplus(id, records).await?;
            return Ok(Some(at));
        }
        let closed = Reporting::Closed { v: V1, at };
        let written = write_once(&*self.store, &*self.clock, &names::report(id), closed).await?;
        let (Written::New(reporting) | Written::Same(reporting) | Written::Theirs(reporting)) = written;
        self.clear_held(id, records, &reporting).await.map(|()| None)
    }

    /// Deletes what may go after the hold of a share. The bytes of a reported one are set aside in place of that, until
    /// the operator has deleted the report.
    async fn clear_held(&self, id: &Id, records: &Records, reporting: &Reporting) -> Result<(), RelayError> {
        if matches!(reporting, Reporting::Closed { .. }) {
            return self.delete_held(id).await;
        }
        if load::<Review>(&*self.store, &names::review(id)).await?.is_none() {
            self.set_aside(id).await?;
            return self.delete_surplus(id, records).await;
        }
        self.delete_held(id).await?;
        // Last: without it, a look would not find that the data may go. The next one closes the share.
        self.delete_objects(vec![names::report(id)]).await
    }

    /// Notes in the index that the bytes of a reported share stay, unless that is noted.
    async fn set_aside(&self, id: &Id) -> Result<(), RelayError> {
        let indexed = self.store.list(&names::all_reported_of(id), None).await.map_err(failure)?;
        let indexed: Vec<_> = indexed.iter().filter_map(|object| names::parse_reported(&object.name)).collect();
        if indexed.iter().any(|(_, _, is_kept)| *is_kept) {
            return Ok(());
        }
        let bytes = match indexed.first() {
            Some((_, bytes, _)) => *bytes,
            None => self.bytes_of(id).await?,
        };
        write_hint(&*self.store, &*self.clock, &names::reported(id, bytes, true)).await
    }

    /// The bytes of the stored parts and of the manifest of a share.
    async fn bytes_of(&self, id: &Id) -> Result<u64, RelayError> {
        let (parts, manifest) = (names::parts(id), names::manifest(id));
        let (parts, manifest) =
            tokio::try_join!(self.store.list(&parts, None), self.store.list(&manifest, None)).map_err(failure)?;
        Ok(parts.iter().chain(&manifest).map(|object| object.len).sum())
    }

    /// Deletes the slots of a held share, and the parts that its commit does not list.
    async fn delete_surplus(&self, id: &Id, records: &Records) -> Result<(), RelayError> {
        let (parts, slots) = (names::parts(id), names::guesses(id));
        let (parts, slots) =
            tokio::try_join!(self.store.list(&parts, None), self.store.list(&slots, None)).map_err(failure)?;
        let is_listed = |name: &str| {
            let (Some((number, crc)), Some(upload_end)) = (names::parse_part(name), records.upload_end.as_deref())
            else {
                return false;
            };
            upload_end.part(number).is_some_and(|(listed, _)| listed == crc)
        };
        let surplus = parts.into_iter().filter(|part| !is_listed(&part.name)).chain(slots);
        self.delete_objects(surplus.map(|object| object.name).collect()).await
    }

    /// Deletes the data of a share whose hold is over, in one step with the index: the bytes that become free must not
    /// show for a moment that they were set aside.
    pub(super) async fn delete_held(&self, id: &Id) -> Result<(), RelayError> {
        let prefixes = [names::all_reported_of(id), names::manifest(id), names::parts(id), names::guesses(id)];
        let [index, manifest, parts, slots] = prefixes.each_ref().map(|prefix| self.store.list(prefix, None));
        let (index, manifest, parts, slots) = tokio::try_join!(index, manifest, parts, slots).map_err(failure)?;
        let objects = index.into_iter().chain(manifest).chain(parts).chain(slots);
        self.delete_objects(objects.map(|object| object.name).collect()).await
    }

    /// Deletes objects, if there are any.
    pub(super) async fn delete_objects(&self, names: Vec<String>) -> Result<(), RelayError> {
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(failure) }
    }

    /// The result of `deciding`, and that of `other` unless the first one `is_final`. `other` may take longer while the
    /// data of a share is still stored, so an answer that needs only the first one must not wait for it. Where shares
    /// are held, `other` does not even begin before. Elsewhere both begin at once.
    pub(super) async fn unless<A, B>(
        &self,
        deciding: impl Future<Output = Result<A, RelayError>>,
        is_final: impl Fn(&A) -> bool,
        other: impl Future<Output = B>,
    ) -> Result<(A, Option<B>), RelayError> {
        let (deciding, other) = (pin!(deciding), pin!(other));
        let (decision, other) = if self.policy.operator.is_some() {
            (deciding.await?, other)
        } else {
            match select(other, deciding).await {
                Either::Left((other, deciding)) => return Ok((deciding.await?, Some(other))),
                Either::Right((decision, other)) => (decision?, other),
            }
        };
        let is_final = is_final(&decision);
        Ok((decision, if is_final { None } else { Some(other.await) }))
    }

    /// A part on its way to the store of a relay with an operator, which fails if it takes long and its share has ended
    /// meanwhile. Otherwise a sender could let a part arrive after the hold, and would see whether the store has it
    /// still.
    pub(super) fn in_time(&self, part: Content, id: &Id, offer: &Arc<Offer>) -> Content {
        if self.policy.operator.is_none() {
            return part;
        }
        let (store, clock, id, offer) = (self.store.clone(), self.clock.clone(), *id, offer.clone());
        let slow = after(self.now(), SLOW_PART);
        completed_by(part, async move {
            if clock.now() < slow {
                return Ok(());
            }
            let Some(upload_end) = load(&*store, &UploadEnd::name(&id)).await? else { return Ok(()) };
            let known = Remembered { upload_end: Some(Arc::new(upload_end)), ..Remembered::default() };
            let records = Records::complete(&*store, &id, offer, known).await?;
            records.expect_not_over(clock.now())
        })
    }
}
