//! Errors of decryption.

use std::io;

/// Errors of decryption.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Made with other keys, changed, or truncated.
    #[error("the content is damaged or was changed in transit")]
    Corrupt,
    /// The plaintext could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}
