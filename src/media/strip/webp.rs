//! WebP (RFC 9649): chunks in a RIFF file.

use std::io::{Read, Seek};

use crate::media::strip::exif;
use crate::media::strip::orientation::{Orientations, Source, in_xmp};
use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

/// Flags of the chunk `VP8X`: which other chunks there are.
const HAS_XMP: u8 = 0x04;
const HAS_EXIF: u8 = 0x08;

/// Keeps pictures, how they move, transparency and color profile.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(), Unclean> {
    let [_, _, _, _, a, b, c, d] = scan.array::<8>(0)?;
    let end = (8 + u64::from(u32::from_le_bytes([a, b, c, d]))).min(scan.len);
    let mut at = 12;
    let (mut flags, mut orientations, mut pictured) = (None, Orientations::default(), false);
    while at + 8 <= end {
        let (kind, content, len) = chunk(scan, at)?;
        if at + 8 + content > end {
            return Err(Unclean::Damaged("a chunk is incomplete"));
        }
        // A file may end without the byte that makes the last length even.
        let len = len.min(end - at);
        match &kind {
            b"VP8X" if flags.is_none() => flags = Some((at + 8, scan.array::<1>(at + 8)?[0])),
            b"VP8 " | b"VP8L" => pictured = true,
            b"ALPH" | b"ANIM" | b"ICCP" => {}
            b"ANMF" => {
                frame(scan, at + 8 + 16, at + 8 + content)?;
                pictured = true;
            }
            b"EXIF" => {
                let tiff = scan.peek(at + 8, content.min(LOOKED_INTO))?;
                // Some write it as it stands in a JPEG.
                let tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(&tiff);
                orientations.note(Source::Exif, exif::read(tiff, &mut scan.removed), at);
                scan.edits.remove(at, len);
            }
            b"XMP " => {
                orientations.note(Source::Xmp, in_xmp(&scan.peek(at + 8, content.min(LOOKED_INTO))?), at);
                scan.drop_piece(at, len, at + 8)?;
            }
            _ => scan.drop_piece(at, len, at + 8)?,
        }
        at += len;
    }
    if !pictured {
        return Err(Unclean::Damaged("the length in the header excludes the picture"));
    }
    scan.cut(at)?;
    let turned = orientations.settle();
    if let Some((orientation, at)) = turned {
        let tiff = exif::only_orientation(orientation);
        let len = u32::try_from(tiff.len()).unwrap_or(u32::MAX).to_le_bytes();
        scan.edits.put(at, [b"EXIF", &len[..], &tiff].concat());
    }
    let size = u32::try_from(scan.edits.len_of(scan.len) - 8).map_err(|_| Unclean::Damaged("the file is too large"))?;
    scan.edits.replace(4, 4, size.to_le_bytes().to_vec());
    if let Some((at, flags)) = flags {
        let kept = if turned.is_some() { HAS_EXIF } else { 0 };
        scan.edits.replace(at, 1, vec![flags & !(HAS_XMP | HAS_EXIF) | kept]);
    }
    Ok(())
}

/// A chunk's name, the length of its content, and its own.
fn chunk<R: Read + Seek>(scan: &mut Scan<R>, at: u64) -> Result<([u8; 4], u64, u64), Unclean> {
    let kind = scan.array(at)?;
    let content = u64::from(u32::from_le_bytes(scan.array(at + 4)?));
    Ok((kind, content, 8 + content + content % 2))
}

/// A picture of an animation: what is no picture in it is made unreadable where it stands.
fn frame<R: Read + Seek>(scan: &mut Scan<R>, mut at: u64, end: u64) -> Result<(), Unclean> {
    while at + 8 <= end {
        let (kind, content, len) = chunk(scan, at)?;
        if at + 8 + content > end {
            return Err(Unclean::Damaged("a chunk is incomplete"));
        }
        if !matches!(&kind, b"VP8 " | b"VP8L" | b"ALPH") {
            scan.removed.field(None);
            scan.edits.fill(at + 8, content, 0);
        }
        at += len;
    }
    Ok(())
}
