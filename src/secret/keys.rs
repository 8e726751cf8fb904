//! Keys that are derived from the link secret and a passphrase.

use std::fmt;

use age::x25519;
use bech32::{Bech32, Hrp};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::derive::expand;
use super::direct::DirectKey;
use super::id::Id;
use super::link::{Flags, LinkSecret};
use super::passphrase::stretch;
use super::receipt::{Receipt, ReceiptKey};
use super::token::{Claimant, Token};

impl LinkSecret {
    /// PRK0 of the key schedule, from which everything but the keys is derived.
    fn root(&self) -> Hkdf<Sha256> {
        Hkdf::new(Some(b"share.v1"), &*self.payload())
    }

    /// The share's id.
    pub fn id(&self) -> Id {
        Id::from_bytes(*expand(&self.root(), b"share.v1 id"))
    }

    /// The token of [`Role::Link`](super::token::Role::Link).
    pub fn link_token(&self) -> Token {
        Token(expand(&self.root(), b"share.v1 link"))
    }

    /// The salt for scrypt.
    pub fn passphrase_salt(&self) -> [u8; 16] {
        *expand(&self.root(), b"share.v1 passphrase salt")
    }

    /// The TLS key of the sender's own computer in direct mode.
    pub fn direct_key(&self) -> DirectKey {
        DirectKey(expand(&self.root(), b"share.v1 direct tls"))
    }

    /// Derives the keys. With a passphrase this takes about half a second and 128 MiB.
    ///
    /// The passphrase is normalized (NFC), since keyboards differ in how they compose letters. It is ignored if the
    /// flags do not require one, and empty if they do and `passphrase` is `None`.
    pub fn keys(&self, passphrase: Option<&str>) -> Keys {
        let root = self.root();
        let stretched = if self.needs_passphrase() {
            stretch(passphrase.unwrap_or_default(), &self.passphrase_salt())
        } else {
            Zeroizing::new([0; 32])
        };
        let mix: Zeroizing<[u8; 32]> = expand(&root, b"share.v1 mix");
        let keys = Hkdf::<Sha256>::new(Some(&*mix), &*stretched);
        Keys {
            id: self.id(),
            flags: self.flags(),
            link_token: self.link_token(),
            open_token: Token(expand(&keys, b"share.v1 open")),
            receipt_key: ReceiptKey(expand(&keys, b"share.v1 receipt")),
            manifest_identity: identity(&expand(&keys, b"share.v1 manifest identity")),
            blob_identity: identity(&expand(&keys, b"share.v1 blob identity")),
        }
    }
}

/// Keys of a link and its passphrase.
pub struct Keys {
    /// The share.
    pub id: Id,
    /// The flags of its link.
    pub flags: Flags,
    /// The token of [`Role::Link`](super::token::Role::Link).
    pub link_token: Token,
    /// The token of [`Role::Open`](super::token::Role::Open).
    pub open_token: Token,
    /// The key of its receipts.
    pub receipt_key: ReceiptKey,
    /// age identity of the manifest.
    pub manifest_identity: x25519::Identity,
    /// age identity of the blob.
    pub blob_identity: x25519::Identity,
}

impl Keys {
    /// The receipt of the opener `claimant`.
    pub fn receipt(&self, claimant: &Claimant) -> Receipt {
        self.receipt_key.receipt(&self.id, claimant)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The age identity of a private key. The age crate reads an identity only from its text.
#[expect(clippy::expect_used, reason = "32 bytes always make a valid Bech32 string, and that a valid identity")]
fn identity(bytes: &[u8; 32]) -> x25519::Identity {
    let mut text =
        bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("AGE-SECRET-KEY-"), bytes).expect("short enough");
    let identity = text.parse().expect("an identity");
    text.zeroize();
    identity
}
