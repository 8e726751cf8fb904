//! GIF (version 89a): blocks, and pictures in pieces of at most 255 bytes.

use std::io::{Read, Seek};

use crate::media::strip::scan::{Scan, Unclean};

/// The label of a comment.
const COMMENT: u8 = 0xfe;

/// Keeps pictures, how they move, and their color profile; comments and what applications have added go.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(), Unclean> {
    let [.., flags, _, _] = scan.array::<13>(0)?;
    let mut at = 13 + table(flags);
    let mut pictured = false;
    loop {
        let block = match &scan.peek(at, 2)?[..] {
            // Cut off in its picture: there is nothing behind that.
            [] if pictured => return Ok(()),
            [0x3b, ..] if scan.peek(at + 1, 4)? == b"GIF8" => {
                return Err(Unclean::Damaged("another picture follows the first one"));
            }
            [0x3b, ..] => return Ok(scan.cut(at + 1)?),
            [block, label] => [*block, *label],
            _ => return Err(Unclean::Damaged("the file is incomplete")),
        };
        let end = match block {
            [0x2c, _] => {
                let [.., flags] = scan.array::<10>(at)?;
                pictured = true;
                // A byte between the colors and the pieces has the size of their codes.
                pieces(scan, at + 10 + table(flags) + 1)?
            }
            [0x21, _] => pieces(scan, at + 2)?,
            _ => return Err(Unclean::Damaged("a block has an unknown type")),
        };
        if block[0] == 0x21 && !is_needed(scan, block[1], at)? {
            if block[1] == COMMENT {
                scan.removed.field("comment");
                scan.edits.remove(at, end - at);
            } else {
                scan.drop_piece(at, end - at, at + 2)?;
            }
        }
        at = end;
    }
}

/// Bytes of a table of colors.
fn table(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The end of the pieces that begin at `at`.
fn pieces<R: Read + Seek>(scan: &mut Scan<R>, mut at: u64) -> Result<u64, Unclean> {
    loop {
        let [len] = scan.array::<1>(at)?;
        at += 1 + u64::from(len);
        if len == 0 {
            return Ok(at);
        }
    }
}

fn is_needed<R: Read + Seek>(scan: &mut Scan<R>, label: u8, at: u64) -> Result<bool, Unclean> {
    Ok(match label {
        // How a picture is shown. (Text that is part of it, 0x01, no decoder has ever drawn.)
        0xf9 => true,
        0xff => matches!(&scan.array::<11>(at + 3)?, b"NETSCAPE2.0" | b"ANIMEXTS1.0" | b"ICCRGBG1012"),
        _ => false,
    })
}
