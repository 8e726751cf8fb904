//! Pictures in the languages of terminals.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use icy_sixel::EncodeOptions;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbaImage};

use super::ability::Graphics;

/// Bytes of base64 in one piece of Kitty's protocol.
const PIECE: usize = 4096;

/// What draws `image` where the cursor is, and leaves the cursor alone.
pub(super) fn codes(graphics: Graphics, image: &RgbaImage, id: u32) -> io::Result<Vec<u8>> {
    match graphics {
        Graphics::Kitty => kitty(image, id),
        Graphics::Iterm => iterm(image),
        Graphics::Sixel => sixel(image),
        Graphics::Blocks => Ok(blocks(image)),
    }
}

/// What takes the picture out of the terminal's own memory. Elsewhere it goes with the characters under it.
pub(super) fn wipe(graphics: Graphics, id: u32) -> Vec<u8> {
    match graphics {
        // Capital letters free what was sent, and not only take it off the screen.
        Graphics::Kitty => format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\\x1b_Ga=d,d=A,q=2\x1b\\").into_bytes(),
        Graphics::Iterm | Graphics::Sixel | Graphics::Blocks => Vec::new(),
    }
}

/// Pixels, deflated, in the stream itself: no file, and no memory that others could open.
fn kitty(image: &RgbaImage, id: u32) -> io::Result<Vec<u8>> {
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
    let mut head = format!("a=T,f={format},s={width},v={height},i={id},o=z,q=2,C=1,");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        write!(codes, "\x1b_G{head}m={more};")?;
        codes.extend_from_slice(piece);
        codes.extend_from_slice(b"\x1b\\");
        head.clear();
    }
    Ok(codes)
}

fn iterm(image: &RgbaImage) -> io::Result<Vec<u8>> {
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

fn sixel(image: &RgbaImage) -> io::Result<Vec<u8>> {
    let size = |side: u32| usize::try_from(side).map_err(io::Error::other);
    let options = EncodeOptions::default();
    let codes = icy_sixel::SixelImage::from_rgba(image.as_raw().clone(), size(image.width())?, size(image.height())?);
    codes.encode_with(&options).map(String::into_bytes).map_err(io::Error::other)
}

/// Two pixels above each other in one character: the upper half in its colour, on the lower one's.
fn blocks(image: &RgbaImage) -> Vec<u8> {
    let is_rich = std::env::var("COLORTERM").is_ok_and(|colours| matches!(&*colours, "truecolor" | "24bit"));
    let colour = |[red, green, blue, alpha]: [u8; 4]| {
        // On black.
        let [red, green, blue] = [red, green, blue].map(|part| u16::from(part) * u16::from(alpha) / 255);
        if is_rich {
            return format!("2;{red};{green};{blue}");
        }
        let step = |part: u16| part * 5 / 255;
        format!("5;{}", 16 + 36 * step(red) + 6 * step(green) + step(blue))
    };
    let mut codes = String::new();
    for y in (0..image.height()).step_by(2) {
        for x in 0..image.width() {
            let upper = image.get_pixel(x, y).0;
            let lower = if y + 1 < image.height() { image.get_pixel(x, y + 1).0 } else { [0; 4] };
            let _ = write!(codes, "\x1b[38;{};48;{}m▀", colour(upper), colour(lower));
        }
        // Down a line, and back to where it began.
        let _ = write!(codes, "\x1b[0m\x1b[B\x1b[{}D", image.width());
    }
    codes.into_bytes()
}
