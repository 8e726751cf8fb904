//! Errors of a relay. Each variant needs a different reaction of the caller.

use serde::{Deserialize, Serialize};

use crate::relay::front::Front;
use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::types::Gone;
use crate::secret::Claimant;

/// Errors of a request to a relay.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RelayError {
    /// The request is malformed.
    #[error("the relay rejected the request as malformed")]
    BadRequest,
    /// A part without a byte.
    #[error("a part of the share is empty")]
    EmptyPart,
    /// The bytes were damaged in transit.
    #[error("data was corrupted in transit")]
    BadChecksum,
    /// The time to expiry exceeds the relay's limit.
    #[error("the relay keeps shares for at most {max} seconds")]
    TooLongLived {
        /// Its limit in seconds.
        max: u64,
    },
    /// No valid create token.
    #[error("the relay requires a valid create token")]
    NotAllowed,
    /// The proof is wrong.
    #[error("wrong passphrase")]
    WrongPassphrase {
        /// The number of slots that are free.
        left: u8,
    },
    /// No such share, or a wrong token.
    #[error("there is no such share")]
    Unknown,
    /// The body of the request arrived too slowly.
    #[error("data arrived too slowly")]
    Timeout,
    /// Another share has the id.
    #[error("the share id is in use")]
    IdTaken,
    /// The share is committed with other content.
    #[error("the share is already committed")]
    Committed,
    /// Other bytes are stored for this part of a share that is not committed.
    #[error("other bytes are stored for this part")]
    PartDiffers,
    /// Not all parts are stored.
    #[error("parts of the share are missing")]
    PartsMissing,
    /// The share has ended.
    #[error("the share has ended")]
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
    /// The share ended too long ago to be reported.
    #[error("a share can be reported for one hour after it has ended")]
    TooLate {
        /// The end of that hour, Unix seconds.
        at: u64,
    },
    /// The blob, or a piece of the request, exceeds a limit of the relay.
    #[error("the relay accepts at most {max} bytes")]
    TooLarge {
        /// The limit that was exceeded, in bytes: of the blob, of a part, of the encrypted manifest, or of a JSON body.
        max: u64,
    },
    /// No byte of the part is at this offset.
    #[error("the part has only {max} bytes")]
    OutOfRange {
        /// Length of the part in bytes.
        max: u64,
    },
    /// The address of the request is not one of the relay's own.
    #[error("the relay does not answer at this address")]
    Misdirected,
    /// A limit of the client's network address or create token is reached.
    #[error("the relay received too many requests")]
    SlowDown {
        /// When to ask again, in seconds.
        after: u64,
        /// The limit. Older relays do not name it.
        limit: Option<Limit>,
    },
    /// A limit of the create token is used up for today.
    #[error("the create token's limit for today is used up")]
    Quota {
        /// The limited quantity. `None`: one that only newer relays limit.
        what: Option<Daily>,
        /// The limit of one day, in bytes or shares.
        max: u64,
        /// When it comes back, Unix seconds.
        until: Option<u64>,
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
    /// A proxy in front of the relay refuses, or does not reach the relay: its answer is no problem of a relay.
    #[error("a proxy in front of the relay answered with HTTP status {status}")]
    ByProxy {
        /// Its status.
        status: u16,
        /// When to ask again, in seconds, if it is known.
        after: Option<u64>,
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
    #[error("the certificate cannot be trusted: {0}")]
    NotTrusted(Distrust),
    /// The answer is not from a relay, or a proxy changed it.
    #[error("the server is not a share relay")]
    NotARelay,
    /// Something else answers in the relay's place, as a captive portal does.
    #[error("another server answered in its place")]
    Diverted,
    /// A login, a gateway or a proxy in front of the relay answers. The connection to it is authentic.
    #[error("something in front of the relay answered")]
    Fronted {
        /// The answer.
        front: Front,
        /// The first of the headers that were sent to it.
        sent: Option<String>,
    },
    /// The computer that answers does not have the key of the link.
    #[error("the server is not the sender's computer")]
    Impostor,
}

/// A limit that a relay sets to one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The limited quantity.
    pub what: Limited,
    /// The clients that are counted together.
    pub of: LimitOf,
}

/// A quantity that a relay limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limited {
    /// Requests a minute.
    Requests,
    /// New shares an hour.
    Shares,
    /// Bytes an hour, both ways.
    Traffic,
    /// Unfinished uploads.
    Uploads,
    /// Requests and parts at once.
    AtOnce,
    /// Reports an hour, and the bytes of what was reported in a day.
    Reports,
}

/// A quantity that a create token limits for each day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Daily {
    /// Bytes of new shares.
    Bytes,
    /// New shares.
    Shares,
}

/// The clients that a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitOf {
    /// Those with one network address.
    Address,
    /// Those with one create token.
    Token,
}

impl RelayError {
    /// The relay cannot answer now.
    pub const BUSY: Self = Self::Busy { after: 2 };
    /// The relay is full. When there is space again depends on recipients and senders, so the time is a guess.
    pub const NO_SPACE: Self = Self::NoSpace { after: 60 };

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
                | Self::ByProxy { status: 408 | 429 | 500 | 502..=504 | 520..=527, .. }
                | Self::NoConnection(_)
                | Self::Unreachable(_)
        )
    }
}
