//! The report to the operator of the relay: a question, a line for a note, and the outcome in the last row. It neither
//! counts as seen nor closes.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::platform::tty::Size;
use crate::report::MAX_NOTE;
use crate::terminal::style;
use crate::view::ending::End;
use crate::view::keys::Key;
use crate::view::viewer::position::{Then, Viewer};

/// The widest paragraph, in columns.
const WIDEST: usize = 72;
/// The last line of the question.
const KEYS: &str = "y reports it · any other key goes back";
/// The beginning of the last row while a note is typed.
const PROMPT: &str = " Note to the operator (Enter for none): ";
/// The longest time between two looks at the size of the screen.
const TICK: Duration = Duration::from_millis(200);
/// The shortest time for a look at the keys.
const LOOK: Duration = Duration::from_millis(1);
/// The terminal marks what is pasted (bracketed paste), or does not any more.
const MARK_PASTE: &[u8] = b"\x1b[?2004h";
const STOP_MARKING: &[u8] = b"\x1b[?2004l";
/// The marks.
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Input in front of a question.
enum Typed {
    Bytes(Vec<u8>),
    /// The screen has another size.
    Resized,
    /// The viewer ends in this way.
    Over(End),
}

impl Viewer<'_> {
    /// Asks, and reports the share if the answer is yes. Then the current file is shown again.
    pub(super) fn report(&mut self) -> io::Result<Then> {
        loop {
            let Some(size) = self.show_question()? else {
                self.note("Enlarge the terminal to report this.".to_owned());
                return Ok(Then::Again);
            };
            match self.typed(size)? {
                Typed::Over(end) => return Ok(Then::End(end)),
                Typed::Resized => {}
                Typed::Bytes(bytes) if matches!(bytes[..], [b'y' | b'Y']) => break,
                Typed::Bytes(_) => return Ok(Then::Again),
            }
        }
        // The rest of "yes" is no note.
        self.screen.forget_keys();
        match self.ask_note()? {
            Ok(Some(note)) => self.send_report(&note),
            Ok(None) => Ok(Then::Again),
            Err(end) => Ok(Then::End(end)),
        }
    }

    /// Sends the report, until Esc or Ctrl-C.
    fn send_report(&mut self, note: &str) -> io::Result<Then> {
        self.screen.status(" Reporting… · Esc stops waiting ")?;
        let Self { shown, screen, stop, until, .. } = self;
        let Some(report) = &mut shown.report else { return Ok(Then::Again) };
        let is_over = || stop.load(Ordering::SeqCst) || until.is_some_and(|until| until <= Instant::now());
        let mut failed = None;
        let mut gives_up = || {
            let is_left = match screen.next(Some(Instant::now() + LOOK), stop) {
                Ok(key) => matches!(key.as_deref(), Some([0x1b | 0x03])),
                Err(error) => failed.replace(error).is_none(),
            };
            is_left || is_over()
        };
        let sent = (report.send)(note, &mut gives_up);
        if let Some(error) = failed {
            return Err(error);
        }
        self.is_reported = matches!(sent, Some(Ok(_)));
        if self.stop.load(Ordering::SeqCst) {
            return Ok(Then::End(End::Left));
        }
        if self.until.is_some_and(|until| until <= Instant::now()) {
            return Ok(Then::End(self.closed()));
        }
        self.unsent = if self.is_reported { String::new() } else { note.to_owned() };
        self.note(match sent {
            Some(Ok(true)) => "Reported. The relay does not tell the sender.".to_owned(),
            Some(Ok(false)) => "This was reported before.".to_owned(),
            Some(Err(why)) => format!("Not reported: {why}."),
            None => "Interrupted: the relay may have the report.".to_owned(),
        });
        Ok(Then::Again)
    }

    /// Forgets earlier keys, writes the question in the middle of the screen, and returns the size of the screen.
    /// `None`: not all of the question fits.
    fn show_question(&mut self) -> io::Result<Option<Size>> {
        let size = self.screen.size();
        let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
        let options = textwrap::Options::new(columns.saturating_sub(4).clamp(1, WIDEST));
        let question = self.shown.report.as_ref().map_or("", |report| &report.question);
        let mut lines: Vec<String> = Vec::new();
        for paragraph in question.lines().chain([KEYS]) {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(textwrap::wrap(paragraph, &options).into_iter().map(String::from));
        }
        self.screen.clear()?;
        // The last row is for the note.
        if lines.len() >= rows {
            return Ok(None);
        }
        let widest = lines.iter().map(|line| textwrap::core::display_width(line)).max().unwrap_or(0);
        let (left, top) = (columns.saturating_sub(widest) / 2 + 1, rows.saturating_sub(lines.len()) / 2 + 1);
        let mut codes = String::new();
        for (row, line) in lines.iter().enumerate() {
            let _ = write!(codes, "\x1b[{};{left}H{}", top + row, style::readable(line));
        }
        // A key that was pressed earlier is no answer.
        self.screen.forget_keys();
        self.screen.write(codes.as_bytes())?;
        Ok(Some(size))
    }

    /// The note, as it is typed in the last row. `None`: Esc.
    fn ask_note(&mut self) -> io::Result<Result<Option<String>, End>> {
        self.screen.write(MARK_PASTE)?;
        let note = self.type_note();
        self.screen.write(STOP_MARKING)?;
        note
    }

    fn type_note(&mut self) -> io::Result<Result<Option<String>, End>> {
        let mut line = std::mem::take(&mut self.unsent).into_bytes();
        let mut size = self.screen.size();
        let mut is_pasting = false;
        loop {
            self.show_note(&String::from_utf8_lossy(&line))?;
            let bytes = match self.typed(size)? {
                Typed::Bytes(bytes) => bytes,
                Typed::Resized => {
                    size = self.screen.size();
                    self.show_question()?;
                    continue;
                }
                Typed::Over(end) => return Ok(Err(end)),
            };
            match bytes[..] {
                [b'\r' | b'\n'] if !is_pasting && !self.screen.has_more()? => {
                    return Ok(Ok(Some(String::from_utf8_lossy(&line).into_owned())));
                }
                // A pasted line break.
                [b'\r' | b'\n'] if line.ends_with(b" ") => {}
                [b'\r' | b'\n'] => push(&mut line, b' '),
                [0x1b | 0x03] => return Ok(Ok(None)),
                [0x7f | 0x08] => remove_last(&mut line),
                // Other control characters, and sequences such as arrows.
                [0..0x20] | [] => {}
                [byte] => push(&mut line, byte),
                [_, _, ..] if bytes == PASTE_BEGINS => is_pasting = true,
                [_, _, ..] if bytes == PASTE_ENDS => is_pasting = false,
                [_, _, ..] => {}
            }
        }
    }

    /// Writes the last row: the prompt, and as much of the end of the note as fits.
    fn show_note(&mut self, note: &str) -> io::Result<()> {
        let room = usize::from(self.screen.size().columns).saturating_sub(PROMPT.len() + 3);
        let mut shown = note;
        while textwrap::core::display_width(shown) > room {
            shown = shown.get(shown.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
        self.screen.status(&format!("{PROMPT}{shown}_"))
    }

    /// The next byte or sequence that was typed on a screen of this size.
    fn typed(&mut self, size: Size) -> io::Result<Typed> {
        loop {
            let tick = Instant::now() + TICK;
            let next = self.screen.next(Some(self.until.map_or(tick, |until| until.min(tick))), self.stop)?;
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Typed::Over(End::Left));
            }
            if self.until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Typed::Over(self.closed()));
            }
            match next {
                // The terminal's answer to a picture is not typed. The picture is drawn again afterwards.
                Some(bytes) if matches!(Key::of(&bytes), Key::Drawn(_) | Key::Refused(_)) => {}
                Some(bytes) => return Ok(Typed::Bytes(bytes)),
                None if self.screen.size() != size => return Ok(Typed::Resized),
                None => {}
            }
        }
    }
}

/// Adds a byte to a note that has room for it.
fn push(line: &mut Vec<u8>, byte: u8) {
    let begun = line.iter().rposition(|byte| is_first(*byte)).unwrap_or(0);
    let is_within = std::str::from_utf8(&line[begun..]).is_err_and(|error| error.error_len().is_none());
    let is_wanted = if is_first(byte) { String::from_utf8_lossy(line).chars().count() < MAX_NOTE } else { is_within };
    if is_wanted {
        line.push(byte);
    }
}

/// Whether a byte is the first one of a character in UTF-8.
fn is_first(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// Removes the last character.
fn remove_last(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| !is_first(byte)) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_note_takes_no_part_of_a_character() {
        let mut line = Vec::new();
        for byte in "é".repeat(MAX_NOTE + 1).bytes() {
            push(&mut line, byte);
        }
        assert_eq!(String::from_utf8(line.clone()).unwrap(), "é".repeat(MAX_NOTE));
        remove_last(&mut line);
        "\u{1f3f4}x".bytes().for_each(|byte| push(&mut line, byte));
        assert_eq!(String::from_utf8(line).unwrap(), "é".repeat(MAX_NOTE - 1) + "\u{1f3f4}");
    }
}
