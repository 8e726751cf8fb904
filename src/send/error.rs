//! Errors of sending.

use std::io;

use crate::manifest::ManifestError;
use crate::relay::RelayError;

/// The reason why a share was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A file could not be read.
    #[error("{name} cannot be read: {error}")]
    Read {
        /// The name that the user gave it.
        name: String,
        /// The reason.
        error: io::Error,
    },
    /// Nothing came from standard input.
    #[error("standard input is empty")]
    Empty,
    /// The files cannot be described.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The relay accepted the files, but not so many of them: it is an older one.
    #[error("the relay does not accept so many files in one share")]
    ManyFiles,
    /// The relay refused, or could not be reached.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// This machine failed.
    #[error("{0}")]
    Local(io::Error),
}

/// A batch that was not sent. No link leads to any of it.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unsent {
    /// The reason.
    pub error: SendError,
    /// Whether nothing of it is left at the relay, for certain.
    pub gone: bool,
}
