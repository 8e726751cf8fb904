//! Plaintext to ciphertext parts, and back: the only module that encrypts.
//!
//! A blob is an age file (age-encryption.org/v1) followed by random padding, cut into parts of 4 MiB. The age crate
//! writes, parses and authenticates headers. The payload's STREAM of ChaCha20-Poly1305 chunks is encrypted by
//! `ring`, in place in the buffer that goes to the network, in half the time of the crate's own reader and writer. The
//! key comes from the file key that an [`age::Recipient`] or [`age::Identity`] gets. The length of a foreign header is
//! checked before the crate parses it: the parser needs quadratic time for a hostile one.
//!
//! [`Sealer`] encrypts plaintext to a blob; [`Unsealer`] decrypts its bytes in order; [`Chunks`] decrypts single chunks
//! in any order. All functions block and belong on a blocking thread.

mod chunks;
mod error;
mod header;
mod sealer;
mod stream;
mod unsealer;

use std::io::{self, Write};
use std::iter;

use age::{Encryptor, x25519};

pub use self::chunks::Chunks;
pub use self::error::SealError;
pub use self::header::MAX_HEADER;
pub use self::sealer::{Lengths, Sealer};
use self::stream::{CHUNK, TAG};
pub use self::unsealer::Unsealer;
use crate::blob::padded_len;

/// Upper limit of the length of a blob of `plain_len` bytes. age's header has a random length.
pub fn longest_blob(plain_len: u64) -> u64 {
    let chunks = plain_len.div_ceil(CHUNK as u64).max(1);
    padded_len(plain_len.saturating_add(MAX_HEADER as u64 + chunks * TAG as u64))
}

/// Encrypts a short text, such as a manifest, to an age file without padding.
///
/// # Errors
/// Those of the age crate, which has none for one recipient of this kind and a file in memory.
pub fn seal_bytes(plain: &[u8], identity: &x25519::Identity) -> io::Result<Vec<u8>> {
    seal_bytes_to(plain, &identity.to_public())
}

/// As [`seal_bytes`], to the public key of another party.
///
/// # Errors
/// Those of [`seal_bytes`].
pub fn seal_bytes_to(plain: &[u8], recipient: &x25519::Recipient) -> io::Result<Vec<u8>> {
    let encryptor =
        Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient)).map_err(io::Error::other)?;
    let mut sealed = Vec::with_capacity(plain.len() + MAX_HEADER);
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

/// Decrypts an age file of [`seal_bytes`] or [`seal_bytes_to`].
///
/// # Errors
/// [`SealError::Corrupt`] if it was made with another identity, or changed.
pub fn open_bytes(sealed: &[u8], identity: &x25519::Identity) -> Result<Vec<u8>, SealError> {
    let mut sealed = sealed.to_vec();
    let mut plain = Vec::with_capacity(sealed.len());
    let mut unsealer = Unsealer::new(identity, sealed.len() as u64);
    unsealer.push(&mut sealed, &mut plain)?;
    unsealer.finish()?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn identity() -> x25519::Identity {
        x25519::Identity::generate()
    }

    fn sealed(plain: &[u8], identity: &x25519::Identity) -> (Vec<u8>, Lengths) {
        let mut sealer = Sealer::new(plain, identity).unwrap();
        let (mut blob, mut part) = (Vec::new(), BytesMut::new());
        while sealer.next_part(&mut part).unwrap() {
            blob.extend_from_slice(&part);
        }
        (blob, sealer.lengths().unwrap())
    }

    #[test]
    fn a_short_text_opens_with_its_identity_alone() {
        let (identity, other) = (identity(), identity());
        let sealed = seal_bytes(b"a manifest", &identity).unwrap();
        assert_eq!(open_bytes(&sealed, &identity).unwrap(), b"a manifest");
        assert!(matches!(open_bytes(&sealed, &other), Err(SealError::Corrupt)));
        assert!(matches!(open_bytes(&sealed[..sealed.len() - 1], &identity), Err(SealError::Corrupt)));
    }

    #[test]
    fn a_chunk_opens_by_itself_and_only_as_itself() {
        let identity = identity();
        let plain: Vec<u8> = (0..=250).cycle().take(2 * CHUNK + 7).collect();
        let (blob, lengths) = sealed(&plain, &identity);
        let chunks = Chunks::new(&identity, &blob, lengths.age_len).unwrap();
        assert_eq!((chunks.count(), chunks.plain_len()), (3, plain.len() as u64));
        let bytes = |number| {
            let range = chunks.range(number);
            blob[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
        };
        for number in [2, 0, 1] {
            let start = usize::try_from(number).unwrap() * CHUNK;
            let expected = &plain[start..plain.len().min(start + CHUNK)];
            assert_eq!(chunks.open(number, &mut bytes(number)).unwrap(), expected, "{number}");
        }
        assert!(chunks.open(0, &mut bytes(1)).is_err(), "another chunk");
        let cut = Chunks::new(&identity, &blob, lengths.age_len - (TAG + 7) as u64).unwrap();
        assert!(cut.open(1, &mut bytes(1)).is_err(), "not the last chunk");
        assert_eq!(Chunks::holding(CHUNK as u64 + 3), (1, 3));
    }

    #[test]
    fn a_blob_of_nothing_has_one_empty_chunk() {
        let identity = identity();
        let (mut blob, lengths) = sealed(b"", &identity);
        let mut plain = Vec::new();
        let mut unsealer = Unsealer::new(&identity, lengths.age_len);
        unsealer.push(&mut blob, &mut plain).unwrap();
        unsealer.finish().unwrap();
        assert!(plain.is_empty());
        assert!(matches!(Unsealer::new(&identity, lengths.age_len).finish(), Err(SealError::Corrupt)));
    }
}
