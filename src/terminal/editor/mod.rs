//! An editor for a text of several lines at the terminal itself. The text is hidden until the person asks to see it;
//! then it is on the alternate screen, of which nothing stays. No copy of it stays in memory.

mod screen;
mod text;

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::platform::tty::{Apply, Mode, Size, Tty};
use crate::secret::Wiped;
use crate::terminal::editor::screen::{screen, summary};
use crate::terminal::editor::text::Text;
use crate::terminal::keys::len_of_first;
use crate::terminal::mode::ModeGuard;
use crate::terminal::style;

/// How often waiting for a key checks whether it is to stop.
const TICK: Duration = Duration::from_millis(50);
/// How long the rest of a key's sequence may take.
const REST: Duration = Duration::from_millis(500);
/// Bracketed paste (xterm): a terminal marks what is pasted, so that no byte of it is taken for a key.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const DO_NOT_MARK_PASTES: &[u8] = b"\x1b[?2004l";
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Bytes that are not UTF-8 were replaced.
const NOT_UTF8: &str = "the text is not UTF-8";
/// Characters beyond the limit were dropped.
const TOO_LONG: &str = "the text is longer than 1 MiB";

/// How an editor was left.
pub(crate) enum Edited {
    Done(Zeroizing<String>),
    /// By Ctrl-D, with a text that would not arrive as it was typed or pasted: the reason. This is returned no earlier,
    /// since the shell would run the rest of a paste.
    Refused(&'static str),
    /// By Ctrl-C, by Ctrl-D without any text, or because it was to stop.
    Cancelled,
}

/// Whether this terminal can show and hide a text: its cursor moves.
pub(crate) fn can_show() -> bool {
    !style::is_dumb()
}

/// Prints `prompt`, and edits a text until Ctrl-D or Ctrl-C is pressed or `stop` is set. Keys that were pressed before
/// or after that are dropped.
///
/// # Errors
/// The terminal is gone.
pub(crate) fn edit(tty: Tty, prompt: &str, stop: &AtomicBool) -> io::Result<Edited> {
    let mut editor = Editor {
        mode: ModeGuard::enter(tty, Mode::raw, Apply::Flush)?,
        arrived: Wiped::default(),
        text: Text::default(),
        is_pasting: false,
        follows_return: false,
        is_shown: false,
        drawn_for: Size::UNKNOWN,
        fault: None,
    };
    // Not before the echo is off: a key that follows the prompt would be shown, and dropped.
    editor.write(format!("{}\r\n", prompt.replace('\n', "\r\n")).as_bytes())?;
    if can_show() {
        editor.write(MARK_PASTES)?;
    }
    editor.run(stop)
}

/// The effect of a key.
enum Step {
    On,
    Done,
    Cancelled,
}

struct Editor {
    mode: ModeGuard,
    /// Bytes that have arrived and were not understood yet.
    arrived: Wiped,
    text: Text,
    is_pasting: bool,
    /// Whether the last key was Enter.
    follows_return: bool,
    /// Whether the text is on the alternate screen.
    is_shown: bool,
    /// The size of the terminal for which the text was drawn last.
    drawn_for: Size,
    /// The reason why the text is not as it was typed or pasted.
    fault: Option<&'static str>,
}

impl Editor {
    fn run(mut self, stop: &AtomicBool) -> io::Result<Edited> {
        loop {
            // A long paste arrives in many pieces.
            if !self.mode.tty().has_input() {
                self.draw()?;
            }
            let Some(is_late) = self.wait(stop)? else { return Ok(Edited::Cancelled) };
            loop {
                match self.step(is_late)? {
                    None => break,
                    Some(Step::On) => {}
                    Some(Step::Cancelled) => return Ok(Edited::Cancelled),
                    Some(Step::Done) => return Ok(self.done()),
                }
            }
        }
    }

    fn done(&self) -> Edited {
        let text = self.text.as_str();
        match self.fault {
            // The replaced bytes were deleted.
            Some(NOT_UTF8) if !text.contains(char::REPLACEMENT_CHARACTER) => {}
            Some(fault) => return Edited::Refused(fault),
            None => {}
        }
        Edited::Done(Zeroizing::new(text.trim_end_matches('\n').to_owned()))
    }

    /// Waits for bytes, or for another size of the terminal. Returns whether the rest of a sequence is late; `None`:
    /// `stop` is set.
    fn wait(&mut self, stop: &AtomicBool) -> io::Result<Option<bool>> {
        let mut waited = Duration::ZERO;
        loop {
            if stop.load(Ordering::SeqCst) {
                return Ok(None);
            }
            if self.read()? || self.size() != self.drawn_for {
                return Ok(Some(false));
            }
            waited += TICK;
            if !self.arrived.is_empty() && waited >= REST {
                return Ok(Some(true));
            }
        }
    }

    /// Waits a moment for bytes. Returns whether any have arrived.
    fn read(&mut self) -> io::Result<bool> {
        self.mode.stay_raw();
        let tty = self.mode.tty_mut();
        if !tty.wait_for_input(TICK)? {
            return Ok(false);
        }
        let mut bytes = Zeroizing::new([0; 1024]);
        let count = tty.read(&mut bytes[..])?;
        self.arrived.push(&bytes[..count]);
        Ok(count > 0)
    }

    /// Takes the first key, character or sequence of what has arrived. `None`: more has to arrive first, unless it
    /// `is_late`.
    fn step(&mut self, is_late: bool) -> io::Result<Option<Step>> {
        let Some(first) = self.arrived.first().copied() else { return Ok(None) };
        let len = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => len_of_first(&self.arrived).unwrap_or(usize::MAX),
        };
        if len > self.arrived.len() && !is_late {
            return Ok(None);
        }
        let key = self.arrived.take(..len.min(self.arrived.len()));
        let follows_return = std::mem::replace(&mut self.follows_return, *key == b"\r");
        let step = match &key[..] {
            // The second byte of a line break as Windows has it.
            b"\n" if follows_return => Step::On,
            PASTE_ENDS => {
                self.is_pasting = false;
                Step::On
            }
            key if self.is_pasting => self.typed(key)?,
            key => self.pressed(key)?,
        };
        Ok(Some(step))
    }

    fn pressed(&mut self, key: &[u8]) -> io::Result<Step> {
        let text = &mut self.text;
        match key {
            [0x03] => return Ok(Step::Cancelled),
            [0x04] if text.as_str().is_empty() => return Ok(Step::Cancelled),
            [0x04] => return Ok(Step::Done),
            [0x12] if can_show() => self.show(!self.is_shown)?,
            [0x08 | 0x7f] => text.remove_from(text.previous()),
            [0x15] => text.remove_from(text.line_start()),
            [0x17] => text.remove_from(text.word_start()),
            PASTE_BEGINS => self.is_pasting = true,
            // The cursor of a hidden text stays at its end: nobody could follow it.
            [0x01 | 0x05 | 0x1b, ..] if !self.is_shown => {}
            [0x1b, b'[' | b'O', b'D'] => text.cursor = text.previous(),
            [0x1b, b'[' | b'O', b'C'] => text.cursor = text.next(),
            [0x1b, b'[' | b'O', b'A'] => text.cursor = text.vertical(false),
            [0x1b, b'[' | b'O', b'B'] => text.cursor = text.vertical(true),
            [0x01] | [0x1b, b'[' | b'O', b'H'] => text.cursor = text.line_start(),
            [0x05] | [0x1b, b'[' | b'O', b'F'] => text.cursor = text.line_end(),
            b"\x1b[3~" => {
                let start = text.cursor;
                text.cursor = text.next();
                text.remove_from(start);
            }
            _ => return self.typed(key),
        }
        Ok(Step::On)
    }

    /// Inserts a character. Other controls and sequences are no text.
    fn typed(&mut self, key: &[u8]) -> io::Result<Step> {
        let fits = match key {
            [b'\r'] => self.text.insert(b"\n"),
            [b'\n' | b'\t' | 0x20..=0x7e] => self.text.insert(key),
            [0..0x20 | 0x7f, ..] => true,
            _ if std::str::from_utf8(key).is_ok() => self.text.insert(key),
            _ => {
                self.fault = self.fault.or(Some(NOT_UTF8));
                self.text.insert(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]).as_bytes())
            }
        };
        if !fits && self.fault != Some(TOO_LONG) {
            self.fault = Some(TOO_LONG);
            self.write(b"\x07")?;
        }
        Ok(Step::On)
    }

    /// Shows the text on the alternate screen, or hides it again.
    fn show(&mut self, show: bool) -> io::Result<()> {
        if show {
            self.write(b"\r\x1b[K\x1b[?1049h")?;
        } else {
            self.wipe_screen()?;
            self.text.cursor = self.text.as_str().len();
        }
        self.is_shown = show;
        Ok(())
    }

    /// Empties the alternate screen row by row, since some terminals keep a screen that is cleared at once, and leaves
    /// it.
    fn wipe_screen(&mut self) -> io::Result<()> {
        for row in 1..=self.size().rows {
            self.write(format!("\x1b[{row};1H\x1b[2K").as_bytes())?;
        }
        self.write(b"\x1b[?1049l")
    }

    fn draw(&mut self) -> io::Result<()> {
        self.drawn_for = self.size();
        if !can_show() {
            return Ok(());
        }
        let draw = if self.is_shown { screen } else { summary };
        let drawn = draw(&self.text, self.drawn_for);
        self.write(&drawn)
    }

    fn size(&self) -> Size {
        self.mode.tty().size().unwrap_or(Size::UNKNOWN)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mode.tty_mut().write_all(bytes)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = self.wipe_screen();
        }
        if can_show() {
            let _ = self.write(b"\r\x1b[K");
            let _ = self.write(DO_NOT_MARK_PASTES);
        }
    }
}
