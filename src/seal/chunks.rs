//! The chunks of a blob, in any order.

use std::ops::Range;

use age::x25519;

use super::error::SealError;
use super::header::{PAYLOAD_NONCE, header_len, read_header};
use super::stream::{CHUNK, PayloadKey, SEALED_CHUNK, TAG};

/// The chunks of an age file, decrypted in any order, so that a player can seek. The tag of a chunk covers whether it
/// is the last one, so a truncated file is detected when its end is read.
pub struct Chunks {
    key: PayloadKey,
    /// Offset of the first chunk in the blob, in bytes.
    head: u64,
    age_len: u64,
}

impl Chunks {
    /// Reads the header. `beginning` is at least [`super::MAX_HEADER`] bytes of the blob, or all of it; `age_len` is
    /// the length of the age file in it, in bytes.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if that is no header, `identity` does not decrypt it, or no chunk follows it.
    pub fn new(identity: &x25519::Identity, beginning: &[u8], age_len: u64) -> Result<Self, SealError> {
        let head = header_len(beginning).ok_or(SealError::Corrupt)? + PAYLOAD_NONCE;
        let stream = read_header(identity, beginning.get(..head).ok_or(SealError::Corrupt)?)?;
        let chunks = Self { key: stream.into_key(), head: head as u64, age_len };
        // An empty file has at least the tag of one chunk.
        if age_len < chunks.head + TAG as u64 { Err(SealError::Corrupt) } else { Ok(chunks) }
    }

    /// The number of chunks.
    pub fn count(&self) -> u64 {
        (self.age_len - self.head).div_ceil(SEALED_CHUNK as u64)
    }

    /// Bytes of plaintext in all chunks.
    pub fn plain_len(&self) -> u64 {
        (self.age_len - self.head).saturating_sub(self.count() * TAG as u64)
    }

    /// The number of the chunk with byte `at` of the plaintext, and the offset of that byte in it.
    pub fn holding(at: u64) -> (u64, usize) {
        (at / CHUNK as u64, usize::try_from(at % CHUNK as u64).unwrap_or(0))
    }

    /// The bytes of the blob that are chunk `number`.
    pub fn range(&self, number: u64) -> Range<u64> {
        let at = self.head + number * SEALED_CHUNK as u64;
        at..(at + SEALED_CHUNK as u64).min(self.age_len)
    }

    /// Decrypts chunk `number` in place.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if it is another chunk, or was changed.
    pub fn open<'a>(&self, number: u64, sealed: &'a mut [u8]) -> Result<&'a [u8], SealError> {
        self.key.open(number, sealed, number + 1 == self.count())
    }
}
