//! Randomness, and bytes as digits.

use std::fmt::Write;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

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
