//! The upload of one share.
//!
//! One pass: a blocking thread reads, encrypts and cuts into parts; the parts go to the relay while the next one is
//! encrypted. At most three part buffers exist, and they are used again. A share that fits into one part takes one
//! request. A failed upload is revoked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Semaphore, mpsc};

use crate::blob::PART_LEN;
use crate::manifest::{Entry, Manifest};
use crate::relay::{
    Checksum, Commit, CommitResponse, Content, Create, Credential, Left, MAX_DEPOSIT_MANIFEST, Relay, RelayError, V1,
    Verifiers,
};
use crate::seal;
use crate::seal::Lengths;
use crate::secret::Keys;
use crate::send::error::SendError;
use crate::send::input::Input;
use crate::send::sealing::{BUFFERS, Part, Sealing};

/// The longest time that revoking an upload may hold up the end of the program.
const REVOKE_TIME: Duration = Duration::from_secs(5);
/// The pause before a relay is asked once more to revoke a share that was unknown to it.
const SECOND_LOOK: Duration = Duration::from_millis(700);

/// The choices of a sender.
#[derive(Clone)]
pub struct SendOptions {
    /// A name for the whole, where there are several files.
    pub name: Option<String>,
    /// The sender, for the recipient.
    pub from: Option<String>,
    /// A word with it, for the recipient.
    pub note: Option<String>,
    /// The day, UTC: `YYYY-MM-DD`.
    pub created: String,
    /// Life from the moment it is committed.
    pub ttl: Duration,
    /// Whether a relay that keeps nothing for that long may keep it for as long as it does.
    pub or_shorter: bool,
    /// Bytes of all inputs together, where that is known: a relay refuses a share that is too large before the upload.
    pub expected_len: Option<u64>,
    /// Ask recipients not to save it.
    pub view_only: bool,
    /// Permission to use the relay.
    pub create_token: Option<String>,
}

/// The content of a committed share, and its time.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it expires unopened, Unix seconds.
    pub expires: u64,
    /// How long the relay keeps it: perhaps less than was asked for.
    pub ttl: Duration,
    /// Its content.
    pub manifest: Manifest,
    /// The rest of the create token's limits, if the relay names it.
    pub left: Option<Left>,
}

/// Takes turns for the shares of one sender: as many uploads at once as a single share has.
pub(super) fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(BUFFERS))
}

/// Revokes one upload. It works while the upload runs, after it, and after it was dropped.
#[derive(Clone)]
pub(super) struct UploadRevoker(Arc<Announced>);

/// A share that may have been announced to its relay.
struct Announced {
    relay: Arc<dyn Relay>,
    /// Lets its sender upload the share and revoke it.
    owner: Credential,
    /// Whether the relay may have heard of it.
    may_be_known: AtomicBool,
    /// Whether it may be committed: that was asked for, and not refused.
    may_be_committed: AtomicBool,
}

impl UploadRevoker {
    /// Whether the relay may have committed the share.
    pub(super) fn may_be_committed(&self) -> bool {
        self.0.may_be_committed.load(Ordering::SeqCst)
    }

    /// Revokes the share, in whatever state it is: after an error, or when the sender changed their mind. Returns
    /// whether nothing is left. A share whose relay cannot be reached within a few seconds expires by itself: its link
    /// was never shown.
    pub(super) async fn revoke(&self) -> bool {
        let Announced { relay, owner, may_be_known, .. } = &*self.0;
        if !may_be_known.load(Ordering::SeqCst) {
            return true;
        }
        let revoked = tokio::time::timeout(REVOKE_TIME, async {
            let mut revoked = relay.revoke(owner).await;
            if revoked == Err(RelayError::Unknown) && self.may_be_committed() {
                // The relay may still be at work on what it was sent a moment ago.
                tokio::time::sleep(SECOND_LOOK).await;
                revoked = relay.revoke(owner).await;
            }
            revoked
        });
        let gone = matches!(revoked.await, Ok(Ok(_) | Err(RelayError::Unknown)));
        may_be_known.store(!gone, Ordering::SeqCst);
        gone
    }

    /// The relay is about to hear of the share.
    fn announce(&self) {
        self.0.may_be_known.store(true, Ordering::SeqCst);
    }

    /// The relay is about to be asked to commit it.
    fn ask_to_commit(&self) {
        self.0.may_be_committed.store(true, Ordering::SeqCst);
    }

    /// Notes the answer to the first request about the share.
    fn note_announcing<T>(&self, answer: &Result<T, RelayError>) {
        if answer.as_ref().err().is_some_and(RelayError::is_unasked) {
            self.0.may_be_known.store(false, Ordering::SeqCst);
        }
    }

    /// Notes the answer to the request to commit it.
    fn note_committing<T>(&self, answer: &Result<T, RelayError>) {
        // Only what the relay itself refuses, or never heard of, is certain: an earlier attempt may have arrived.
        let is_certain = answer.as_ref().err().is_some_and(RelayError::is_unasked)
            || matches!(
                answer,
                Err(RelayError::BadRequest
                    | RelayError::TooLongLived { .. }
                    | RelayError::NotAllowed
                    | RelayError::Quota { .. }
                    | RelayError::Unknown
                    | RelayError::IdTaken
                    | RelayError::PartsMissing
                    | RelayError::Gone { .. }
                    | RelayError::TooLarge { .. }
                    | RelayError::NoSpace { .. })
            );
        self.0.may_be_committed.store(!is_certain, Ordering::SeqCst);
    }
}

/// An upload that has not begun.
pub(super) struct Upload {
    share: UploadRevoker,
    keys: Keys,
    options: SendOptions,
    /// The permits to upload, for several shares side by side.
    turns: Arc<Semaphore>,
}

impl Upload {
    /// Of a share that belongs to `owner`. `relay` must be one that repeats what fails
    /// ([`crate::relay::client::retry::Retrying`]).
    pub(super) fn new(
        relay: Arc<dyn Relay>,
        keys: Keys,
        owner: Credential,
        turns: Arc<Semaphore>,
        options: SendOptions,
    ) -> Self {
        let (may_be_known, may_be_committed) = (AtomicBool::new(false), AtomicBool::new(false));
        let share = UploadRevoker(Arc::new(Announced { relay, owner, may_be_known, may_be_committed }));
        Self { share, keys, options, turns }
    }

    /// Revokes this upload, now or later.
    pub(super) fn revoker(&self) -> UploadRevoker {
        self.share.clone()
    }

    /// Reads, encrypts and uploads `inputs`, and commits the share.
    ///
    /// # Errors
    /// Any of [`SendError`]; the share was revoked then.
    pub(super) async fn run(self, inputs: Vec<Input>) -> Result<Sent, SendError> {
        let result = self.upload(inputs).await;
        if result.is_err() {
            self.share.revoke().await;
        }
        result
    }

    async fn upload(&self, inputs: Vec<Input>) -> Result<Sent, SendError> {
        let mut sealing = Sealing::start(inputs, &self.keys);
        let first = sealing.parts.recv().await;
        let is_whole = first.as_ref().is_some_and(|part| part.bytes.len() == PART_LEN);
        let is_long = is_whole && self.options.expected_len.is_some_and(|len| len > PART_LEN as u64);
        // Of an input of unknown length, only the second part tells whether one request is enough.
        let second = if is_whole && !is_long { sealing.parts.recv().await } else { None };
        match (first, second) {
            (None, _) => Err(match sealing.thread.join().await {
                Err(error) => error,
                Ok(_) => SendError::Local(io::Error::other("nothing was encrypted")),
            }),
            (Some(first), None) if is_long => self.put_all(vec![first], sealing).await,
            (Some(only), None) => self.deposit(only, sealing).await,
            (Some(first), Some(second)) => self.put_all(vec![first, second], sealing).await,
        }
    }

    /// Creates, uploads and commits a share of one part, in one request unless its manifest is long.
    async fn deposit(&self, only: Part, sealing: Sealing) -> Result<Sent, SendError> {
        let (relay, owner) = (&self.share.0.relay, &self.share.0.owner);
        let (lengths, entries) = sealing.thread.join().await?;
        let manifest = self.manifest(lengths, entries);
        let commit = self.commit(&manifest, vec![only.crc])?;
        let mut create = self.create(Some(lengths.blob_len));
        if commit.manifest.len() > MAX_DEPOSIT_MANIFEST {
            self.announce(&mut create).await?;
            self.put(only).await?;
            return self.finish(&create, &commit, manifest).await;
        }
        let _turn = self.turns.acquire().await;
        self.share.announce();
        self.share.ask_to_commit();
        let mut committed = relay.deposit(owner, &create, &commit, only.bytes.clone().into()).await;
        if self.shorten(&mut create, &committed) {
            committed = relay.deposit(owner, &create, &commit, only.bytes.into()).await;
        }
        self.share.note_committing(&committed);
        self.share.note_announcing(&committed);
        Ok(sent(committed?, &create, manifest))
    }

    /// Creates a share, uploads its parts while they are encrypted, and commits it.
    async fn put_all(&self, first: Vec<Part>, sealing: Sealing) -> Result<Sent, SendError> {
        let mut create = self.create(self.options.expected_len.map(seal::longest_blob));
        self.announce(&mut create).await?;
        let crcs = self.put_parts(first, sealing.parts, sealing.buffers).await?;
        let (lengths, entries) = sealing.thread.join().await?;
        let manifest = self.manifest(lengths, entries);
        let commit = self.commit(&manifest, crcs)?;
        self.finish(&create, &commit, manifest).await
    }

    /// Creates the share at its relay.
    async fn announce(&self, create: &mut Create) -> Result<(), RelayError> {
        let (relay, owner) = (&self.share.0.relay, &self.share.0.owner);
        self.share.announce();
        let mut created = relay.create(owner, create).await;
        if self.shorten(create, &created) {
            created = relay.create(owner, create).await;
        }
        self.share.note_announcing(&created);
        created
    }

    /// Commits the share, all of whose parts are uploaded.
    async fn finish(&self, create: &Create, commit: &Commit, manifest: Manifest) -> Result<Sent, SendError> {
        let (relay, owner) = (&self.share.0.relay, &self.share.0.owner);
        self.share.ask_to_commit();
        let committed = relay.commit(owner, commit).await;
        self.share.note_committing(&committed);
        match committed {
            // The relay has accepted the parts: only a list of files that older relays refuse is left.
            Err(RelayError::BadRequest | RelayError::TooLarge { .. })
                if commit.manifest.len() > MAX_DEPOSIT_MANIFEST =>
            {
                Err(SendError::ManyFiles)
            }
            committed => Ok(sent(committed?, create, manifest)),
        }
    }

    /// Uploads parts as they come, several at a time, and gives their buffers back.
    async fn put_parts(
        &self,
        first: Vec<Part>,
        parts: mpsc::Receiver<Part>,
        buffers: mpsc::Sender<BytesMut>,
    ) -> Result<Vec<Checksum>, RelayError> {
        let later = stream::unfold(parts, |mut parts| async move { parts.recv().await.map(|part| (part, parts)) });
        stream::iter(first)
            .chain(later)
            .map(|part| {
                let (buffers, crc) = (buffers.clone(), part.crc);
                async move {
                    let bytes = self.put(part).await?;
                    // The connection may hold on to the bytes for a moment: then the sealer gets a new buffer.
                    let _ = buffers.try_send(bytes.try_into_mut().unwrap_or_default());
                    Ok(crc)
                }
            })
            .buffered(BUFFERS)
            .try_collect()
            .await
    }

    /// Uploads one part in its turn, and returns its bytes.
    async fn put(&self, Part { number, crc, bytes }: Part) -> Result<Bytes, RelayError> {
        let (relay, owner) = (&self.share.0.relay, &self.share.0.owner);
        let _turn = self.turns.acquire().await;
        relay.put_part(owner, number, crc, Content::Whole(bytes.clone())).await?;
        Ok(bytes)
    }

    fn create(&self, max_len: Option<u64>) -> Create {
        let (keys, owner) = (&self.keys, &self.share.0.owner);
        Create {
            v: V1,
            flags: keys.flags.bits(),
            ttl: self.options.ttl.as_secs(),
            verifiers: Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token),
            max_len,
            create_token: self.options.create_token.clone(),
            account: None,
        }
    }

    /// Whether the relay keeps nothing for as long as was asked for, and it need not: then `create` asks for less.
    fn shorten<T>(&self, create: &mut Create, answer: &Result<T, RelayError>) -> bool {
        match answer {
            Err(RelayError::TooLongLived { max }) if self.options.or_shorter && *max < create.ttl => {
                create.ttl = *max;
                true
            }
            _ => false,
        }
    }

    fn manifest(&self, lengths: Lengths, entries: Vec<Entry>) -> Manifest {
        let SendOptions { name, from, note, created, view_only, .. } = self.options.clone();
        let manifest = Manifest::new(name, entries, lengths.age_len, view_only, created);
        Manifest { from, note, ..manifest }
    }

    fn commit(&self, manifest: &Manifest, parts: Vec<Checksum>) -> Result<Commit, SendError> {
        let sealed = seal::seal_bytes(&manifest.to_bytes()?, &self.keys.manifest_identity).map_err(SendError::Local)?;
        Ok(Commit { v: V1, blob_len: manifest.blob_len, parts, manifest: sealed.into() })
    }
}

fn sent(committed: CommitResponse, create: &Create, manifest: Manifest) -> Sent {
    let CommitResponse { expires, left, .. } = committed;
    Sent { expires, ttl: Duration::from_secs(create.ttl), manifest, left }
}
