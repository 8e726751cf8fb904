//! Receipts: the sender's proof of who opened a share.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::bytes::{public_bytes, secret_bytes};
use super::id::Id;
use super::token::Claimant;

secret_bytes! {
    /// The key with which receipts are made, and checked.
    ReceiptKey
}

public_bytes! {
    /// Proof for the sender that the opener who finished held the link (and the passphrase).
    Receipt, 32
}

impl ReceiptKey {
    /// The receipt that the opener `claimant` of the share `id` leaves for its sender: only a holder of the link (and
    /// the passphrase) can make it.
    pub fn receipt(&self, id: &Id, claimant: &Claimant) -> Receipt {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("any length");
        mac.update(b"share.v1 receipt\0");
        mac.update(id.as_bytes());
        mac.update(claimant.as_bytes());
        Receipt(mac.finalize().into_bytes().into())
    }
}
