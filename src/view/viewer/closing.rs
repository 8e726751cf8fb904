//! Saving, copying, closing.

use std::io;

use crate::terminal::clipboard;
use crate::view::ending::{End, Unseen};
use crate::view::viewer::position::{Then, Viewer};

impl Viewer<'_> {
    /// Closes it; but a file that nobody has seen or saved is not lost without a warning.
    pub(super) fn close(&mut self) -> Option<Then> {
        let unseen = self.shown.manifest.entries.len() - self.seen.len();
        if unseen == 0 || !self.saved.is_empty() || self.seen.is_empty() || self.warned {
            return Some(Then::End(self.closed()));
        }
        self.warned = true;
        let count = |count: usize| if count == 1 { "One file was".to_owned() } else { format!("{count} files were") };
        let save = if self.shown.save.is_some() { "s saves, " } else { "" };
        self.note(match self.failures.len() {
            0 => format!("{} not looked at: {save}q again closes and it is all gone", count(unseen)),
            // Closing does not finish a share that could not be shown.
            failed => format!("{} not shown: {save}q again closes", count(failed)),
        });
        None
    }

    /// The end of a share that is closed now.
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
            return self.note("It is saved already.".to_owned());
        }
        match save(&self.shown.memory) {
            Ok(saved) => {
                let names: Vec<String> = saved.iter().map(|path| (self.shown.words.path)(path)).collect();
                self.saved = saved;
                self.note(format!("saved as {}", names.join(", ")));
            }
            Err(error) => self.note(format!("it could not be saved: {error}")),
        }
    }

    /// Copies the text that is shown.
    pub(super) fn copy(&mut self) -> io::Result<()> {
        let bytes = self.shown.memory.read(self.range())?;
        let message = match std::str::from_utf8(&bytes).map_err(io::Error::other).and_then(clipboard::copy) {
            Ok(copied) => (self.shown.words.copied)(copied).to_owned(),
            Err(error) => format!("it could not be copied: {error}"),
        };
        self.note(message);
        Ok(())
    }
}
