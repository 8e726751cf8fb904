//! PNG (W3C, third edition): chunks, of which a decoder may skip those whose names begin with a small letter.

use std::io::{Read, Seek};

use crate::media::strip::exif;
use crate::media::strip::orientation::{Orientations, Source, in_text};
use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

/// Keeps the chunks for decoding, for colors and for animation.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(), Unclean> {
    let mut orientations = Orientations::default();
    chunks(scan, &mut orientations)?;
    if let Some((orientation, at)) = orientations.settle() {
        scan.edits.put(at, chunk(*b"eXIf", &exif::only_orientation(orientation)));
    }
    Ok(())
}

fn chunks<R: Read + Seek>(scan: &mut Scan<R>, orientations: &mut Orientations) -> Result<(), Unclean> {
    let mut at = 8;
    let mut pictured = false;
    loop {
        let head = scan.peek(at, 8)?;
        let Ok([a, b, c, d, kind @ ..]) = <[u8; 8]>::try_from(&head[..]) else {
            // Cut off in its picture: there is nothing behind that.
            return if pictured { Ok(scan.cut(at)?) } else { Err(Unclean::Damaged("the file is incomplete")) };
        };
        let content = u64::from(u32::from_be_bytes([a, b, c, d]));
        let len = content + 12;
        if at + len > scan.len {
            return if pictured && &kind == b"IDAT" { Ok(()) } else { Err(Unclean::Damaged("a chunk is incomplete")) };
        }
        match &kind {
            b"IEND" => {
                if scan.peek(at + len, 8)?.starts_with(b"\x89PNG\r\n\x1a\n") {
                    return Err(Unclean::Damaged("another picture follows the first one"));
                }
                return Ok(scan.cut(at + len)?);
            }
            b"IDAT" => pictured = true,
            b"eXIf" => {
                let tiff = scan.peek(at + 8, content.min(LOOKED_INTO))?;
                orientations.note(Source::Exif, exif::read(&tiff, &mut scan.removed), at);
                scan.edits.remove(at, len);
            }
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let content = scan.peek(at + 8, content.min(LOOKED_INTO))?;
                if let Some((source, orientation)) = in_text(kind, &content, &mut scan.removed) {
                    orientations.note(source, Some(orientation), at);
                }
                scan.drop_piece(at, len, at + 8)?;
            }
            b"tRNS" | b"cHRM" | b"gAMA" | b"iCCP" | b"sBIT" | b"sRGB" | b"cICP" | b"mDCV" | b"cLLI" | b"mDCv"
            | b"cLLi" | b"bKGD" | b"hIST" | b"pHYs"  | b"acTL" | b"fcTL" | b"fdAT" | b"IHDR" | b"PLTE"
            // The mark of Apple's own kind of PNG.
            | b"CgBI" => {}
            // Without these a decoder must give up, and their content is unknown.
            [b'A'..=b'Z', ..] => return Err(Unclean::Damaged("the file has an unknown critical chunk")),
            b"tIME" => {
                scan.removed.time = true;
                scan.edits.remove(at, len);
            }
            _ => scan.drop_piece(at, len, at + 8)?,
        }
        at += len;
    }
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checked = crc32fast::Hasher::new();
    checked.update(&kind);
    checked.update(content);
    let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), &kind[..], content, &checked.finalize().to_be_bytes()].concat()
}
