//! The rules of a share, over any store. The only place that knows them.
//!
//! Two of them carry the product's promise. *Durable first:* a part that was acknowledged is on disk, a share is
//! sealed only when all its parts are, and data is deleted only after a cell that makes it unreadable. *One door:*
//! opener, owner, sweeper and guess limit all race to create the same `claim`, and who creates it has decided.

pub mod probe;
pub mod records;
pub mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use self::records::{
    Claim, End, GRACE, Offer, Phase, Records, Seal, Try, UPLOAD_TIME, Written, load, names, write_once,
};
use crate::blob::PART_LEN;
use crate::relay::clock::Clock;
use crate::relay::store::{Created, Store};
use crate::relay::{
    About, Admission, Checksum, Claimed, Commit, Committed, Content, Create, Credential, INLINE_LEN, LEASE,
    MAX_GUESSES, MAX_SEALED_MANIFEST, MAX_TTL, MIN_TTL, Notice, Relay, RelayError, ShareState, Status, V1, Waiting,
};
use crate::secret::{Flags, Id, Receipt, Role, Token};

/// How often a waiting [`Relay::status`] looks at the store.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What an operator allows.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The largest blob, in bytes.
    pub max_bytes: u64,
    /// The longest life of a share.
    pub max_ttl: Duration,
    /// How long an opener may take.
    pub lease: Duration,
    /// How long after its time a share is taken for ended, in seconds: other nodes' clocks may differ by as much.
    pub grace: u64,
    /// Bytes of the store that stay free: below it nothing new is taken, while what is there can still be opened.
    /// `None`: a twentieth of the store, and 1 GiB at least.
    pub reserve: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_bytes: 4 << 30, max_ttl: MAX_TTL, lease: LEASE, grace: GRACE, reserve: None }
    }
}

/// A relay that keeps shares in a store.
pub struct StoreRelay {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
    /// Whether our clock agrees with the store's. While it does not, nothing is claimed and nothing swept.
    pub(super) clock_agrees: AtomicBool,
}

impl StoreRelay {
    /// The rules over `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, policy: Policy) -> Self {
        Self { store, clock, policy, clock_agrees: AtomicBool::new(true) }
    }

    fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The cells of a share, for somebody whose token has the verifier of `role`. An unknown share and a wrong token
    /// are one and the same answer.
    async fn cells(&self, credential: &Credential, role: Role) -> Result<Records, RelayError> {
        let cells = Records::load(&*self.store, &credential.id).await?.ok_or(RelayError::Unknown)?;
        let verifiers = &cells.offer.verifiers;
        let expected = match role {
            Role::Link => &verifiers.link,
            Role::Open => &verifiers.open,
            Role::Own => &verifiers.own,
        };
        if credential.token.verifier(role, &credential.id) == *expected { Ok(cells) } else { Err(RelayError::Unknown) }
    }

    /// A hint for the sweeper to look at `id` at `due`: written before whatever makes something due then.
    pub(super) async fn mark_due(&self, id: &Id, due: u64) -> Result<(), RelayError> {
        records::remind(&*self.store, &self.clock, &names::due(id, due)).await
    }

    /// Fails when the store is as good as full.
    async fn expect_room(&self, bytes: u64) -> Result<(), RelayError> {
        let Some(space) = self.store.space().await.map_err(records::failure)? else { return Ok(()) };
        let reserve = self.policy.reserve.unwrap_or_else(|| (space.total / 20).max(1 << 30));
        if space.free < reserve.saturating_add(bytes) { Err(RelayError::NoSpace { after: 60 }) } else { Ok(()) }
    }

    /// Deletes what nobody can read any more. A cell that says so must be durable before. What fails is left to the
    /// sweeper.
    pub(super) async fn delete_data(&self, id: &Id) -> Result<(), RelayError> {
        let parts = self.delete_below(&names::parts(id)).await;
        let tries = self.delete_below(&names::tries(id)).await;
        let manifest = self.store.delete(&[names::manifest(id)]).await.map_err(records::failure);
        // What cannot be deleted keeps nothing else.
        parts.and(tries).and(manifest)
    }

    /// Deletes all objects whose names begin like that.
    pub(super) async fn delete_below(&self, prefix: &str) -> Result<(), RelayError> {
        let objects = self.store.list(prefix, None).await.map_err(records::failure)?;
        let names: Vec<String> = objects.into_iter().map(|object| object.name).collect();
        if names.is_empty() { Ok(()) } else { self.store.delete(&names).await.map_err(records::failure) }
    }

    /// Deletes the data of a share that has just ended.
    async fn delete_now(&self, id: &Id) {
        if let Err(error) = self.delete_data(id).await {
            tracing::warn!(%error, "left to the sweeper");
        }
    }

    /// Decides the fate of a sealed share, unless it is decided already. Data goes at once if it was decided our way.
    pub(super) async fn close(&self, id: &Id, claim: Claim) -> Result<Written<Claim>, RelayError> {
        self.mark_due(id, self.now()).await?;
        let written = write_once(&*self.store, &self.clock, &names::claim(id), claim).await?;
        if let Written::Ours(_) = written {
            self.delete_now(id).await;
        }
        Ok(written)
    }

    /// Ends a claim, unless it has ended already.
    pub(super) async fn end(&self, id: &Id, end: End) -> Result<Written<End>, RelayError> {
        self.mark_due(id, self.now()).await?;
        let written = write_once(&*self.store, &self.clock, &names::end(id), end).await?;
        if let Written::Ours(_) = written {
            self.delete_now(id).await;
        }
        Ok(written)
    }

    /// Ends an upload, unless it was sealed.
    pub(super) async fn abort(&self, id: &Id) -> Result<Written<Seal>, RelayError> {
        self.mark_due(id, self.now()).await?;
        let aborted = Seal::Aborted { v: V1, at: self.now() };
        let written = write_once(&*self.store, &self.clock, &names::seal(id), aborted).await?;
        if let Written::Ours(_) = written {
            self.delete_now(id).await;
        }
        Ok(written)
    }

    /// Whether `proof` opens the share. Where there is a passphrase, a slot is taken before anything is compared: one
    /// for each *different* proof, so that repeating the right one, or the same wrong one, costs nothing more.
    async fn check_proof(&self, id: &Id, offer: &Offer, proof: &Token) -> Result<(), RelayError> {
        let presented = proof.verifier(Role::Open, id);
        if !Flags::from_bits(offer.flags).is_some_and(|flags| flags.contains(Flags::PASSPHRASE)) {
            // Nothing can be guessed: the token comes from the link alone.
            return if presented == offer.verifiers.open { Ok(()) } else { Err(RelayError::Unknown) };
        }
        for slot in 0..MAX_GUESSES {
            let name = names::a_try(id, slot);
            let ours = match load::<Try>(&*self.store, &name).await? {
                Some(taken) => taken.proof == presented,
                None => {
                    let cell = Try::new(self.now(), presented);
                    matches!(write_once(&*self.store, &self.clock, &name, cell).await?, Written::Ours(_))
                }
            };
            if !ours {
                continue;
            }
            // The slots go with the rest when a share ends: one that was free for that reason allows no comparison.
            if load::<Claim>(&*self.store, &names::claim(id)).await?.is_some() {
                self.store.delete(&[name]).await.map_err(records::failure)?;
                let cells = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
                return Err(cells.refusal(cells.phase(self.now()), None));
            }
            let right = presented == offer.verifiers.open;
            return if right { Ok(()) } else { Err(RelayError::WrongPassphrase { left: MAX_GUESSES - 1 - slot }) };
        }
        self.close(id, Claim::Locked { v: V1, at: self.now() }).await?;
        let cells = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
        Err(cells.refusal(cells.phase(self.now()), None))
    }

    /// What a link holder sees of a waiting share.
    async fn waiting(&self, link: &Credential) -> Result<(Records, Notice), RelayError> {
        let cells = self.cells(link, Role::Link).await?;
        match (cells.phase(self.now()), &cells.seal, cells.expires()) {
            (Phase::Waiting, Some(Seal::Committed { blob_len, .. }), Some(expires)) => {
                let notice = Notice { v: V1, expires, blob_len: *blob_len };
                Ok((cells, notice))
            }
            (phase, ..) => Err(cells.refusal(phase, None)),
        }
    }

    async fn manifest_of(&self, id: &Id) -> Result<Bytes, RelayError> {
        // Deleted between two looks: the next look will say so.
        records::get(&*self.store, &names::manifest(id)).await?.ok_or(RelayError::BUSY)
    }

    async fn bytes_held(&self, id: &Id) -> Result<u64, RelayError> {
        let parts = self.store.list(&names::parts(id), None).await.map_err(records::failure)?;
        Ok(parts.iter().map(|part| part.len).sum())
    }

    /// Whether one listing shows all parts, each of the right length.
    async fn expect_parts(&self, id: &Id, commit: &Commit) -> Result<(), RelayError> {
        let stored = self.store.list(&names::parts(id), None).await.map_err(records::failure)?;
        let mut lengths = part_lengths(commit.blob_len);
        for (number, crc) in (0..).zip(&commit.parts) {
            let expected = lengths.next().unwrap_or(0);
            let name = names::part(id, number, *crc);
            let found = stored.binary_search_by(|object| object.name.as_str().cmp(&name)).ok();
            if found.is_none_or(|at| stored[at].len != expected) {
                return Err(RelayError::PartsMissing);
            }
        }
        Ok(())
    }
}

/// The lengths of the parts of a blob, in bytes.
fn part_lengths(blob_len: u64) -> impl Iterator<Item = u64> {
    let part = PART_LEN as u64;
    (0..blob_len.div_ceil(part)).map(move |number| part.min(blob_len - number * part))
}

/// Counts and sums a part on its way to the store, and fails at its end if it is not what was announced.
fn checked(part: Content, crc: Checksum) -> Content {
    match part {
        Content::Whole(bytes) if Checksum::of(&bytes) == crc => Content::Whole(bytes),
        Content::Whole(bytes) => {
            let len = bytes.len() as u64;
            Content::Stream { len, chunks: stream::once(async { Err(RelayError::BadChecksum) }).boxed() }
        }
        Content::Stream { len, chunks } => {
            let state = (chunks, Checksum::default(), 0u64);
            let chunks = stream::try_unfold(state, move |(mut chunks, sum, seen)| async move {
                match chunks.next().await {
                    Some(Ok(chunk)) => {
                        let seen = seen + chunk.len() as u64;
                        if seen > len {
                            return Err(RelayError::BadChecksum);
                        }
                        let sum = sum.with(&chunk);
                        Ok(Some((chunk, (chunks, sum, seen))))
                    }
                    Some(Err(error)) => Err(error),
                    None if seen == len && sum == crc => Ok(None),
                    None => Err(RelayError::BadChecksum),
                }
            });
            Content::Stream { len, chunks: chunks.boxed() }
        }
    }
}

#[async_trait]
impl Relay for StoreRelay {
    async fn about(&self) -> Result<About, RelayError> {
        Ok(About {
            v: V1,
            max_bytes: self.policy.max_bytes,
            max_ttl: self.policy.max_ttl.as_secs(),
            lease: self.policy.lease.as_secs(),
            create: Admission::Open,
            public_url: None,
            contact: None,
        })
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        let max_ttl = self.policy.max_ttl.as_secs();
        if offer.ttl > max_ttl {
            return Err(RelayError::TooLongLived { max: max_ttl });
        }
        let made_by_owner = owner.token.verifier(Role::Own, &owner.id) == offer.verifiers.own;
        if offer.ttl < MIN_TTL.as_secs() || Flags::from_bits(offer.flags).is_none() || !made_by_owner {
            return Err(RelayError::BadRequest);
        }
        if offer.max_len.is_some_and(|len| len > self.policy.max_bytes) {
            return Err(RelayError::TooLarge { max: self.policy.max_bytes });
        }
        self.expect_room(offer.max_len.unwrap_or(0)).await?;
        self.mark_due(&owner.id, self.now() + UPLOAD_TIME).await?;
        let cell = Offer::new(offer.flags, offer.ttl, self.now(), offer.verifiers.clone());
        match write_once(&*self.store, &self.clock, &names::offer(&owner.id), cell).await? {
            Written::Ours(_) => Ok(()),
            Written::Theirs(_) => Err(RelayError::IdTaken),
        }
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        let id = &owner.id;
        let cells = self.cells(owner, Role::Own).await?;
        match &cells.seal {
            None => {}
            // The answer to an earlier attempt was lost.
            Some(Seal::Committed { parts, .. }) if parts.get(number as usize) == Some(&crc) => return Ok(()),
            Some(Seal::Committed { .. }) => return Err(RelayError::Committed),
            Some(Seal::Aborted { .. }) => return Err(cells.refusal(cells.phase(self.now()), None)),
        }
        let len = part.len();
        if len == 0 || len > PART_LEN as u64 || u64::from(number) * PART_LEN as u64 + len > self.policy.max_bytes {
            return Err(RelayError::TooLarge { max: self.policy.max_bytes });
        }
        self.expect_room(len).await?;
        let name = names::part(id, number, crc);
        let before = self.store.list(&names::part_number(id, number), None).await.map_err(records::failure)?;
        if before.iter().any(|object| object.name != name) {
            return Err(RelayError::Committed);
        }
        if let Created::Exists = self.store.create(&name, checked(part, crc)).await.map_err(records::failure)? {
            // A store may say so of a write that it has not carried out: what is acknowledged is what it shows.
            let stored = self.store.list(&name, None).await.map_err(records::failure)?;
            if stored.iter().all(|object| object.len != len) {
                return Err(RelayError::BUSY);
            }
        }
        // The upload may have been aborted meanwhile, and swept before this part landed.
        let (seal, offer) = (names::seal(id), names::offer(id));
        let (after, offer) = tokio::try_join!(load::<Seal>(&*self.store, &seal), load::<Offer>(&*self.store, &offer))?;
        let wanted = match &after {
            None => true,
            Some(Seal::Committed { parts, .. }) => parts.get(number as usize) == Some(&crc),
            Some(Seal::Aborted { .. }) => false,
        };
        if !wanted || offer.is_none() {
            self.store.delete(&[name]).await.map_err(records::failure)?;
            let cells = self.cells(owner, Role::Own).await?;
            return Err(cells.refusal(cells.phase(self.now()), None));
        }
        Ok(())
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<Committed, RelayError> {
        let id = &owner.id;
        let cells = self.cells(owner, Role::Own).await?;
        let seal = Seal::Committed { v: V1, at: self.now(), blob_len: commit.blob_len, parts: commit.parts.clone() };
        let stored = match &cells.seal {
            Some(stored) => Written::Theirs(stored.clone()),
            None => {
                let count = commit.blob_len.div_ceil(PART_LEN as u64);
                let manifest = commit.manifest.len();
                if commit.blob_len == 0 || commit.parts.len() as u64 != count || manifest == 0 {
                    return Err(RelayError::BadRequest);
                }
                if commit.blob_len > self.policy.max_bytes || manifest > MAX_SEALED_MANIFEST {
                    return Err(RelayError::TooLarge { max: self.policy.max_bytes });
                }
                self.expect_parts(id, commit).await?;
                let name = names::manifest(id);
                self.store.create(&name, commit.manifest.clone().into()).await.map_err(records::failure)?;
                if self.manifest_of(id).await? != commit.manifest {
                    return Err(RelayError::Committed);
                }
                self.mark_due(id, self.now().saturating_add(cells.offer.ttl)).await?;
                write_once(&*self.store, &self.clock, &names::seal(id), seal.clone()).await?
            }
        };
        let (Written::Ours(stored) | Written::Theirs(stored)) = stored;
        match &stored {
            Seal::Committed { at, .. } if records::Cell::same(&seal, &stored) => {
                Ok(Committed { v: V1, expires: at.saturating_add(cells.offer.ttl) })
            }
            Seal::Committed { .. } => Err(RelayError::Committed),
            Seal::Aborted { at, .. } => {
                // Whatever came after the abortion's deletion.
                self.delete_now(id).await;
                Err(RelayError::Gone { how: crate::relay::Gone::Aborted, at: *at, claimant: None, until: None })
            }
        }
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<Committed, RelayError> {
        let [crc] = commit.parts[..] else { return Err(RelayError::BadRequest) };
        self.create(owner, offer).await?;
        self.put_part(owner, 0, crc, part).await?;
        self.commit(owner, commit).await
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.waiting(link).await.map(|(_, notice)| notice)
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        let (cells, notice) = self.waiting(link).await?;
        self.check_proof(&link.id, &cells.offer, proof).await?;
        let manifest = self.manifest_of(&link.id).await?;
        Ok(Waiting { v: V1, expires: notice.expires, blob_len: notice.blob_len, manifest })
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<Claimed, RelayError> {
        let id = &link.id;
        let cells = self.cells(link, Role::Link).await?;
        let claimant = claim_token.claimant(id);
        let now = self.now();
        let phase = cells.phase(now);
        let (Some(Seal::Committed { blob_len, parts, .. }), Some(expires)) = (&cells.seal, cells.expires()) else {
            return Err(cells.refusal(phase, Some(&claimant)));
        };
        match phase {
            Phase::Leased { .. } if cells.claimant() == Some(&claimant) => {}
            Phase::Waiting if !self.clock_agrees.load(Ordering::Relaxed) => return Err(RelayError::BUSY),
            Phase::Waiting => self.check_proof(id, &cells.offer, proof).await?,
            _ => return Err(cells.refusal(phase, Some(&claimant))),
        }
        let until = now + self.policy.lease.as_secs();
        self.mark_due(id, until).await?;
        // Also for a repeated claim: what it says must be durable before a byte goes out on its strength.
        let wanted = Claim::Claimed { v: V1, at: now, until, claimant };
        let written = write_once(&*self.store, &self.clock, &names::claim(id), wanted).await?;
        let Written::Ours(Claim::Claimed { at, until, .. }) = written else {
            let cells = self.cells(link, Role::Link).await?;
            return Err(cells.refusal(cells.phase(self.now()), Some(&claimant)));
        };
        let part = match parts[..] {
            [crc] if *blob_len <= INLINE_LEN => {
                let part = records::get(&*self.store, &names::part(id, 0, crc)).await?;
                // Deleted between two looks: the next look will say so.
                Some(part.ok_or(RelayError::BUSY)?)
            }
            _ => None,
        };
        let manifest = self.manifest_of(id).await?;
        Ok(Claimed { v: V1, at, until, expires, blob_len: *blob_len, parts: parts.clone(), manifest, part })
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let id = &holder.id;
        let cells = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
        let claimant = holder.token.claimant(id);
        if cells.claimant() != Some(&claimant) {
            return Err(RelayError::Unknown);
        }
        let phase = cells.phase(self.now());
        let (Phase::Leased { .. }, Some(Seal::Committed { parts, .. })) = (phase, &cells.seal) else {
            return Err(cells.refusal(phase, Some(&claimant)));
        };
        let crc = parts.get(number as usize).ok_or(RelayError::BadRequest)?;
        let part = self.store.read(&names::part(id, number, *crc), offset).await.map_err(records::failure)?;
        // Gone between two looks, or lost by the store: either way there is nothing to give now.
        part.ok_or(RelayError::BUSY)
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        let id = &holder.id;
        let cells = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
        let claimant = holder.token.claimant(id);
        if cells.claimant() != Some(&claimant) {
            return Err(RelayError::Unknown);
        }
        let wanted = End::Finished { v: V1, at: self.now(), receipt: *receipt };
        let written = match cells.phase(self.now()) {
            Phase::Leased { .. } => self.end(id, wanted).await?,
            phase => match &cells.end {
                Some(end) if records::Cell::same(&wanted, end) => return Ok(()),
                _ => return Err(cells.refusal(phase, Some(&claimant))),
            },
        };
        match written {
            Written::Ours(_) => Ok(()),
            Written::Theirs(end) => {
                let cells = Records { end: Some(end), ..cells };
                Err(cells.refusal(cells.phase(self.now()), Some(&claimant)))
            }
        }
    }

    async fn status(
        &self,
        owner: &Credential,
        known: Option<ShareState>,
        wait: Duration,
    ) -> Result<Status, RelayError> {
        let start = Instant::now();
        loop {
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() || Some(self.state(owner).await?) != known {
                return self.status_now(owner).await;
            }
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        let id = &owner.id;
        // Each turn either takes it back or finds that somebody moved it on; there are three moves in a life.
        for _ in 0..4 {
            let cells = self.cells(owner, Role::Own).await?;
            let at = self.now();
            let (taken_back, was) = match cells.phase(at) {
                Phase::Uploading => (matches!(self.abort(id).await?, Written::Ours(_)), ShareState::Uploading),
                Phase::Waiting => {
                    let written = self.close(id, Claim::Revoked { v: V1, at }).await?;
                    (matches!(written, Written::Ours(_)), ShareState::Waiting)
                }
                Phase::Leased { .. } => {
                    let written = self.end(id, End::Revoked { v: V1, at }).await?;
                    (matches!(written, Written::Ours(_)), ShareState::Claimed)
                }
                // The clock alone has not decided anything yet: an opener may be at the door.
                Phase::Over { state: ShareState::Lapsed, at, settled: false } => {
                    (matches!(self.end(id, End::Lapsed { v: V1, at }).await?, Written::Ours(_)), ShareState::Lapsed)
                }
                Phase::Over { state, at, settled: false } => {
                    (matches!(self.close(id, Claim::Expired { v: V1, at }).await?, Written::Ours(_)), state)
                }
                Phase::Over { state, settled: true, .. } => (true, state),
            };
            if taken_back {
                return Ok(was);
            }
        }
        Err(RelayError::BUSY)
    }
}

impl StoreRelay {
    /// Where a share stands, and when it ended, as its owner may know it. Until the sweeper may act on it, the end of a
    /// time is not the end of a share: whoever was at the door in its last second may still turn out to have won.
    fn stand(&self, cells: &Records) -> (ShareState, Option<u64>) {
        match cells.phase(self.now().saturating_sub(self.policy.grace)) {
            Phase::Uploading => (ShareState::Uploading, None),
            Phase::Waiting => (ShareState::Waiting, None),
            Phase::Leased { .. } => (ShareState::Claimed, None),
            Phase::Over { state, at, .. } => (state, Some(at)),
        }
    }

    /// Where a share stands. Costs a look at its cells, however large it is.
    pub async fn state(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        Ok(self.stand(&self.cells(owner, Role::Own).await?).0)
    }

    async fn status_now(&self, owner: &Credential) -> Result<Status, RelayError> {
        let id = &owner.id;
        let cells = self.cells(owner, Role::Own).await?;
        let (state, ended) = self.stand(&cells);
        let sealed = match &cells.seal {
            Some(Seal::Committed { at, .. }) => Some(*at),
            _ => None,
        };
        let (claimed, until) = match &cells.claim {
            Some(Claim::Claimed { at, until, .. }) => (Some(*at), Some(*until)),
            _ => (None, None),
        };
        let receipt = match &cells.end {
            Some(End::Finished { receipt, .. }) => Some(*receipt),
            _ => None,
        };
        let overdue = match state {
            ShareState::Waiting | ShareState::Claimed => Some(matches!(cells.phase(self.now()), Phase::Over { .. })),
            _ => None,
        };
        let guesses = self.store.list(&names::tries(id), None).await.map_err(records::failure)?.len();
        Ok(Status {
            v: V1,
            state,
            created: cells.offer.at,
            sealed,
            expires: cells.expires(),
            claimed,
            until,
            ended,
            claimant: cells.claimant().copied(),
            receipt,
            guesses: u8::try_from(guesses).unwrap_or(MAX_GUESSES),
            bytes_left: self.bytes_held(id).await?,
            overdue,
        })
    }
}
