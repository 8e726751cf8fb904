//! One file of a share after another on the terminal's screen.
//!
//! | file | |
//! |---|---|
//! | `position` | the person's position: the current file, and which ones were seen |
//! | `photo`, `text`, `film` | one file of that kind |
//! | `keys` | waiting for a key, and its effect |
//! | `closing` | saving, copying, closing |

mod closing;
mod film;
mod keys;
mod photo;
mod position;
mod text;

use std::io;
use std::sync::atomic::AtomicBool;

use self::position::{Then, Viewer};
use crate::media::HEAD_LEN;
use crate::view::capabilities::Means;
use crate::view::ending::{End, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::player::wait::play_alone;
use crate::view::player::{Playable, is_playable};

pub(super) use self::position::Viewing;

impl Viewing {
    /// Shows it until it is closed. `stop` ends that.
    pub(super) fn run(self, stop: &AtomicBool) -> io::Result<End> {
        // A single film needs no screen before it.
        if let ([Some(Means::Play)], Some(player)) = (&self.means[..], &self.player) {
            if !is_playable(&self.memory.read(0..HEAD_LEN as u64)?) {
                return Ok(End::Unseen(Unseen::NotPlayable));
            }
            let memory = Playable::Memory(&self.memory);
            return play_alone(player, &memory, &self.session, self.time, stop);
        }
        Viewer::new(self, FullScreen::open(true)?, stop).run()
    }
}

impl Viewer<'_> {
    fn run(mut self) -> io::Result<End> {
        loop {
            if let Then::End(end) = self.show_current()? {
                return Ok(end);
            }
        }
    }

    /// Shows the current file, until a key leads elsewhere.
    fn show_current(&mut self) -> io::Result<Then> {
        self.screen.clear()?;
        self.screen.wipe_with(Vec::new());
        self.screen.forget_keys();
        self.lines.clear();
        self.top = 0;
        self.unconfirmed = None;
        match self.shown.means[self.current] {
            Some(Means::Draw(graphics)) => self.show_photo(graphics),
            Some(Means::Read) => {
                self.seen.insert(self.current);
                self.show_text()
            }
            Some(Means::Play) => self.offer_film(),
            Some(Means::Browse) | None => self.write_centered("This file can only be saved."),
        }
    }
}
