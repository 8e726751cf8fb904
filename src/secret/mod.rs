//! The link secret, and everything that is derived from it.
//!
//! A link carries 24 random bytes and one byte of flags. From these two come, by HKDF-SHA-256, the share's id, the
//! tokens that a relay checks, and the two age identities that open its manifest and its blob. A passphrase, where
//! there is one, is stretched by scrypt and mixed into the keys themselves, so that a relay that ignored it would
//! still hold nothing it could open.
//!
//! Nothing in this module can be printed by accident: secrets have no `Display`, a `Debug` that says only their
//! type, and are wiped from memory when they are dropped. The derivation is specified in `relay/PROTOCOL.md` and held
//! by known answers in the tests.

use std::fmt;

use age::x25519;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bech32::{Bech32, Hrp};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of randomness in a link.
pub const SECRET_LEN: usize = 24;

/// Work factor of scrypt, as log2 of N: 2^17 with r = 8 takes 128 MiB, which a phone still has.
const SCRYPT_LOG_N: u8 = 17;

/// Fills `bytes` from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing in this program is safe without it.
pub fn fill_random(bytes: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "without randomness there is nothing sensible left to do")]
    SystemRandom::new().fill(bytes).expect("the operating system has no randomness");
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A random name, or a secret, of `N` bytes in lower-case hexadecimal digits.
pub fn random_hex<const N: usize>() -> String {
    let mut bytes = Zeroizing::new([0; N]);
    fill_random(&mut *bytes);
    hex(&*bytes)
}

/// What a link says about its share before anybody is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// A passphrase is needed besides the link.
    pub const PASSPHRASE: Self = Self(0x01);
    /// The share is served by its sender's own machine, whose key is pinned by the link.
    pub const DIRECT: Self = Self(0x02);

    /// The flags in `bits`, or `None` where one of them is not known to this version.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !(Self::PASSPHRASE.0 | Self::DIRECT.0) == 0).then_some(Self(bits))
    }

    /// The byte that goes into the link.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// These and `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A fixed number of bytes that is public enough to be stored, sent and compared, and is written as base64url.
macro_rules! public_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps bytes that came from a store or from the wire.
            pub fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes themselves.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl PartialEq for $name {
            /// Compares in constant time.
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&BASE64URL.encode(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                decode_array(from).map(Self)
            }
        }
    };
}

fn decode_array<'de, const N: usize, D: Deserializer<'de>>(from: D) -> Result<[u8; N], D::Error> {
    let text = Zeroizing::new(String::deserialize(from)?);
    let mut bytes = [0; N];
    match BASE64URL.decode_slice(text.as_bytes(), &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(de::Error::custom("not the expected number of bytes in base64url")),
    }
}

public_bytes! {
    /// What a relay keeps of a token: a hash that is bound to the role and to the share.
    Verifier, 32
}

public_bytes! {
    /// Who claimed a share: a hash of the claim token, the same for all attempts of one device at one share.
    Claimant, 32
}

public_bytes! {
    /// The public key (Ed25519) of a sender's own machine, which serves a share directly.
    Pin, 32
}

public_bytes! {
    /// Proof for the sender that whoever finished held the link (and the passphrase).
    Receipt, 32
}

/// The name under which a relay keeps a share: derived from the link, never part of a URL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

impl Id {
    /// Wraps bytes that came from a store or from the wire.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 lower-case hexadecimal digits: the form used in the names of stored objects.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads what [`Id::hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(…)")
    }
}

/// Thirty-two secret bytes: kept and sent as base64url, never printed, wiped when dropped.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<[u8; 32]>);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&Zeroizing::new(BASE64URL.encode(&*self.0)))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                decode_array(from).map(|bytes| Self(Zeroizing::new(bytes)))
            }
        }
    };
}

secret_bytes! {
    /// Thirty-two secret bytes that let their holder do one thing at a relay.
    Token
}

secret_bytes! {
    /// What receipts are made with, and checked.
    ReceiptKey
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

    /// What a relay stores in place of this token.
    pub fn verifier(&self, role: Role, id: &Id) -> Verifier {
        let mut hash = Sha256::new();
        hash.update(b"share.v1 verifier\0");
        hash.update(role.name());
        hash.update([0]);
        hash.update(id.as_bytes());
        hash.update(self.as_bytes());
        Verifier(hash.finalize().into())
    }

    /// Who claims with this (claim) token.
    pub fn claimant(&self, id: &Id) -> Claimant {
        let mut hash = Sha256::new();
        hash.update(b"share.v1 claimant\0");
        hash.update(id.as_bytes());
        hash.update(self.as_bytes());
        Claimant(hash.finalize().into())
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Knows the link: may look, and may try to open.
    Link,
    /// Knows the link and the passphrase: may open.
    Open,
    /// Sent it: may upload, ask and take back.
    Own,
}

impl Role {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Link => b"link",
            Self::Open => b"open",
            Self::Own => b"own",
        }
    }
}

/// What is in the fragment of a link.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret {
    flags: Flags,
    bytes: Zeroizing<[u8; SECRET_LEN]>,
}

impl LinkSecret {
    /// A new random secret.
    pub fn random(flags: Flags) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        fill_random(&mut *bytes);
        Self { flags, bytes }
    }

    /// A secret read from a link.
    pub fn from_parts(flags: Flags, bytes: [u8; SECRET_LEN]) -> Self {
        Self { flags, bytes: Zeroizing::new(bytes) }
    }

    /// What the link says about its share.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Whether a passphrase is needed.
    pub fn needs_passphrase(&self) -> bool {
        self.flags.contains(Flags::PASSPHRASE)
    }

    /// The flags and the secret, as they stand in the link.
    pub(crate) fn payload(&self) -> Zeroizing<[u8; 1 + SECRET_LEN]> {
        let mut payload = Zeroizing::new([0; 1 + SECRET_LEN]);
        payload[0] = self.flags.bits();
        payload[1..].copy_from_slice(&*self.bytes);
        payload
    }

    fn root(&self) -> Hkdf<Sha256> {
        Hkdf::new(Some(b"share.v1"), &*self.payload())
    }

    /// The share's id.
    pub fn id(&self) -> Id {
        Id(*expand(&self.root(), b"share.v1 id"))
    }

    /// The token of [`Role::Link`].
    pub fn link_token(&self) -> Token {
        Token(expand(&self.root(), b"share.v1 link"))
    }

    /// The salt that a passphrase is stretched with.
    pub fn passphrase_salt(&self) -> [u8; 16] {
        *expand(&self.root(), b"share.v1 passphrase salt")
    }

    /// The key with which the sender's own machine proves that it is the one of this link.
    pub fn direct_key(&self) -> DirectKey {
        DirectKey(expand(&self.root(), b"share.v1 direct tls"))
    }

    /// Derives the keys. With a passphrase this takes about half a second and 128 MiB.
    ///
    /// The passphrase is normalised (NFC), so that it opens from every keyboard. It is ignored where the link's flags
    /// don't ask for one, and taken as empty where they do and none is given.
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
            flags: self.flags,
            link_token: self.link_token(),
            open_token: Token(expand(&keys, b"share.v1 open")),
            receipt_key: ReceiptKey(expand(&keys, b"share.v1 receipt")),
            manifest_identity: identity(&expand(&keys, b"share.v1 manifest identity")),
            blob_identity: identity(&expand(&keys, b"share.v1 blob identity")),
        }
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSecret").field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// Everything that follows from a link and its passphrase.
pub struct Keys {
    /// The share.
    pub id: Id,
    /// What the link said about it.
    pub flags: Flags,
    /// The token of [`Role::Link`].
    pub link_token: Token,
    /// The token of [`Role::Open`].
    pub open_token: Token,
    /// What the receipt is made with.
    pub receipt_key: ReceiptKey,
    /// Opens, and makes, the manifest.
    pub manifest_identity: x25519::Identity,
    /// Opens, and makes, the blob.
    pub blob_identity: x25519::Identity,
}

impl Keys {
    /// What the opener `claimant` gives to the relay, for the sender, when the content is safe.
    pub fn receipt(&self, claimant: &Claimant) -> Receipt {
        self.receipt_key.receipt(&self.id, claimant)
    }
}

impl ReceiptKey {
    /// What the opener `claimant` of the share `id` leaves for its sender: only somebody with the link (and the
    /// passphrase) can make it.
    pub fn receipt(&self, id: &Id, claimant: &Claimant) -> Receipt {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("any length");
        mac.update(b"share.v1 receipt\0");
        mac.update(id.as_bytes());
        mac.update(claimant.as_bytes());
        Receipt(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The private key (Ed25519) of a sender's own machine, for one share: its seed.
pub struct DirectKey(Zeroizing<[u8; 32]>);

impl DirectKey {
    /// The 32 bytes of RFC 8032's private key.
    pub fn seed(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key.
    pub fn pin(&self) -> Pin {
        #[expect(clippy::expect_used, reason = "every 32 bytes are a seed")]
        let pair = Ed25519KeyPair::from_seed_unchecked(&*self.0).expect("32 bytes");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Pin(public)
    }
}

impl fmt::Debug for DirectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectKey(…)")
    }
}

/// What makes one device's claims its own: 32 random bytes that stay in its state directory.
pub struct DeviceSecret(Zeroizing<[u8; 32]>);

impl DeviceSecret {
    /// A new device.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes);
        Self(bytes)
    }

    /// A device that was here before.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What is kept in the state directory.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The token with which this device claims `id`: always the same, so that a claim can be repeated after any crash
    /// and at any node, and so that no other device can.
    pub fn claim_token(&self, id: &Id) -> Token {
        let device = Hkdf::<Sha256>::new(Some(b"share.v1 device"), &*self.0);
        Token(expand(&device, &[b"share.v1 claim".as_slice(), id.as_bytes()].concat()))
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(…)")
    }
}

fn expand<const N: usize>(from: &Hkdf<Sha256>, info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "N is 16 or 32; HKDF-SHA-256 refuses more than 8160 bytes")]
    from.expand(info, &mut *out).expect("a short output");
    out
}

fn stretch(passphrase: &str, salt: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let normalised: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
    let mut out = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "the parameters are constants that scrypt accepts")]
    let params = scrypt::Params::new(SCRYPT_LOG_N, 8, 1, 32).expect("valid parameters");
    #[expect(clippy::expect_used, reason = "32 bytes are a valid length")]
    scrypt::scrypt(normalised.as_bytes(), salt, &params, &mut *out).expect("a valid length");
    out
}

/// age's crate makes an identity from its text only.
#[expect(clippy::expect_used, reason = "32 bytes always make a valid Bech32 string, and that a valid identity")]
fn identity(bytes: &[u8; 32]) -> x25519::Identity {
    let mut text =
        bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("AGE-SECRET-KEY-"), bytes).expect("short enough");
    let identity = text.parse().expect("an identity");
    text.zeroize();
    identity
}
