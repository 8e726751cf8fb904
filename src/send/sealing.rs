//! The thread that reads and encrypts, and the parts that come from it.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::manifest::Entry;
use crate::relay::{Checksum, RelayError};
use crate::seal::{Lengths, Sealer};
use crate::secret::Keys;
use crate::send::error::SendError;
use crate::send::input::{Album, Input};

/// Part buffers, and uploads at once. Over a distant line all of them are on their way. Filling one again when its part
/// has arrived takes a fraction of a round trip.
pub(super) const BUFFERS: usize = 3;

/// An encrypted part.
pub(super) struct Part {
    /// Its number, from 0.
    pub(super) number: u32,
    /// The checksum of its bytes.
    pub(super) crc: Checksum,
    /// Its bytes.
    pub(super) bytes: Bytes,
}

/// The thread that encrypts.
pub(super) struct Sealing {
    /// The parts, in their order.
    pub(super) parts: mpsc::Receiver<Part>,
    /// Takes the buffers of parts that were uploaded.
    pub(super) buffers: mpsc::Sender<BytesMut>,
    /// The thread.
    pub(super) thread: SealingThread,
}

/// Ends with the lengths of the blob and the entries of the manifest.
pub(super) struct SealingThread(JoinHandle<Result<(Lengths, Vec<Entry>), SendError>>);

impl SealingThread {
    /// Waits until everything is encrypted.
    ///
    /// # Errors
    /// An input could not be read, this machine failed, or nobody took the parts any more.
    pub(super) async fn join(self) -> Result<(Lengths, Vec<Entry>), SendError> {
        self.0.await.unwrap_or_else(|error| Err(SendError::Local(io::Error::other(error))))
    }
}

impl Sealing {
    /// Starts a thread that reads `inputs` and encrypts them with the blob key of `keys`.
    pub(super) fn start(inputs: Vec<Input>, keys: &Keys) -> Self {
        let identity = keys.blob_identity.clone();
        let (to, parts) = mpsc::channel(1);
        let (buffers, free) = mpsc::channel(BUFFERS);
        for _ in 0..BUFFERS {
            // There is room for all of them.
            let _ = buffers.try_send(BytesMut::new());
        }
        let thread = spawn_blocking(move || {
            let sealer = Sealer::new(Album::new(inputs), &identity).map_err(SendError::Local)?;
            seal(sealer, free, &to)
        });
        Self { parts, buffers, thread: SealingThread(thread) }
    }
}

/// Encrypts part by part, each in a buffer of `free`, and sends the parts `to` the upload.
fn seal(
    mut sealer: Sealer<Album>,
    mut free: mpsc::Receiver<BytesMut>,
    to: &mpsc::Sender<Part>,
) -> Result<(Lengths, Vec<Entry>), SendError> {
    let mut number = 0;
    // A closed channel means that the upload has failed: its error is the one to report.
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
}
