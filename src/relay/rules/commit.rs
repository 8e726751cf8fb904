//! The end of an upload: the commit after which the link works, and the deposit of a whole share in one request.
//!
//! A commit needs one listing that shows all parts, or the creation of the only one. The manifest and the hint must be
//! durable before `seal`, which decides. Where this node knows that all parts are stored, the three happen at the same
//! time; elsewhere the listing comes first, since a stored manifest cannot be replaced by another one.

use std::sync::Arc;

use crate::blob::{part_count, part_range};
use crate::relay::rules::incoming::{checked, read_through};
use crate::relay::rules::known::Remembered;
use crate::relay::rules::phase::Records;
use crate::relay::rules::records::{Decision, ManifestHash, Offer, UploadEnd, failure};
use crate::relay::rules::upload::Announced;
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::store::{Created, Object};
use crate::relay::{
    Account, Checksum, Commit, CommitResponse, Content, Create, Credential, HOLD, MAX_SEALED_MANIFEST, RelayError, V1,
};
use crate::secret::{Id, Role};

/// The stored parts of an upload whose commit lists some.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredParts {
    /// It lists all of them.
    AllListed,
    /// There are others.
    WithExcess,
}

impl StoreRelay {
    /// [`crate::relay::Relay::commit`].
    pub(super) async fn commit_upload(
        &self,
        owner: &Credential,
        commit: &Commit,
    ) -> Result<CommitResponse, RelayError> {
        let id = &owner.id;
        let (offer, known) = self.admit(owner, Role::Owner).await?;
        if known.upload_end.is_some() {
            return self.repeat_commit(id, &self.complete(id, offer, known).await?, commit).await;
        }
        self.expect_consistent(commit, offer.account.as_ref())?;
        let taken = self.take(offer.account.as_ref(), id, offer.at, commit.blob_len).await;
        let mut listed = None;
        if !self.known.has_parts(id, commit) {
            let complete = self.expect_complete(id, commit.blob_len, &commit.parts);
            let (upload_end, complete) = self.unless(self.upload_end(id), Option::is_some, complete).await?;
            if let Some(upload_end) = upload_end {
                return self.repeat_commit(id, &self.ended(id, offer, upload_end).await?, commit).await;
            }
            match complete {
                Some(Ok(stored)) => listed = Some(stored),
                Some(Err(error)) => return self.end_upload(id, offer, commit, self.now(), Err(error)).await,
                None => {}
            }
        }
        if let Err(error) = taken {
            return self.end_upload(id, offer, commit, self.now(), Err(error)).await;
        }
        let complete = async {
            match listed {
                Some(stored) => Ok(stored),
                None => self.expect_complete(id, commit.blob_len, &commit.parts).await,
            }
        };
        let at = self.now();
        let (complete, manifest, due) =
            tokio::join!(complete, self.store_manifest(id, commit), self.mark_due(id, at.saturating_add(offer.ttl)));
        let ready = complete.and_then(|stored| manifest.and(due).map(|()| stored));
        self.end_upload(id, offer, commit, at, ready).await
    }

    /// [`crate::relay::Relay::deposit`].
    pub(super) async fn deposit_share(
        &self,
        owner: &Credential,
        create: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        let [crc] = commit.parts[..] else { return Err(RelayError::BadRequest) };
        self.expect_consistent(commit, create.account.as_ref())?;
        let (id, limit) = (&owner.id, self.part_limit(create.account.as_ref(), 0));
        limit.admit(part.known_len())?;
        let offer = match self.announce(owner, create, Some(commit.blob_len)).await? {
            Announced::Now(offer) => offer,
            Announced::Before(records) => {
                if records.upload_end.is_none() {
                    self.store_part(owner, 0, crc, part).await?;
                    return self.commit_upload(owner, commit).await;
                }
                let len = read_through(part, crc, limit).await?;
                let committed = self.repeat_commit(id, &records, commit).await?;
                return if len == commit.blob_len { Ok(committed) } else { Err(RelayError::Committed) };
            }
        };
        self.expect_room(commit.blob_len).await?;
        let at = self.now();
        let name = names::part(id, 0, crc);
        let stored = async {
            let (part, len) = checked(part, crc, limit);
            let part = self.in_time(part, id, &offer);
            if self.store.create(&name, part).await.map_err(failure)? == Created::Exists {
                self.expect_listed(&name, len.get()).await?;
            }
            if len.get() == commit.blob_len { Ok(()) } else { Err(RelayError::PartsMissing) }
        };
        let (stored, manifest, due) =
            tokio::join!(stored, self.store_manifest(id, commit), self.mark_due(id, at.saturating_add(offer.ttl)));
        let ready = stored.and(manifest).and(due).map(|()| StoredParts::AllListed);
        self.end_upload(id, offer, commit, at, ready).await
    }

    /// Writes the record of the commit if all that must precede it is `ready`.
    async fn end_upload(
        &self,
        id: &Id,
        offer: Arc<Offer>,
        commit: &Commit,
        at: u64,
        ready: Result<StoredParts, RelayError>,
    ) -> Result<CommitResponse, RelayError> {
        let upload_end = match ready {
            Ok(stored) => {
                let manifest = Some(ManifestHash::of(&commit.manifest));
                let (blob_len, parts) = (commit.blob_len, commit.parts.clone());
                let hold = self.policy.operator.as_ref().map(|_| HOLD.as_secs());
                let wanted = UploadEnd::Committed { v: V1, at, blob_len, parts, manifest, hold };
                // If `seal` is new, all that has landed so far was in time. Otherwise another node has ended the
                // upload.
                self.known.clear_landed(id);
                let written = write_once(&*self.store, &*self.clock, &UploadEnd::name(id), wanted).await;
                if !matches!(written, Ok(Written::New(_))) {
                    self.known.note_landed(id);
                }
                match written? {
                    Written::New(upload_end) => {
                        self.metrics.share(upload_end.event());
                        let upload_end = Some(Arc::new(upload_end));
                        let expires = at.saturating_add(offer.ttl);
                        let known = Remembered { offer: Some(offer.clone()), upload_end, claim: None };
                        // A part that lands here from now on is deleted: see `expect_wanted`.
                        self.known.remember(id, self.now(), known);
                        self.delete_excess(id, &offer, commit, stored).await;
                        let left = self.left_after(&offer);
                        return Ok(CommitResponse { v: V1, expires, left });
                    }
                    Written::Same(upload_end) | Written::Theirs(upload_end) => Arc::new(upload_end),
                }
            }
            Err(error) => {
                // The parts that were known may be lost. If some are missing or the manifest is another one, the upload
                // may have ended meanwhile; a full store has no room for the hint of a commit that is in force.
                self.known.forget(id);
                self.known.note_landed(id);
                let may_have_ended = matches!(
                    error,
                    RelayError::PartsMissing
                        | RelayError::Committed
                        | RelayError::Quota { .. }
                        | RelayError::NoSpace { .. }
                );
                match if may_have_ended { self.upload_end(id).await? } else { None } {
                    Some(upload_end) => upload_end,
                    None => return Err(error),
                }
            }
        };
        let repeated = match self.ended(id, offer, upload_end).await {
            Ok(records) => self.repeat_commit(id, &records, commit).await,
            Err(error) => Err(error),
        };
        if repeated.is_err() {
            // This request may have stored a manifest after the share had ended and its data was deleted.
            self.delete_if_ended(id).await;
        }
        repeated
    }

    /// The answer to a commit of an upload that has ended: success if it was committed with the same content, and the
    /// share has not ended.
    async fn repeat_commit(&self, id: &Id, records: &Records, commit: &Commit) -> Result<CommitResponse, RelayError> {
        records.expect_not_over(self.now())?;
        let Some(UploadEnd::Committed { at, blob_len, parts, manifest, .. }) = records.upload_end.as_deref() else {
            return Err(RelayError::Committed);
        };
        let is_same = *blob_len == commit.blob_len
            && *parts == commit.parts
            && match manifest {
                Some(hash) => *hash == ManifestHash::of(&commit.manifest),
                // Of an older node.
                None => self.manifest_of(id).await? == commit.manifest,
            };
        if !is_same {
            return Err(RelayError::Committed);
        }
        let left = self.left_after(&records.offer);
        Ok(CommitResponse { v: V1, expires: at.saturating_add(records.offer.ttl), left })
    }

    /// Stores the manifest of a commit.
    ///
    /// # Errors
    /// [`RelayError::Committed`] if another one is stored.
    async fn store_manifest(&self, id: &Id, commit: &Commit) -> Result<(), RelayError> {
        let created = self.store.create(&names::manifest(id), commit.manifest.clone().into()).await;
        match created.map_err(failure)? {
            Created::New => Ok(()),
            // A store may report that for a write that failed: only what is read back counts.
            Created::Exists if self.manifest_of(id).await? == commit.manifest => Ok(()),
            Created::Exists => Err(RelayError::Committed),
        }
    }

    /// Fails unless `commit` is consistent and within the limits.
    fn expect_consistent(&self, commit: &Commit, account: Option<&Account>) -> Result<(), RelayError> {
        let (count, manifest) = (part_count(commit.blob_len), commit.manifest.len());
        if commit.blob_len == 0 || commit.parts.len() as u64 != count || manifest == 0 {
            return Err(RelayError::BadRequest);
        }
        self.expect_short(account, commit.blob_len)?;
        if manifest > MAX_SEALED_MANIFEST {
            return Err(RelayError::TooLarge { max: MAX_SEALED_MANIFEST as u64 });
        }
        Ok(())
    }

    /// Deletes the parts that a commit does not list, and then corrects what its share takes. A failure leaves both.
    async fn delete_excess(&self, id: &Id, offer: &Offer, commit: &Commit, stored: StoredParts) {
        let is_less = self.takes_more(offer, id, commit.blob_len);
        if stored == StoredParts::AllListed && !is_less {
            return;
        }
        let deleted = async {
            let stored = self.store.list(&names::parts(id), None).await.map_err(failure)?;
            let is_excess = |object: &Object| !is_of(commit, &object.name);
            let excess: Vec<String> = stored.into_iter().filter(is_excess).map(|object| object.name).collect();
            if excess.is_empty() { Ok(()) } else { self.store.delete(&excess).await.map_err(failure) }
        };
        match deleted.await {
            Ok(()) if is_less => self.settle_use(offer, id, commit.blob_len).await,
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the parts of a share that its commit does not list were not deleted"),
        }
    }

    /// Fails unless one listing shows all of these parts with the right lengths.
    pub(super) async fn expect_complete(
        &self,
        id: &Id,
        blob_len: u64,
        parts: &[Checksum],
    ) -> Result<StoredParts, RelayError> {
        let stored = self.store.list(&names::parts(id), None).await.map_err(failure)?;
        for (number, crc) in (0..).zip(parts) {
            let range = part_range(number, blob_len);
            let name = names::part(id, number, *crc);
            let found = stored.binary_search_by(|object| object.name.as_str().cmp(&name)).ok();
            if found.is_none_or(|at| stored[at].len != range.end - range.start) {
                return Err(RelayError::PartsMissing);
            }
        }
        Ok(if stored.len() == parts.len() { StoredParts::AllListed } else { StoredParts::WithExcess })
    }
}

/// Whether a part is one of `commit`.
fn is_of(commit: &Commit, name: &str) -> bool {
    names::parse_part(name).is_some_and(|(number, crc)| commit.parts.get(number as usize) == Some(&crc))
}
