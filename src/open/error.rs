//! Errors of opening.

use std::io;

use crate::manifest::ManifestError;
use crate::relay::RelayError;

/// Why something was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The relay refused, or could not be reached.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The connection broke in the middle. The same device can resume.
    #[error("the connection broke at {percent} %: {error}")]
    Broke {
        /// How much had arrived.
        percent: u64,
        /// Until when the same device can resume, Unix seconds.
        until: u64,
        /// Why.
        error: RelayError,
    },
    /// The content that came is not the content that was sent.
    #[error("the content is damaged or was changed on its way")]
    Corrupt,
    /// This device has claimed the share, and the passphrase is not the share's.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The manifest cannot be believed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The plaintext could not be written. The same device can try again.
    #[error("it could not be written: {0}")]
    Write(#[source] io::Error),
}
