//! Receipts: proof for the sender that an opener had the link.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::bytes::{public_bytes, secret_bytes};
use super::id::Id;
use super::token::Claimant;

secret_bytes! {
    /// The key that makes and verifies receipts.
    ReceiptKey
}

public_bytes! {
    /// Proof for the sender that the opener who finished held the link (and the passphrase).
    Receipt, 32
}

impl ReceiptKey {
    /// The receipt of the opener `claimant` of the share `id`. Only a holder of the link (and the passphrase) can make
    /// it.
    pub fn receipt(&self, id: &Id, claimant: &Claimant) -> Receipt {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("any length");
        mac.update(b"share.v1 receipt\0");
        mac.update(id.as_bytes());
        mac.update(claimant.as_bytes());
        Receipt(mac.finalize().into_bytes().into())
    }
}
