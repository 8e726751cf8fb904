//! Lengths in a blob: an age file, padded to a length that reveals little, in parts of one length.
//!
//! Relays and the code that encrypts both depend on this module, and share nothing else about blobs.

use std::ops::Range;

/// Length of each part of a blob but the last, in bytes.
pub const PART_LEN: usize = 4 << 20;
/// [`PART_LEN`] as `u64`.
const PART: u64 = PART_LEN as u64;
/// The smallest blob, in bytes.
pub const MIN_LEN: u64 = 4096;

/// The length of a blob with an age file of `age_len` bytes: PADMÉ (Nikitin et al., "Reducing Metadata Leakage from
/// Encrypted Files and Communication with PURBs", 2019), at least 4096 bytes. It adds at most 12 % and reveals only the
/// magnitude of a length.
pub fn padded_len(age_len: u64) -> u64 {
    if age_len <= MIN_LEN {
        return MIN_LEN;
    }
    let exponent = age_len.ilog2();
    let significant = exponent.ilog2() + 1;
    age_len.next_multiple_of(1 << (exponent - significant))
}

/// How many parts a blob of `blob_len` bytes has.
pub fn part_count(blob_len: u64) -> u64 {
    blob_len.div_ceil(PART)
}

/// The offset of part `number` in its blob, in bytes.
pub fn part_start(number: u32) -> u64 {
    u64::from(number) * PART
}

/// The range of part `number` in a blob of `blob_len` bytes. Empty beyond its end.
pub fn part_range(number: u32, blob_len: u64) -> Range<u64> {
    let start = part_start(number).min(blob_len);
    start..(start + PART).min(blob_len)
}

/// The number of the part with byte `at` of a blob. `None` if it exceeds `u32`.
pub fn part_at(at: u64) -> Option<u32> {
    u32::try_from(at / PART).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_blob_without_gaps() {
        for len in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 17] {
            let mut end = 0;
            for number in 0..u32::try_from(part_count(len)).unwrap() {
                let range = part_range(number, len);
                assert_eq!((range.start, part_at(end)), (end, Some(number)));
                assert!(!range.is_empty());
                end = range.end;
            }
            assert_eq!(end, len);
            assert!(part_range(u32::try_from(part_count(len)).unwrap(), len).is_empty());
        }
    }
}
