//! A photo on the screen.

use std::io;
use std::time::Instant;

use crate::platform::tty::{Cell, Size};
use crate::secret::fill_random;
use crate::view::ending::Unseen;
use crate::view::graphics::{self, Drawing, Graphics};
use crate::view::picture::{Frame, Picture};
use crate::view::viewer::position::{Then, Viewer};

/// The assumed size of a character if the terminal does not report one, in pixels.
const CELL: Cell = (10, 20);
/// The smallest screen for a photo, in columns and rows.
const SMALLEST: (u16, u16) = (10, 4);

/// The part of the screen for photos.
struct Canvas {
    columns: u16,
    rows: u16,
    /// The size of a character, in pixels.
    cell: Cell,
}

impl Canvas {
    /// All of the screen but the last row.
    fn of(size: Size, graphics: Graphics, cell: Option<Cell>) -> Self {
        let cell = match graphics {
            Graphics::Blocks => (1, 2),
            _ => size.cell.or(cell).unwrap_or(CELL),
        };
        Self { columns: size.columns, rows: size.rows.saturating_sub(1).max(1), cell }
    }

    /// Its width and height, in pixels.
    fn room(&self) -> (u32, u32) {
        let pixels = |count: u16, side: u16| u32::from(count) * u32::from(side);
        (pixels(self.columns, self.cell.0), pixels(self.rows, self.cell.1))
    }

    /// Codes that move the cursor so that a drawing is centered.
    fn position(&self, drawing: &Drawing) -> String {
        let taken = |side: u32, cell: u16| side.div_ceil(u32::from(cell));
        let column = (u32::from(self.columns).saturating_sub(taken(drawing.size.0, self.cell.0))) / 2 + 1;
        let row = (u32::from(self.rows).saturating_sub(taken(drawing.size.1, self.cell.1))) / 2 + 1;
        format!("\x1b[{row};{column}H")
    }
}

impl Viewer<'_> {
    pub(super) fn show_photo(&mut self, graphics: Graphics) -> io::Result<Then> {
        let size = self.screen.size();
        if size.columns < SMALLEST.0 || size.rows < SMALLEST.1 {
            return self.write_centered("Enlarge this window.");
        }
        let canvas = Canvas::of(size, graphics, self.shown.cell);
        let bytes = self.shown.memory.read(self.range())?;
        let picture = match Picture::decode(&bytes, self.shown.limits.room(canvas.room()), self.stop) {
            Ok(picture) => picture,
            Err(why) => return self.show_failure(why.into()),
        };
        drop(bytes);
        let id = picture_number();
        self.screen.wipe_with(graphics::wipe(graphics, id));
        let mut is_first = true;
        loop {
            for Frame { image, delay } in &picture.frames {
                let Some(drawing) = graphics::draw(graphics, image, id, &self.shown.limits)? else {
                    return self.show_failure(Unseen::Undrawable);
                };
                if is_first {
                    // Keys that were pressed while the photo was decoded do not count.
                    self.screen.forget_keys();
                }
                self.screen.write(canvas.position(&drawing).as_bytes())?;
                self.screen.write(&drawing.codes)?;
                if std::mem::take(&mut is_first) {
                    if graphics == Graphics::Kitty {
                        self.unconfirmed = Some((id, Instant::now()));
                    } else {
                        self.count_as_seen();
                    }
                }
                let until = if picture.is_still() { None } else { Some(Instant::now() + *delay) };
                match self.wait(until, Some(size))? {
                    Then::Stay => {}
                    then => return Ok(then),
                }
            }
        }
    }

    /// Shows why the current photo cannot be shown. It does not count as seen.
    pub(super) fn show_failure(&mut self, why: Unseen) -> io::Result<Then> {
        self.count_as_failed(why);
        self.write_centered(&format!("This photo cannot be shown: {why}."))
    }
}

/// A random number for a picture: not zero, and below the range that some terminals reserve.
fn picture_number() -> u32 {
    let mut random = [0; 4];
    fill_random(&mut random);
    u32::from_be_bytes(random) >> 1 | 1
}
