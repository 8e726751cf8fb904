//! The flow of sending: source → [`Outgoing`] → [`Sent`].
//!
//! One pass: a blocking thread reads, seals and cuts into parts; the parts go to the relay while the next one is
//! sealed. At most three part buffers exist, and they are used again. A share that fits into one part takes one
//! request. Nothing is printed as a link before the relay has said that the share is sealed; whatever fails before
//! that is taken back.

mod tee;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};

pub use self::tee::copies;
use crate::blob::PART_LEN;
use crate::manifest::{Entry, Manifest, ManifestError};
use crate::relay::{Checksum, Commit, Content, Create, Credential, Relay, RelayError, V1, Verifiers};
use crate::seal::{Lengths, Sealer};
use crate::secret::{Keys, Token};
use crate::{media, seal};

/// What taking an upload back may cost somebody who wants to leave.
const TAKE_BACK_TIME: Duration = Duration::from_secs(5);
/// After which a relay is asked once more to take back what it did not know.
const SECOND_LOOK: Duration = Duration::from_millis(700);
/// Part buffers: one is filled, two are on their way.
const BUFFERS: usize = 3;

/// Why something was not sent. Nothing of it is left at the relay.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A file could not be read.
    #[error("{name} cannot be read: {error}")]
    Read {
        /// What the user calls it.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// Nothing came from standard input.
    #[error("standard input is empty")]
    Empty,
    /// The files cannot be described.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The relay refused, or could not be reached.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// This machine failed.
    #[error("{0}")]
    Local(io::Error),
}

/// One thing to send.
pub struct Input {
    /// What the recipient reads; `None` for the nameless.
    pub name: Option<String>,
    /// What an error calls it.
    pub label: String,
    /// Where its bytes come from.
    pub reader: Box<dyn Read + Send>,
    /// That it is empty means that something went wrong before it: a pipe whose first program failed.
    pub must_have_content: bool,
}

/// All inputs, read one after another, and what was found out about each on the way.
struct Album {
    inputs: std::vec::IntoIter<Input>,
    current: Option<(Input, Vec<u8>, u64)>,
    entries: Vec<Entry>,
    failure: Option<SendError>,
}

impl Album {
    fn new(inputs: Vec<Input>) -> Self {
        Self { inputs: inputs.into_iter(), current: None, entries: Vec::new(), failure: None }
    }

    fn fail(&mut self, failure: SendError) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("an input failed")
    }
}

impl Read for Album {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((input, head, size)) = &mut self.current else {
                match self.inputs.next() {
                    Some(input) => self.current = Some((input, Vec::new(), 0)),
                    None => return Ok(0),
                }
                continue;
            };
            match input.reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let name = input.label.clone();
                    return Err(self.fail(SendError::Read { name, error }));
                }
                Ok(0) if *size == 0 && input.must_have_content => return Err(self.fail(SendError::Empty)),
                Ok(0) => {
                    let kind = media::sniff(head, *size <= media::HEAD_LEN as u64);
                    self.entries.push(Entry { name: input.name.take(), r#type: kind.to_owned(), size: *size });
                    self.current = None;
                }
                Ok(count) => {
                    let wanted = (media::HEAD_LEN - head.len()).min(count);
                    head.extend_from_slice(&space[..wanted]);
                    *size += count as u64;
                    return Ok(count);
                }
            }
        }
    }
}

/// What a sender decides about a share.
#[derive(Clone)]
pub struct SendOptions {
    /// A name for the whole, where there are several files.
    pub name: Option<String>,
    /// The day, UTC: `YYYY-MM-DD`.
    pub created: String,
    /// Life from the moment it is sealed, in seconds.
    pub ttl: u64,
    /// Whether a relay that keeps nothing for that long may keep it for as long as it does.
    pub or_shorter: bool,
    /// Bytes of all inputs together, where that is known: a relay refuses what is too large before it is uploaded.
    pub expected_len: Option<u64>,
    /// Ask recipients not to save it.
    pub view_only: bool,
    /// Permission to use the relay.
    pub create_token: Option<String>,
}

/// A share on its way out.
pub struct Outgoing {
    relay: Arc<dyn Relay>,
    keys: Keys,
    /// What lets its sender upload it and take it back.
    owner: Credential,
    wishes: SendOptions,
    /// Whether the relay may have heard of it.
    announced: AtomicBool,
    /// Whether it may be sealed: that was asked for, and not refused.
    sealed: AtomicBool,
    /// Whose turn it is to upload, where several shares go out side by side.
    turns: Arc<Semaphore>,
}

/// A sealed, durable share: its link may be shown.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it ends unopened, Unix seconds.
    pub expires: u64,
    /// How long the relay keeps it, in seconds: perhaps less than was wished.
    pub ttl: u64,
    /// What was in it.
    pub manifest: Manifest,
}

/// A sealed part.
struct Part {
    number: u32,
    crc: Checksum,
    bytes: Bytes,
}

/// The thread that seals, seen from outside.
struct Sealing {
    parts: mpsc::Receiver<Part>,
    buffers: mpsc::Sender<BytesMut>,
    thread: JoinHandle<Result<(Lengths, Vec<Entry>), SendError>>,
}

impl Sealing {
    fn start(inputs: Vec<Input>, keys: &Keys) -> Self {
        let identity = keys.blob_identity.clone();
        let (to, parts) = mpsc::channel(1);
        let (buffers, mut free) = mpsc::channel(BUFFERS);
        for _ in 0..BUFFERS {
            // There is room for all of them.
            let _ = buffers.try_send(BytesMut::new());
        }
        let thread = spawn_blocking(move || {
            let mut sealer = Sealer::new(Album::new(inputs), &identity).map_err(SendError::Local)?;
            let mut number = 0;
            // A closed channel means that the upload has failed: its error is the one to tell.
            while let Some(mut buffer) = free.blocking_recv() {
                match sealer.next_part(&mut buffer) {
                    Ok(false) => break,
                    Ok(true) => {}
                    Err(error) => return Err(sealer.into_inner().failure.unwrap_or(SendError::Local(error))),
                }
                let part = Part { number, crc: Checksum::of(&buffer), bytes: buffer.freeze() };
                if to.blocking_send(part).is_err() {
                    break;
                }
                number += 1;
            }
            match sealer.lengths() {
                Some(lengths) => Ok((lengths, sealer.into_inner().entries)),
                None => Err(SendError::Relay(RelayError::Unreachable("the upload broke off".to_owned()))),
            }
        });
        Self { parts, buffers, thread }
    }
}

async fn joined(
    thread: JoinHandle<Result<(Lengths, Vec<Entry>), SendError>>,
) -> Result<(Lengths, Vec<Entry>), SendError> {
    thread.await.unwrap_or_else(|error| Err(SendError::Local(io::Error::other(error))))
}

impl Outgoing {
    /// A share that nobody knows of yet, and that belongs to the holder of `owner_token`. Send through a relay that
    /// repeats what fails ([`crate::relay::client::retry::Retrying`]).
    pub fn new(
        relay: Arc<dyn Relay>,
        keys: Keys,
        owner_token: Token,
        turns: Arc<Semaphore>,
        wishes: SendOptions,
    ) -> Self {
        let owner = Credential::new(keys.id, owner_token);
        Self { relay, keys, owner, wishes, announced: AtomicBool::new(false), sealed: AtomicBool::new(false), turns }
    }

    /// Takes turns for the shares of one sender: two uploads at once, as a single share has them.
    pub fn turns() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(BUFFERS - 1))
    }

    /// Whether the relay may have sealed it.
    pub fn may_be_sealed(&self) -> bool {
        self.sealed.load(Ordering::SeqCst)
    }

    /// Notes what came of asking the relay to seal it.
    fn note_sealing<T>(&self, asked: &Result<T, RelayError>) {
        // Only what the relay itself refuses, or never heard of, is certain: an earlier attempt may have arrived.
        let is_certain = asked.as_ref().err().is_some_and(RelayError::is_unasked)
            || matches!(
                asked,
                Err(RelayError::BadRequest
                    | RelayError::TooLongLived { .. }
                    | RelayError::NotAllowed
                    | RelayError::Unknown
                    | RelayError::IdTaken
                    | RelayError::PartsMissing
                    | RelayError::Gone { .. }
                    | RelayError::TooLarge { .. }
                    | RelayError::NoSpace { .. })
            );
        self.sealed.store(!is_certain, Ordering::SeqCst);
    }

    /// Notes what came of telling the relay of it for the first time.
    fn note_announcing<T>(&self, asked: &Result<T, RelayError>) {
        if asked.as_ref().err().is_some_and(RelayError::is_unasked) {
            self.announced.store(false, Ordering::SeqCst);
        }
    }

    /// Reads, seals and uploads `inputs`, and seals the share. On an error, what has arrived is taken back.
    pub async fn send(&self, inputs: Vec<Input>) -> Result<Sent, SendError> {
        let result = self.upload(inputs).await;
        if result.is_err() {
            self.take_back().await;
        }
        result
    }

    /// Takes the share back, in whatever state it is: after an error, or when the sender changed their mind. Returns
    /// whether nothing is left; what cannot be reached in a few seconds ends by itself, since its link was never shown.
    pub async fn take_back(&self) -> bool {
        if !self.announced.load(Ordering::SeqCst) {
            return true;
        }
        let revoked = tokio::time::timeout(TAKE_BACK_TIME, async {
            let mut revoked = self.relay.revoke(&self.owner).await;
            if revoked == Err(RelayError::Unknown) && self.may_be_sealed() {
                // The relay may still be at work on what it was sent a moment ago.
                tokio::time::sleep(SECOND_LOOK).await;
                revoked = self.relay.revoke(&self.owner).await;
            }
            revoked
        });
        let gone = matches!(revoked.await, Ok(Ok(_) | Err(RelayError::Unknown)));
        self.announced.store(!gone, Ordering::SeqCst);
        gone
    }

    async fn upload(&self, inputs: Vec<Input>) -> Result<Sent, SendError> {
        let mut sealing = Sealing::start(inputs, &self.keys);
        let first = sealing.parts.recv().await;
        let second = match &first {
            Some(part) if part.bytes.len() == PART_LEN => sealing.parts.recv().await,
            _ => None,
        };
        match (first, second) {
            (None, _) => Err(match joined(sealing.thread).await {
                Err(error) => error,
                Ok(_) => SendError::Local(io::Error::other("nothing was sealed")),
            }),
            (Some(only), None) => {
                let (lengths, entries) = joined(sealing.thread).await?;
                let manifest = self.manifest(lengths, entries);
                let commit = self.commit(&manifest, vec![only.crc])?;
                let mut create = self.create(Some(lengths.blob_len));
                let _turn = self.turns.acquire().await;
                self.announced.store(true, Ordering::SeqCst);
                self.sealed.store(true, Ordering::SeqCst);
                let mut sealed = self.relay.deposit(&self.owner, &create, &commit, only.bytes.clone().into()).await;
                if self.shorten(&mut create, &sealed) {
                    sealed = self.relay.deposit(&self.owner, &create, &commit, only.bytes.into()).await;
                }
                self.note_sealing(&sealed);
                self.note_announcing(&sealed);
                let sealed = sealed?;
                Ok(Sent { expires: sealed.expires, ttl: create.ttl, manifest })
            }
            (Some(first), Some(second)) => {
                let mut create = self.create(self.wishes.expected_len.map(seal::longest_blob));
                self.announced.store(true, Ordering::SeqCst);
                let mut created = self.relay.create(&self.owner, &create).await;
                if self.shorten(&mut create, &created) {
                    created = self.relay.create(&self.owner, &create).await;
                }
                self.note_announcing(&created);
                created?;
                let crcs = self.put_parts([first, second], sealing.parts, sealing.buffers).await?;
                let (lengths, entries) = joined(sealing.thread).await?;
                let manifest = self.manifest(lengths, entries);
                let commit = self.commit(&manifest, crcs)?;
                self.sealed.store(true, Ordering::SeqCst);
                let sealed = self.relay.commit(&self.owner, &commit).await;
                self.note_sealing(&sealed);
                let sealed = sealed?;
                Ok(Sent { expires: sealed.expires, ttl: create.ttl, manifest })
            }
        }
    }

    /// Uploads parts as they come, two at a time, and gives their buffers back.
    async fn put_parts(
        &self,
        first: [Part; 2],
        parts: mpsc::Receiver<Part>,
        buffers: mpsc::Sender<BytesMut>,
    ) -> Result<Vec<Checksum>, RelayError> {
        let later = stream::unfold(parts, |mut parts| async move { parts.recv().await.map(|part| (part, parts)) });
        stream::iter(first)
            .chain(later)
            .map(|Part { number, crc, bytes }| {
                let buffers = buffers.clone();
                async move {
                    let content = Content::Whole(bytes.clone());
                    let _turn = self.turns.acquire().await;
                    self.relay.put_part(&self.owner, number, crc, content).await?;
                    // The connection may hold on to the bytes for a moment: then the sealer gets a new buffer.
                    let _ = buffers.try_send(bytes.try_into_mut().unwrap_or_default());
                    Ok(crc)
                }
            })
            .buffered(BUFFERS - 1)
            .try_collect()
            .await
    }

    fn create(&self, max_len: Option<u64>) -> Create {
        Create {
            v: V1,
            flags: self.keys.flags.bits(),
            ttl: self.wishes.ttl,
            verifiers: Verifiers::of(&self.keys.id, &self.keys.link_token, &self.keys.open_token, &self.owner.token),
            max_len,
            create_token: self.wishes.create_token.clone(),
        }
    }

    /// Whether the relay keeps nothing for as long as was wished, and it need not: then `create` asks for less.
    fn shorten<T>(&self, create: &mut Create, answer: &Result<T, RelayError>) -> bool {
        match answer {
            Err(RelayError::TooLongLived { max }) if self.wishes.or_shorter && *max < create.ttl => {
                create.ttl = *max;
                true
            }
            _ => false,
        }
    }

    fn manifest(&self, lengths: Lengths, entries: Vec<Entry>) -> Manifest {
        let SendOptions { name, created, view_only, .. } = self.wishes.clone();
        Manifest::new(name, entries, lengths.age_len, view_only, created)
    }

    fn commit(&self, manifest: &Manifest, parts: Vec<Checksum>) -> Result<Commit, SendError> {
        let sealed = seal::seal_bytes(&manifest.to_bytes()?, &self.keys.manifest_identity).map_err(SendError::Local)?;
        Ok(Commit { v: V1, blob_len: manifest.blob_len, parts, manifest: sealed.into() })
    }
}
