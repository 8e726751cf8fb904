//! Errors of a relay, wherever it is: each variant is something that a caller acts on differently.

use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::types::Gone;
use crate::secret::Claimant;

/// Reasons for which a relay did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RelayError {
    /// The request makes no sense to this relay.
    #[error("the relay does not understand the request")]
    BadRequest,
    /// The bytes were garbled on their way.
    #[error("the bytes were garbled on their way")]
    BadChecksum,
    /// The relay keeps nothing for that long.
    #[error("the relay keeps shares for at most {max} seconds")]
    TooLongLived {
        /// Its limit in seconds.
        max: u64,
    },
    /// No valid create token.
    #[error("the relay wants a create token")]
    NotAllowed,
    /// The proof is not the one of this share.
    #[error("the passphrase is wrong")]
    WrongPassphrase {
        /// How many different ones may still be tried.
        left: u8,
    },
    /// No such share, or a token that is not its own: one answer for both.
    #[error("the relay knows no such share")]
    Unknown,
    /// The body came too slowly.
    #[error("the bytes came too slowly")]
    Timeout,
    /// The id is in use by another share.
    #[error("the share's id is taken")]
    IdTaken,
    /// Complete: nothing can be added or changed.
    #[error("the share is complete already")]
    Committed,
    /// Not all parts are there.
    #[error("not all parts have arrived")]
    PartsMissing,
    /// It has ended.
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
    /// More than the relay takes.
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
    /// No connection could be made: nothing was asked.
    #[error("{0}")]
    NoConnection(String),
    /// Nothing was asked either, and the relay has nothing to do with it.
    #[error("{0}")]
    Hindered(Obstacle),
    /// The connection broke, or nothing answers on it.
    #[error("{0}")]
    Unreachable(String),
    /// The way there is not the one that it claims to be.
    #[error("its certificate cannot be trusted: {0}")]
    NotTrusted(Distrust),
    /// Something else answers there, or changes what goes to and fro.
    #[error("what answers there is not a share relay")]
    NotARelay,
    /// Something else answers there, as the network of a hotel does until one has logged in.
    #[error("something else answers in its place")]
    Diverted,
    /// The machine that answers does not hold the key that the link names.
    #[error("what answers there is not the sender's machine")]
    Impostor,
}

impl RelayError {
    /// The relay cannot answer now.
    pub const BUSY: Self = Self::Busy { after: 2 };

    /// Whether the relay was not even reached: nothing was asked.
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::NoConnection(_) | Self::Hindered(_))
    }

    /// Whether the same request may succeed a little later.
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
