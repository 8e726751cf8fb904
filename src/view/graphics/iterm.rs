//! iTerm2's protocol.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbaImage};

/// The longest sequence, in bytes. Terminals do not report a limit; the lowest known one is 20 MB, of xterm.js.
pub(super) const MAX_SEQUENCE: usize = 8 << 20;

/// Encodes a picture as a PNG.
pub(super) fn encode(image: &RgbaImage) -> io::Result<Vec<u8>> {
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgba8)
        .map_err(io::Error::other)?;
    let (width, height, size) = (image.width(), image.height(), png.len());
    let head = format!(
        "\x1b]1337;File=inline=1;size={size};width={width}px;height={height}px;preserveAspectRatio=1;doNotMoveCursor=1:"
    );
    Ok([head.as_bytes(), BASE64_STANDARD.encode(&png).as_bytes(), b"\x07"].concat())
}
