//! Kitty's protocol.

use std::io::{self, Write as _};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbaImage;

/// Bytes of base64 in one sequence.
const PIECE: usize = 4096;

/// Encodes a picture as compressed pixels within the sequences, and not as a file or shared memory, which others could
/// open. The terminal answers whether it drew the picture.
pub(super) fn encode(image: &RgbaImage, id: u32) -> io::Result<Vec<u8>> {
    Ok(transmit(image, &format!("a=T,i={id},C=1"))?.concat())
}

/// The sequences that bring a picture to the terminal, with `keys` in the first one.
pub(super) fn transmit(image: &RgbaImage, keys: &str) -> io::Result<Vec<Vec<u8>>> {
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
    let mut sequences = Vec::with_capacity(coded.len() / PIECE + 1);
    let mut pieces = coded.as_bytes().chunks(PIECE).peekable();
    let mut head = format!("{keys},f={format},s={width},v={height},o=z,");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        let mut sequence = format!("\x1b_G{head}m={more};").into_bytes();
        sequence.extend_from_slice(piece);
        sequence.extend_from_slice(b"\x1b\\");
        sequences.push(sequence);
        head.clear();
    }
    Ok(sequences)
}

/// Codes that delete a picture from the terminal's memory.
pub(super) fn wipe(id: u32) -> Vec<u8> {
    // Capital letters delete the data too, and not only the placement.
    format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\\x1b_Ga=d,d=A,q=2\x1b\\").into_bytes()
}
