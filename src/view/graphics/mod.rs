//! Graphics protocols of terminals.

mod blocks;
mod iterm;
mod kitty;
pub(super) mod placeholders;
mod sixel;

use std::io;

use image::{RgbaImage, imageops};

use crate::platform::tty::{Cell, Size};

/// The narrowest picture that is drawn, in pixels.
const NARROWEST: u32 = 16;

/// How a terminal draws pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Graphics {
    /// Kitty's protocol: pixels.
    Kitty,
    /// Kitty's protocol through tmux, with characters in the picture's place.
    Placeholders,
    /// iTerm2's: a PNG.
    Iterm,
    /// Sixel: six rows at a time, in up to 256 colors.
    Sixel,
    /// Two pixels per character. Only used if the user chooses it.
    Blocks,
}

/// The limits of a terminal for pictures. It drops larger pictures without an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// The longest sequence, in bytes.
    pub(super) sequence: Option<usize>,
    /// The largest width and height, in pixels.
    pub(super) pixels: Option<(u32, u32)>,
    /// The most colors.
    pub(super) colors: Option<u16>,
}

impl Limits {
    /// `room`, in pixels, reduced to these limits.
    pub(super) fn room(&self, room: (u32, u32)) -> (u32, u32) {
        let whole = |height: u32| (height / sixel::ROWS * sixel::ROWS).max(sixel::ROWS);
        self.pixels.map_or(room, |(width, height)| (room.0.min(width), room.1.min(whole(height))))
    }

    /// Whether pictures that fill the screen are within these limits.
    pub(super) fn allow(&self, size: Option<Size>, cell: Option<Cell>) -> bool {
        let screen = size.and_then(|size| {
            let cell = size.cell.or(cell)?;
            Some((u32::from(size.columns) * u32::from(cell.0), u32::from(size.rows) * u32::from(cell.1)))
        });
        let has_room = |(width, height)| screen.is_some_and(|screen| screen.0 <= width && screen.1 <= height);
        self.sequence.is_none() && self.pixels.is_none_or(has_room)
    }
}

/// A picture as codes for a terminal.
pub(super) struct Drawing {
    pub(super) codes: Vec<u8>,
    /// Width and height on the screen, in pixels.
    pub(super) size: (u32, u32),
}

/// Encodes `image` for the position of the cursor and cells of this size, shrunk to the terminal's limits. `None`: not
/// even a small picture is within them.
pub(super) fn draw(
    graphics: Graphics,
    image: &RgbaImage,
    id: u32,
    cell: Cell,
    limits: &Limits,
) -> io::Result<Option<Drawing>> {
    let encode = |image: &RgbaImage| match graphics {
        Graphics::Kitty => kitty::encode(image, id),
        Graphics::Placeholders => placeholders::encode(image, id, cell),
        Graphics::Iterm => iterm::encode(image),
        Graphics::Sixel => sixel::encode(image, limits.colors),
        Graphics::Blocks => Ok(blocks::encode(image)),
    };
    let most = match graphics {
        Graphics::Sixel => limits.sequence.unwrap_or(usize::MAX),
        Graphics::Iterm => limits.sequence.unwrap_or(iterm::MAX_SEQUENCE),
        // These use short sequences.
        Graphics::Kitty | Graphics::Placeholders | Graphics::Blocks => usize::MAX,
    };
    let mut codes = encode(image)?;
    let (mut width, mut height) = image.dimensions();
    while codes.len() > most {
        // 5 % less than in proportion, because dithering makes the codes longer again.
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

/// Codes that delete a picture from the terminal's memory. Except in Kitty's protocol, clearing the screen is enough.
pub(super) fn wipe(graphics: Graphics, id: u32) -> Vec<u8> {
    match graphics {
        Graphics::Kitty => kitty::wipe(id),
        Graphics::Placeholders => placeholders::wipe(id),
        Graphics::Iterm | Graphics::Sixel | Graphics::Blocks => Vec::new(),
    }
}
