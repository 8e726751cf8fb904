//! The viewer on the terminal's screen: one file after another.
//!
//! | file | |
//! |---|---|
//! | `position` | the current file, and which files were seen |
//! | `photo`, `text`, `film` | one file of each kind |
//! | `keys` | waiting for a key, its effect, and the last row |
//! | `closing` | saving, copying and closing |
//! | `reporting` | the report to the operator of the relay |

mod closing;
mod film;
mod keys;
mod photo;
mod position;
mod reporting;
mod text;

use std::io;
use std::sync::atomic::AtomicBool;

use self::position::{Then, Viewer};
use crate::media::{HEAD_LEN, Kind};
use crate::view::capabilities::Means;
use crate::view::ending::{End, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::player::wait::play_alone;
use crate::view::player::{Playable, is_playable};

/// The result of the viewer.
pub(super) struct Finished {
    pub(super) end: End,
    /// Whether the terminal may still have a picture in its memory.
    pub(super) may_remain: bool,
}

pub(super) use self::position::Viewing;

impl Viewing {
    /// Shows the share until the user closes it or `stop` is set.
    pub(super) fn run(self, stop: &AtomicBool) -> io::Result<Finished> {
        let without_screen = |end| Finished { end, may_remain: false };
        // A single video plays at once, without a screen before it.
        if let ([Some(Means::Play)], Some(player)) = (&self.means[..], &self.player) {
            if !is_playable(&self.memory.read(0..HEAD_LEN as u64)?) {
                return Ok(without_screen(End::Unseen(Unseen::NotPlayable)));
            }
            let memory = Playable::Memory(&self.memory);
            return play_alone(player, &memory, &self.session, self.time, stop).map(without_screen);
        }
        Viewer::new(self, FullScreen::open(true)?, stop).run()
    }
}

impl Viewer<'_> {
    fn run(mut self) -> io::Result<Finished> {
        loop {
            if let Then::End(end) = self.show_current()? {
                return Ok(Finished { end, may_remain: !self.screen.erase(self.stop)? });
            }
        }
    }

    /// Shows the current file until a key turns to another one or ends the viewer.
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
            Some(Means::Browse) | None => match Kind::of(&self.entry().r#type) {
                Kind::File => self.write_centered("This file can only be saved."),
                kind => self.write_centered(&format!("This terminal cannot show this {}.", kind.word())),
            },
        }
    }
}
