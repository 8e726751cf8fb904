//! Parts on their way to the store: their limits, and the check of their bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::relay::{ByteStream, Checksum, Content, RelayError};

/// How long a part may be.
#[derive(Clone, Copy)]
pub(super) struct PartLimit {
    /// Its greatest length in bytes.
    pub(super) longest: u64,
    /// The limit that a longer one exceeds: of a part, or of the blob.
    pub(super) max: u64,
}

impl PartLimit {
    /// Fails if a part of this length, as far as it is known, is empty or too long.
    pub(super) fn admit(self, len: Option<u64>) -> Result<(), RelayError> {
        match len {
            Some(0) => Err(RelayError::EmptyPart),
            Some(len) if len > self.longest => Err(self.exceeded()),
            _ => Ok(()),
        }
    }

    fn exceeded(self) -> RelayError {
        RelayError::TooLarge { max: self.max }
    }
}

/// The length of a part that is being read.
pub(super) struct PartLen {
    announced: Option<u64>,
    read: Arc<AtomicU64>,
}

impl PartLen {
    /// The length, once the part was read to its end.
    pub(super) fn get(&self) -> u64 {
        self.announced.unwrap_or_else(|| self.read.load(Ordering::Relaxed))
    }
}

/// `part`, which fails at its end unless it has a byte, the announced length or one within `limit`, and the checksum;
/// and its length.
pub(super) fn checked(part: Content, crc: Checksum, limit: PartLimit) -> (Content, PartLen) {
    let read = Arc::new(AtomicU64::new(0));
    let part_len = PartLen { announced: part.known_len(), read: read.clone() };
    if let Content::Whole(bytes) = &part
        && Checksum::of(bytes) == crc
    {
        return (part, part_len);
    }
    let (len, chunks) = (part.known_len(), part.into_chunks());
    let state = (chunks, Checksum::default(), read);
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
    (part, part_len)
}

/// `part`, which is complete only after `last`, and fails with its error.
pub(super) fn completed_by(
    part: Content,
    last: impl Future<Output = Result<(), RelayError>> + Send + 'static,
) -> Content {
    let end = |chunks: ByteStream| {
        let last = stream::once(last).filter_map(async |done| done.err().map(Err));
        chunks.chain(last).boxed()
    };
    match part {
        // Nothing of it is to come.
        Content::Whole(bytes) => Content::Whole(bytes),
        Content::Stream { len, chunks } => Content::Stream { len, chunks: end(chunks) },
        Content::Unsized(chunks) => Content::Unsized(end(chunks)),
    }
}

/// Reads and checks a part that is stored already. Returns its length.
///
/// # Errors
/// Those of [`checked`].
pub(super) async fn read_through(part: Content, crc: Checksum, limit: PartLimit) -> Result<u64, RelayError> {
    let (part, len) = checked(part, crc, limit);
    let mut chunks = part.into_chunks();
    while let Some(chunk) = chunks.next().await {
        chunk?;
    }
    Ok(len.get())
}
