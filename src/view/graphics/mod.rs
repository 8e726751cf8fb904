//! Pictures in the languages of terminals.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use icy_sixel::EncodeOptions;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbaImage, imageops};

use crate::terminal::style;
use crate::view::ability::{Cell, Graphics};
use crate::view::terminal::Size;

/// Bytes of base64 in one piece of Kitty's protocol.
const PIECE: usize = 4096;

/// The longest sequence for iTerm2's protocol, in bytes. No terminal names its limit; xterm.js has the lowest known
/// one, 20 MB.
const ITERM: usize = 8 << 20;
/// The narrowest picture that is still one, in pixels.
const NARROWEST: u32 = 16;

/// The limits of a terminal for pictures. It drops larger ones without an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The longest sequence, in bytes.
    pub(crate) sequence: Option<usize>,
    /// The largest width and height, in pixels.
    pub(crate) pixels: Option<(u32, u32)>,
    /// The most colors.
    pub(crate) colors: Option<u16>,
}

impl Limits {
    /// The room for a picture of at most `room` pixels.
    pub(crate) fn room(&self, room: (u32, u32)) -> (u32, u32) {
        // Sixel has six rows at a time.
        self.pixels.map_or(room, |(width, height)| (room.0.min(width), room.1.min((height / 6 * 6).max(6))))
    }

    /// Whether pictures that fill the whole screen are within them.
    pub(crate) fn allow(&self, size: Option<Size>, cell: Option<Cell>) -> bool {
        let screen = size.and_then(|size| {
            let cell = size.cell.or(cell)?;
            Some((u32::from(size.columns) * u32::from(cell.0), u32::from(size.rows) * u32::from(cell.1)))
        });
        let has_room = |(width, height)| screen.is_some_and(|screen| screen.0 <= width && screen.1 <= height);
        self.sequence.is_none() && self.pixels.is_none_or(has_room)
    }
}

/// A picture in a terminal's language.
pub(crate) struct Drawing {
    pub(crate) codes: Vec<u8>,
    /// Width and height as it is drawn, in pixels.
    pub(crate) size: (u32, u32),
}

/// Draws `image` where the cursor is, and leaves the cursor alone: smaller where the terminal would drop this one.
/// `None`: not even a small one fits.
pub(crate) fn draw(graphics: Graphics, image: &RgbaImage, id: u32, limits: &Limits) -> io::Result<Option<Drawing>> {
    let encode = |image: &RgbaImage| match graphics {
        Graphics::Kitty => kitty(image, id),
        Graphics::Iterm => iterm(image),
        Graphics::Sixel => sixel(image, limits.colors),
        Graphics::Blocks => Ok(blocks(image)),
    };
    let most = match graphics {
        Graphics::Sixel => limits.sequence.unwrap_or(usize::MAX),
        Graphics::Iterm => limits.sequence.unwrap_or(ITERM),
        // These come in short sequences.
        Graphics::Kitty | Graphics::Blocks => usize::MAX,
    };
    let mut codes = encode(image)?;
    let (mut width, mut height) = image.dimensions();
    while codes.len() > most {
        // A little less than what the length asks for: dithering makes it grow again.
        let per_mille = u64::try_from(most).unwrap_or(u64::MAX) * 1_000_000 / codes.len() as u64;
        let scale = u32::try_from(per_mille.isqrt()).unwrap_or(1000).min(1000) * 95 / 100;
        let shrunk = |side: u32| (u64::from(side) * u64::from(scale) / 1000).try_into().unwrap_or(1).max(1);
        (width, height) = (shrunk(width), shrunk(height));
        if width < NARROWEST.min(image.width()) || height == 0 {
            return Ok(None);
        }
        codes = encode(&imageops::resize(image, width, height, imageops::FilterType::Triangle))?;
    }
    Ok(Some(Drawing { codes, size: (width, height) }))
}

/// What takes the picture out of the terminal's own memory. Elsewhere it goes with the characters under it.
pub(crate) fn wipe(graphics: Graphics, id: u32) -> Vec<u8> {
    match graphics {
        // Capital letters free what was sent, and not only take it off the screen.
        Graphics::Kitty => format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\\x1b_Ga=d,d=A,q=2\x1b\\").into_bytes(),
        Graphics::Iterm | Graphics::Sixel | Graphics::Blocks => Vec::new(),
    }
}

/// Pixels, deflated, in the stream itself: no file, and no memory that others could open. The terminal answers whether
/// it drew them.
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

fn sixel(image: &RgbaImage, colors: Option<u16>) -> io::Result<Vec<u8>> {
    let size = |side: u32| usize::try_from(side).map_err(io::Error::other);
    let mut options = EncodeOptions::default();
    options.max_colors = colors.map_or(options.max_colors, |colors| colors.clamp(2, options.max_colors));
    let codes = icy_sixel::SixelImage::from_rgba(image.as_raw().clone(), size(image.width())?, size(image.height())?);
    codes.encode_with(&options).map(String::into_bytes).map_err(io::Error::other)
}

/// Two pixels above each other in one character: the upper half in its color, on the lower one's. Without UTF-8 it is a
/// blank in the color of both; without colors, a letter as bright as both.
fn blocks(image: &RgbaImage) -> Vec<u8> {
    let is_rich = std::env::var("COLORTERM").is_ok_and(|colors| matches!(&*colors, "truecolor" | "24bit"));
    let (has_colors, has_utf8) = (style::has_colors(), style::has_utf8());
    let color = |[red, green, blue]: [u8; 3]| {
        if is_rich {
            return format!("2;{red};{green};{blue}");
        }
        let step = |part: u8| u16::from(part) * 5 / 255;
        format!("5;{}", 16 + 36 * step(red) + 6 * step(green) + step(blue))
    };
    let shades: &[char] =
        if has_utf8 { &[' ', '░', '▒', '▓', '█'] } else { &[' ', '.', ':', '-', '=', '+', '*', '#', '@'] };
    let mut codes = String::new();
    for y in (0..image.height()).step_by(2) {
        for x in 0..image.width() {
            let pixel = |y: u32| {
                if y >= image.height() {
                    return [0; 3];
                }
                let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u16::from);
                // On black.
                [red, green, blue].map(|part| u8::try_from(part * alpha / 255).unwrap_or(u8::MAX))
            };
            let (upper, lower) = (pixel(y), pixel(y + 1));
            let both: [u8; 3] = std::array::from_fn(|part| upper[part].midpoint(lower[part]));
            let _ = match (has_colors, has_utf8) {
                (true, true) => write!(codes, "\x1b[38;{};48;{}m▀", color(upper), color(lower)),
                (true, false) => write!(codes, "\x1b[48;{}m ", color(both)),
                (false, _) => {
                    let [red, green, blue] = both.map(usize::from);
                    // How bright it looks (ITU-R BT.601).
                    let light = (299 * red + 587 * green + 114 * blue) / 1000;
                    write!(codes, "{}", shades[light * (shades.len() - 1) / 255])
                }
            };
        }
        // Down a line, and back to where it began.
        let _ = write!(codes, "\x1b[0m\x1b[B\x1b[{}D", image.width());
    }
    codes.into_bytes()
}
