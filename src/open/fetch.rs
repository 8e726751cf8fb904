//! Download of the parts of a claimed share. A connection that breaks is resumed where it broke.

use bytes::BytesMut;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;

use crate::blob;
use crate::manifest::Manifest;
use crate::open::error::OpenError;
use crate::open::look::Opener;
use crate::relay::{self, Checksum, RelayError};

/// Part buffers, and downloads at once. Over a distant line all of them are on their way. Decrypting a part that has
/// arrived takes a fraction of a round trip.
pub(super) const BUFFERS: usize = 3;
/// Attempts to fetch a part that arrives complete but fails its check.
const FETCHES: u32 = 2;

/// A share that this device has claimed, as its relay holds it.
pub(super) struct Opened {
    pub(super) opener: Opener,
    pub(super) claim: relay::ClaimResponse,
    pub(super) manifest: Manifest,
}

impl Opened {
    /// Fetches all parts in their order.
    pub(super) async fn fetch(
        &self,
        to: mpsc::Sender<BytesMut>,
        free: mpsc::Receiver<BytesMut>,
    ) -> Result<(), OpenError> {
        let free = tokio::sync::Mutex::new(free);
        let mut parts = stream::iter((0u32..).zip(&self.claim.parts))
            .map(|(number, crc)| {
                let free = &free;
                async move {
                    // The channel is closed only when the thread has failed, and its result has the error.
                    let buffer = free.lock().await.recv().await.unwrap_or_default();
                    self.fetch_part(number, *crc, buffer).await
                }
            })
            .buffered(BUFFERS);
        while let Some(part) = parts.next().await {
            if to.send(part?).await.is_err() {
                // The thread has failed, and its result has the error.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Fetches one part whole, however often the connection breaks, and checks it.
    pub(super) async fn fetch_part(
        &self,
        number: u32,
        crc: Checksum,
        mut buffer: BytesMut,
    ) -> Result<BytesMut, OpenError> {
        let range = blob::part_range(number, self.claim.blob_len);
        let len = usize::try_from(range.end - range.start).unwrap_or(blob::PART_LEN);
        for fetch in 0..FETCHES {
            buffer.clear();
            buffer.reserve(len);
            let sum = match &self.claim.part {
                Some(part) if fetch == 0 => {
                    buffer.extend_from_slice(part);
                    Checksum::of(part)
                }
                _ => {
                    let fetched = self.fetch_bytes(number, len, &mut buffer).await;
                    fetched.map_err(|error| self.broke(range.start, error))?
                }
            };
            if buffer.len() == len && sum == crc {
                return Ok(buffer);
            }
        }
        Err(OpenError::Corrupt)
    }

    /// Fills `buffer` to `len` bytes, and returns their checksum.
    async fn fetch_bytes(&self, number: u32, len: usize, buffer: &mut BytesMut) -> Result<Checksum, RelayError> {
        let holder = self.opener.holder();
        let (mut backoff, mut sum) = (self.opener.backoff, Checksum::default());
        while buffer.len() < len {
            let error = match self.opener.relay.get_part(&holder, number, buffer.len() as u64).await {
                // The client has already retried as often as its backoff allows.
                Err(error) => return Err(error),
                // The length is wrong: the check of the part fails.
                Ok(content) if content.known_len().is_some_and(|given| given != (len - buffer.len()) as u64) => {
                    return Ok(sum);
                }
                Ok(content) => {
                    let mut chunks = content.into_chunks();
                    loop {
                        match chunks.next().await {
                            // A proxy that does not pass the length on may add bytes.
                            Some(Ok(chunk)) if buffer.len() == len && !chunk.is_empty() => return Ok(sum),
                            Some(Ok(chunk)) => {
                                backoff.progress();
                                let bytes = &chunk[..chunk.len().min(len - buffer.len())];
                                // Now, because they are in the processor's cache.
                                sum = sum.with(bytes);
                                buffer.extend_from_slice(bytes);
                            }
                            Some(Err(error)) => break error,
                            None if buffer.len() == len => return Ok(sum),
                            None => break RelayError::Unreachable("the connection broke".to_owned()),
                        }
                    }
                }
            };
            backoff.pause(error).await?;
        }
        Ok(sum)
    }

    fn broke(&self, arrived: u64, error: RelayError) -> OpenError {
        if error.is_transient() {
            let percent = arrived * 100 / self.claim.blob_len.max(1);
            OpenError::Broke { percent, until: self.claim.until, error }
        } else {
            error.into()
        }
    }
}
