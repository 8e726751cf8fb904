//! A video or a sound in an album.

use std::io::{self, Write as _};

use crate::media::{HEAD_LEN, Kind};
use crate::view::ending::{End, Unseen};
use crate::view::memory::MemoryFile;
use crate::view::player::wait::until_closed;
use crate::view::player::{Playable, is_playable};
use crate::view::viewer::position::{Then, Viewer};

/// Bytes that are copied at once.
const COPIED: u64 = 1 << 20;

impl Viewer<'_> {
    /// Waits for the key that plays the current video or sound, and plays it.
    pub(super) fn offer_film(&mut self) -> io::Result<Then> {
        let (name, what) = (self.name(), Kind::of(&self.entry().r#type).word());
        let size = (self.shown.words.size)(self.entry().size);
        let waiting = format!("{name}: {what}, {size} · Enter plays");
        loop {
            match self.write_centered(&waiting)? {
                Then::Stay => {}
                then => return Ok(then),
            }
            let Some(player) = self.shown.player.clone() else { return Ok(Then::Again) };
            let own = self.current_alone()?;
            if !is_playable(&own.read(0..HEAD_LEN as u64)?) {
                self.note_unplayable(Unseen::NotPlayable);
                continue;
            }
            let playing = player.play(&Playable::Memory(&own), &self.shown.session)?;
            self.screen.clear()?;
            let keys = if player.in_terminal { None } else { Some(&mut self.screen) };
            let end = until_closed(playing, keys, self.until, self.stop)?;
            if player.in_terminal {
                self.screen.write(&player.wipe())?;
            }
            self.screen.clear()?;
            self.screen.forget_keys();
            match end {
                End::Closed { .. } => self.count_as_seen(),
                End::Unseen(why) => self.note_unplayable(why),
                End::Left => return Ok(Then::End(End::Left)),
            }
        }
    }

    /// A copy of the current file, in memory of its own.
    fn current_alone(&self) -> io::Result<MemoryFile> {
        let mut own = MemoryFile::new()?;
        let mut range = self.range();
        while !range.is_empty() {
            let end = range.end.min(range.start + COPIED);
            own.write_all(&self.shown.memory.read(range.start..end)?)?;
            range.start = end;
        }
        own.freeze()?;
        Ok(own)
    }

    fn note_unplayable(&mut self, why: Unseen) {
        self.count_as_failed(why);
        self.note(why.to_string());
    }
}
