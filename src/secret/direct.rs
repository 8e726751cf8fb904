//! The key of a sender's own computer in direct mode.

use std::fmt;

use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::bytes::public_bytes;

public_bytes! {
    /// The public key (Ed25519) of a sender's own computer in direct mode.
    Pin, 32
}

/// The private key (Ed25519) of a sender's own computer, for one share: its seed.
pub struct DirectKey(pub(super) Zeroizing<[u8; 32]>);

impl DirectKey {
    /// The 32 bytes of the private key (RFC 8032).
    pub fn seed(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key.
    pub fn pin(&self) -> Pin {
        #[expect(clippy::expect_used, reason = "every 32 bytes are a seed")]
        let pair = Ed25519KeyPair::from_seed_unchecked(&*self.0).expect("32 bytes");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Pin::from_bytes(public)
    }
}

impl fmt::Debug for DirectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectKey(…)")
    }
}
