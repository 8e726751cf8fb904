//! The rest of a create token's daily limits, in words.

use crate::cli::output::format::{binary, time};
use crate::relay::Left;

/// Less than one in so many is little.
const LITTLE: u64 = 5;

/// `3 of 20 new shares and 90.0 MiB of 1.0 GiB left until Nov 22 at 01:00`. `None`: there are no limits of a day.
pub(super) fn rest(left: &Left) -> Option<String> {
    let shares = left.shares.zip(left.shares_a_day).map(|(left, max)| format!("{left} of {max} new shares"));
    let bytes = left.bytes.zip(left.bytes_a_day).map(|(left, max)| format!("{} of {}", binary(left), binary(max)));
    let both: Vec<_> = shares.into_iter().chain(bytes).collect();
    (!both.is_empty()).then(|| format!("{} left until {}", both.join(" and "), time(left.resets)))
}

/// Whether so little is left that a sender should be told.
pub(super) fn is_little(left: &Left) -> bool {
    let limits = [left.shares.zip(left.shares_a_day), left.bytes.zip(left.bytes_a_day)];
    limits.into_iter().flatten().any(|(left, max)| left.saturating_mul(LITTLE) < max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_shown_for_each_limit_and_little_is_less_than_a_fifth() {
        let resets = 1_800_000_000;
        let shares = |left| Left { shares: Some(left), shares_a_day: Some(20), resets, ..Left::default() };
        let bytes = |left| Left { bytes: Some(left), bytes_a_day: Some(1 << 30), ..shares(20) };
        let until = format!("left until {}", time(resets));
        for (left, expected, little) in [
            (Left { max_size: Some(5), resets, ..Left::default() }, None, false),
            (shares(4), Some("4 of 20 new shares"), false),
            (shares(3), Some("3 of 20 new shares"), true),
            (bytes(300 << 20), Some("20 of 20 new shares and 300 MiB of 1.0 GiB"), false),
            (bytes(90 << 20), Some("20 of 20 new shares and 90.0 MiB of 1.0 GiB"), true),
            (bytes(0), Some("20 of 20 new shares and 0 bytes of 1.0 GiB"), true),
        ] {
            assert_eq!(rest(&left), expected.map(|expected| format!("{expected} {until}")));
            assert_eq!(is_little(&left), little, "{left:?}");
        }
    }
}
