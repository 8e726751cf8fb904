//! The bytes of a blob to plaintext, in the order in which they come.

use std::io::Write;

use age::x25519;

use super::error::SealError;
use super::header::{MAX_HEADER, PAYLOAD_NONCE, header_len, read_header};
use super::stream::{ChunkStream, SEALED_CHUNK};

/// The next input that an unsealer expects.
enum Expect {
    /// The header, with its bytes so far.
    Header(Vec<u8>),
    /// Chunks.
    Chunks(Box<ChunkStream>),
    /// Padding: the last chunk was decrypted.
    End,
}

/// Decrypts a blob that arrives in order, in pieces of any length. Each chunk is verified before any byte of it is
/// written.
pub struct Unsealer<'a> {
    identity: &'a x25519::Identity,
    expect: Expect,
    /// Bytes of the age file that have not arrived.
    missing: u64,
    /// Beginning of a chunk that continues in the next piece.
    carry: Vec<u8>,
}

impl<'a> Unsealer<'a> {
    /// An unsealer for the age file in the first `age_len` bytes of a blob.
    pub fn new(identity: &'a x25519::Identity, age_len: u64) -> Self {
        Self { identity, expect: Expect::Header(Vec::new()), missing: age_len, carry: Vec::new() }
    }

    /// Decrypts the next bytes of the blob in place, and writes verified plaintext to `out`.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if the bytes were made with another identity or changed, [`SealError::Write`] if `out`
    /// fails.
    pub fn push(&mut self, mut bytes: &mut [u8], out: &mut impl Write) -> Result<(), SealError> {
        // Only padding follows the age file.
        if self.missing < bytes.len() as u64 {
            let end = usize::try_from(self.missing).map_err(|_| SealError::Corrupt)?;
            bytes = &mut bytes[..end];
        }
        self.missing -= bytes.len() as u64;
        if let Expect::Header(head) = &mut self.expect {
            let before = head.len();
            // Keeps at most the longest header and its nonce.
            head.extend_from_slice(&bytes[..bytes.len().min(MAX_HEADER + PAYLOAD_NONCE - before)]);
            let Some(length) = header_len(head) else {
                return if head.len() < MAX_HEADER && self.missing > 0 { Ok(()) } else { Err(SealError::Corrupt) };
            };
            if head.len() < length + PAYLOAD_NONCE {
                return if self.missing > 0 { Ok(()) } else { Err(SealError::Corrupt) };
            }
            let stream = read_header(self.identity, &head[..length + PAYLOAD_NONCE])?;
            bytes = &mut bytes[length + PAYLOAD_NONCE - before..];
            self.expect = Expect::Chunks(Box::new(stream));
        }
        self.open_chunks(bytes, out)
    }

    fn open_chunks(&mut self, mut bytes: &mut [u8], out: &mut impl Write) -> Result<(), SealError> {
        let Expect::Chunks(stream) = &mut self.expect else {
            return if bytes.is_empty() { Ok(()) } else { Err(SealError::Corrupt) };
        };
        let ended = self.missing == 0;
        if !self.carry.is_empty() {
            let take = (SEALED_CHUNK - self.carry.len()).min(bytes.len());
            let (rest, after) = bytes.split_at_mut(take);
            self.carry.extend_from_slice(rest);
            bytes = after;
            let last = ended && bytes.is_empty();
            if self.carry.len() < SEALED_CHUNK && !last {
                return Ok(());
            }
            out.write_all(stream.open(&mut self.carry, last)?)?;
            self.carry.clear();
            if last {
                self.expect = Expect::End;
                return Ok(());
            }
        }
        while !bytes.is_empty() || (ended && stream.is_at_start()) {
            let length = bytes.len().min(SEALED_CHUNK);
            let last = ended && length == bytes.len();
            if length < SEALED_CHUNK && !last {
                self.carry.extend_from_slice(bytes);
                return Ok(());
            }
            let (chunk, after) = bytes.split_at_mut(length);
            out.write_all(stream.open(chunk, last)?)?;
            if last {
                self.expect = Expect::End;
                return Ok(());
            }
            bytes = after;
        }
        Ok(())
    }

    /// Checks that the whole age file was decrypted.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if bytes of it are missing.
    pub fn finish(self) -> Result<(), SealError> {
        if matches!(self.expect, Expect::End) { Ok(()) } else { Err(SealError::Corrupt) }
    }
}
