//! Errors of decryption.

use std::io;

/// Reasons for which ciphertext cannot be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Not made with these keys, changed on the way, or cut off.
    #[error("the content is damaged or was changed on its way")]
    Corrupt,
    /// The plaintext could not be handed on.
    #[error(transparent)]
    Write(#[from] io::Error),
}
