//! The Sixel protocol.

use std::io;

use icy_sixel::{EncodeOptions, SixelImage};
use image::RgbaImage;

/// Rows of pixels in one band.
pub(super) const ROWS: u32 = 6;

/// Encodes a picture in at most `colors` colors.
pub(super) fn encode(image: &RgbaImage, colors: Option<u16>) -> io::Result<Vec<u8>> {
    let size = |side: u32| usize::try_from(side).map_err(io::Error::other);
    let mut options = EncodeOptions::default();
    options.max_colors = colors.map_or(options.max_colors, |colors| colors.clamp(2, options.max_colors));
    let codes = SixelImage::from_rgba(image.as_raw().clone(), size(image.width())?, size(image.height())?);
    codes.encode_with(&options).map(String::into_bytes).map_err(io::Error::other)
}
