//! Plaintext to ciphertext parts, and back: the only module that encrypts.
//!
//! A blob is an age file (age-encryption.org/v1) followed by random padding, cut into parts of 4 MiB. The age crate
//! writes, parses and authenticates headers. The payload's STREAM of ChaCha20-Poly1305 chunks is worked by `ring`,
//! in place in the buffer that goes to the network, which takes half the time of the crate's own reader and writer;
//! the key comes from the file key that an [`age::Recipient`] or [`age::Identity`] sees. Before any of age's parsers
//! sees a foreign header, its length is bounded: a hostile one takes that parser quadratic time.
//!
//! Everything here is blocking and belongs on a blocking thread.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::iter;

use age::x25519;
use age::{Decryptor, Encryptor};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use bytes::BytesMut;
use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::blob::{PART_LEN, padded_len};
use crate::secret::fill_random;

/// The longest age header that is looked at, in bytes.
pub const MAX_HEADER: usize = 4096;

/// Plaintext bytes in a chunk of age's payload.
const CHUNK: usize = 64 << 10;
/// Bytes that authenticate a chunk.
const TAG: usize = 16;
/// A chunk as it is stored.
const SEALED_CHUNK: usize = CHUNK + TAG;
/// Random bytes between header and chunks, which salt the payload key.
const PAYLOAD_NONCE: usize = 16;

/// Why ciphertext cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Not made with these keys, changed on the way, or cut off.
    #[error("the content is damaged or was changed on its way")]
    Corrupt,
    /// The plaintext could not be handed on.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// The key of one payload, and the counter of its chunks.
struct Stream {
    key: LessSafeKey,
    counter: u64,
}

impl Stream {
    fn new(key: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "the key has the algorithm's length")]
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes");
        Self { key: LessSafeKey::new(key), counter: 0 }
    }

    /// The payload key of an age file: HKDF over its file key, salted with its payload nonce.
    fn of_file(file_key: &FileKey, nonce: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "32 bytes are a short output")]
        Hkdf::<Sha256>::new(Some(nonce), file_key.expose_secret()).expand(b"payload", &mut *key).expect("32 bytes");
        Self::new(&key)
    }

    fn nonce(&mut self, last: bool) -> Nonce {
        let nonce = nonce_of(self.counter, last);
        self.counter += 1;
        nonce
    }

    fn seal(&mut self, chunk: &mut [u8], last: bool) -> [u8; TAG] {
        let mut out = [0; TAG];
        let nonce = self.nonce(last);
        #[expect(clippy::expect_used, reason = "fails only above 256 GiB in one chunk")]
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk).expect("a short chunk");
        out.copy_from_slice(tag.as_ref());
        out
    }

    fn open<'a>(&mut self, chunk: &'a mut [u8], last: bool) -> Result<&'a [u8], SealError> {
        let nonce = self.nonce(last);
        match self.key.open_in_place(nonce, Aad::empty(), chunk) {
            Ok(plain) => Ok(plain),
            Err(_) => Err(SealError::Corrupt),
        }
    }
}

/// Eleven bytes of counter, big-endian, and one that says whether this is the last chunk.
fn nonce_of(counter: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&counter.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// Lets the age crate write the header, and takes a copy of the file key on the way.
struct NotingRecipient<'a> {
    to: &'a x25519::Recipient,
    noted: RefCell<Option<FileKey>>,
}

impl age::Recipient for NotingRecipient<'_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, std::collections::HashSet<String>), age::EncryptError> {
        self.noted.replace(Some(copy(file_key)));
        self.to.wrap_file_key(file_key)
    }
}

/// Lets the age crate read the header, and takes a copy of the file key on the way. The crate hands it over *before*
/// it has checked the header's MAC, so it may be used only once `decrypt` has returned without an error.
struct NotingIdentity<'a> {
    identity: &'a x25519::Identity,
    noted: RefCell<Option<FileKey>>,
}

impl age::Identity for NotingIdentity<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let result = self.identity.unwrap_stanza(stanza);
        if let Some(Ok(file_key)) = &result {
            self.noted.replace(Some(copy(file_key)));
        }
        result
    }
}

fn copy(file_key: &FileKey) -> FileKey {
    FileKey::init_with_mut(|bytes| bytes.copy_from_slice(file_key.expose_secret()))
}

/// How long a blob turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the age file at its beginning, in bytes.
    pub age_len: u64,
    /// Of all of it, in bytes.
    pub blob_len: u64,
}

/// What the sealer is working on.
enum Phase {
    /// Reading, and sealing chunk after chunk.
    Payload(Stream),
    /// The age file is complete; this many bytes of padding are missing.
    Padding(Stream, u64),
    /// The blob is complete.
    Done,
}

/// Turns a plaintext of unknown length into the parts of a blob, in one pass and in constant memory.
pub struct Sealer<R> {
    plain: R,
    phase: Phase,
    /// What stands before the chunks: header and payload nonce; later the bytes that did not fit into the last part.
    carry: Vec<u8>,
    /// The byte that told that a chunk is not the last one.
    ahead: Option<u8>,
    age_len: u64,
}

impl<R: Read> Sealer<R> {
    /// Begins a blob that `identity` opens. The identity's recipient is never published, so only who has the link
    /// could have made it.
    pub fn new(plain: R, identity: &x25519::Identity) -> io::Result<Self> {
        let recipient = identity.to_public();
        let noting = NotingRecipient { to: &recipient, noted: RefCell::new(None) };
        let encryptor =
            Encryptor::with_recipients(iter::once(&noting as &dyn age::Recipient)).map_err(io::Error::other)?;
        let mut head = Vec::with_capacity(MAX_HEADER);
        // Writes the header and the payload nonce; dropped before a chunk is written.
        drop(encryptor.wrap_output(&mut head)?);
        let file_key = noting.noted.take().ok_or_else(|| io::Error::other("age used no recipient"))?;
        let stream = Stream::of_file(&file_key, &head[head.len() - PAYLOAD_NONCE..]);
        Ok(Self { plain, phase: Phase::Payload(stream), age_len: head.len() as u64, carry: head, ahead: None })
    }

    /// Fills `buffer` (whatever it held before) with the next part. `false`: the blob was complete already.
    ///
    /// A part is [`PART_LEN`] bytes long, and only the last one is shorter. Reuse the buffers: one keeps its memory.
    pub fn next_part(&mut self, buffer: &mut BytesMut) -> io::Result<bool> {
        // Chunks are read and sealed in place; the last one may reach over the end of the part.
        let room = PART_LEN + SEALED_CHUNK + 1;
        buffer.resize(room, 0);
        let mut filled = self.carry.len();
        buffer[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        while filled < PART_LEN {
            filled += match &mut self.phase {
                Phase::Payload(_) => self.seal_chunk(&mut buffer[filled..])?,
                Phase::Padding(stream, missing) => {
                    let count = usize::try_from(*missing).unwrap_or(CHUNK).min(CHUNK);
                    let piece = &mut buffer[filled..filled + count];
                    piece.fill(0);
                    stream.seal(piece, false);
                    *missing -= count as u64;
                    if *missing == 0 {
                        self.phase = Phase::Done;
                    }
                    count
                }
                Phase::Done => break,
            };
        }
        let length = filled.min(PART_LEN);
        self.carry.extend_from_slice(&buffer[length..filled]);
        buffer.truncate(length);
        Ok(length > 0)
    }

    /// Reads one chunk into `space` and seals it there. Returns the bytes that it takes.
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
        let Phase::Payload(stream) = &mut self.phase else { return Ok(0) };
        let tag = stream.seal(&mut space[..filled], last);
        space[filled..filled + TAG].copy_from_slice(&tag);
        self.age_len += (filled + TAG) as u64;
        if last {
            self.phase = match padded_len(self.age_len) - self.age_len {
                0 => Phase::Done,
                // The padding is a keystream under a key that nobody keeps: as random as the chunks before it.
                missing => {
                    let mut key = Zeroizing::new([0; 32]);
                    fill_random(&mut *key);
                    Phase::Padding(Stream::new(&key), missing)
                }
            };
        }
        Ok(filled + TAG)
    }

    /// How long the blob is; known when [`Sealer::next_part`] has returned `false`.
    pub fn lengths(&self) -> Option<Lengths> {
        matches!(self.phase, Phase::Done).then(|| Lengths { age_len: self.age_len, blob_len: padded_len(self.age_len) })
    }

    /// Gives the source back.
    pub fn into_inner(self) -> R {
        self.plain
    }
}

/// What the unsealer waits for.
enum Expect {
    /// The header, of which this much is here.
    Header(Vec<u8>),
    /// Chunks.
    Chunks(Box<Stream>),
    /// Nothing: the last chunk was opened; what follows is padding.
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

    /// Takes the next bytes of the blob, decrypts them in place, and writes what is verified to `out`.
    pub fn push(&mut self, mut bytes: &mut [u8], out: &mut impl Write) -> Result<(), SealError> {
        // What follows the age file is padding.
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
            let first = stream.counter == 0;
            out.write_all(opened(stream, &mut self.carry, last, first)?)?;
            self.carry.clear();
            if last {
                self.expect = Expect::End;
                return Ok(());
            }
        }
        while !bytes.is_empty() || (ended && stream.counter == 0) {
            let length = bytes.len().min(SEALED_CHUNK);
            let last = ended && length == bytes.len();
            if length < SEALED_CHUNK && !last {
                self.carry.extend_from_slice(bytes);
                return Ok(());
            }
            let (chunk, after) = bytes.split_at_mut(length);
            let first = stream.counter == 0;
            out.write_all(opened(stream, chunk, last, first)?)?;
            if last {
                self.expect = Expect::End;
                return Ok(());
            }
            bytes = after;
        }
        Ok(())
    }

    /// Whether all of the age file has come and its last chunk was the last one.
    pub fn finish(self) -> Result<(), SealError> {
        if matches!(self.expect, Expect::End) { Ok(()) } else { Err(SealError::Corrupt) }
    }
}

/// The chunks of an age file, each opened by itself and in any order: for a film in which somebody seeks. That a chunk
/// is the last one is part of what is verified, so a file that was cut off is found out when its end is read.
pub struct Chunks {
    key: LessSafeKey,
    /// Where the first one begins.
    head: u64,
    age_len: u64,
}

impl Chunks {
    /// Reads the header. `beginning` is at least [`MAX_HEADER`] bytes of the blob, or all of it; `age_len` is the
    /// length of the age file in it.
    pub fn new(identity: &x25519::Identity, beginning: &[u8], age_len: u64) -> Result<Self, SealError> {
        let head = header_len(beginning).ok_or(SealError::Corrupt)? + PAYLOAD_NONCE;
        let Stream { key, .. } = read_header(identity, beginning.get(..head).ok_or(SealError::Corrupt)?)?;
        let chunks = Self { key, head: head as u64, age_len };
        // Not even the tag of an empty file.
        if age_len < chunks.head + TAG as u64 { Err(SealError::Corrupt) } else { Ok(chunks) }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        (self.age_len - self.head).div_ceil(SEALED_CHUNK as u64)
    }

    /// Bytes of plaintext in all of them.
    pub fn plain_len(&self) -> u64 {
        (self.age_len - self.head).saturating_sub(self.count() * TAG as u64)
    }

    /// Which one has the plaintext's byte `at`, and where in it.
    pub fn holding(at: u64) -> (u64, usize) {
        (at / CHUNK as u64, usize::try_from(at % CHUNK as u64).unwrap_or(0))
    }

    /// Where in the blob a chunk is.
    pub fn place(&self, number: u64) -> std::ops::Range<u64> {
        let at = self.head + number * SEALED_CHUNK as u64;
        at..(at + SEALED_CHUNK as u64).min(self.age_len)
    }

    /// Opens a chunk in place.
    pub fn open<'a>(&self, number: u64, sealed: &'a mut [u8]) -> Result<&'a [u8], SealError> {
        let nonce = nonce_of(number, number + 1 == self.count());
        match self.key.open_in_place(nonce, Aad::empty(), sealed) {
            Ok(plain) => Ok(plain),
            Err(_) => Err(SealError::Corrupt),
        }
    }
}

/// Opens one chunk. Only the only chunk of an empty file may be empty.
fn opened<'a>(stream: &mut Stream, chunk: &'a mut [u8], last: bool, first: bool) -> Result<&'a [u8], SealError> {
    if chunk.len() < TAG || (chunk.len() == TAG && !first) {
        return Err(SealError::Corrupt);
    }
    stream.open(chunk, last)
}

/// The length of the age header at the beginning of `bytes`: through the line of its MAC, `--- ` and 43 characters.
fn header_len(bytes: &[u8]) -> Option<usize> {
    const MAC_LINE: usize = "\n--- ".len() + 43;
    let bytes = &bytes[..bytes.len().min(MAX_HEADER)];
    let at = bytes.windows(5).position(|window| window == b"\n--- ")?;
    (bytes.get(at + MAC_LINE) == Some(&b'\n')).then_some(at + MAC_LINE + 1)
}

/// Reads and authenticates a header with the payload nonce behind it.
fn read_header(identity: &x25519::Identity, head: &[u8]) -> Result<Stream, SealError> {
    let noting = NotingIdentity { identity, noted: RefCell::new(None) };
    let decryptor = Decryptor::new_buffered(head).map_err(|_| SealError::Corrupt)?;
    decryptor.decrypt(iter::once(&noting as &dyn age::Identity)).map_err(|_| SealError::Corrupt)?;
    // The MAC holds: the key is the one that this header commits to.
    let file_key = noting.noted.take().ok_or(SealError::Corrupt)?;
    Ok(Stream::of_file(&file_key, &head[head.len() - PAYLOAD_NONCE..]))
}

/// The longest blob that `plain_len` bytes can become: age's header has a random part.
pub fn longest_blob(plain_len: u64) -> u64 {
    let chunks = plain_len.div_ceil(CHUNK as u64).max(1);
    padded_len(plain_len.saturating_add(MAX_HEADER as u64 + chunks * TAG as u64))
}

/// Seals a short text, such as a manifest, into an age file without padding.
pub fn seal_bytes(plain: &[u8], identity: &x25519::Identity) -> io::Result<Vec<u8>> {
    let recipient = identity.to_public();
    let encryptor =
        Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient)).map_err(io::Error::other)?;
    let mut sealed = Vec::with_capacity(plain.len() + MAX_HEADER);
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

/// Opens what [`seal_bytes`] made.
pub fn open_bytes(sealed: &[u8], identity: &x25519::Identity) -> Result<Vec<u8>, SealError> {
    let mut sealed = sealed.to_vec();
    let mut plain = Vec::with_capacity(sealed.len());
    let mut unsealer = Unsealer::new(identity, sealed.len() as u64);
    unsealer.push(&mut sealed, &mut plain)?;
    unsealer.finish()?;
    Ok(plain)
}
