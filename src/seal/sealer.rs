//! Plaintext to the parts of a blob.

use std::io::{self, Read};

use age::x25519;
use bytes::BytesMut;
use zeroize::Zeroizing;

use super::header::write_header;
use super::stream::{CHUNK, ChunkStream, SEALED_CHUNK, TAG};
use crate::blob::{PART_LEN, padded_len};
use crate::secret::fill_random;

/// The lengths of a finished blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The length of the age file at its beginning, in bytes.
    pub age_len: u64,
    /// The length of all of it, in bytes.
    pub blob_len: u64,
}

/// Phases of a sealer, in order.
enum SealPhase {
    /// Reading and encrypting chunks.
    Payload(ChunkStream),
    /// The age file is complete; the number is the bytes of padding still to write.
    Padding(ChunkStream, u64),
    /// The blob is complete.
    Done,
}

/// Makes a buffer at least so long. It grows by chunks: the first use of memory takes longer than filling it, and a
/// short share needs little.
fn grow(buffer: &mut BytesMut, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
}

/// Encrypts a plaintext of unknown length to the parts of a blob, in one pass and in constant memory.
pub struct Sealer<R> {
    plain: R,
    phase: SealPhase,
    /// Bytes for the next part: first the header and payload nonce, later the end of a chunk that did not fit.
    carry: Vec<u8>,
    /// Look-ahead byte: `Some` means that more plaintext follows.
    ahead: Option<u8>,
    age_len: u64,
}

impl<R: Read> Sealer<R> {
    /// Begins a blob for `identity`. Its recipient is never published, so only a holder of the link can make one.
    ///
    /// # Errors
    /// Those of the age crate, which has none for one recipient of this kind.
    pub fn new(plain: R, identity: &x25519::Identity) -> io::Result<Self> {
        let (head, stream) = write_header(&identity.to_public())?;
        Ok(Self { plain, phase: SealPhase::Payload(stream), age_len: head.len() as u64, carry: head, ahead: None })
    }

    /// Replaces the content of `buffer` by the next part. `false`: the blob was complete before.
    ///
    /// A part is [`PART_LEN`] bytes long, and only the last one is shorter. Reuse the buffers: one keeps its memory.
    ///
    /// # Errors
    /// Those of reading the plaintext.
    pub fn next_part(&mut self, buffer: &mut BytesMut) -> io::Result<bool> {
        if matches!(self.phase, SealPhase::Done) && self.carry.is_empty() {
            buffer.clear();
            return Ok(false);
        }
        let mut filled = self.carry.len();
        buffer.reserve((PART_LEN + SEALED_CHUNK + 1).saturating_sub(buffer.len()));
        grow(buffer, filled);
        buffer[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        while filled < PART_LEN {
            // Chunks are read and encrypted in place; the last one may extend beyond the part.
            grow(buffer, filled + SEALED_CHUNK + 1);
            filled += match &mut self.phase {
                SealPhase::Payload(_) => self.seal_chunk(&mut buffer[filled..])?,
                SealPhase::Padding(stream, missing) => {
                    let count = usize::try_from(*missing).unwrap_or(CHUNK).min(CHUNK);
                    let piece = &mut buffer[filled..filled + count];
                    piece.fill(0);
                    stream.seal(piece, false);
                    *missing -= count as u64;
                    if *missing == 0 {
                        self.phase = SealPhase::Done;
                    }
                    count
                }
                SealPhase::Done => break,
            };
        }
        let length = filled.min(PART_LEN);
        self.carry.extend_from_slice(&buffer[length..filled]);
        buffer.truncate(length);
        Ok(true)
    }

    /// Reads one chunk into `space` and encrypts it there. Returns its length with the tag.
    fn seal_chunk(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        if let Some(byte) = self.ahead.take() {
            space[0] = byte;
            filled = 1;
        }
        // One byte more than a chunk: if it is there, the chunk is not the last.
        while filled <= CHUNK {
            match self.plain.read(&mut space[filled..=CHUNK]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let last = filled <= CHUNK;
        if !last {
            self.ahead = Some(space[CHUNK]);
            filled = CHUNK;
        }
        let SealPhase::Payload(stream) = &mut self.phase else { return Ok(0) };
        let tag = stream.seal(&mut space[..filled], last);
        space[filled..filled + TAG].copy_from_slice(&tag);
        self.age_len += (filled + TAG) as u64;
        if last {
            self.phase = match padded_len(self.age_len) - self.age_len {
                0 => SealPhase::Done,
                // The padding is a keystream under a key that is thrown away, so it looks like the chunks.
                missing => {
                    let mut key = Zeroizing::new([0; 32]);
                    fill_random(&mut *key);
                    SealPhase::Padding(ChunkStream::new(&key), missing)
                }
            };
        }
        Ok(filled + TAG)
    }

    /// The lengths of the blob. `None` until [`Sealer::next_part`] has returned `false`.
    pub fn lengths(&self) -> Option<Lengths> {
        matches!(self.phase, SealPhase::Done)
            .then(|| Lengths { age_len: self.age_len, blob_len: padded_len(self.age_len) })
    }

    /// Gives the source back.
    pub fn into_inner(self) -> R {
        self.plain
    }
}
