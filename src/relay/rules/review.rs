//! The operator's side of reports: listing, reading and deleting them, in the store itself.
//!
//! Nothing here runs in a server. A deletion is a record too: the relay's sweeper deletes the data, as it does for all
//! other shares.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::relay::clock::after;
use crate::relay::rules::hold::{Reporting, Review};
use crate::relay::rules::phase::{Phase, Records};
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Offer, UploadEnd, failure, get, load};
use crate::relay::rules::write_once::write_once;
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{ByteStream, Content, INLINE_LEN, MAX_SEALED_MANIFEST, RelayError, ShareState, TOMBSTONE_TIME, V1};
use crate::secret::{Claimant, Id};

/// Shares that are read at once.
const AT_ONCE: usize = 8;

/// A report, as the operator lists it. Times are Unix seconds.
#[derive(Clone, Debug)]
pub struct ReportedShare {
    /// The share.
    pub id: Id,
    /// When it was reported.
    pub at: u64,
    /// Length of its blob in bytes.
    pub blob_len: u64,
    /// When it was claimed.
    pub claimed: u64,
    /// The device that claimed and reported it.
    pub claimant: Claimant,
    /// Its state.
    pub state: ShareState,
    /// When it ended, if a record ends it.
    pub ended: Option<u64>,
    /// When the relay deletes the share and its report, if it has ended.
    pub deleted: Option<u64>,
}

/// The reports in a store.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Those whose records can be read, the oldest first.
    pub shares: Vec<ReportedShare>,
    /// Shares with a record that is damaged, of a newer version, or not readable for this user.
    pub unreadable: Vec<Id>,
}

/// Everything that the store has of a reported share: its records as they are stored, and its ciphertext.
pub struct Evidence {
    /// The share.
    pub id: Id,
    /// The announcement.
    pub offer: Value,
    /// The commit.
    pub seal: Value,
    /// The claim.
    pub claim: Value,
    /// The end of the claim.
    pub end: Option<Value>,
    /// The report.
    pub report: Value,
    /// The encrypted manifest.
    pub manifest: Bytes,
    /// Length of the blob in bytes.
    pub blob_len: u64,
    /// The blob: its parts, one after the other. Fails with [`RelayError::PartsMissing`] where one is missing.
    pub blob: ByteStream,
}

impl StoreRelay {
    /// All reports without those that the operator has deleted. A record that cannot be read hides no other report.
    ///
    /// # Errors
    /// Those of reading the store.
    pub async fn reports(&self) -> Result<Reports, RelayError> {
        let ids = self.report_ids().await?;
        let mut found = stream::iter(ids).map(async |id| (id, self.reported(&id).await)).buffered(AT_ONCE);
        let mut reports = Reports::default();
        while let Some((id, report)) = found.next().await {
            match report {
                Ok(report) => reports.shares.extend(report),
                Err(RelayError::Busy { .. }) => reports.unreadable.push(id),
                Err(error) => return Err(error),
            }
        }
        reports.shares.sort_by_key(|report| report.at);
        Ok(reports)
    }

    /// The ids in the index. Not all of them are those of reports: see [`Self::reported`].
    ///
    /// # Errors
    /// Those of reading the store.
    pub async fn report_ids(&self) -> Result<Vec<Id>, RelayError> {
        Ok(self.reported_bytes().await?.into_keys().collect())
    }

    /// One report. `None` if there is none, if the operator has deleted it, or if only its entry in the index was
    /// written.
    ///
    /// # Errors
    /// Those of reading the store, and `Busy` if a record cannot be read.
    pub async fn reported(&self, id: &Id) -> Result<Option<ReportedShare>, RelayError> {
        let (report, review) = (names::report(id), names::review(id));
        let (reporting, review, records) = tokio::try_join!(
            load::<Reporting>(&*self.store, &report),
            load::<Review>(&*self.store, &review),
            Records::load(&*self.store, id)
        )?;
        let (Some(Reporting::Reported { at, .. }), None, Some(records)) = (reporting, review, records) else {
            return Ok(None);
        };
        let (Some(UploadEnd::Committed { blob_len, .. }), Some(Claim::Claimed { at: claimed, claimant, .. })) =
            (records.upload_end.as_deref(), &records.claim)
        else {
            return Ok(None);
        };
        let ended = records.end.as_ref().map(ClaimEnd::at);
        let state = match records.phase(self.now()) {
            Phase::Over { state, .. } => state,
            _ => ShareState::Claimed,
        };
        let deleted = ended.map(|ended| after(ended, TOMBSTONE_TIME));
        Ok(Some(ReportedShare {
            id: *id,
            at,
            blob_len: *blob_len,
            claimed: *claimed,
            claimant: *claimant,
            state,
            ended,
            deleted,
        }))
    }

    /// Everything about a reported share.
    ///
    /// # Errors
    /// [`RelayError::Unknown`] if there is no such report or the operator has deleted it, and those of reading the
    /// store.
    pub async fn evidence(&self, id: &Id) -> Result<Evidence, RelayError> {
        self.reported(id).await?.ok_or(RelayError::Unknown)?;
        let upload_end = self.upload_end(id).await?.ok_or(RelayError::Unknown)?;
        let UploadEnd::Committed { blob_len, parts, .. } = &*upload_end else { return Err(RelayError::Unknown) };
        let record = async |name: String| -> Result<Option<Value>, RelayError> {
            let Some(bytes) = get(&*self.store, &name, INLINE_LEN).await? else { return Ok(None) };
            serde_json::from_slice(&bytes).map(Some).map_err(|_| RelayError::BUSY)
        };
        let stored = async |name| record(name).await?.ok_or(RelayError::Unknown);
        let manifest = get(&*self.store, &names::manifest(id), MAX_SEALED_MANIFEST as u64).await?;
        let parts: Vec<String> = (0..).zip(parts).map(|(number, crc)| names::part(id, number, *crc)).collect();
        let store = self.store.clone();
        let blob = stream::iter(parts).then(move |name| {
            let store = store.clone();
            async move {
                let part = store.read(&name, 0).await.map_err(failure)?;
                part.map(Content::into_chunks).ok_or(RelayError::PartsMissing)
            }
        });
        Ok(Evidence {
            id: *id,
            offer: stored(Offer::name(id)).await?,
            seal: stored(UploadEnd::name(id)).await?,
            claim: stored(Claim::name(id)).await?,
            end: record(ClaimEnd::name(id)).await?,
            report: stored(names::report(id)).await?,
            manifest: manifest.ok_or(RelayError::PartsMissing)?,
            blob_len: *blob_len,
            blob: blob.try_flatten().boxed(),
        })
    }

    /// Deletes a report and what was reported: for the operator at once, in the store by the next sweep of the relay
    /// after the hold. Returns the end of the hold, Unix seconds.
    ///
    /// # Errors
    /// [`RelayError::Unknown`] if there is no such report, and those of the store.
    pub async fn review(&self, id: &Id) -> Result<u64, RelayError> {
        let reporting = load::<Reporting>(&*self.store, &names::report(id)).await?;
        let records = Records::load(&*self.store, id).await?;
        let hold_end = records.as_ref().and_then(Records::hold_end);
        let (Some(Reporting::Reported { .. }), Some(hold_end)) = (reporting, hold_end) else {
            return Err(RelayError::Unknown);
        };
        let at = self.now();
        self.mark_due(id, at).await?;
        write_once(&*self.store, &*self.clock, &names::review(id), Review { v: V1, at }).await?;
        // The sweeper may have attended the first hint before the record was there, if this clock is slow. This is
        // another object, which it has not seen.
        self.mark_due(id, at + 1).await?;
        Ok(hold_end)
    }
}
