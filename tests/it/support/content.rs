//! Bytes to send, and bytes to look for.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// Pseudo-random bytes, the same for each seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The address of a folder.
pub(crate) fn folder_url(path: impl AsRef<Path>) -> String {
    url::Url::from_file_path(path).unwrap().to_string()
}

/// A file of `tests/certificates`.
pub(crate) fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(format!("{name}.pem"))
}

/// Bytes that begin like a JPEG.
pub(crate) fn photo(length: usize) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    bytes.extend(noise(length, 11));
    bytes
}

/// A secret in all encodings in which it could be written.
pub(crate) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    vec![
        secret.to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        BASE64_URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        BASE64_STANDARD.encode(secret).trim_end_matches('=').as_bytes().to_vec(),
    ]
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
