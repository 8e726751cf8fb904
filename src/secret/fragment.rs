//! The link secret as text: the fragment of a link, after its `#`.
//!
//! Flags and secret in Bech32m (BIP 350) with the prefix `share1`. The checksum detects damage before any request.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use zeroize::Zeroizing;

use super::link::{Flags, LinkSecret, PAYLOAD_LEN, SECRET_LEN};

/// Human-readable part of the fragment.
const HRP: &str = "share";
/// Beginning of every fragment.
pub(crate) const FRAGMENT_PREFIX: &str = "share1";
/// Characters in a fragment: `share1`, 25 bytes in groups of five bits, six characters of checksum.
const FRAGMENT_LEN: usize = FRAGMENT_PREFIX.len() + (8 * PAYLOAD_LEN).div_ceil(5) + 6;

/// Errors of reading a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentError {
    /// The number of missing characters.
    Short(usize),
    /// The number of excess characters.
    Long(usize),
    /// The checksum is wrong.
    Damaged,
    /// An unknown flag is set.
    TooNew,
}

impl LinkSecret {
    /// The fragment of this secret's links.
    pub fn fragment(&self) -> Zeroizing<String> {
        #[expect(clippy::expect_used, reason = "25 bytes always fit")]
        let text =
            bech32::encode_lower::<Bech32m>(Hrp::parse_unchecked(HRP), &*self.payload()).expect("a short payload");
        Zeroizing::new(text)
    }

    /// Reads what [`LinkSecret::fragment`] wrote, in lower or upper case.
    ///
    /// # Errors
    /// [`FragmentError`], when the text is no fragment, or one that this version cannot read.
    pub fn from_fragment(fragment: &str) -> Result<Self, FragmentError> {
        match fragment.len() {
            length if length < FRAGMENT_LEN => return Err(FragmentError::Short(FRAGMENT_LEN - length)),
            length if length > FRAGMENT_LEN => return Err(FragmentError::Long(length - FRAGMENT_LEN)),
            _ => {}
        }
        let checked = CheckedHrpstring::new::<Bech32m>(fragment).map_err(|_| FragmentError::Damaged)?;
        let mut payload = Zeroizing::new([0; PAYLOAD_LEN]);
        let mut count = 0;
        for (to, byte) in payload.iter_mut().zip(checked.byte_iter()) {
            *to = byte;
            count += 1;
        }
        if count != payload.len() || !checked.hrp().as_str().eq_ignore_ascii_case(HRP) {
            return Err(FragmentError::Damaged);
        }
        let flags = Flags::from_bits(payload[0]).ok_or(FragmentError::TooNew)?;
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        secret.copy_from_slice(&payload[1..]);
        Ok(Self::from_parts(flags, *secret))
    }
}

/// Whether a text contains a fragment, or more than half of one: a name may merely begin with `share1`.
pub(crate) fn holds_key(text: &str) -> bool {
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let is_key = |at: usize| text[at..].bytes().take_while(u8::is_ascii_alphanumeric).count() > FRAGMENT_LEN / 2;
    text.contains(&format!("#{FRAGMENT_PREFIX}")) || text.match_indices(FRAGMENT_PREFIX).any(|(at, _)| is_key(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_reads_back_and_tells_its_damage() {
        let secret = LinkSecret::from_parts(Flags::PASSPHRASE, [7; SECRET_LEN]);
        let fragment = secret.fragment();
        assert_eq!(fragment.len(), FRAGMENT_LEN);
        assert_eq!(LinkSecret::from_fragment(&fragment), Ok(secret.clone()));
        assert_eq!(LinkSecret::from_fragment(&fragment.to_uppercase()), Ok(secret));
        assert_eq!(LinkSecret::from_fragment(&fragment[..FRAGMENT_LEN - 2]), Err(FragmentError::Short(2)));
        assert_eq!(LinkSecret::from_fragment(&format!("{}x", *fragment)), Err(FragmentError::Long(1)));
        let damaged = fragment.replace(&fragment[20..21], if fragment.contains('q') { "p" } else { "q" });
        assert_eq!(LinkSecret::from_fragment(&damaged), Err(FragmentError::Damaged));
    }

    #[test]
    fn a_key_is_found_and_a_name_that_begins_like_one_is_none() {
        let fragment = LinkSecret::from_parts(Flags::default(), [7; SECRET_LEN]).fragment();
        for text in [&*fragment, &fragment[..30], &fragment.to_uppercase(), "http://nas/#share1x"] {
            assert!(holds_key(text), "{text}");
        }
        for text in ["share1", "share1.example.org", "share10/holidays", ""] {
            assert!(!holds_key(text), "{text}");
        }
    }
}
