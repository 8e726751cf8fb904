//! Bytes of a part or of an object: in memory, or a stream.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::relay::error::RelayError;

/// Pieces of bytes, in order.
pub type ByteStream = BoxStream<'static, Result<Bytes, RelayError>>;

/// The bytes of a part or of an object, in memory or as a stream.
pub enum Content {
    /// In memory.
    Whole(Bytes),
    /// A stream.
    Stream {
        /// Length in bytes.
        len: u64,
        /// The bytes, in pieces.
        chunks: ByteStream,
    },
    /// A stream whose length is known at its end: a body that a client sends, or a proxy passes on, in chunks. A store
    /// never returns one.
    Unsized(ByteStream),
}

impl Content {
    /// Length in bytes, unless only the end of the stream shows it.
    pub fn known_len(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Stream { len, .. } => Some(*len),
            Self::Unsized(_) => None,
        }
    }

    /// The bytes as a stream.
    pub fn into_chunks(self) -> ByteStream {
        match self {
            Self::Whole(bytes) => stream::once(async { Ok(bytes) }).boxed(),
            Self::Stream { chunks, .. } | Self::Unsized(chunks) => chunks,
        }
    }

    /// Collects all of it in memory.
    ///
    /// # Errors
    /// The error of the stream, if it ends in one.
    pub async fn whole(self) -> Result<Bytes, RelayError> {
        let len = self.known_len().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
        let mut chunks = match self {
            Self::Whole(bytes) => return Ok(bytes),
            Self::Stream { chunks, .. } | Self::Unsized(chunks) => chunks,
        };
        let mut whole = BytesMut::with_capacity(len.min(8 << 20));
        while let Some(chunk) = chunks.next().await {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole.freeze())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known_len() {
            Some(len) => write!(f, "Content({len} bytes)"),
            None => f.write_str("Content(in chunks)"),
        }
    }
}
