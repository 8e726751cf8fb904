//! The terminal's alternate screen: the former content comes back, and nothing of ours stays.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::platform::tty::{Apply, Mode, Size, Tty};
use crate::terminal::keys::Divider;
use crate::terminal::mode::ModeGuard;
use crate::terminal::{style, tmux};
use crate::view::keys::Key;

/// The longest wait for a key between two checks of the stop flag.
const TICK: Duration = Duration::from_millis(50);
/// The longest time for the rest of an arrow key; after that, Esc alone is the key.
const ESC_ALONE: Duration = Duration::from_millis(150);
/// The longest time between two bytes of a pasted text.
const PASTED: Duration = Duration::from_millis(30);
/// The longest wait for tmux to show this pane, and the pause between two looks.
const PASSED_ON: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);
/// The longest time for the rest of a sequence.
const REST: Duration = Duration::from_secs(1);

/// A terminal in raw mode until this is dropped.
pub(super) struct FullScreen {
    mode: ModeGuard,
    is_own: bool,
    arrived: Divider,
    /// Codes that erase pictures.
    wipe: Vec<u8>,
    /// Codes that erase pictures in the outer terminal, which drops them while it does not show this pane.
    wipe_around: Vec<u8>,
}

impl FullScreen {
    /// Enters raw mode and discards earlier keys. `is_own`: also enters the alternate screen.
    pub(super) fn open(is_own: bool) -> io::Result<Self> {
        let mode = ModeGuard::enter(Tty::open()?, Mode::raw, Apply::Flush)?;
        let mut screen = Self { mode, is_own, arrived: Divider::default(), wipe: Vec::new(), wipe_around: Vec::new() };
        if is_own {
            screen.write(b"\x1b[?1049h\x1b[?25l")?;
            screen.clear()?;
        }
        Ok(screen)
    }

    /// Discards keys that were typed so far.
    pub(super) fn forget_keys(&mut self) {
        self.arrived.give_up();
        let _ = self.mode.tty().forget_input();
    }

    /// Sets the codes that erase the next picture.
    pub(super) fn wipe_with(&mut self, codes: Vec<u8>) {
        self.wipe = codes;
    }

    /// Adds the codes that erase a picture in the outer terminal. They are kept until tmux passes them on.
    pub(super) fn wipe_around_with(&mut self, codes: &[u8]) {
        self.wipe_around.extend_from_slice(codes);
    }

    pub(super) fn size(&self) -> Size {
        // The traditional size, if the terminal does not report one.
        self.mode.tty().size().unwrap_or(Size::UNKNOWN)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mode.tty_mut().write_all(bytes)
    }

    /// Empties the screen line by line: some terminals move a screen that is cleared at once into the scrollback.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let mut codes = std::mem::take(&mut self.wipe);
        let passed = !self.wipe_around.is_empty() && tmux::passes_now();
        if passed {
            codes.extend_from_slice(&self.wipe_around);
        }
        codes.extend(b"\x1b[0m");
        for row in 1..=self.size().rows {
            codes.extend(format!("\x1b[{row};1H\x1b[2K").bytes());
        }
        codes.extend(b"\x1b[1;1H");
        self.write(&codes)?;
        // tmux may have hidden the pane in between.
        if passed && tmux::passes_now() {
            self.wipe_around.clear();
        }
        Ok(())
    }

    /// Empties the screen for the last time. Waits for tmux to pass the codes on that erase pictures around it. Returns
    /// whether it did.
    pub(super) fn erase(&mut self, stop: &AtomicBool) -> io::Result<bool> {
        let until = Instant::now() + PASSED_ON;
        loop {
            self.clear()?;
            if self.wipe_around.is_empty() {
                return Ok(true);
            }
            if stop.load(Ordering::SeqCst) || until <= Instant::now() {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Writes the last row, cut to the width of the screen.
    pub(super) fn status(&mut self, text: &str) -> io::Result<()> {
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

    /// The next key before the time `until` and before `stop` is set.
    pub(super) fn key(&mut self, until: Option<Instant>, stop: &AtomicBool) -> io::Result<Option<Key>> {
        let Some(first) = self.next(until, stop)? else { return Ok(None) };
        let key = Key::of(&first);
        let is_answer = first.len() > 1 && matches!(key, Key::Drawn(_) | Key::Refused(_) | Key::Other);
        if !is_answer {
            // Discards bytes that were typed or pasted with the key, but keeps answers of the terminal.
            let rest: Vec<_> = std::iter::from_fn(|| self.arrived.next()).filter(|it| it.len() > 1).collect();
            let begun = self.arrived.give_up();
            rest.into_iter().chain([begun]).for_each(|it| self.arrived.push(&it));
        }
        Ok(Some(key))
    }

    /// The next typed byte or whole sequence before the time `until` and before `stop` is set.
    pub(super) fn next(&mut self, until: Option<Instant>, stop: &AtomicBool) -> io::Result<Option<Vec<u8>>> {
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
            self.mode.stay_raw();
            let left = until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK));
            let left = if self.arrived.is_pending() { TICK } else { left };
            if let Some(bytes) = self.read(left)? {
                self.arrived.push(&bytes);
                since = Instant::now();
            }
        }
        Ok(None)
    }

    /// Whether more bytes follow at once, as those of a pasted text do.
    pub(super) fn has_more(&mut self) -> io::Result<bool> {
        if !self.arrived.is_pending()
            && let Some(bytes) = self.read(PASTED)?
        {
            self.arrived.push(&bytes);
        }
        Ok(self.arrived.is_pending())
    }

    /// The bytes that arrive within `longest`.
    fn read(&mut self, longest: Duration) -> io::Result<Option<Vec<u8>>> {
        let tty = self.mode.tty_mut();
        if !tty.wait_for_input(longest)? {
            return Ok(None);
        }
        let mut bytes = vec![0; 256];
        let count = tty.read(&mut bytes)?;
        bytes.truncate(count);
        Ok((count > 0).then_some(bytes))
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        if self.is_own {
            let _ = self.clear();
            let _ = self.write(b"\x1b[?25h\x1b[?1049l");
        }
    }
}
