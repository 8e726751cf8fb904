//! Errors of a relay. Each variant needs a different reaction of the caller.

use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::types::Gone;
use crate::secret::Claimant;

/// Errors of a request to a relay.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RelayError {
    /// The request is malformed.
    #[error("the relay does not understand the request")]
    BadRequest,
    /// The bytes were damaged in transit.
    #[error("the bytes were garbled on their way")]
    BadChecksum,
    /// The time to expiry exceeds the relay's limit.
    #[error("the relay keeps shares for at most {max} seconds")]
    TooLongLived {
        /// Its limit in seconds.
        max: u64,
    },
    /// No valid create token.
    #[error("the relay wants a create token")]
    NotAllowed,
    /// The proof is wrong.
    #[error("the passphrase is wrong")]
    WrongPassphrase {
        /// The number of slots that are free behind the one of this proof.
        left: u8,
    },
    /// No such share, or a wrong token.
    #[error("the relay knows no such share")]
    Unknown,
    /// The body came too slowly.
    #[error("the bytes came too slowly")]
    Timeout,
    /// Another share has the id.
    #[error("the share's id is taken")]
    IdTaken,
    /// The share is committed, or a part exists, with other content.
    #[error("the share is complete already")]
    Committed,
    /// Not all parts are stored.
    #[error("not all parts have arrived")]
    PartsMissing,
    /// The share has ended.
    #[error("the share is gone")]
    Gone {
        /// In which way.
        how: Gone,
        /// When, Unix seconds.
        at: u64,
        /// The device that claimed it.
        claimant: Option<Claimant>,
        /// While its opening has not ended: until when the claimant can resume it, Unix seconds.
        until: Option<u64>,
    },
    /// The blob exceeds the relay's limit.
    #[error("the relay takes at most {max} bytes a share")]
    TooLarge {
        /// Its limit in bytes.
        max: u64,
    },
    /// Too many requests.
    #[error("the relay asks to slow down")]
    SlowDown {
        /// When to ask again, in seconds.
        after: u64,
    },
    /// The relay cannot answer now.
    #[error("the relay is busy")]
    Busy {
        /// When to ask again, in seconds.
        after: u64,
    },
    /// Its disk is full.
    #[error("the relay is full")]
    NoSpace {
        /// When to ask again, in seconds.
        after: u64,
    },
    /// No connection could be made, so no request was sent.
    #[error("{0}")]
    NoConnection(String),
    /// No request was sent, because of an obstacle on this computer or its network.
    #[error("{0}")]
    Hindered(Obstacle),
    /// The connection broke, or there was no answer.
    #[error("{0}")]
    Unreachable(String),
    /// The relay's certificate is not trusted.
    #[error("its certificate cannot be trusted: {0}")]
    NotTrusted(Distrust),
    /// The answer is not from a relay, or a proxy changed it.
    #[error("what answers there is not a share relay")]
    NotARelay,
    /// Something else answers in the relay's place, as a captive portal does.
    #[error("something else answers in its place")]
    Diverted,
    /// The computer that answers does not have the key of the link.
    #[error("what answers there is not the sender's machine")]
    Impostor,
}

impl RelayError {
    /// The relay cannot answer now.
    pub const BUSY: Self = Self::Busy { after: 2 };

    /// Whether no request was sent.
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::NoConnection(_) | Self::Hindered(_))
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        if let Self::Hindered(obstacle) = self {
            return obstacle.may_pass();
        }
        matches!(
            self,
            Self::BadChecksum
                | Self::Timeout
                | Self::SlowDown { .. }
                | Self::Busy { .. }
                | Self::NoConnection(_)
                | Self::Unreachable(_)
        )
    }
}
