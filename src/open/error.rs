//! Errors of opening.

use std::io;

use crate::manifest::ManifestError;
use crate::relay::RelayError;

/// The reason why a share was not opened.
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
    /// The content fails authentication.
    #[error("the content is damaged or was changed")]
    Corrupt,
    /// This device has claimed the share, and the passphrase is not the share's.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The manifest is malformed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The plaintext could not be written. The same device can try again.
    #[error("the content could not be written: {0}")]
    Write(#[source] io::Error),
}
