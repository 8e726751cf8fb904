//! A photo on the screen.

use std::io;
use std::time::{Duration, Instant};

use crate::platform::tty::{Cell, Size};
use crate::secret::fill_random;
use crate::terminal::tmux;
use crate::view::ending::Unseen;
use crate::view::graphics::{self, Drawing, Graphics, placeholders};
use crate::view::picture::{Frame, Picture};
use crate::view::viewer::position::{Then, Viewer};

/// The assumed size of a character if the terminal does not report one, in pixels.
const CELL: Cell = (10, 20);
/// The smallest screen for a photo, in columns and rows.
const SMALLEST: (u16, u16) = (10, 4);
/// The pause between two looks whether tmux shows this pane.
const HIDDEN: Duration = Duration::from_millis(500);

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
        let most = if graphics == Graphics::Placeholders { placeholders::COUNT } else { u16::MAX };
        Self { columns: size.columns.min(most), rows: size.rows.saturating_sub(1).clamp(1, most), cell }
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
        let is_in_tmux = graphics == Graphics::Placeholders;
        if is_in_tmux && !tmux::passes_now() {
            return self.wait_unseen(size);
        }
        let canvas = Canvas::of(size, graphics, self.shown.cell);
        let bytes = self.shown.memory.read(self.range())?;
        let picture = match Picture::decode(&bytes, self.shown.limits.room(canvas.room()), self.stop) {
            Ok(picture) => picture,
            Err(why) => return self.show_failure(why.into()),
        };
        drop(bytes);
        let id = if is_in_tmux { placeholders::number(picture_number()) } else { picture_number() };
        if is_in_tmux {
            self.screen.wipe_around_with(&graphics::wipe(graphics, id));
        } else {
            self.screen.wipe_with(graphics::wipe(graphics, id));
        }
        let is_still = picture.is_still() || is_in_tmux;
        let frames = if is_still { &picture.frames[..1] } else { &picture.frames[..] };
        let mut is_first = true;
        loop {
            for Frame { image, delay } in frames {
                let Some(drawing) = graphics::draw(graphics, image, id, canvas.cell, &self.shown.limits)? else {
                    return self.show_failure(Unseen::Undrawable);
                };
                if is_first {
                    // Keys that were pressed while the photo was decoded do not count.
                    self.screen.forget_keys();
                }
                self.screen.write(canvas.position(&drawing).as_bytes())?;
                self.screen.write(&drawing.codes)?;
                if std::mem::take(&mut is_first) {
                    if is_in_tmux && !tmux::passes_now() {
                        return Ok(Then::Again);
                    }
                    if graphics == Graphics::Kitty {
                        self.unconfirmed = Some((id, Instant::now()));
                    } else {
                        self.count_as_seen();
                    }
                }
                let until = if is_still { None } else { Some(Instant::now() + *delay) };
                match self.wait(until, Some(size))? {
                    Then::Stay => {}
                    then => return Ok(then),
                }
            }
        }
    }

    /// Waits until tmux may show this pane. The time after which the viewer closes does not begin meanwhile.
    fn wait_unseen(&mut self, size: Size) -> io::Result<Then> {
        let until = self.until;
        let then = self.wait(Some(Instant::now() + HIDDEN), Some(size))?;
        self.until = until;
        Ok(if let Then::Stay = then { Then::Again } else { then })
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
