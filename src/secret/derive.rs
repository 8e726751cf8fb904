//! HKDF-SHA-256.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// HKDF-Expand: `N` bytes for the label `info`.
pub(super) fn expand<const N: usize>(from: &Hkdf<Sha256>, info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "N is 16 or 32; HKDF-SHA-256 refuses more than 8160 bytes")]
    from.expand(info, &mut *out).expect("a short output");
    out
}
