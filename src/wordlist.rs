//! Words that are easy to read aloud: an opener's two words, and generated passphrases.
//!
//! Both come from the English list of BIP 39: 2048 words of three to eight letters, no two of which begin with
//! the same four. A word carries eleven bits.

use bip39::Language;
use zeroize::Zeroizing;

use crate::secret::{Claimant, fill_random};

/// Bits in a word.
const BITS: u32 = 11;
/// Words in a passphrase: 44 bits, protected by scrypt and the relay's limit of twenty guesses.
const PASSPHRASE_WORDS: u32 = 4;

fn word(number: u64) -> &'static str {
    let list = Language::English.word_list();
    list[usize::try_from(number).unwrap_or_default() % list.len()]
}

/// Two words for the device that claimed a share: opener and sender see the same words, and can compare them.
pub fn openers_words(claimant: &Claimant) -> String {
    let [a, b, c, ..] = *claimant.as_bytes();
    let bits = u64::from(u32::from_be_bytes([0, a, b, c])) >> 2;
    format!("{} {}", word(bits >> BITS), word(bits))
}

/// A new passphrase.
pub fn passphrase() -> Zeroizing<String> {
    let mut random = Zeroizing::new([0; 8]);
    fill_random(&mut *random);
    let bits = u64::from_be_bytes(*random);
    let words = (0..PASSPHRASE_WORDS).map(|place| word(bits >> (place * BITS)));
    Zeroizing::new(words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openers_words_are_the_first_22_bits_of_the_claimant() {
        let mut bytes = [0xff; 32];
        assert_eq!(openers_words(&Claimant::from_bytes(bytes)), "zoo zoo");
        bytes[..3].copy_from_slice(&[0, 0x20, 4]); // 00000000001 00000000001 00
        assert_eq!(openers_words(&Claimant::from_bytes(bytes)), "ability ability");
        bytes[..3].copy_from_slice(&[0, 0, 0]);
        assert_eq!(openers_words(&Claimant::from_bytes(bytes)), "abandon abandon");
    }

    #[test]
    fn passphrases_have_four_words_and_differ() {
        let made: Vec<_> = (0..100).map(|_| passphrase()).collect();
        assert!(made.iter().all(|text| text.split(' ').count() == 4));
        let different: std::collections::HashSet<_> = made.iter().map(|text| text.as_str()).collect();
        assert_eq!(different.len(), 100);
    }
}
