//! EXIF: a TIFF structure (CIPA DC-008, section 4.6) with the data that a camera adds.

use crate::media::strip::removed::Removed;

/// Directories that are looked into: more than any camera writes.
const MAX_DIRECTORIES: usize = 16;

const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const ORIENTATION: u16 = 0x0112;
const THUMBNAIL: u16 = 0x0201;
const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xa005;
const SERIAL: u16 = 0xa431;
const LENS: std::ops::RangeInclusive<u16> = 0xa432..=0xa435;

/// Times of recording, digitizing and editing, their offsets from UTC, and fractions of their seconds.
const TIMES: [u16; 9] = [0x0132, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292];

/// The name of an entry for people. `None`: a standard name would not be understood, or there is none.
fn name_of(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x010e | 0x9c9b | 0x9c9f => "description",
        0x011a | 0x011b | 0x0128 => "resolution",
        0x0131 => "software",
        0x013b | 0x9c9d => "author",
        0x013c => "computer",
        0x4746 | 0x4749 => "rating",
        0x829a | 0x829d | 0x8822 | 0x8827 | 0x9201..=0x920a | 0xa402..=0xa40c => "camera settings",
        0x8298 => "copyright",
        0x927c => "maker note",
        0x9286 | 0x9c9c => "comment",
        0x9c9e => "keywords",
        0xa420 => "image ID",
        0xa430 => "owner",
        0xa001..=0xa003 | 0x0100 | 0x0101 | 0x0213 | 0x9101 => "picture format",
        0x9000 | 0xa000 => "EXIF version",
        _ => return None,
    })
}

struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Tiff<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    }

    /// The first number of an entry. The standard has one type for each tag; cameras and programs take others.
    fn number(&self, entry: usize) -> Option<usize> {
        let size = match self.u16(entry + 2)? {
            // BYTE, SBYTE, UNDEFINED.
            1 | 6 | 7 => 1,
            // SHORT, SSHORT.
            3 | 8 => 2,
            // LONG, SLONG, IFD.
            4 | 9 | 13 => 4,
            _ => return None,
        };
        // More than four bytes stand elsewhere.
        let is_elsewhere = self.u32(entry + 4)?.checked_mul(size)? > 4;
        let at = if is_elsewhere { self.u32(entry + 8)? } else { entry + 8 };
        match size {
            1 => self.bytes.get(at).copied().map(usize::from),
            2 => self.u16(at).map(usize::from),
            _ => self.u32(at),
        }
    }
}

/// Notes the entries of `bytes`, as far as they can be read. Returns the orientation, 1 to 8, if they state one.
pub(super) fn read(bytes: &[u8], removed: &mut Removed) -> Option<u8> {
    let little = bytes.starts_with(b"II");
    let tiff = Tiff { bytes, little };
    let mut orientation = None;
    // Directory 0 is the picture's, the one behind it the thumbnail's.
    let mut directories = vec![(tiff.u32(4)?, false)];
    let mut seen = 0;
    while let Some((at, is_gps)) = directories.pop() {
        seen += 1;
        let Some(count) = tiff.u16(at).filter(|_| seen <= MAX_DIRECTORIES) else { continue };
        for number in 0..usize::from(count) {
            let entry = at + 2 + number * 12;
            let (Some(tag), Some(value)) = (tiff.u16(entry), tiff.u32(entry + 8)) else { break };
            match tag {
                EXIF | INTEROPERABILITY if !is_gps => directories.push((value, false)),
                GPS if !is_gps => directories.push((value, true)),
                // The first entry has only the version.
                _ if is_gps => removed.location |= tag != 0,
                MAKE | MODEL | SERIAL => removed.camera = true,
                tag if LENS.contains(&tag) => removed.camera = true,
                ORIENTATION => {
                    let value = tiff.number(entry).and_then(|value| u8::try_from(value).ok());
                    orientation = orientation.or(value.filter(|value| seen == 1 && (1..=8).contains(value)));
                }
                THUMBNAIL => removed.thumbnail = true,
                tag if TIMES.contains(&tag) => removed.time = true,
                tag => removed.field(name_of(tag)),
            }
        }
        let next = tiff.u32(at + 2 + usize::from(count) * 12).filter(|next| *next > 0 && !is_gps);
        directories.extend(next.map(|next| (next, false)));
    }
    orientation
}

/// A TIFF structure with nothing but the orientation.
pub(super) fn only_orientation(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    tiff.extend(ORIENTATION.to_be_bytes());
    // One SHORT, in the first half of the value's place.
    tiff.extend([0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    // No directory follows.
    tiff.extend([0; 4]);
    tiff
}

/// A TIFF structure without entries, in `len` bytes; `None`: it does not fit.
pub(super) fn nothing(len: usize) -> Option<Vec<u8>> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0".to_vec();
    let fits = tiff.len() <= len;
    tiff.resize(len, 0);
    fits.then_some(tiff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orientation_survives_and_nothing_else_is_said() {
        for orientation in 2..=8 {
            let mut removed = Removed::default();
            assert_eq!(read(&only_orientation(orientation), &mut removed), Some(orientation));
            assert_eq!(removed, Removed::default());
        }
    }

    #[test]
    fn the_orientation_is_read_whatever_the_type_of_its_number() {
        for (kind, count, big, little) in [
            (1u16, 1u32, [6, 0, 0, 0], [6, 0, 0, 0]),
            (3, 1, [0, 6, 0, 0], [6, 0, 0, 0]),
            (3, 2, [0, 6, 0, 6], [6, 0, 6, 0]),
            (4, 1, [0, 0, 0, 6], [6, 0, 0, 0]),
            (6, 1, [6, 0, 0, 0], [6, 0, 0, 0]),
            (7, 1, [6, 0, 0, 0], [6, 0, 0, 0]),
            (8, 1, [0, 6, 0, 0], [6, 0, 0, 0]),
            (9, 1, [0, 0, 0, 6], [6, 0, 0, 0]),
        ] {
            let be =
                [&b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12"[..], &kind.to_be_bytes(), &count.to_be_bytes(), &big, &[0; 4]];
            let le =
                [&b"II\x2a\0\x08\0\0\0\x01\0\x12\x01"[..], &kind.to_le_bytes(), &count.to_le_bytes(), &little, &[0; 4]];
            for tiff in [be.concat(), le.concat()] {
                assert_eq!(read(&tiff, &mut Removed::default()), Some(6), "{kind} {tiff:?}");
            }
        }
    }

    #[test]
    fn a_structure_that_leads_nowhere_ends() {
        // A directory that follows itself.
        let mut tiff = only_orientation(3);
        tiff[25] = 8;
        assert_eq!(read(&tiff, &mut Removed::default()), Some(3));
        for len in 0..26 {
            read(&tiff[..len], &mut Removed::default());
        }
    }
}
