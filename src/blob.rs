//! The geometry of a blob: an age file, padding to a length that reveals little, cut into parts of one length.
//!
//! A relay counts in parts and cannot read them; this module is all that it has in common with the code that encrypts.

use std::ops::Range;

/// Bytes in every part of a blob but the last.
pub const PART_LEN: usize = 4 << 20;
/// [`PART_LEN`], where lengths are counted in 64 bits.
const PART: u64 = PART_LEN as u64;
/// The smallest blob, in bytes.
pub const MIN_LEN: u64 = 4096;

/// The length of a blob around an age file of `age_len` bytes: PADMÉ (Nikitin et al., "Reducing Metadata Leakage from
/// Encrypted Files and Communication with PURBs", 2019), which reveals only the magnitude of a size at a cost of 12 %
/// at most, and never less than 4096 bytes.
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

/// The bytes of a blob of `blob_len` bytes that are its part `number`: none behind its end.
pub fn part_range(number: u32, blob_len: u64) -> Range<u64> {
    let start = part_start(number).min(blob_len);
    start..(start + PART).min(blob_len)
}

/// The number of the part that byte `at` of a blob is in. `None` behind what a blob can have.
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
