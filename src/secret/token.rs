//! Tokens, which clients send to a relay, and their hashes, which it stores.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::bytes::{public_bytes, secret_bytes};
use super::id::Id;
use super::random::fill_random;

secret_bytes! {
    /// 32 secret bytes that authorize one role at a relay.
    Token
}

public_bytes! {
    /// The hash of a token that a relay stores: specific to the role and the share.
    Verifier, 32
}

public_bytes! {
    /// The opener of a share: a hash of the claim token, the same for all attempts of one device at one share.
    Claimant, 32
}

impl Token {
    /// A new random token: an owner's.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes);
        Self(bytes)
    }

    /// Wraps bytes that came from the wire or from the state directory.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The verifier of this token.
    pub fn verifier(&self, role: Role, id: &Id) -> Verifier {
        let mut hash = Sha256::new();
        hash.update(b"share.v1 verifier\0");
        hash.update(role.name());
        hash.update([0]);
        hash.update(id.as_bytes());
        hash.update(self.as_bytes());
        Verifier(hash.finalize().into())
    }

    /// The opener who claims with this (claim) token.
    pub fn claimant(&self, id: &Id) -> Claimant {
        let mut hash = Sha256::new();
        hash.update(b"share.v1 claimant\0");
        hash.update(id.as_bytes());
        hash.update(self.as_bytes());
        Claimant(hash.finalize().into())
    }
}

/// The roles of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holder of the link: may look, and try to open.
    Link,
    /// Holder of the link and the passphrase: may open.
    Open,
    /// Sender: may upload, read the status, and revoke.
    Owner,
}

impl Role {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Link => b"link",
            Self::Open => b"open",
            Self::Owner => b"own",
        }
    }
}
