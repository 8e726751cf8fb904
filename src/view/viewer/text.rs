//! A text on the screen.

use std::fmt::Write as _;
use std::io;

use crate::terminal::style;
use crate::view::text;
use crate::view::viewer::position::{Then, Viewer};

impl Viewer<'_> {
    pub(super) fn show_text(&mut self) -> io::Result<Then> {
        let bytes = self.shown.memory.read(self.range())?;
        let mut columns = 0;
        loop {
            let size = self.screen.size();
            if size.columns != columns {
                columns = size.columns;
                self.lines = text::lines(&bytes, columns);
            }
            let page = usize::from(size.rows.saturating_sub(1).max(1));
            self.top = self.top.min(self.lines.len().saturating_sub(page));
            let mut codes = String::new();
            for row in 0..page {
                let line = self.lines.get(self.top + row).map_or("", String::as_str);
                let _ = write!(codes, "\x1b[{};1H\x1b[2K{}", row + 1, style::readable(line));
            }
            self.screen.write(codes.as_bytes())?;
            let top = self.top;
            match self.wait(None, Some(size))? {
                // Scrolled, or the screen has another size.
                Then::Again if self.top != top || self.screen.size() != size => {}
                then => return Ok(then),
            }
        }
    }
}
