//! Requests, answers and states of the protocol.
//!
//! On the wire, durations are seconds and times are Unix seconds.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::relay::about::ReportTo;
use crate::relay::account::{Account, Left};
use crate::relay::base64url;
use crate::relay::version::V1;
use crate::secret::{Claimant, Id, Receipt, Role, Token, Verifier, fill_random};

/// Slots for different proofs. The proof after that many other ones locks the share.
pub const MAX_GUESSES: u8 = 20;
/// The longest encrypted manifest, in bytes: [`crate::manifest::MAX_LEN`] and what age adds to it.
pub const MAX_SEALED_MANIFEST: usize = 1032 * 1024;
/// The longest encrypted manifest of a deposit, in bytes. Older relays accept no longer one at all.
pub const MAX_DEPOSIT_MANIFEST: usize = 72 * 1024;
/// The longest only part, in bytes, that the answer to a claim includes.
pub const INLINE_LEN: u64 = 256 * 1024;
/// The shortest time from the commit to expiry.
pub const MIN_TTL: Duration = Duration::from_mins(1);
/// The longest time from the commit to expiry, unless an operator sets another.
pub const MAX_TTL: Duration = Duration::from_hours(90 * 24);
/// The time from the claim to the end of the lease, unless an operator sets another.
pub const LEASE: Duration = Duration::from_hours(24);
/// The time for which a relay keeps the records of a share that has ended.
pub const TOMBSTONE_TIME: Duration = Duration::from_hours(30 * 24);
/// The longest wait for a change of state. Proxies usually close a connection that is silent for 60 s.
pub const MAX_WAIT: Duration = Duration::from_secs(55);

/// A share, and a token that authorizes requests about it.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The share.
    pub id: Id,
    /// The link token, the owner token or the claim token.
    pub token: Token,
}

impl Credential {
    /// `token` for the share `id`.
    pub fn new(id: Id, token: Token) -> Self {
        Self { id, token }
    }

    /// A credential of no share.
    pub fn random() -> Self {
        let mut id = [0; 16];
        fill_random(&mut id);
        Self { id: Id::from_bytes(id), token: Token::random() }
    }
}

/// CRC-32C (Castagnoli) of a whole part. Detects accidental damage; age detects tampering.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checksum(u32);

impl Checksum {
    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::default().with(bytes)
    }

    /// The checksum of the bytes so far, followed by `bytes`.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        // The state before the final complement, from which another digest continues.
        let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!self.0));
        digest.update(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the checksum has 32 bits")]
        let sum = digest.finalize() as u32;
        Self(sum)
    }

    /// Reads eight lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 8 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if plain { u32::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("not a checksum"))
    }
}

/// An announcement of a share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// Version of the protocol.
    pub v: V1,
    /// [`crate::secret::Flags`] of the link, as bits.
    pub flags: u8,
    /// Seconds from the commit to expiry.
    pub ttl: u64,
    /// Hashes of the three tokens.
    pub verifiers: Verifiers,
    /// Upper limit of the blob's length, in bytes, if known: lets the relay refuse early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_len: Option<u64>,
    /// The create token, where the relay requires one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_token: Option<String>,
    /// The account of that token, if it has limits. The server adds it.
    #[serde(skip)]
    pub account: Option<Account>,
}

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create").field("ttl", &self.ttl).field("max_len", &self.max_len).finish_non_exhaustive()
    }
}

/// A question for the rest of a create token's limits.
#[derive(Clone, Serialize, Deserialize)]
pub struct Allowance {
    /// Version of the protocol.
    pub v: V1,
    /// The create token.
    pub create_token: String,
    /// The account of that token, which the server adds.
    #[serde(skip)]
    pub account: Option<Account>,
}

/// Hashes that a relay checks tokens against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifiers {
    /// Of the link token.
    pub link: Verifier,
    /// Of the open token.
    pub open: Verifier,
    /// Of the owner token.
    pub own: Verifier,
}

impl Verifiers {
    /// The verifiers of the three tokens of the share `id`.
    pub fn of(id: &Id, link: &Token, open: &Token, own: &Token) -> Self {
        let [link, open, own] =
            [(link, Role::Link), (open, Role::Open), (own, Role::Owner)].map(|(token, role)| token.verifier(role, id));
        Self { link, open, own }
    }
}

/// The end of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Version of the protocol.
    pub v: V1,
    /// Length of the blob in bytes.
    pub blob_len: u64,
    /// The checksums of all parts.
    pub parts: Vec<Checksum>,
    /// The encrypted manifest.
    #[serde(with = "base64url")]
    pub manifest: Bytes,
}

/// The answer to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitResponse {
    /// Version of the protocol.
    pub v: V1,
    /// When the share expires, Unix seconds.
    pub expires: u64,
    /// The rest of the create token's limits for today, if it has any. Older relays omit this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// A waiting share, without its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Version of the protocol.
    pub v: V1,
    /// When it expires, Unix seconds.
    pub expires: u64,
    /// Length of the blob in bytes.
    pub blob_len: u64,
}

/// A waiting share, with its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Version of the protocol.
    pub v: V1,
    /// When it expires, Unix seconds.
    pub expires: u64,
    /// Length of the blob in bytes.
    pub blob_len: u64,
    /// The encrypted manifest.
    #[serde(with = "base64url")]
    pub manifest: Bytes,
}

/// A claim that was won.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimResponse {
    /// Version of the protocol.
    pub v: V1,
    /// When it was won, Unix seconds.
    pub at: u64,
    /// The end of the lease, Unix seconds: until then the claim may be repeated and parts may be downloaded.
    pub until: u64,
    /// When it would have expired, Unix seconds.
    pub expires: u64,
    /// Length of the blob in bytes.
    pub blob_len: u64,
    /// The checksums of all parts.
    pub parts: Vec<Checksum>,
    /// The encrypted manifest.
    #[serde(with = "base64url")]
    pub manifest: Bytes,
    /// The only part of a small share, which saves a request.
    #[serde(skip)]
    pub part: Option<Bytes>,
    /// The operator to whom it can be reported, if the relay has one and keeps this share for that after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportTo>,
}

impl fmt::Debug for ClaimResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimResponse").field("at", &self.at).field("until", &self.until).finish_non_exhaustive()
    }
}

/// The states of a share, as its sender sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareState {
    /// Announced, and not committed yet.
    Uploading,
    /// Committed, and not opened yet.
    Waiting,
    /// Being opened.
    Claimed,
    /// Opened, with a receipt.
    Finished,
    /// Claimed, and not finished before the end of the lease.
    Lapsed,
    /// Not claimed before it expired.
    Expired,
    /// Revoked by its sender.
    Revoked,
    /// Closed after too many wrong passphrases.
    Locked,
    /// Never committed.
    Aborted,
}

impl ShareState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Uploading,
        Self::Waiting,
        Self::Claimed,
        Self::Finished,
        Self::Lapsed,
        Self::Expired,
        Self::Revoked,
        Self::Locked,
        Self::Aborted,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Finished => "finished",
            Self::Lapsed => "lapsed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Locked => "locked",
            Self::Aborted => "aborted",
        }
    }

    /// The state of that word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// The status of a share, as its sender sees it. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the protocol.
    pub v: V1,
    /// Its state.
    pub state: ShareState,
    /// When it was announced.
    pub created: u64,
    /// When it was committed.
    #[serde(rename = "sealed")]
    pub committed: Option<u64>,
    /// When it expires.
    pub expires: Option<u64>,
    /// When it was claimed.
    pub claimed: Option<u64>,
    /// The end of the lease.
    pub until: Option<u64>,
    /// When it reached its final state.
    pub ended: Option<u64>,
    /// The device that claimed it.
    pub claimant: Option<Claimant>,
    /// The opener's confirmation.
    pub receipt: Option<Receipt>,
    /// How many different passphrases were tried, right ones included. [`MAX_GUESSES`] of a locked share; otherwise 0
    /// once the share has ended.
    pub guesses: u8,
    /// Bytes of ciphertext that can still be downloaded, or are not deleted yet. Of a share that the relay keeps after
    /// its end, so that it can be reported: 0 as soon as a record ends it.
    pub bytes_left: u64,
    /// Of a waiting or claimed share: whether its expiry or its lease has passed by the relay's clock. Then no device
    /// can begin to open it, and its state changes after the grace for the clocks of other nodes. Older relays omit
    /// this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// Of a share that was claimed and has ended, where the relay has an operator: until when the relay keeps its data,
    /// unreadable, so that the recipient can report it. Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<u64>,
}

/// The end of a share, as the client that asks may learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Another device claimed it, or this one has finished.
    AlreadyOpened,
    /// The client's own claim lapsed.
    Lapsed,
    /// No device claimed it in time.
    Expired,
    /// The sender revoked it.
    Revoked,
    /// Too many wrong passphrases.
    Locked,
    /// It was never committed.
    Aborted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_of_pieces_is_that_of_all_bytes() {
        // The check value of CRC-32/ISCSI in the catalogue of CRC algorithms.
        assert_eq!(Checksum::of(b"123456789").to_string(), "e3069283");
        let bytes: Vec<u8> = (0..=250).cycle().take(100_003).collect();
        for len in [0, 1, 7, 64, 1023, 65_536, bytes.len()] {
            let (first, rest) = bytes.split_at(len);
            assert_eq!(Checksum::of(first), Checksum(crc32c::crc32c(first)), "{len}");
            assert_eq!(Checksum::of(first).with(rest), Checksum(crc32c::crc32c(&bytes)), "{len}");
        }
    }
}
