//! Records: the small objects that decide the state of a share.
//!
//! A record is never updated: its first writer decides.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::relay::metrics::{ShareEvent, StoredState};
use crate::relay::rules::names;
use crate::relay::store::{Store, StoreError};
use crate::relay::{Account, Checksum, INLINE_LEN, RelayError, V1, Verifiers, base64url};
use crate::secret::{Claimant, Flags, Id, Receipt, Role, Token, Verifier};

/// A small object that is created once.
pub(super) trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// Whether `other` decides the same, so that either may be stored.
    fn same(&self, other: &Self) -> bool;
}

/// A record that a share has at most once.
pub(super) trait Decision: Record {
    /// The name of its object.
    fn name(id: &Id) -> String;

    /// The step of the share that it decides.
    fn event(&self) -> ShareEvent;
}

/// `offer`: a share was announced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Offer {
    v: V1,
    /// Flags of the link.
    pub(super) flags: u8,
    /// Seconds from the commit to expiry.
    pub(super) ttl: u64,
    /// When, Unix seconds.
    pub(super) at: u64,
    /// Hashes of the three tokens.
    pub(super) verifiers: Verifiers,
    /// The account for which it counts, with its limits at that moment. Older nodes write none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Account>,
}

impl Offer {
    /// An offer made at `at`.
    pub(super) fn new(flags: u8, ttl: u64, at: u64, verifiers: Verifiers) -> Self {
        Self { v: V1, flags, ttl, at, verifiers, account: None }
    }

    /// Whether the link has a passphrase.
    pub(super) fn has_passphrase(&self) -> bool {
        Flags::from_bits(self.flags).is_some_and(|flags| flags.contains(Flags::PASSPHRASE))
    }

    /// Whether this proof is right and needs no slot.
    pub(super) fn is_proved_by(&self, id: &Id, proof: &Token) -> bool {
        !self.has_passphrase() && proof.verifier(Role::Open, id) == self.verifiers.open
    }
}

impl Decision for Offer {
    fn name(id: &Id) -> String {
        names::offer(id)
    }

    fn event(&self) -> ShareEvent {
        ShareEvent::Created
    }
}

impl Record for Offer {
    fn same(&self, other: &Self) -> bool {
        self.flags == other.flags && self.ttl == other.ttl && self.verifiers == other.verifiers
    }
}

/// SHA-256 of an encrypted manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ManifestHash(#[serde(with = "base64url")] Bytes);

impl ManifestHash {
    /// The hash of `manifest`.
    pub(super) fn of(manifest: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(&Sha256::digest(manifest)))
    }
}

/// `seal`: how the upload ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum UploadEnd {
    /// Everything is stored and durable. The stored word is `sealed`.
    #[serde(rename = "sealed")]
    Committed {
        /// Version.
        v: V1,
        /// When, Unix seconds. The time to expiry begins here.
        at: u64,
        /// Length of the blob in bytes.
        blob_len: u64,
        /// The checksums of its parts.
        parts: Vec<Checksum>,
        /// The hash of its encrypted manifest. Older nodes write none: then the stored manifest is compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest: Option<ManifestHash>,
        /// Seconds for which the data is kept after the end of a share that was claimed, so that it can be reported.
        /// Nodes without an operator write none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<u64>,
    },
    /// The sender revoked the upload, or did not commit it in time.
    Aborted {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl UploadEnd {
    /// Whether the share was never committed.
    pub(super) fn is_aborted(&self) -> bool {
        matches!(self, Self::Aborted { .. })
    }
}

impl Decision for UploadEnd {
    fn name(id: &Id) -> String {
        names::upload_end(id)
    }

    fn event(&self) -> ShareEvent {
        if self.is_aborted() { ShareEvent::Aborted } else { ShareEvent::Committed }
    }
}

impl Record for UploadEnd {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Committed { blob_len, parts, manifest, .. },
                Self::Committed { blob_len: other_len, parts: other_parts, manifest: other_manifest, .. },
            ) => blob_len == other_len && parts == other_parts && manifest == other_manifest,
            (Self::Aborted { .. }, Self::Aborted { .. }) => true,
            _ => false,
        }
    }
}

/// `try/<n>`: a slot, taken by a proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Guess {
    v: V1,
    at: u64,
    /// The verifier of the token that was presented.
    pub(super) proof: Verifier,
}

impl Guess {
    /// A proof presented at `at`.
    pub(super) fn new(at: u64, proof: Verifier) -> Self {
        Self { v: V1, at, proof }
    }
}

impl Record for Guess {
    fn same(&self, other: &Self) -> bool {
        self.proof == other.proof
    }
}

/// `claim`: the decision about a waiting share. The opener, the sender, a sweeper or the attempt that
/// locks the share creates it: the first one decides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Claim {
    /// A device claimed it.
    Claimed {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
        /// The end of the lease, Unix seconds.
        until: u64,
        /// The device that claimed it.
        claimant: Claimant,
    },
    /// The sender revoked it.
    Revoked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// It expired.
    Expired {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// Too many wrong proofs.
    Locked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl Decision for Claim {
    fn name(id: &Id) -> String {
        names::claim(id)
    }

    fn event(&self) -> ShareEvent {
        match self {
            Self::Claimed { .. } => ShareEvent::Opened,
            Self::Revoked { .. } => ShareEvent::Revoked(StoredState::Waiting),
            Self::Expired { .. } => ShareEvent::Expired,
            Self::Locked { .. } => ShareEvent::Locked,
        }
    }
}

impl Record for Claim {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Claimed { claimant, .. }, Self::Claimed { claimant: other, .. }) => claimant == other,
            (Self::Revoked { .. }, Self::Revoked { .. })
            | (Self::Expired { .. }, Self::Expired { .. })
            | (Self::Locked { .. }, Self::Locked { .. }) => true,
            _ => false,
        }
    }
}

/// `end`: how a claim ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum ClaimEnd {
    /// The opener confirmed that it has everything.
    Finished {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
        /// For the sender.
        receipt: Receipt,
    },
    /// The opener did not finish before the end of the lease.
    Lapsed {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
    /// The sender revoked the claim.
    Revoked {
        /// Version.
        v: V1,
        /// When, Unix seconds.
        at: u64,
    },
}

impl ClaimEnd {
    /// When, Unix seconds.
    pub(super) fn at(&self) -> u64 {
        let (Self::Finished { at, .. } | Self::Lapsed { at, .. } | Self::Revoked { at, .. }) = self;
        *at
    }
}

impl Decision for ClaimEnd {
    fn name(id: &Id) -> String {
        names::end(id)
    }

    fn event(&self) -> ShareEvent {
        match self {
            Self::Finished { .. } => ShareEvent::Finished,
            Self::Lapsed { .. } => ShareEvent::Lapsed,
            Self::Revoked { .. } => ShareEvent::Revoked(StoredState::Opening),
        }
    }
}

impl Record for ClaimEnd {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Finished { receipt, .. }, Self::Finished { receipt: other, .. }) => receipt == other,
            (Self::Lapsed { .. }, Self::Lapsed { .. }) | (Self::Revoked { .. }, Self::Revoked { .. }) => true,
            _ => false,
        }
    }
}

/// Reads a record. One that cannot be parsed is [`RelayError::Busy`], never absent.
pub(super) async fn load<R: Record>(store: &dyn Store, name: &str) -> Result<Option<R>, RelayError> {
    match get(store, name, INLINE_LEN).await? {
        None => Ok(None),
        Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| RelayError::BUSY),
    }
}

/// Reads an object of at most `max` bytes.
pub(super) async fn get(store: &dyn Store, name: &str, max: u64) -> Result<Option<Bytes>, RelayError> {
    match store.read(name, 0).await {
        Ok(None) => Ok(None),
        Ok(Some(content)) if content.known_len().is_none_or(|len| len > max) => Err(RelayError::BUSY),
        Ok(Some(content)) => content.whole().await.map(Some).map_err(|_| RelayError::BUSY),
        Err(error) => Err(failure(error)),
    }
}

/// The error of a relay for an error of its store.
pub(super) fn failure(error: StoreError) -> RelayError {
    match error {
        StoreError::NoSpace => RelayError::NO_SPACE,
        StoreError::Content(error) => error,
        StoreError::Failed(why) => {
            tracing::warn!(why, "the store failed");
            RelayError::BUSY
        }
        // A server answers `busy` until its operator has corrected that; a caller without a server gets the reason.
        StoreError::Refused(why) => {
            tracing::error!(why, "the store refuses access");
            RelayError::Unreachable(why)
        }
        StoreError::Hindered(obstacle) => {
            tracing::error!(%obstacle, "the store cannot be reached");
            RelayError::Hindered(obstacle)
        }
        StoreError::Unable(why) => {
            tracing::error!(why, "the store lacks an operation");
            RelayError::Unreachable(why.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(record: &impl Record) -> String {
        serde_json::to_string(record).unwrap()
    }

    #[test]
    fn stored_records_stay() {
        let claimant = Claimant::from_bytes([7; 32]);
        let committed = |manifest| {
            let parts = vec![Checksum::of(b"")];
            UploadEnd::Committed { v: V1, at: 5, blob_len: 4096, parts, manifest, hold: None }
        };
        let older = r#"{"state":"sealed","v":1,"at":5,"blob_len":4096,"parts":["00000000"]}"#;
        assert_eq!(stored(&committed(None)), older);
        assert!(serde_json::from_str::<UploadEnd>(older).unwrap().same(&committed(None)));
        let hash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let expected = older.replace("]}", &format!(r#"],"manifest":"{hash}"}}"#));
        assert_eq!(stored(&committed(Some(ManifestHash::of(b"")))), expected);
        let held = r#"{"state":"sealed","v":1,"at":5,"blob_len":4096,"parts":[],"hold":3600}"#;
        let read: UploadEnd = serde_json::from_str(held).unwrap();
        assert_eq!(stored(&read), held);
        assert!(read.same(&serde_json::from_str(&held.replace(r#","hold":3600"#, "")).unwrap()), "nodes may differ");
        assert_eq!(stored(&UploadEnd::Aborted { v: V1, at: 5 }), r#"{"state":"aborted","v":1,"at":5}"#);
        let claimed = stored(&Claim::Claimed { v: V1, at: 5, until: 6, claimant });
        assert!(claimed.starts_with(r#"{"state":"claimed","v":1,"at":5,"until":6,"claimant":""#), "{claimed}");
        assert_eq!(stored(&Claim::Revoked { v: V1, at: 5 }), r#"{"state":"revoked","v":1,"at":5}"#);
        assert_eq!(stored(&Claim::Expired { v: V1, at: 5 }), r#"{"state":"expired","v":1,"at":5}"#);
        assert_eq!(stored(&Claim::Locked { v: V1, at: 5 }), r#"{"state":"locked","v":1,"at":5}"#);
        assert_eq!(stored(&ClaimEnd::Lapsed { v: V1, at: 5 }), r#"{"state":"lapsed","v":1,"at":5}"#);
        assert_eq!(stored(&ClaimEnd::Revoked { v: V1, at: 5 }), r#"{"state":"revoked","v":1,"at":5}"#);
    }
}
