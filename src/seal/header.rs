//! The header of an age file, which the age crate writes, parses and authenticates, and its bounds.

use std::cell::RefCell;
use std::collections::HashSet;
use std::{io, iter};

use age::{Decryptor, Encryptor, x25519};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;

use super::error::SealError;
use super::stream::ChunkStream;

/// The longest age header that is accepted, in bytes, with the newline of its last line.
pub const MAX_HEADER: usize = 4096;
/// Bytes of the nonce between header and chunks, which salts the payload key.
pub(super) const PAYLOAD_NONCE: usize = 16;

/// Recipient that copies the file key while the age crate writes the header.
struct NotingRecipient<'a> {
    to: &'a x25519::Recipient,
    noted: RefCell<Option<FileKey>>,
}

impl age::Recipient for NotingRecipient<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        self.noted.replace(Some(copy(file_key)));
        self.to.wrap_file_key(file_key)
    }
}

/// Identity that copies the file key while the age crate reads the header. The crate passes the key *before* it checks
/// the header's MAC, so the copy may be used only after `decrypt` has returned without an error.
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

/// The length of the age header at the beginning of `bytes`: through the line of its MAC, `--- ` and 43 characters.
pub(super) fn header_len(bytes: &[u8]) -> Option<usize> {
    const MAC_LINE: usize = "\n--- ".len() + 43;
    let bytes = &bytes[..bytes.len().min(MAX_HEADER)];
    let at = bytes.windows(5).position(|window| window == b"\n--- ")?;
    (bytes.get(at + MAC_LINE) == Some(&b'\n')).then_some(at + MAC_LINE + 1)
}

/// Writes the header of a file for `recipient`, and the payload nonce after it. Returns both, and the stream of chunks
/// for them.
///
/// # Errors
/// Those of the age crate, which has none for one recipient of this kind.
pub(super) fn write_header(recipient: &x25519::Recipient) -> io::Result<(Vec<u8>, ChunkStream)> {
    let noting = NotingRecipient { to: recipient, noted: RefCell::new(None) };
    let encryptor = Encryptor::with_recipients(iter::once(&noting as &dyn age::Recipient)).map_err(io::Error::other)?;
    let mut head = Vec::with_capacity(MAX_HEADER);
    // Writes the header and the payload nonce; dropped before a chunk is written.
    drop(encryptor.wrap_output(&mut head)?);
    let file_key = noting.noted.take().ok_or_else(|| io::Error::other("age used no recipient"))?;
    let stream = ChunkStream::of_file(&file_key, &head[head.len() - PAYLOAD_NONCE..]);
    Ok((head, stream))
}

/// Reads and authenticates `head`: exactly a header and the payload nonce after it.
///
/// # Errors
/// [`SealError::Corrupt`] if it is no header of age, or `identity` does not decrypt it. The age crate also refuses a
/// `scrypt` stanza beside others, as the page does.
pub(super) fn read_header(identity: &x25519::Identity, head: &[u8]) -> Result<ChunkStream, SealError> {
    let noting = NotingIdentity { identity, noted: RefCell::new(None) };
    let decryptor = Decryptor::new_buffered(head).map_err(|_| SealError::Corrupt)?;
    decryptor.decrypt(iter::once(&noting as &dyn age::Identity)).map_err(|_| SealError::Corrupt)?;
    // The MAC is valid, and it commits to this file key.
    let file_key = noting.noted.take().ok_or(SealError::Corrupt)?;
    Ok(ChunkStream::of_file(&file_key, &head[head.len() - PAYLOAD_NONCE..]))
}
