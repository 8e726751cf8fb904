//! Passphrases.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Work factor of scrypt, as log2 of N: 2^17 with r = 8 takes 128 MiB, which phones have.
const SCRYPT_LOG_N: u8 = 17;

/// A passphrase, normalized (NFC) and stretched by scrypt.
pub(super) fn stretch(passphrase: &str, salt: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let normalized: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
    let mut out = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "the parameters are constants that scrypt accepts")]
    let params = scrypt::Params::new(SCRYPT_LOG_N, 8, 1, 32).expect("valid parameters");
    #[expect(clippy::expect_used, reason = "32 bytes are a valid length")]
    scrypt::scrypt(normalized.as_bytes(), salt, &params, &mut *out).expect("a valid length");
    out
}
