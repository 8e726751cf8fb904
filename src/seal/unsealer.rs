//! The bytes of a blob to plaintext, in the order in which they come.

use std::io::Write;

use age::x25519;

use super::error::SealError;
use super::header::{MAX_HEADER, PAYLOAD_NONCE, header_len, read_header};
use super::stream::{ChunkStream, SEALED_CHUNK};

/// The next thing that an unsealer waits for.
enum Expect {
    /// The header, of which this much is here.
    Header(Vec<u8>),
    /// Chunks.
    Chunks(Box<ChunkStream>),
    /// Nothing: the last chunk was opened, and only padding follows.
    End,
}

/// Turns the bytes of a blob, in whatever pieces they come, back into plaintext. Every chunk is verified before a byte
/// of it is written.
pub struct Unsealer<'a> {
    identity: &'a x25519::Identity,
    expect: Expect,
    /// Bytes of the age file that have not come yet.
    missing: u64,
    /// The beginning of a chunk whose rest is in the next piece.
    carry: Vec<u8>,
}

impl<'a> Unsealer<'a> {
    /// Opens the age file in the first `age_len` bytes of a blob.
    pub fn new(identity: &'a x25519::Identity, age_len: u64) -> Self {
        Self { identity, expect: Expect::Header(Vec::new()), missing: age_len, carry: Vec::new() }
    }

    /// Takes the next bytes of the blob, decrypts them in place, and writes to `out` those that are verified.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] where the bytes are not those that were sealed with this identity, and
    /// [`SealError::Write`] where `out` fails.
    pub fn push(&mut self, mut bytes: &mut [u8], out: &mut impl Write) -> Result<(), SealError> {
        // Only padding follows the age file.
        if self.missing < bytes.len() as u64 {
            let end = usize::try_from(self.missing).map_err(|_| SealError::Corrupt)?;
            bytes = &mut bytes[..end];
        }
        self.missing -= bytes.len() as u64;
        if let Expect::Header(head) = &mut self.expect {
            let before = head.len();
            // Never more than the longest header is kept, however much has come.
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

    /// Ends it.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] where bytes of the age file are missing.
    pub fn finish(self) -> Result<(), SealError> {
        if matches!(self.expect, Expect::End) { Ok(()) } else { Err(SealError::Corrupt) }
    }
}
