//! Uploads: announcing a share, and its parts. The end of an upload is in `commit`.
//!
//! A part costs two visits to the store, at the same time: it is created, and `seal` is read. `seal` must be read for
//! each part, because another node may have ended the upload: without it, a revoked upload would be answered as one
//! that waits. The read begins with the request, so the answer was true then; but the part may land after the share
//! has ended and its data was deleted. So the end must be looked at once more after the part has landed:
//!
//! * an end that this node wrote or read meanwhile is found at once, since the node forgets the share then and reads
//!   `seal` again, unless a request that had read the records before has remembered them since;
//! * any other end is found by the next request of the upload, or by this node's next sweep, which reads `seal` of each
//!   share whose parts have landed since the last one.
//!
//! A node that dies before that leaves the part to the second look of the sweeper, a day after the end.

use std::sync::Arc;

use crate::blob::{MIN_LEN, PART_LEN, part_range, part_start};
use crate::relay::clock::after;
use crate::relay::rules::incoming::{PartLimit, checked, read_through};
use crate::relay::rules::known::{PartNumber, Remembered};
use crate::relay::rules::phase::{Phase, Records};
use crate::relay::rules::records::{Decision, Offer, Record, UploadEnd, failure, load};
use crate::relay::rules::used::is_around_midnight;
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, UPLOAD_TIME, names};
use crate::relay::store::{Created, StoreError};
use crate::relay::{Account, Checksum, Content, Create, Credential, MIN_TTL, RelayError};
use crate::secret::{Flags, Id, Role};

/// A part of an upload, as its sender describes it.
struct Described<'a> {
    id: &'a Id,
    number: u32,
    crc: Checksum,
}

/// An announced share.
pub(super) enum Announced {
    /// It was announced now.
    Now(Arc<Offer>),
    /// It was announced before, and has not ended.
    Before(Records),
}

impl StoreRelay {
    /// [`crate::relay::Relay::create`], and the beginning of a deposit of `blob_len` bytes.
    pub(super) async fn announce(
        &self,
        owner: &Credential,
        offer: &Create,
        blob_len: Option<u64>,
    ) -> Result<Announced, RelayError> {
        let max_ttl = self.policy.max_ttl.as_secs();
        if offer.ttl > max_ttl {
            return Err(RelayError::TooLongLived { max: max_ttl });
        }
        let made_by_owner = owner.token.verifier(Role::Owner, &owner.id) == offer.verifiers.own;
        if offer.ttl < MIN_TTL.as_secs() || !self.serves(offer.flags) || !made_by_owner {
            return Err(RelayError::BadRequest);
        }
        let (id, now, max_len) = (&owner.id, self.now(), blob_len.or(offer.max_len));
        let mut record = Offer::new(offer.flags, offer.ttl, now, offer.verifiers.clone());
        record.account.clone_from(&offer.account);
        self.expect_short(record.account.as_ref(), max_len.max(offer.max_len).unwrap_or(0))?;
        match self.write_offer(id, now, max_len, record).await? {
            Written::New(offer) => {
                self.metrics.share(offer.event());
                let offer = Arc::new(offer);
                self.known.remember(id, now, Remembered { offer: Some(offer.clone()), ..Remembered::default() });
                // No part can precede the offer.
                self.known.note_listing(id, &[]);
                Ok(Announced::Now(offer))
            }
            Written::Same(offer) => {
                let records = self.complete(id, Arc::new(offer), self.known.get(id, now)).await?;
                records.expect_not_over(self.now())?;
                Ok(Announced::Before(records))
            }
            Written::Theirs(_) => Err(RelayError::IdTaken),
        }
    }

    /// Writes the record of an announcement, after its hint, if there is room for `max_len` bytes and its account may
    /// take them. A full store or a used up account is no obstacle to one that is stored already: the answer to an
    /// earlier attempt was lost.
    async fn write_offer(
        &self,
        id: &Id,
        now: u64,
        max_len: Option<u64>,
        record: Offer,
    ) -> Result<Written<Offer>, RelayError> {
        let prepared = async {
            self.expect_room(max_len.unwrap_or(0)).await?;
            if !self.counts_on_another_day(id, &record).await? {
                self.take(record.account.as_ref(), id, now, max_len.unwrap_or(MIN_LEN)).await?;
            }
            self.mark_due(id, after(now, UPLOAD_TIME)).await
        };
        match prepared.await {
            Ok(()) => write_once(&*self.store, &*self.clock, &Offer::name(id), record).await,
            Err(full @ (RelayError::NoSpace { .. } | RelayError::Quota { .. })) => {
                let stored: Offer = load(&*self.store, &Offer::name(id)).await?.ok_or(full)?;
                Ok(Written::of(&record, stored))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this is a repetition, around midnight, of an announcement with limits of a day. It may have been made on
    /// another day, also by a node whose clock differs.
    async fn counts_on_another_day(&self, id: &Id, record: &Offer) -> Result<bool, RelayError> {
        let is_limited = record.account.as_ref().is_some_and(|account| account.limits.are_daily());
        if !is_limited || !is_around_midnight(record.at) {
            return Ok(false);
        }
        let stored: Option<Offer> = load(&*self.store, &Offer::name(id)).await?;
        Ok(stored.is_some_and(|stored| record.same(&stored)))
    }

    /// Whether links with these flags work here.
    fn serves(&self, flags: u8) -> bool {
        Flags::from_bits(flags).is_some_and(|flags| self.policy.direct || !flags.contains(Flags::DIRECT))
    }

    /// [`crate::relay::Relay::put_part`].
    pub(super) async fn store_part(
        &self,
        owner: &Credential,
        number: u32,
        crc: Checksum,
        part: Content,
    ) -> Result<(), RelayError> {
        let described = Described { id: &owner.id, number, crc };
        let id = described.id;
        let (offer, mut known) = self.admit(owner, Role::Owner).await?;
        let limit = self.part_limit(offer.account.as_ref(), number);
        let mut stored = self.known.part(id, number);
        let must_list = known.upload_end.is_none() && stored == PartNumber::Unlisted;
        if must_list {
            (known.upload_end, stored) = self.list_parts(&described, &offer).await?;
        }
        if let Some(upload_end) = known.upload_end {
            // A repeat: the answer to an earlier attempt was lost.
            return self.repeat_committed(&described, offer, upload_end, part).await;
        }
        limit.admit(part.known_len())?;
        match stored {
            PartNumber::Taken((stored, len)) if stored == crc => {
                let (ours, upload_end) = tokio::join!(read_through(part, crc, limit), self.upload_end(id));
                let upload_end = upload_end?;
                let is_committed = upload_end.is_some();
                self.expect_wanted(&described, offer, upload_end).await?;
                match ours? {
                    ours if ours == len => Ok(()),
                    _ if is_committed => Err(RelayError::Committed),
                    _ => Err(RelayError::PartDiffers),
                }
            }
            PartNumber::Taken(_) => Err(match self.upload_end(id).await? {
                None => RelayError::PartDiffers,
                Some(upload_end) => self.ended(id, offer, upload_end).await?.refusal_of_upload(self.now()),
            }),
            PartNumber::Free | PartNumber::Unlisted => {
                let upload_end = async { if must_list { Ok(None) } else { self.upload_end(id).await } };
                self.store_new_part(&described, offer, part, upload_end).await
            }
        }
    }

    /// Lists the parts of an upload of which this node knows none. Returns how the upload ended, if it has, and the
    /// stored part of this number: the same one, if there are several.
    async fn list_parts(
        &self,
        described: &Described<'_>,
        offer: &Arc<Offer>,
    ) -> Result<(Option<Arc<UploadEnd>>, PartNumber), RelayError> {
        let Described { id, number, crc } = *described;
        let (parts, now) = (names::parts(id), self.now());
        let listed = async { self.store.list(&parts, None).await.map_err(failure) };
        let (upload_end, listed) = self.unless(self.upload_end(id), Option::is_some, listed).await?;
        let listed = listed.transpose()?.unwrap_or_default();
        if upload_end.is_none() {
            let offer = Some(offer.clone());
            self.known.remember(id, now, Remembered { offer, ..Remembered::default() });
            self.known.note_listing(id, &listed);
        }
        let found = listed.iter().filter_map(|object| {
            let (found, crc) = names::parse_part(&object.name)?;
            (found == number).then_some((crc, object.len))
        });
        let stored = found.max_by_key(|(stored, _)| *stored == crc);
        Ok((upload_end, stored.map_or(PartNumber::Free, PartNumber::Taken)))
    }

    /// How an upload ended, if it has.
    pub(super) async fn upload_end(&self, id: &Id) -> Result<Option<Arc<UploadEnd>>, RelayError> {
        Ok(load(&*self.store, &UploadEnd::name(id)).await?.map(Arc::new))
    }

    /// Stores a part of whose number this node knows no other, while `upload_end` is read.
    async fn store_new_part(
        &self,
        described: &Described<'_>,
        offer: Arc<Offer>,
        part: Content,
        upload_end: impl Future<Output = Result<Option<Arc<UploadEnd>>, RelayError>>,
    ) -> Result<(), RelayError> {
        let Described { id, number, crc } = *described;
        let limit = self.part_limit(offer.account.as_ref(), number);
        // Of an unknown length at least one byte: the commit takes what is missing.
        let end = part_start(number).saturating_add(part.known_len().unwrap_or(1));
        self.take(offer.account.as_ref(), id, offer.at, end).await?;
        self.expect_room(part.known_len().unwrap_or(limit.longest)).await?;
        let name = names::part(id, number, crc);
        let (part, len) = checked(part, crc, limit);
        let part = self.in_time(part, id, &offer);
        // After an error too the part may exist, and if this request is dropped it may still come to exist.
        let landing = self.known.landing(id);
        let (created, upload_end) = tokio::join!(self.store.create(&name, part), upload_end);
        if let Err(StoreError::Content(error)) = created {
            landing.call_off();
            return Err(error);
        }
        drop(landing);
        if created.map_err(failure)? == Created::Exists {
            self.expect_listed(&name, len.get()).await?;
        }
        let upload_end = match upload_end? {
            None if !self.known.is_uploading(id) => self.upload_end(id).await?,
            upload_end => upload_end,
        };
        if upload_end.is_none() && self.known.note_part(id, number, (crc, len.get())) != (crc, len.get()) {
            return Err(RelayError::PartDiffers);
        }
        self.expect_wanted(described, offer, upload_end).await
    }

    /// Fails unless a listing shows the part `name` with this length. A store may report that an object exists although
    /// writing it failed: only a listed part is acknowledged.
    pub(super) async fn expect_listed(&self, name: &str, len: u64) -> Result<(), RelayError> {
        let stored = self.store.list(name, None).await.map_err(failure)?;
        match stored.first() {
            None => Err(RelayError::BUSY),
            Some(object) if object.len == len => Ok(()),
            // The same checksum, and other bytes.
            Some(_) => Err(RelayError::PartDiffers),
        }
    }

    /// Fails if the upload has ended without needing this stored part, which it deletes then.
    async fn expect_wanted(
        &self,
        described: &Described<'_>,
        offer: Arc<Offer>,
        upload_end: Option<Arc<UploadEnd>>,
    ) -> Result<(), RelayError> {
        let Described { id, number, crc } = *described;
        let Some(upload_end) = upload_end else { return Ok(()) };
        let records = self.ended(id, offer, upload_end.clone()).await?;
        let is_committed = upload_end.part(number).is_some_and(|(committed, _)| committed == crc);
        match records.phase(self.now()) {
            // Other parts of the upload may have landed after the end too. Those of a share with a hold are left to the
            // sweeper: how long their deletion takes depends on whether the share was reported.
            Phase::Over { settled: true, .. } if records.hold().is_none() => {
                self.delete_now(id, &Remembered::default()).await;
            }
            _ if !is_committed => {
                self.store.delete(&[names::part(id, number, crc)]).await.map_err(failure)?;
            }
            _ => {}
        }
        records.expect_not_over(self.now())?;
        if is_committed { Ok(()) } else { Err(RelayError::Committed) }
    }

    /// The answer to a part of an upload that has ended before: success for a committed one, with the same bytes.
    async fn repeat_committed(
        &self,
        described: &Described<'_>,
        offer: Arc<Offer>,
        upload_end: Arc<UploadEnd>,
        part: Content,
    ) -> Result<(), RelayError> {
        let Described { id, number, crc } = *described;
        let limit = self.part_limit(offer.account.as_ref(), number);
        let ended = self.ended(id, offer, upload_end.clone()).await?.refusal_of_upload(self.now());
        limit.admit(part.known_len())?;
        match upload_end.part(number) {
            Some((committed, len)) if ended == RelayError::Committed && committed == crc => {
                if read_through(part, crc, limit).await? == len { Ok(()) } else { Err(ended) }
            }
            _ => Err(ended),
        }
    }

    /// The records of a share whose upload has ended so.
    pub(super) async fn ended(&self, id: &Id, offer: Arc<Offer>, end: Arc<UploadEnd>) -> Result<Records, RelayError> {
        let known = Remembered { upload_end: Some(end), ..Remembered::default() };
        self.complete(id, offer, known).await
    }

    /// The longest blob of an account.
    fn longest(&self, account: Option<&Account>) -> u64 {
        account.map_or(self.policy.max_bytes, |account| account.limits.longest(self.policy.max_bytes))
    }

    /// Fails if a share of an account may not have `len` bytes.
    pub(super) fn expect_short(&self, account: Option<&Account>, len: u64) -> Result<(), RelayError> {
        let max = self.longest(account);
        if len > max { Err(RelayError::TooLarge { max }) } else { Ok(()) }
    }

    /// How long part `number` may be, in a share of an account.
    pub(super) fn part_limit(&self, account: Option<&Account>, number: u32) -> PartLimit {
        let (max, part_len) = (self.longest(account), PART_LEN as u64);
        let room = max.saturating_sub(part_start(number));
        if room < part_len { PartLimit { longest: room, max } } else { PartLimit { longest: part_len, max: part_len } }
    }

    /// Whether the store has room for any upload.
    pub async fn has_room(&self) -> bool {
        self.expect_room(1).await.is_ok()
    }

    /// Fails if the store would have less than its reserve free after `bytes` more.
    pub(super) async fn expect_room(&self, bytes: u64) -> Result<(), RelayError> {
        let Some(space) = self.store.space().await.map_err(failure)? else { return Ok(()) };
        let reserve = self.policy.reserve.unwrap_or_else(|| (space.total / 20).max(1 << 30));
        let is_full = space.free < reserve.saturating_add(bytes) || space.left.is_some_and(|left| left < bytes.max(1));
        if is_full { Err(RelayError::NO_SPACE) } else { Ok(()) }
    }
}

impl UploadEnd {
    /// The checksum and the length of a committed part.
    pub(super) fn part(&self, number: u32) -> Option<(Checksum, u64)> {
        let Self::Committed { blob_len, parts, .. } = self else { return None };
        let range = part_range(number, *blob_len);
        parts.get(number as usize).map(|crc| (*crc, range.end - range.start))
    }
}
