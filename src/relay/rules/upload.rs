//! Uploads: announcing a share, its parts, and the commit after which its link works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::blob::{PART_LEN, part_count, part_range, part_start};
use crate::relay::clock::after;
use crate::relay::rules::records::{Decision, Offer, Record, UploadEnd, failure, load};
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, UPLOAD_TIME, names};
use crate::relay::store::Created;
use crate::relay::{
    Checksum, Commit, CommitResponse, Content, Create, Credential, Gone, MAX_SEALED_MANIFEST, MIN_TTL, RelayError, V1,
};
use crate::secret::{Flags, Id, Role};

impl StoreRelay {
    /// [`crate::relay::Relay::create`].
    pub(super) async fn announce(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        let max_ttl = self.policy.max_ttl.as_secs();
        if offer.ttl > max_ttl {
            return Err(RelayError::TooLongLived { max: max_ttl });
        }
        let made_by_owner = owner.token.verifier(Role::Owner, &owner.id) == offer.verifiers.own;
        if offer.ttl < MIN_TTL.as_secs() || Flags::from_bits(offer.flags).is_none() || !made_by_owner {
            return Err(RelayError::BadRequest);
        }
        if offer.max_len.is_some_and(|len| len > self.policy.max_bytes) {
            return Err(RelayError::TooLarge { max: self.policy.max_bytes });
        }
        self.expect_room(offer.max_len.unwrap_or(0)).await?;
        self.mark_due(&owner.id, after(self.now(), UPLOAD_TIME)).await?;
        let record = Offer::new(offer.flags, offer.ttl, self.now(), offer.verifiers.clone());
        match write_once(&*self.store, &*self.clock, &Offer::name(&owner.id), record).await? {
            Written::Ours(_) => Ok(()),
            Written::Theirs(_) => Err(RelayError::IdTaken),
        }
    }

    /// [`crate::relay::Relay::put_part`].
    pub(super) async fn store_part(
        &self,
        owner: &Credential,
        number: u32,
        crc: Checksum,
        part: Content,
    ) -> Result<(), RelayError> {
        let id = &owner.id;
        let records = self.records(owner, Role::Owner).await?;
        match &records.upload_end {
            None => {}
            // A repeat: the answer to an earlier attempt was lost.
            Some(UploadEnd::Committed { parts, .. }) if parts.get(number as usize) == Some(&crc) => return Ok(()),
            Some(UploadEnd::Committed { .. }) => return Err(RelayError::Committed),
            Some(UploadEnd::Aborted { .. }) => return Err(self.refusal(&records, None)),
        }
        let (len, limit) = (part.known_len(), self.part_limit(number));
        match len {
            Some(0) => return Err(RelayError::EmptyPart),
            Some(len) if len > limit.longest => return Err(limit.exceeded()),
            _ => {}
        }
        self.expect_room(len.unwrap_or(limit.longest)).await?;
        let name = names::part(id, number, crc);
        let before = self.store.list(&names::part_number(id, number), None).await.map_err(failure)?;
        if before.iter().any(|object| object.name != name) {
            return Err(RelayError::PartDiffers);
        }
        let (part, read) = checked(part, crc, limit);
        if let Created::Exists = self.store.create(&name, part).await.map_err(failure)? {
            // A store may report that for a write that failed: only a listed part is acknowledged.
            let stored = self.store.list(&name, None).await.map_err(failure)?;
            let len = len.unwrap_or_else(|| read.load(Ordering::Relaxed));
            if stored.iter().all(|object| object.len != len) {
                return Err(RelayError::BUSY);
            }
        }
        // The upload may have been aborted meanwhile, and its data deleted before this part was stored.
        let (upload_end, offer) = (UploadEnd::name(id), Offer::name(id));
        let upload_end = load::<UploadEnd>(&*self.store, &upload_end);
        let (upload_end, offer) = tokio::try_join!(upload_end, load::<Offer>(&*self.store, &offer))?;
        let wanted = match &upload_end {
            None => true,
            Some(UploadEnd::Committed { parts, .. }) => parts.get(number as usize) == Some(&crc),
            Some(UploadEnd::Aborted { .. }) => false,
        };
        if !wanted || offer.is_none() {
            self.store.delete(&[name]).await.map_err(failure)?;
            return Err(self.refusal(&self.records(owner, Role::Owner).await?, None));
        }
        Ok(())
    }

    /// [`crate::relay::Relay::commit`].
    pub(super) async fn commit_upload(
        &self,
        owner: &Credential,
        commit: &Commit,
    ) -> Result<CommitResponse, RelayError> {
        let id = &owner.id;
        let records = self.records(owner, Role::Owner).await?;
        let (blob_len, parts) = (commit.blob_len, commit.parts.clone());
        let wanted = UploadEnd::Committed { v: V1, at: self.now(), blob_len, parts };
        let stored = match records.upload_end {
            Some(stored) => stored,
            None => {
                self.expect_complete(id, commit).await?;
                let name = names::manifest(id);
                self.store.create(&name, commit.manifest.clone().into()).await.map_err(failure)?;
                if self.manifest_of(id).await? != commit.manifest {
                    return Err(RelayError::Committed);
                }
                self.mark_due(id, self.now().saturating_add(records.offer.ttl)).await?;
                let name = UploadEnd::name(id);
                let written = write_once(&*self.store, &*self.clock, &name, wanted.clone()).await?;
                let (Written::Ours(stored) | Written::Theirs(stored)) = written;
                stored
            }
        };
        match stored {
            UploadEnd::Committed { at, .. } if wanted.same(&stored) => {
                Ok(CommitResponse { v: V1, expires: at.saturating_add(records.offer.ttl) })
            }
            UploadEnd::Committed { .. } => Err(RelayError::Committed),
            UploadEnd::Aborted { at, .. } => {
                // Parts that were stored after the abort deleted the others.
                self.delete_now(id).await;
                Err(RelayError::Gone { how: Gone::Aborted, at, claimant: None, until: None })
            }
        }
    }

    /// [`crate::relay::Relay::deposit`].
    pub(super) async fn deposit_share(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        let [crc] = commit.parts[..] else { return Err(RelayError::BadRequest) };
        self.announce(owner, offer).await?;
        self.store_part(owner, 0, crc, part).await?;
        self.commit_upload(owner, commit).await
    }

    /// How long part `number` may be.
    fn part_limit(&self, number: u32) -> PartLimit {
        let (room, part_len) = (self.policy.max_bytes.saturating_sub(part_start(number)), PART_LEN as u64);
        if room < part_len {
            PartLimit { longest: room, max: self.policy.max_bytes }
        } else {
            PartLimit { longest: part_len, max: part_len }
        }
    }

    /// Fails if the store would have less than its reserve free after `bytes` more.
    async fn expect_room(&self, bytes: u64) -> Result<(), RelayError> {
        let Some(space) = self.store.space().await.map_err(failure)? else { return Ok(()) };
        let reserve = self.policy.reserve.unwrap_or_else(|| (space.total / 20).max(1 << 30));
        let is_full = space.free < reserve.saturating_add(bytes) || space.left.is_some_and(|left| left < bytes.max(1));
        if is_full { Err(RelayError::NoSpace { after: 60 }) } else { Ok(()) }
    }

    /// Fails unless `commit` is consistent and one listing shows all its parts with the right lengths.
    async fn expect_complete(&self, id: &Id, commit: &Commit) -> Result<(), RelayError> {
        let (count, manifest) = (part_count(commit.blob_len), commit.manifest.len());
        if commit.blob_len == 0 || commit.parts.len() as u64 != count || manifest == 0 {
            return Err(RelayError::BadRequest);
        }
        if commit.blob_len > self.policy.max_bytes || manifest > MAX_SEALED_MANIFEST {
            return Err(RelayError::TooLarge { max: self.policy.max_bytes });
        }
        let stored = self.store.list(&names::parts(id), None).await.map_err(failure)?;
        for (number, crc) in (0..).zip(&commit.parts) {
            let range = part_range(number, commit.blob_len);
            let name = names::part(id, number, *crc);
            let found = stored.binary_search_by(|object| object.name.as_str().cmp(&name)).ok();
            if found.is_none_or(|at| stored[at].len != range.end - range.start) {
                return Err(RelayError::PartsMissing);
            }
        }
        Ok(())
    }
}

/// How long a part may be.
#[derive(Clone, Copy)]
struct PartLimit {
    /// Its greatest length in bytes.
    longest: u64,
    /// The limit that a longer one exceeds: of a part, or of the blob.
    max: u64,
}

impl PartLimit {
    fn exceeded(self) -> RelayError {
        RelayError::TooLarge { max: self.max }
    }
}

/// `part`, which fails at its end unless it has a byte, the announced length or one within `limit`, and the checksum;
/// and how many bytes of it were read so far.
fn checked(part: Content, crc: Checksum, limit: PartLimit) -> (Content, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    if let Content::Whole(bytes) = &part
        && Checksum::of(bytes) == crc
    {
        return (part, read);
    }
    let (len, chunks) = (part.known_len(), part.into_chunks());
    let state = (chunks, Checksum::default(), read.clone());
    let chunks = stream::try_unfold(state, move |(mut chunks, sum, read)| async move {
        let seen = read.load(Ordering::Relaxed);
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let seen = seen + chunk.len() as u64;
                match len {
                    Some(len) if seen > len => return Err(RelayError::BadChecksum),
                    None if seen > limit.longest => return Err(limit.exceeded()),
                    _ => read.store(seen, Ordering::Relaxed),
                }
                let sum = sum.with(&chunk);
                Ok(Some((chunk, (chunks, sum, read))))
            }
            Some(Err(error)) => Err(error),
            None if seen == 0 => Err(RelayError::EmptyPart),
            None if len.is_none_or(|len| seen == len) && sum == crc => Ok(None),
            None => Err(RelayError::BadChecksum),
        }
    })
    .boxed();
    let part = match len {
        Some(len) => Content::Stream { len, chunks },
        None => Content::Unsized(chunks),
    };
    (part, read)
}
