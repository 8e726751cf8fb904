//! Random bytes, and hexadecimal digits.

use std::fmt::Write;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Fills `bytes` from the operating system's generator.
///
/// # Panics
/// If the operating system's generator fails.
pub fn fill_random(bytes: &mut [u8]) {
    #[expect(clippy::expect_used, reason = "no secret may be made without randomness")]
    SystemRandom::new().fill(bytes).expect("the operating system has no randomness");
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
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
