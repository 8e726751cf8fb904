//! One thing after another on the screen, and what the keys do.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::output::format;
use crate::cli::output::format::size;
use crate::manifest::{Entry, Manifest};
use crate::media::{HEAD_LEN, Kind};
use crate::safe_text::printable;
use crate::secret::fill_random;
use crate::terminal::session::Session;
use crate::terminal::{clipboard, style};
use crate::view::ability::Graphics;
use crate::view::draw::Limits;
use crate::view::memory::Memory;
use crate::view::picture::{Frame, Picture};
use crate::view::player::{Playable, Player, Playing, Shows, is_playable};
use crate::view::terminal::{Key, Screen, Size};
use crate::view::{End, Means, Save, draw, text};

/// How large a character is taken to be where the terminal does not tell, in pixels.
const CELL: (u16, u16) = (10, 20);
/// How long a message stays in the last row.
const MESSAGE: Duration = Duration::from_secs(4);
/// A viewer that ends sooner than this has shown nothing to anybody.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long a terminal may take to confirm a picture once somebody wants to close it, or before that is mentioned.
const CONFIRMING: Duration = Duration::from_secs(3);
/// Why a picture that the terminal never confirmed does not count as seen.
const UNCONFIRMED: &str = "the terminal did not confirm that it drew the picture";
/// The smallest screen on which a photo is drawn, in columns and rows.
const SMALLEST: (u16, u16) = (10, 4);
/// Why a player is not given something.
pub(crate) const NOT_PLAYABLE: &str = "it is not what its sender says it is";
/// How often a player is asked whether it still runs.
const TICK: Duration = Duration::from_millis(50);

/// What is shown.
pub(crate) struct Shown {
    pub(crate) memory: Memory,
    /// How each file is; `None`: it can only be saved.
    pub(crate) means: Vec<Option<Means>>,
    pub(crate) manifest: Manifest,
    pub(crate) time: Option<Duration>,
    pub(crate) save: Option<Save>,
    pub(crate) player: Option<Player>,
    pub(crate) session: Session,
    pub(crate) cell: Option<(u16, u16)>,
    pub(crate) limits: Limits,
}

/// Where one is.
struct Looking<'a> {
    shown: Shown,
    screen: Screen,
    stop: &'a AtomicBool,
    /// When it is closed by itself: counted from the moment in which something is on the screen.
    until: Option<Instant>,
    current: usize,
    /// Which ones were seen.
    seen: HashSet<usize>,
    saved: Vec<PathBuf>,
    /// Which ones could not be shown, and why.
    failures: BTreeMap<usize, String>,
    /// The picture that the terminal has yet to confirm, by its number; since when.
    unconfirmed: Option<(u32, Instant)>,
    /// Whether closing was asked for while something was unseen.
    warned: bool,
    message: Option<(String, Instant)>,
    /// The first line of a text that is on the screen, and how many there are.
    top: usize,
    lines: Vec<String>,
}

/// What a key led to.
enum Then {
    /// Another one, or the same anew.
    Again,
    Stay,
    End(End),
}

impl Shown {
    /// Shows it until it is closed.
    pub(crate) fn run(self, stop: &AtomicBool) -> io::Result<End> {
        // A single film needs no screen before it.
        if let ([Some(Means::Play)], Some(player)) = (&self.means[..], &self.player) {
            if !is_playable(&self.memory.read(0..HEAD_LEN as u64)?) {
                return Ok(End::Unseen(NOT_PLAYABLE.to_owned()));
            }
            let memory = Playable::Memory(&self.memory);
            return play_alone(player, &memory, &self.session, self.time, stop);
        }
        let screen = Screen::open(true)?;
        let first = self.means.iter().position(Option::is_some).unwrap_or(0);
        let looking = Looking {
            shown: self,
            screen,
            stop,
            until: None,
            current: first,
            seen: HashSet::new(),
            saved: Vec::new(),
            failures: BTreeMap::new(),
            unconfirmed: None,
            warned: false,
            message: None,
            top: 0,
            lines: Vec::new(),
        };
        looking.run()
    }
}

impl Looking<'_> {
    fn run(mut self) -> io::Result<End> {
        loop {
            if let Then::End(end) = self.show_current()? {
                return Ok(end);
            }
        }
    }

    fn entry(&self) -> &Entry {
        &self.shown.manifest.entries[self.current]
    }

    fn range(&self, number: usize) -> std::ops::Range<u64> {
        let entries = &self.shown.manifest.entries;
        let start = entries[..number].iter().map(|entry| entry.size).sum::<u64>();
        start..start + entries[number].size
    }

    /// Shows the current one, until a key leads elsewhere.
    fn show_current(&mut self) -> io::Result<Then> {
        self.screen.clear()?;
        self.screen.wipe_with(Vec::new());
        self.screen.forget_keys();
        self.lines.clear();
        self.top = 0;
        self.unconfirmed = None;
        match self.shown.means[self.current] {
            Some(Means::Draw(graphics)) => self.photo(graphics),
            Some(Means::Read) => {
                self.seen.insert(self.current);
                self.read()
            }
            Some(Means::Play) => self.play(),
            Some(Means::Browse) | None => self.tell("This file can only be saved."),
        }
    }

    /// Says something in the middle of the screen.
    fn tell(&mut self, what: &str) -> io::Result<Then> {
        let size = self.screen.size();
        let what = style::readable(what);
        let column = (usize::from(size.columns).saturating_sub(what.chars().count()) / 2) + 1;
        self.screen.write(format!("\x1b[{};{column}H{what}", size.rows / 2 + 1).as_bytes())?;
        self.wait(None, Some(size))
    }

    fn photo(&mut self, graphics: Graphics) -> io::Result<Then> {
        let size = self.screen.size();
        if size.columns < SMALLEST.0 || size.rows < SMALLEST.1 {
            return self.tell("Enlarge this window.");
        }
        let cell = size.cell.or(self.shown.cell).unwrap_or(CELL);
        let rows = size.rows.saturating_sub(1).max(1);
        let room = match graphics {
            Graphics::Blocks => (u32::from(size.columns), u32::from(rows) * 2),
            _ => (u32::from(size.columns) * u32::from(cell.0), u32::from(rows) * u32::from(cell.1)),
        };
        let bytes = self.shown.memory.read(self.range(self.current))?;
        let picture = match Picture::decode(&bytes, self.shown.limits.room(room), self.stop) {
            Ok(picture) => picture,
            Err(why) => return self.unseen(&why.to_string()),
        };
        drop(bytes);
        let mut random = [0; 4];
        fill_random(&mut random);
        // Any number but nought; below the ones that some terminals keep for themselves.
        let id = u32::from_be_bytes(random) >> 1 | 1;
        self.screen.wipe_with(draw::wipe(graphics, id));
        let mut is_first = true;
        let cell = if graphics == Graphics::Blocks { (1, 2) } else { cell };
        loop {
            for Frame { image, delay } in &picture.frames {
                let Some(drawing) = draw::draw(graphics, image, id, &self.shown.limits)? else {
                    return self.unseen("the terminal cannot draw a picture of this size");
                };
                let taken = |side: u32, cell: u16| side.div_ceil(u32::from(cell));
                let column = (u32::from(size.columns).saturating_sub(taken(drawing.size.0, cell.0))) / 2 + 1;
                let row = (u32::from(rows).saturating_sub(taken(drawing.size.1, cell.1))) / 2 + 1;
                if is_first {
                    // What was typed while it was decoded was not about it.
                    self.screen.forget_keys();
                }
                self.screen.write(format!("\x1b[{row};{column}H").as_bytes())?;
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

    /// Counts the current one as seen.
    fn count_as_seen(&mut self) {
        self.failures.remove(&self.current);
        self.seen.insert(self.current);
    }

    /// A photo that cannot be shown: said, and not counted as seen.
    fn unseen(&mut self, why: &str) -> io::Result<Then> {
        let what = format!("This photo cannot be shown: {why}.");
        self.failures.insert(self.current, why.to_owned());
        self.tell(&what)
    }

    fn read(&mut self) -> io::Result<Then> {
        let bytes = self.shown.memory.read(self.range(self.current))?;
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
                // Another part of the same text.
                Then::Again if self.top != top || self.screen.size() != size => {}
                then => return Ok(then),
            }
        }
    }

    /// A film in an album: it is played when somebody says so.
    fn play(&mut self) -> io::Result<Then> {
        let (name, what) = (self.name(), Kind::of(&self.entry().r#type).word());
        let waiting = format!("{name} · {what}, {} · Enter plays it", size(self.entry().size));
        loop {
            match self.tell(&waiting)? {
                Then::Stay => {}
                then => return Ok(then),
            }
            let Some(player) = self.shown.player.clone() else { return Ok(Then::Again) };
            let mut own = Memory::new()?;
            let mut range = self.range(self.current);
            while !range.is_empty() {
                let end = range.end.min(range.start + (1 << 20));
                io::Write::write_all(&mut own, &self.shown.memory.read(range.start..end)?)?;
                range.start = end;
            }
            own.seal()?;
            if !is_playable(&own.read(0..HEAD_LEN as u64)?) {
                self.note_unplayable(NOT_PLAYABLE);
                continue;
            }
            let playing = player.play(&Playable::Memory(&own), &self.shown.session)?;
            self.screen.clear()?;
            let keys = if player.in_terminal { None } else { Some(&mut self.screen) };
            let end = wait_for(playing, keys, self.until, self.stop)?;
            if player.in_terminal {
                self.screen.write(&player.wipe())?;
            }
            self.screen.clear()?;
            self.screen.forget_keys();
            match end {
                End::Closed { .. } => self.count_as_seen(),
                End::Unseen(why) => self.note_unplayable(&why),
                End::Left => return Ok(Then::End(End::Left)),
            }
        }
    }

    /// A film that cannot be played.
    fn note_unplayable(&mut self, why: &str) {
        self.failures.insert(self.current, why.to_owned());
        self.message = Some((why.to_owned(), Instant::now() + MESSAGE));
    }

    fn name(&self) -> String {
        let name = self.entry().name.as_deref().or(self.shown.manifest.name.as_deref());
        name.map_or_else(|| Kind::of(&self.entry().r#type).word().to_owned(), printable)
    }

    /// The last row: what this is, and what the keys do.
    fn status(&self) -> String {
        if let Some((message, _)) = &self.message {
            return format!(" {message} ");
        }
        // What matters first: a narrow screen has room for little.
        let mut parts = vec![match self.until {
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
                format!(" q closes, and it is gone, in {left} s by itself")
            }
            None => " q closes, and it is gone".to_owned(),
        }];
        let count = self.shown.manifest.entries.len();
        if self.shown.save.is_some() {
            parts.push(if count > 1 { "s saves all".to_owned() } else { "s saves".to_owned() });
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

    /// Waits for a key that means something. `until`: or for that moment; `size`: or until the screen has another one.
    fn wait(&mut self, until: Option<Instant>, size: Option<Size>) -> io::Result<Then> {
        self.until = self.until.or(self.shown.time.map(|time| Instant::now() + time));
        loop {
            if self.message.as_ref().is_some_and(|(_, until)| *until < Instant::now()) {
                self.message = None;
            }
            if self.unconfirmed.is_some_and(|(_, since)| since.elapsed() > CONFIRMING) && self.message.is_none() {
                self.message = Some((UNCONFIRMED.to_owned(), Instant::now() + MESSAGE));
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

    fn press(&mut self, key: Key) -> io::Result<Option<Then>> {
        let count = self.shown.manifest.entries.len();
        let page = usize::from(self.screen.size().rows.saturating_sub(2).max(1));
        let last = self.lines.len().saturating_sub(page + 1);
        match key {
            Key::Drawn(id) if self.unconfirmed.is_some_and(|(it, _)| it == id) => {
                self.unconfirmed = None;
                self.message = self.message.take().filter(|(message, _)| message != UNCONFIRMED);
                self.count_as_seen();
            }
            Key::Refused(id) if self.unconfirmed.is_some_and(|(it, _)| it == id) => {
                self.unconfirmed = None;
                self.screen.clear()?;
                return self.unseen("the terminal refused it").map(Some);
            }
            Key::Interrupt if self.saved.is_empty() => return Ok(Some(Then::End(End::Left))),
            Key::Interrupt => return Ok(Some(Then::End(self.closed()))),
            Key::Close => {
                self.confirm()?;
                return Ok(self.close());
            }
            Key::Next if self.current + 1 < count => {
                self.current += 1;
                return Ok(Some(Then::Again));
            }
            Key::Previous if self.current > 0 => {
                self.current -= 1;
                return Ok(Some(Then::Again));
            }
            Key::Save => self.save(),
            Key::Copy if !self.lines.is_empty() => self.copy()?,
            Key::Play if self.shown.means[self.current] == Some(Means::Play) => return Ok(Some(Then::Stay)),
            Key::Home | Key::End if self.lines.is_empty() && count > 1 => {
                let to = if key == Key::Home { 0 } else { count - 1 };
                if to != self.current {
                    self.current = to;
                    return Ok(Some(Then::Again));
                }
            }
            Key::Down | Key::Up | Key::PageDown | Key::PageUp | Key::Home | Key::End if !self.lines.is_empty() => {
                let top = match key {
                    Key::Home => 0,
                    Key::End => last,
                    Key::Down => (self.top + 1).min(last),
                    Key::Up => self.top.saturating_sub(1),
                    Key::PageDown => (self.top + page).min(last),
                    _ => self.top.saturating_sub(page),
                };
                if top != self.top {
                    self.top = top;
                    return Ok(Some(Then::Again));
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Waits a while for the terminal's word on a picture that somebody closes already.
    fn confirm(&mut self) -> io::Result<()> {
        let until = Instant::now() + CONFIRMING;
        while let Some((id, _)) = self.unconfirmed {
            match self.screen.key(Some(until), self.stop)? {
                Some(Key::Drawn(it)) if it == id => {
                    self.unconfirmed = None;
                    self.count_as_seen();
                }
                Some(Key::Refused(it)) if it == id => {
                    self.unconfirmed = None;
                    self.failures.insert(self.current, "the terminal refused it".to_owned());
                }
                Some(_) => {}
                None => {
                    self.failures.insert(self.current, UNCONFIRMED.to_owned());
                    break;
                }
            }
        }
        Ok(())
    }

    /// Closes it; but what nobody has seen or saved is not lost without a word.
    fn close(&mut self) -> Option<Then> {
        let unseen = self.shown.manifest.entries.len() - self.seen.len();
        if unseen == 0 || !self.saved.is_empty() || self.seen.is_empty() || self.warned {
            return Some(Then::End(self.closed()));
        }
        self.warned = true;
        let count = |count: usize| if count == 1 { "One file was".to_owned() } else { format!("{count} files were") };
        let save = if self.shown.save.is_some() { "s saves, " } else { "" };
        self.message = Some((
            match self.failures.len() {
                0 => format!("{} not looked at: {save}q again closes and it is all gone", count(unseen)),
                // Closing does not finish what could not be shown.
                failed => format!("{} not shown: {save}q again closes", count(failed)),
            },
            Instant::now() + MESSAGE,
        ));
        None
    }

    fn closed(&mut self) -> End {
        if !self.saved.is_empty() {
            return End::Closed { saved: std::mem::take(&mut self.saved) };
        }
        if self.unconfirmed.take().is_some() {
            self.failures.insert(self.current, UNCONFIRMED.to_owned());
        }
        if let Some((_, why)) = self.failures.pop_first() {
            return End::Unseen(why);
        }
        if self.seen.is_empty() {
            return End::Unseen("no part of the share can be shown".to_owned());
        }
        End::Closed { saved: Vec::new() }
    }

    fn save(&mut self) {
        let Some(save) = &mut self.shown.save else { return };
        let message = match (self.saved.is_empty(), save) {
            (false, _) => "It is saved already.".to_owned(),
            (true, save) => match save(&self.shown.memory) {
                Ok(saved) => {
                    let names: Vec<String> = saved.iter().map(|path| format::path(path)).collect();
                    self.saved = saved;
                    format!("saved as {}", names.join(", "))
                }
                Err(error) => format!("it could not be saved: {error}"),
            },
        };
        self.message = Some((message, Instant::now() + MESSAGE));
    }

    fn copy(&mut self) -> io::Result<()> {
        let bytes = self.shown.memory.read(self.range(self.current))?;
        let message = match std::str::from_utf8(&bytes).map_err(io::Error::other).and_then(clipboard::copy) {
            Ok(how) => how.words().to_owned(),
            Err(error) => format!("it could not be copied: {error}"),
        };
        self.message = Some((message, Instant::now() + MESSAGE));
        Ok(())
    }
}

/// Plays one thing, and waits until it was closed.
pub(crate) fn play_alone(
    player: &Player,
    what: &Playable<'_>,
    session: &Session,
    time: Option<Duration>,
    stop: &AtomicBool,
) -> io::Result<End> {
    // What it draws in this terminal goes with the screen that it is drawn on.
    let mut screen = if player.in_terminal { Some(Screen::open(true)?) } else { None };
    let until = time.map(|time| Instant::now() + time);
    let end = wait_for(player.play(what, session)?, None, until, stop);
    if let Some(screen) = &mut screen {
        screen.write(&player.wipe())?;
        screen.clear()?;
    }
    end
}

/// Waits until a player ends, or a key ends it.
fn wait_for(
    mut playing: Playing,
    mut keys: Option<&mut Screen>,
    until: Option<Instant>,
    stop: &AtomicBool,
) -> io::Result<End> {
    // By the player's own word, where it gives one.
    let closed = |playing: &mut Playing| match playing.shown() {
        Some(Shows::Nothing) => Ok(End::Unseen("the viewer had shown nothing yet".to_owned())),
        Some(Shows::SoundOnly) => Ok(End::Unseen("the viewer could not show its pictures".to_owned())),
        Some(Shows::All) | None => Ok(End::Closed { saved: Vec::new() }),
    };
    loop {
        if let Some(status) = playing.child.try_wait()? {
            return match status.code() {
                // What hands it on to another program, and leaves, has shown nothing.
                Some(0) if !playing.is_mpv && playing.begun.elapsed() < AT_ONCE => {
                    Ok(End::Unseen("the viewer ended at once".to_owned()))
                }
                Some(0) => closed(&mut playing),
                // Somebody pressed Ctrl-C, or killed it.
                None | Some(4) => Ok(End::Left),
                Some(_) => Ok(End::Unseen("the viewer could not show it".to_owned())),
            };
        }
        playing.listen();
        if stop.load(Ordering::SeqCst) {
            return Ok(End::Left);
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return closed(&mut playing);
        }
        match &mut keys {
            Some(screen) => match screen.key(Some(Instant::now() + TICK), stop)? {
                Some(Key::Interrupt) => return Ok(End::Left),
                Some(Key::Close) => return closed(&mut playing),
                _ => {}
            },
            None => std::thread::sleep(TICK),
        }
    }
}

/// Waits for the key that closes what is shown elsewhere. `saved`: where `s` has saved it; `until`: when it is closed
/// by itself, once that is known.
pub(crate) fn until_closed(
    mut screen: Screen,
    mut save: Option<(Memory, Save)>,
    saved: &Mutex<Vec<PathBuf>>,
    until: &Mutex<Option<Instant>>,
    stop: &AtomicBool,
) -> io::Result<End> {
    loop {
        let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Instant::now() + TICK;
        match screen.key(Some(until.map_or(next, |until| until.min(next))), stop)? {
            Some(Key::Close) => return Ok(End::Closed { saved: Vec::new() }),
            Some(Key::Interrupt) => return Ok(End::Left),
            Some(Key::Save) => {
                let mut saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
                if let (true, Some((memory, save))) = (saved.is_empty(), &mut save) {
                    match save(memory) {
                        Ok(places) => *saved = places,
                        Err(error) => screen.write(format!("it could not be saved: {error}\r\n").as_bytes())?,
                    }
                }
            }
            None if stop.load(Ordering::SeqCst) => return Ok(End::Left),
            None if until.is_some_and(|until| until <= Instant::now()) => return Ok(End::Closed { saved: Vec::new() }),
            Some(_) | None => {}
        }
    }
}
