//! The terminal as a screen of our own: what was on it comes back, and what we put there does not stay.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
    tcgetwinsize, tcsetattr,
};

use crate::terminal::keys::Divider;
use crate::terminal::style;

/// How often whoever waits for a key looks whether it shall stop.
const TICK: Duration = Duration::from_millis(50);
/// How long the rest of an arrow may take: an Esc alone is a key after that.
const ESC_ALONE: Duration = Duration::from_millis(150);
/// How long the rest of a sequence may take.
const REST: Duration = Duration::from_secs(1);

/// How large the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// Width and height of a character in pixels, where the terminal tells.
    pub(crate) cell: Option<(u16, u16)>,
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Close,
    Next,
    Previous,
    Down,
    Up,
    PageDown,
    PageUp,
    Home,
    End,
    Copy,
    Save,
    Play,
    /// Ctrl-C.
    Interrupt,
    /// No key: the terminal has drawn the picture with this number, or has not.
    Drawn(u32),
    Refused(u32),
    Other,
}

/// A terminal in raw mode, until this is dropped.
pub(crate) struct Screen {
    terminal: File,
    before: Termios,
    raw: Termios,
    is_own: bool,
    arrived: Divider,
    /// What wipes pictures that lie above the text.
    wipe: Vec<u8>,
}

impl Screen {
    /// Takes the terminal: what was typed before is forgotten. `is_own`: with an empty screen of our own.
    pub(crate) fn open(is_own: bool) -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &raw)?;
        let mut screen = Self { terminal, before, raw, is_own, arrived: Divider::default(), wipe: Vec::new() };
        if is_own {
            screen.write(b"\x1b[?1049h\x1b[?25l")?;
            screen.clear()?;
        }
        Ok(screen)
    }

    /// Forgets what was typed meanwhile.
    pub(crate) fn forget_keys(&mut self) {
        self.arrived.give_up();
        let _ = tcflush(&self.terminal, QueueSelector::IFlush);
    }

    /// `codes` wipe what is drawn from now on, whenever it has to go.
    pub(crate) fn wipe_with(&mut self, codes: Vec<u8>) {
        self.wipe = codes;
    }

    pub(crate) fn size(&self) -> Size {
        match tcgetwinsize(&self.terminal) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                let cell = (size.ws_xpixel / size.ws_col, size.ws_ypixel / size.ws_row);
                Size {
                    columns: size.ws_col,
                    rows: size.ws_row,
                    cell: Some(cell).filter(|cell| cell.0 > 0 && cell.1 > 0),
                }
            }
            // One that does not know is as large as terminals used to be.
            _ => Size { columns: 80, rows: 24, cell: None },
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.write_all(bytes)
    }

    /// Empties the screen line by line: clearing it at once makes some terminals keep what was there to scroll back to.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let mut codes = std::mem::take(&mut self.wipe);
        codes.extend(b"\x1b[0m");
        for row in 1..=self.size().rows {
            codes.extend(format!("\x1b[{row};1H\x1b[2K").bytes());
        }
        codes.extend(b"\x1b[1;1H");
        self.write(&codes)
    }

    /// Writes a line in the last row.
    pub(crate) fn status(&mut self, text: &str) -> io::Result<()> {
        let Size { columns, rows, .. } = self.size();
        let mut shown = String::new();
        for c in style::readable(text).chars() {
            if textwrap::core::display_width(&shown) + 2 > usize::from(columns) {
                break;
            }
            shown.push(c);
        }
        self.write(format!("\x1b[{rows};1H\x1b[0m\x1b[2K\x1b[7m{shown}\x1b[0m").as_bytes())
    }

    /// The next key, if one comes before `until` and before somebody wants us to stop.
    pub(crate) fn key(&mut self, until: Option<Instant>, stop: &AtomicBool) -> io::Result<Option<Key>> {
        let Some(first) = self.next(until, stop)? else { return Ok(None) };
        let key = Key::of(&first);
        let is_answer = first.len() > 1 && matches!(key, Key::Drawn(_) | Key::Refused(_) | Key::Other);
        if !is_answer {
            // The rest of what was typed or pasted with it was typed ahead; answers of the terminal were not.
            let rest: Vec<_> = std::iter::from_fn(|| self.arrived.next()).filter(|it| it.len() > 1).collect();
            let begun = self.arrived.give_up();
            rest.into_iter().chain([begun]).for_each(|it| self.arrived.push(&it));
        }
        Ok(Some(key))
    }

    /// The next byte that was typed, or the next whole sequence, if one comes before `until` and before somebody wants
    /// us to stop.
    pub(crate) fn next(&mut self, until: Option<Instant>, stop: &AtomicBool) -> io::Result<Option<Vec<u8>>> {
        let mut since = Instant::now();
        while !stop.load(Ordering::SeqCst) {
            if let Some(next) = self.arrived.next() {
                return Ok(Some(next));
            }
            let rest = if self.arrived.is_lone_esc() { ESC_ALONE } else { REST };
            if self.arrived.is_pending() && since.elapsed() >= rest {
                return Ok(Some(self.arrived.give_up()));
            }
            if !self.arrived.is_pending() && until.is_some_and(|until| until <= Instant::now()) {
                break;
            }
            self.stay_raw();
            let left = until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK));
            let left = if self.arrived.is_pending() { TICK } else { left };
            if let Some(bytes) = self.read(left)? {
                self.arrived.push(&bytes);
                since = Instant::now();
            }
        }
        Ok(None)
    }

    /// A shell that stopped this program and let it go on has made the terminal its own meanwhile.
    fn stay_raw(&self) {
        let is_ours = tcgetattr(&self.terminal).is_ok_and(|now| !now.local_modes.contains(LocalModes::ICANON));
        if !is_ours {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.raw);
        }
    }

    /// What is typed or answered within `patience`. An error: the terminal is gone.
    fn read(&mut self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        let wait = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut ready = [PollFd::new(&self.terminal, PollFlags::IN)];
        match poll(&mut ready, Some(&wait)) {
            Err(rustix::io::Errno::INTR) | Ok(0) => return Ok(None),
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let told = ready[0].revents();
        if !told.contains(PollFlags::IN) || told.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; 256];
        let count = self.terminal.read(&mut bytes)?;
        bytes.truncate(count);
        Ok((count > 0).then_some(bytes))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_own {
            let _ = self.clear();
            let _ = self.write(b"\x1b[?25h\x1b[?1049l");
        }
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

impl Key {
    /// By one byte that was typed, or one sequence.
    fn of(bytes: &[u8]) -> Self {
        if let Some((id, is_drawn)) = picture_answer(bytes) {
            return if is_drawn { Self::Drawn(id) } else { Self::Refused(id) };
        }
        match bytes {
            [b'q' | b'Q', ..] | [0x1b] => Self::Close,
            [0x03, ..] => Self::Interrupt,
            [b'c' | b'C', ..] => Self::Copy,
            [b's' | b'S', ..] => Self::Save,
            [b'\r' | b'\n' | b'p' | b'P', ..] => Self::Play,
            [0x1b, b'[' | b'O', b'C', ..] | [b'l' | b'n', ..] => Self::Next,
            [0x1b, b'[' | b'O', b'D', ..] | [b'h', ..] => Self::Previous,
            [0x1b, b'[' | b'O', b'A', ..] | [b'k', ..] => Self::Up,
            [0x1b, b'[' | b'O', b'B', ..] | [b'j', ..] => Self::Down,
            [0x1b, b'[' | b'O', b'H', ..] | [0x1b, b'[', b'1' | b'7', b'~', ..] | [b'g', ..] => Self::Home,
            [0x1b, b'[' | b'O', b'F', ..] | [0x1b, b'[', b'4' | b'8', b'~', ..] | [b'G', ..] => Self::End,
            [0x1b, b'[', b'5', ..] => Self::PageUp,
            [0x1b, b'[', b'6', ..] | [b' ', ..] => Self::PageDown,
            _ => Self::Other,
        }
    }
}

/// The answer of Kitty's protocol to a picture: its number, and whether it was drawn.
fn picture_answer(bytes: &[u8]) -> Option<(u32, bool)> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\x1b_G")?).ok()?;
    let (keys, told) = text.split_once(';')?;
    let id = keys.split(',').find_map(|key| key.strip_prefix("i="))?.parse().ok()?;
    Some((id, told.starts_with("OK")))
}
