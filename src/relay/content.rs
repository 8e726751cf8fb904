//! Bytes of a part or of an object: in memory, or a stream of known length.

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
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Stream { len, .. } => *len,
        }
    }

    /// Whether its length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes as a stream.
    pub fn into_chunks(self) -> ByteStream {
        match self {
            Self::Whole(bytes) => stream::once(async { Ok(bytes) }).boxed(),
            Self::Stream { chunks, .. } => chunks,
        }
    }

    /// Collects all of it in memory.
    ///
    /// # Errors
    /// The error of the stream, if it ends in one.
    pub async fn whole(self) -> Result<Bytes, RelayError> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Stream { len, mut chunks } => {
                let mut whole = BytesMut::with_capacity(usize::try_from(len).unwrap_or(0).min(8 << 20));
                while let Some(chunk) = chunks.next().await {
                    whole.extend_from_slice(&chunk?);
                }
                Ok(whole.freeze())
            }
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.len())
    }
}
