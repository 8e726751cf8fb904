//! The payload of an age file: chunks under ChaCha20-Poly1305 in the STREAM construction.

use age_core::format::FileKey;
use age_core::secrecy::ExposeSecret;
use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::SealError;

/// Plaintext bytes in a chunk of age's payload.
pub(super) const CHUNK: usize = 64 << 10;
/// Bytes that authenticate a chunk.
pub(super) const TAG: usize = 16;
/// Length of a full chunk with its tag, in bytes.
pub(super) const SEALED_CHUNK: usize = CHUNK + TAG;

/// The key of one payload. Each of its chunks has a number, from 0 on.
pub(super) struct PayloadKey(LessSafeKey);

impl PayloadKey {
    fn new(key: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "the key has the algorithm's length")]
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Decrypts chunk `number` in place. Fails unless it is the last one exactly if `last`.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if it is another chunk, or was changed.
    pub(super) fn open<'a>(&self, number: u64, chunk: &'a mut [u8], last: bool) -> Result<&'a [u8], SealError> {
        match self.0.open_in_place(nonce(number, last), Aad::empty(), chunk) {
            Ok(plain) => Ok(plain),
            Err(_) => Err(SealError::Corrupt),
        }
    }
}

/// The chunks of a payload, one after the other.
pub(super) struct ChunkStream {
    key: PayloadKey,
    /// The number of the next chunk.
    next: u64,
}

impl ChunkStream {
    /// The chunks of a payload under `key`.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { key: PayloadKey::new(key), next: 0 }
    }

    /// The chunks of an age file. The payload key is HKDF over its file key, salted with its payload nonce.
    pub(super) fn of_file(file_key: &FileKey, payload_nonce: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "32 bytes are a short output")]
        Hkdf::<Sha256>::new(Some(payload_nonce), file_key.expose_secret())
            .expand(b"payload", &mut *key)
            .expect("32 bytes");
        Self::new(&key)
    }

    /// The key, to open chunks in any order.
    pub(super) fn into_key(self) -> PayloadKey {
        self.key
    }

    /// Whether the next chunk is the first.
    pub(super) fn is_at_start(&self) -> bool {
        self.next == 0
    }

    fn advance(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Encrypts the next chunk in place. Returns its tag, which follows it.
    pub(super) fn seal(&mut self, chunk: &mut [u8], last: bool) -> [u8; TAG] {
        let mut out = [0; TAG];
        let nonce = nonce(self.advance(), last);
        #[expect(clippy::expect_used, reason = "fails only above 256 GiB in one chunk")]
        let tag = self.key.0.seal_in_place_separate_tag(nonce, Aad::empty(), chunk).expect("a short chunk");
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// Decrypts the next chunk in place. A chunk without plaintext is valid only as the first and last one.
    ///
    /// # Errors
    /// [`SealError::Corrupt`] if it is another chunk, or was changed.
    pub(super) fn open<'a>(&mut self, chunk: &'a mut [u8], last: bool) -> Result<&'a [u8], SealError> {
        if chunk.len() < TAG || (chunk.len() == TAG && !self.is_at_start()) {
            return Err(SealError::Corrupt);
        }
        let number = self.advance();
        self.key.open(number, chunk, last)
    }
}

/// Eleven bytes of counter, big-endian, and one that marks the last chunk.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}
