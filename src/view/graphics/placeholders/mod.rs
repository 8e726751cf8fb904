//! Kitty's protocol within tmux, which knows nothing of it: the picture passes through tmux to the terminal around it,
//! and characters that tmux keeps like any others mark its place. So tmux can move and redraw the picture.

mod marks;

use std::fmt::Write as _;
use std::io;

use image::RgbaImage;

pub(in crate::view) use self::marks::COUNT;
use self::marks::mark;
use crate::platform::tty::Cell;
use crate::terminal::tmux;
use crate::view::graphics::kitty;

/// The character in whose place the terminal draws a part of the picture.
const PLACEHOLDER: char = '\u{10eeee}';
/// The first color that tmux does not replace by one of the terminal's sixteen.
const FIRST_COLOR: u32 = 16;

/// Bits of a random number that make a picture's number, which the characters carry: eight as their color, and eight
/// in their third mark. tmux may change the other colors.
pub(in crate::view) fn number(random: u32) -> u32 {
    let [high, low, ..] = random.to_be_bytes();
    u32::from(high.max(1)) << 24 | (u32::from(low) % (256 - FIRST_COLOR) + FIRST_COLOR)
}

/// Encodes a picture for cells of this size. The terminal confirms nothing: its answers would arrive as keys.
pub(super) fn encode(image: &RgbaImage, id: u32, cell: Cell) -> io::Result<Vec<u8>> {
    let cells = |side: u32, cell: u16| u16::try_from(side.div_ceil(u32::from(cell.max(1)))).unwrap_or(COUNT).min(COUNT);
    let (columns, rows) = (cells(image.width(), cell.0), cells(image.height(), cell.1));
    let mut codes: Vec<u8> =
        kitty::transmit(image, &format!("a=t,q=2,i={id}"))?.iter().flat_map(|piece| tmux::passed_on(piece)).collect();
    let place = format!("\x1b_Ga=p,U=1,q=2,i={id},c={columns},r={rows}\x1b\\");
    codes.extend(tmux::passed_on(place.as_bytes()));
    let (color, high) = (id & 0xff, mark(u16::from(id.to_be_bytes()[0])));
    let mut text = String::new();
    for row in 0..rows {
        let _ = write!(text, "\x1b[38;5;{color}m");
        for column in 0..columns {
            text.extend([PLACEHOLDER, mark(row), mark(column), high]);
        }
        // Moves one row down and back to the first column.
        let _ = write!(text, "\x1b[0m\x1b[B\x1b[{columns}D");
    }
    codes.extend_from_slice(text.as_bytes());
    Ok(codes)
}

/// Codes that delete a picture from the terminal's memory, and no picture of other panes.
pub(super) fn wipe(id: u32) -> Vec<u8> {
    tmux::passed_on(format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\").as_bytes())
}
