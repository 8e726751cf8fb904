//! The combining characters that number rows and columns in Kitty's placeholders: those of Unicode 6.0 above a letter
//! (class 230) that neither decompose nor merge with a letter when a text is normalized.

/// The number of marks, and so the most rows and columns of a picture.
pub(in crate::view) const COUNT: u16 = 297;

/// Runs of code points: the first one of each, and their number.
const RUNS: [(u32, u32); 86] = [
    (0x0305, 1),
    (0x030d, 2),
    (0x0310, 1),
    (0x0312, 1),
    (0x033d, 3),
    (0x0346, 1),
    (0x034a, 3),
    (0x0350, 3),
    (0x0357, 1),
    (0x035b, 1),
    (0x0363, 13),
    (0x0483, 5),
    (0x0592, 4),
    (0x0597, 3),
    (0x059c, 6),
    (0x05a8, 2),
    (0x05ab, 2),
    (0x05af, 1),
    (0x05c4, 1),
    (0x0610, 8),
    (0x0657, 5),
    (0x065d, 2),
    (0x06d6, 7),
    (0x06df, 4),
    (0x06e4, 1),
    (0x06e7, 2),
    (0x06eb, 2),
    (0x0730, 1),
    (0x0732, 2),
    (0x0735, 2),
    (0x073a, 1),
    (0x073d, 1),
    (0x073f, 3),
    (0x0743, 1),
    (0x0745, 1),
    (0x0747, 1),
    (0x0749, 2),
    (0x07eb, 7),
    (0x07f3, 1),
    (0x0816, 4),
    (0x081b, 9),
    (0x0825, 3),
    (0x0829, 5),
    (0x0951, 1),
    (0x0953, 2),
    (0x0f82, 2),
    (0x0f86, 2),
    (0x135d, 3),
    (0x17dd, 1),
    (0x193a, 1),
    (0x1a17, 1),
    (0x1a75, 8),
    (0x1b6b, 1),
    (0x1b6d, 7),
    (0x1cd0, 3),
    (0x1cda, 2),
    (0x1ce0, 1),
    (0x1dc0, 2),
    (0x1dc3, 7),
    (0x1dcb, 2),
    (0x1dd1, 22),
    (0x1dfe, 1),
    (0x20d0, 2),
    (0x20d4, 4),
    (0x20db, 2),
    (0x20e1, 1),
    (0x20e7, 1),
    (0x20e9, 1),
    (0x20f0, 1),
    (0x2cef, 3),
    (0x2de0, 32),
    (0xa66f, 1),
    (0xa67c, 2),
    (0xa6f0, 2),
    (0xa8e0, 18),
    (0xaab0, 1),
    (0xaab2, 2),
    (0xaab7, 2),
    (0xaabe, 2),
    (0xaac1, 1),
    (0xfe20, 7),
    (0x10a0f, 1),
    (0x10a38, 1),
    (0x1d185, 5),
    (0x1d1aa, 4),
    (0x1d242, 3),
];

/// The mark for a number. Numbers that have none get the last mark.
pub(super) fn mark(number: u16) -> char {
    let mut left = u32::from(number.min(COUNT - 1));
    for (first, count) in RUNS {
        if left < count {
            return char::from_u32(first + left).unwrap_or_default();
        }
        left -= count;
    }
    char::default()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn marks_are_kittys() {
        let lines: Vec<String> = (0..COUNT).map(|number| format!("{:04X}\n", u32::from(mark(number)))).collect();
        assert_eq!(RUNS.iter().map(|(_, count)| count).sum::<u32>(), u32::from(COUNT));
        assert_eq!((mark(0), mark(1), mark(296)), ('\u{305}', '\u{30d}', '\u{1d244}'));
        // The first columns of the lines in Kitty's rowcolumn-diacritics.txt, in their order.
        let hash = format!("{:x}", Sha256::digest(lines.concat()));
        assert_eq!(hash, "ff84537f5396e68dbec90b48cea011830c6f54ca9254b9dda48db3b8d852ec63");
    }
}
