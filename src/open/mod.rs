//! The flow of opening: [`Opener`] → [`Envelope`] → [`Opened`] → [`Received`] → finished.
//!
//! Each step consumes the one before it, so the order that keeps a file safe cannot be written wrongly: nothing is
//! claimed before the manifest was seen, nothing is verified before all of it was fetched, and only what was received
//! can be finished, which makes the relay delete it. A connection that breaks is taken up where it broke; at most
//! three parts are in memory. What is too large to be shown from memory is looked at through a [`window::Window`].

pub mod seekable;
pub mod staging;

use std::io::{self, Write};
use std::sync::Arc;

use bytes::BytesMut;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::blob::PART_LEN;
use crate::manifest::{Manifest, ManifestError};
use crate::relay::client::retry::Backoff;
use crate::relay::{Checksum, Claimed, Credential, Gone, Relay, RelayError, Waiting};
use crate::seal;
use crate::seal::{SealError, Unsealer};
use crate::secret::{Flags, Keys, Receipt, Token};

/// Part buffers: two are filled, one is decrypted.
const BUFFERS: usize = 3;
/// How often a part that arrives whole and wrong is fetched before it is given up.
const FETCHES: u32 = 2;

/// Why something was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The relay refused, or could not be reached.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The connection broke in the middle. The same device can go on.
    #[error("the connection broke at {percent} %: {error}")]
    Broke {
        /// How much had arrived.
        percent: u64,
        /// Until when the same device can go on, Unix seconds.
        until: u64,
        /// Why.
        error: RelayError,
    },
    /// What came is not what was sent.
    #[error("the content is damaged or was changed on its way")]
    Corrupt,
    /// This device has claimed it, and the passphrase is not its.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The manifest cannot be believed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The plaintext could not be written. The same device can try again.
    #[error("it could not be written: {0}")]
    Write(#[source] io::Error),
}

/// Somebody with a link (and its passphrase), on one device, at a relay.
pub struct Opener {
    relay: Arc<dyn Relay>,
    keys: Keys,
    claim_token: Token,
    patience: Backoff,
}

/// What waits, before it is opened.
pub struct Envelope {
    opener: Opener,
    waiting: Waiting,
    /// What is in it.
    pub manifest: Manifest,
}

/// What looking came to.
pub enum Look {
    /// It waits.
    Waits(Box<Envelope>),
    /// This device has claimed it before and has not finished: it may go on.
    OursToResume(Box<Opener>),
}

/// A share that this device has claimed.
pub struct Opened {
    opener: Opener,
    claimed: Claimed,
    /// What is in it.
    pub manifest: Manifest,
}

/// All of a share, verified and handed on. Until it is finished, the relay still holds it.
#[must_use = "the relay deletes a share only when it is finished"]
pub struct Received {
    relay: Arc<dyn Relay>,
    holder: Credential,
    receipt: Receipt,
}

impl Opener {
    /// Nothing is asked yet. `relay` should repeat what fails ([`crate::relay::client::retry::Retrying`]); `patience` is
    /// for connections that break while bytes flow.
    pub fn new(relay: Arc<dyn Relay>, keys: Keys, claim_token: Token, patience: Backoff) -> Self {
        Self { relay, keys, claim_token, patience }
    }

    fn link(&self) -> Credential {
        Credential::new(self.keys.id, self.keys.link_token.clone())
    }

    /// Looks at what waits. Consumes nothing.
    pub async fn look(self) -> Result<Look, OpenError> {
        let ours = self.claim_token.claimant(&self.keys.id);
        match self.relay.manifest(&self.link(), &self.keys.open_token).await {
            Ok(waiting) => {
                let manifest = read_manifest(&self.keys, &waiting.manifest, waiting.blob_len)?;
                Ok(Look::Waits(Box::new(Envelope { opener: self, waiting, manifest })))
            }
            Err(RelayError::Gone { how: Gone::AlreadyOpened, claimant: Some(claimant), .. }) if claimant == ours => {
                Ok(Look::OursToResume(Box::new(self)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Goes on with what this device has claimed before.
    pub async fn resume(self) -> Result<Opened, OpenError> {
        let claimed = self.claim().await?;
        let manifest = match read_manifest(&self.keys, &claimed.manifest, claimed.blob_len) {
            // The holder of a claim needs no proof, so nobody has checked the passphrase yet.
            Err(OpenError::Corrupt) if self.keys.flags.contains(Flags::PASSPHRASE) => {
                return Err(OpenError::WrongPassphrase);
            }
            manifest => manifest?,
        };
        expect_parts(&claimed)?;
        Ok(Opened { opener: self, claimed, manifest })
    }

    async fn claim(&self) -> Result<Claimed, RelayError> {
        let link = self.link();
        let claim = || self.relay.claim(&link, &self.keys.open_token, &self.claim_token);
        match claim().await {
            // An earlier attempt of ours, whose answer was lost, won while this one was being looked at.
            Err(RelayError::Gone { how: Gone::AlreadyOpened, claimant: Some(claimant), .. })
                if claimant == self.claim_token.claimant(&self.keys.id) =>
            {
                claim().await
            }
            result => result,
        }
    }
}

fn read_manifest(keys: &Keys, sealed: &[u8], blob_len: u64) -> Result<Manifest, OpenError> {
    let plain = seal::open_bytes(sealed, &keys.manifest_identity).map_err(|_| OpenError::Corrupt)?;
    Ok(Manifest::parse(&plain, blob_len)?)
}

fn expect_parts(claimed: &Claimed) -> Result<(), OpenError> {
    let expected = claimed.blob_len.div_ceil(PART_LEN as u64);
    if claimed.parts.len() as u64 == expected { Ok(()) } else { Err(OpenError::Corrupt) }
}

impl Envelope {
    /// When it ends unopened, Unix seconds.
    pub fn expires(&self) -> u64 {
        self.waiting.expires
    }

    /// Opens it: the one opening. Do everything that can fail before this.
    pub async fn claim(self) -> Result<Opened, OpenError> {
        let opened = self.opener.resume().await.map_err(|error| match error {
            // The passphrase was right a moment ago.
            OpenError::WrongPassphrase => OpenError::Corrupt,
            error => error,
        })?;
        // What was shown is what is opened.
        if opened.claimed.manifest == self.waiting.manifest { Ok(opened) } else { Err(OpenError::Corrupt) }
    }
}

impl Opened {
    /// When this device won it, Unix seconds.
    pub fn at(&self) -> u64 {
        self.claimed.at
    }

    /// Until when this device may go on, Unix seconds.
    pub fn until(&self) -> u64 {
        self.claimed.until
    }

    /// What finishing will leave for the sender.
    pub fn receipt(&self) -> Receipt {
        self.opener.receipt()
    }

    /// Fetches all of it, and writes the plaintext to `out` as it is verified. Padding and all are fetched: stopping
    /// early would tell the true size.
    pub async fn receive<W: Write + Send + 'static>(self, out: W) -> Result<(Received, W), OpenError> {
        let (to, mut parts) = mpsc::channel::<BytesMut>(1);
        let (used, free) = mpsc::channel::<BytesMut>(BUFFERS);
        for _ in 0..BUFFERS {
            // There is room for all of them.
            let _ = used.try_send(BytesMut::new());
        }
        let identity = self.opener.keys.blob_identity.clone();
        let (age_len, total) = (self.manifest.age_len, self.manifest.total_size());
        let thread = spawn_blocking(move || {
            let mut out = Limited { out, left: total, exceeded: false };
            let mut unsealer = Unsealer::new(&identity, age_len);
            while let Some(mut part) = parts.blocking_recv() {
                unsealer
                    .push(&mut part, &mut out)
                    .map_err(|error| if out.exceeded { SealError::Corrupt } else { error })?;
                // There is room for all of them.
                let _ = used.try_send(part);
            }
            unsealer.finish()?;
            if out.left > 0 {
                return Err(SealError::Corrupt);
            }
            out.out.flush()?;
            Ok(out.out)
        });
        let fetched = self.fetch(to, free).await;
        let opened = thread.await.unwrap_or_else(|error| Err(SealError::Write(io::Error::other(error))));
        match (fetched, opened) {
            // The thread stops at the first thing that is wrong; that the rest could not be handed to it follows.
            (_, Err(SealError::Write(error))) => Err(OpenError::Write(error)),
            (Ok(()), Err(SealError::Corrupt)) => Err(OpenError::Corrupt),
            (Err(error), _) => Err(error),
            (Ok(()), Ok(out)) => Ok((self.opener.received(), out)),
        }
    }

    /// Fetches all parts in their order.
    async fn fetch(&self, to: mpsc::Sender<BytesMut>, free: mpsc::Receiver<BytesMut>) -> Result<(), OpenError> {
        let free = tokio::sync::Mutex::new(free);
        let mut parts = stream::iter((0u32..).zip(&self.claimed.parts))
            .map(|(number, crc)| {
                let free = &free;
                async move {
                    // None comes any more when the thread has found something wrong: it will say what.
                    let buffer = free.lock().await.recv().await.unwrap_or_default();
                    self.fetch_part(number, *crc, buffer).await
                }
            })
            .buffered(BUFFERS - 1);
        while let Some(part) = parts.next().await {
            if to.send(part?).await.is_err() {
                // The thread has found something wrong, and will say what.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Fetches one part whole, however often the connection breaks, and checks it.
    async fn fetch_part(&self, number: u32, crc: Checksum, mut buffer: BytesMut) -> Result<BytesMut, OpenError> {
        let start = u64::from(number) * PART_LEN as u64;
        let len = usize::try_from((self.claimed.blob_len - start).min(PART_LEN as u64)).unwrap_or(PART_LEN);
        for fetch in 0..FETCHES {
            buffer.clear();
            buffer.reserve(len);
            match &self.claimed.part {
                Some(part) if fetch == 0 => buffer.extend_from_slice(part),
                _ => self.fetch_bytes(number, len, &mut buffer).await.map_err(|error| self.broke(start, error))?,
            }
            if buffer.len() == len && Checksum::of(&buffer) == crc {
                return Ok(buffer);
            }
        }
        Err(OpenError::Corrupt)
    }

    /// Fills `buffer` to `len` bytes.
    async fn fetch_bytes(&self, number: u32, len: usize, buffer: &mut BytesMut) -> Result<(), RelayError> {
        let holder = self.opener.holder();
        let mut patience = self.opener.patience;
        while buffer.len() < len {
            let error = match self.opener.relay.get_part(&holder, number, buffer.len() as u64).await {
                // Asked as often as patience allows.
                Err(error) => return Err(error),
                // Longer or shorter than it must be: the check will tell.
                Ok(content) if buffer.len() as u64 + content.len() != len as u64 => return Ok(()),
                Ok(content) => {
                    let mut chunks = content.into_chunks();
                    loop {
                        match chunks.next().await {
                            Some(Ok(chunk)) => {
                                patience.progress();
                                buffer.extend_from_slice(&chunk[..chunk.len().min(len - buffer.len())]);
                            }
                            Some(Err(error)) => break error,
                            None if buffer.len() == len => return Ok(()),
                            None => break RelayError::Unreachable("the connection broke".to_owned()),
                        }
                    }
                }
            };
            patience.pause(error).await?;
        }
        Ok(())
    }

    fn broke(&self, arrived: u64, error: RelayError) -> OpenError {
        if error.is_transient() {
            let percent = arrived * 100 / self.claimed.blob_len.max(1);
            OpenError::Broke { percent, until: self.claimed.until, error }
        } else {
            error.into()
        }
    }
}

impl Opener {
    fn holder(&self) -> Credential {
        Credential::new(self.keys.id, self.claim_token.clone())
    }

    /// What is left to do when all of it is safe here, or was seen.
    fn received(&self) -> Received {
        Received { relay: self.relay.clone(), holder: self.holder(), receipt: self.receipt() }
    }

    fn receipt(&self) -> Receipt {
        self.keys.receipt(&self.claim_token.claimant(&self.keys.id))
    }
}

impl Received {
    /// Tells the relay to delete it. On an error it may be told later: see [`finish`].
    pub async fn finish(self) -> Result<(), RelayError> {
        self.relay.finish(&self.holder, &self.receipt).await
    }
}

/// Tells a relay that a share is safe here, for a program that died before it could.
pub async fn finish(relay: &dyn Relay, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
    match relay.finish(holder, receipt).await {
        // It ended meanwhile: there is nothing left to delete.
        Err(RelayError::Gone { .. } | RelayError::Unknown) => Ok(()),
        result => result,
    }
}

/// Lets through as much as the manifest announces, and not a byte more: memory and disks were checked for that.
struct Limited<W> {
    out: W,
    left: u64,
    exceeded: bool,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.exceeded = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let count = self.out.write(bytes)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
