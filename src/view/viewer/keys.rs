//! Waiting for a key, the effect of each key, and the last row, which names the keys.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::platform::tty::Size;
use crate::view::capabilities::Means;
use crate::view::ending::{End, Unseen};
use crate::view::keys::Key;
use crate::view::viewer::position::{Then, Viewer};

/// The longest time for a terminal to confirm a picture: after the key that closes, or before a message is shown.
const CONFIRMING: Duration = Duration::from_secs(3);

impl Viewer<'_> {
    /// Waits for a key with an effect. Also ends at the time `until`, and when the screen's size is no longer `size`.
    pub(super) fn wait(&mut self, until: Option<Instant>, size: Option<Size>) -> io::Result<Then> {
        self.until = self.until.or(self.shown.time.map(|time| Instant::now() + time));
        loop {
            self.message.take_if(|message| message.until < Instant::now());
            if self.unconfirmed.is_some_and(|(_, since)| since.elapsed() > CONFIRMING) && self.message.is_none() {
                self.note_unconfirmed();
            }
            let status = self.status();
            self.screen.status(&status)?;
            let second = Instant::now() + Duration::from_secs(1);
            let next = [until, self.until, Some(second)].into_iter().flatten().min();
            let key = self.screen.key(next, self.stop)?;
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Then::End(End::Left));
            }
            if self.until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Then::End(self.closed()));
            }
            if let Some(then) = key.map_or(Ok(None), |key| self.press(key))? {
                return Ok(then);
            }
            if size.is_some_and(|size| size != self.screen.size()) {
                self.screen.clear()?;
                return Ok(Then::Again);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Then::Stay);
            }
        }
    }

    /// The last row: the keys and the file's name. The most important part is first, since narrow screens cut the rest.
    fn status(&self) -> String {
        if let Some(message) = &self.message {
            return format!(" {} ", message.text);
        }
        let mut parts = vec![match self.until {
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
                format!(" q {} (automatically in {left} s)", self.closes())
            }
            None => format!(" q {}", self.closes()),
        }];
        let count = self.shown.manifest.entries.len();
        if self.shown.save.is_some() {
            parts.push(if count > 1 { "s saves all".to_owned() } else { "s saves here".to_owned() });
        }
        if self.shown.report.is_some() {
            parts.push(if self.is_reported { "reported" } else { "r reports" }.to_owned());
        }
        if !self.lines.is_empty() {
            parts.push("c copies".to_owned());
            let page = usize::from(self.screen.size().rows.saturating_sub(1));
            if self.lines.len() > page {
                let percent = (self.top + page).min(self.lines.len()) * 100 / self.lines.len();
                parts.push(format!("↑ ↓ {percent} %"));
            }
        }
        if count > 1 {
            parts.push(format!("← → {} of {count}", self.current + 1));
        }
        parts.push(format!("{} ", self.name()));
        parts.join(" · ")
    }

    /// The effect of a key. `None`: nothing changes.
    fn press(&mut self, key: Key) -> io::Result<Option<Then>> {
        let count = self.shown.manifest.entries.len();
        match key {
            Key::Drawn(id) if self.is_awaited(id) => {
                self.unconfirmed = None;
                self.message.take_if(|message| message.is_unconfirmed);
                self.count_as_seen();
            }
            Key::Refused(id) if self.is_awaited(id) => {
                self.unconfirmed = None;
                self.screen.clear()?;
                return self.show_failure(Unseen::Refused).map(Some);
            }
            Key::Interrupt if self.saved.is_empty() => return Ok(Some(Then::End(End::Left))),
            Key::Interrupt => return Ok(Some(Then::End(self.closed()))),
            Key::Close => {
                self.confirm()?;
                return Ok(self.close());
            }
            Key::Next if self.current + 1 < count => return Ok(self.turn_to(self.current + 1)),
            Key::Previous if self.current > 0 => return Ok(self.turn_to(self.current - 1)),
            Key::Save => self.save(),
            Key::Report if self.shown.report.is_some() && !self.is_reported => return self.report().map(Some),
            Key::Copy if !self.lines.is_empty() => self.copy()?,
            Key::Play if self.shown.means[self.current] == Some(Means::Play) => return Ok(Some(Then::Stay)),
            Key::Down | Key::Up | Key::PageDown | Key::PageUp | Key::Home | Key::End if !self.lines.is_empty() => {
                return Ok(self.scroll(key));
            }
            Key::Home if count > 1 => return Ok(self.turn_to(0)),
            Key::End if count > 1 => return Ok(self.turn_to(count - 1)),
            _ => {}
        }
        Ok(None)
    }

    /// Whether the terminal has yet to confirm the picture with this number.
    fn is_awaited(&self, id: u32) -> bool {
        self.unconfirmed.is_some_and(|(awaited, _)| awaited == id)
    }

    /// Turns to another file.
    fn turn_to(&mut self, number: usize) -> Option<Then> {
        (std::mem::replace(&mut self.current, number) != number).then_some(Then::Again)
    }

    /// Scrolls a text.
    fn scroll(&mut self, key: Key) -> Option<Then> {
        let page = usize::from(self.screen.size().rows.saturating_sub(2).max(1));
        let last = self.lines.len().saturating_sub(page + 1);
        let top = match key {
            Key::Home => 0,
            Key::End => last,
            Key::Down => (self.top + 1).min(last),
            Key::Up => self.top.saturating_sub(1),
            Key::PageDown => (self.top + page).min(last),
            _ => self.top.saturating_sub(page),
        };
        (std::mem::replace(&mut self.top, top) != top).then_some(Then::Again)
    }

    /// Waits for the terminal to confirm a picture that is being closed.
    fn confirm(&mut self) -> io::Result<()> {
        let until = Instant::now() + CONFIRMING;
        while let Some((id, _)) = self.unconfirmed {
            match self.screen.key(Some(until), self.stop)? {
                Some(Key::Drawn(answered)) if answered == id => {
                    self.unconfirmed = None;
                    self.count_as_seen();
                }
                Some(Key::Refused(answered)) if answered == id => {
                    self.unconfirmed = None;
                    self.count_as_failed(Unseen::Refused);
                }
                Some(_) => {}
                None => {
                    self.count_as_failed(Unseen::Unconfirmed);
                    break;
                }
            }
        }
        Ok(())
    }
}
