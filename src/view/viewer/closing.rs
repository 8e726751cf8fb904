//! Saving, copying and closing.

use std::io;

use crate::terminal::clipboard;
use crate::view::ending::{End, Unseen};
use crate::view::viewer::position::{Then, Viewer};

impl Viewer<'_> {
    /// Closes the viewer. If a file was neither seen nor saved, the first call only shows a warning.
    pub(super) fn close(&mut self) -> Option<Then> {
        let unseen = self.shown.manifest.entries.len() - self.seen.len();
        if unseen == 0 || !self.saved.is_empty() || self.seen.is_empty() || self.warned {
            return Some(Then::End(self.closed()));
        }
        self.warned = true;
        let count = |count: usize| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        let save = if self.shown.save.is_some() { "s saves all, " } else { "" };
        self.note(match self.failures.len() {
            0 => format!("{} not seen yet: {save}q again {}", count(unseen), self.closes()),
            // A share that could not be shown is not finished, so nothing is deleted.
            failed => format!("{} could not be shown: {save}q again closes", count(failed)),
        });
        None
    }

    /// The effect of the key that closes.
    pub(super) fn closes(&self) -> &'static str {
        if self.shown.is_held { "closes" } else { "closes and deletes" }
    }

    /// The result of closing now.
    pub(super) fn closed(&mut self) -> End {
        if !self.saved.is_empty() {
            return End::Closed { saved: std::mem::take(&mut self.saved) };
        }
        if self.unconfirmed.take().is_some() {
            self.count_as_failed(Unseen::Unconfirmed);
        }
        if let Some((_, why)) = self.failures.pop_first() {
            return End::Unseen(why);
        }
        if self.seen.is_empty() { End::Unseen(Unseen::NoPart) } else { End::SEEN }
    }

    pub(super) fn save(&mut self) {
        let Some(save) = &mut self.shown.save else { return };
        if !self.saved.is_empty() {
            return self.note("Already saved.".to_owned());
        }
        match save(&self.shown.memory) {
            Ok(saved) => {
                let names: Vec<String> = saved.iter().map(|path| (self.shown.words.path)(path)).collect();
                self.saved = saved;
                self.note(format!("Saved as {}.", names.join(", ")));
            }
            Err(error) => self.note(format!("Not saved: {error}.")),
        }
    }

    /// Copies the current text.
    pub(super) fn copy(&mut self) -> io::Result<()> {
        let bytes = self.shown.memory.read(self.range())?;
        let message = match std::str::from_utf8(&bytes).map_err(io::Error::other).and_then(clipboard::copy) {
            Ok(copied) => (self.shown.words.copied)(copied).to_owned(),
            Err(error) => format!("Not copied: {error}."),
        };
        self.note(message);
        Ok(())
    }
}
