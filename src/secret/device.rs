//! The secret of one device.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::derive::expand;
use super::id::Id;
use super::random::fill_random;
use super::token::Token;

/// The secret from which a device derives its claim tokens: 32 random bytes in its state directory.
pub struct DeviceSecret(Zeroizing<[u8; 32]>);

impl DeviceSecret {
    /// A new random secret.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes);
        Self(bytes)
    }

    /// A secret from the state directory.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes for the state directory.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The token with which this device claims `id`. It is always the same, so that only this device can repeat its
    /// claim, at any node and after any crash.
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
