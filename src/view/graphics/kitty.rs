//! Kitty's protocol.

use std::io::{self, Write as _};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbaImage;

/// Bytes of base64 in one piece.
const PIECE: usize = 4096;

/// Pixels, deflated, in the stream itself: no file, and no memory that others could open. The terminal answers whether
/// it drew them.
pub(super) fn encode(image: &RgbaImage, id: u32) -> io::Result<Vec<u8>> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
    let is_opaque = image.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    if is_opaque {
        for pixel in image.pixels() {
            deflated.write_all(&pixel.0[..3])?;
        }
    } else {
        deflated.write_all(image.as_raw())?;
    }
    let coded = BASE64_STANDARD.encode(deflated.finish()?);
    let (width, height, format) = (image.width(), image.height(), if is_opaque { 24 } else { 32 });
    let mut codes = Vec::with_capacity(coded.len() + coded.len() / 64);
    let mut pieces = coded.as_bytes().chunks(PIECE).peekable();
    let mut head = format!("a=T,f={format},s={width},v={height},i={id},o=z,C=1,");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        write!(codes, "\x1b_G{head}m={more};")?;
        codes.extend_from_slice(piece);
        codes.extend_from_slice(b"\x1b\\");
        head.clear();
    }
    Ok(codes)
}

/// Codes that take a picture out of the terminal's own memory.
pub(super) fn wipe(id: u32) -> Vec<u8> {
    // Capital letters free what was sent, and not only take it off the screen.
    format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\\x1b_Ga=d,d=A,q=2\x1b\\").into_bytes()
}
