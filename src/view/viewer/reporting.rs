//! The report to the operator of the relay: a question, a line for a note, and the outcome in the last row. It neither
//! counts as seen nor closes.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

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

/// Input in front of a question.
enum Typed {
    Bytes(Vec<u8>),
    /// The viewer ends in this way.
    Over(End),
}

impl Viewer<'_> {
    /// Asks, and reports the share if the answer is yes. Then the current file is shown again.
    pub(super) fn report(&mut self) -> io::Result<Then> {
        self.show_question()?;
        // A key that was pressed earlier is no answer.
        self.screen.forget_keys();
        match self.typed()? {
            Typed::Over(end) => return Ok(Then::End(end)),
            Typed::Bytes(bytes) if matches!(bytes[..], [b'y' | b'Y']) => {}
            Typed::Bytes(_) => return Ok(Then::Again),
        }
        let note = match self.ask_note()? {
            Ok(Some(note)) => note,
            Ok(None) => return Ok(Then::Again),
            Err(end) => return Ok(Then::End(end)),
        };
        self.screen.status(" Reporting… ")?;
        let Some(report) = &mut self.shown.report else { return Ok(Then::Again) };
        let reported = (report.send)(&note, self.stop);
        if self.stop.load(Ordering::SeqCst) {
            return Ok(Then::End(End::Left));
        }
        self.is_reported = reported.is_ok();
        self.note(match reported {
            Ok(true) => "Reported. The sender is not told.".to_owned(),
            Ok(false) => "This was reported before.".to_owned(),
            Err(why) => format!("Not reported: {why}."),
        });
        Ok(Then::Again)
    }

    /// Writes the question in the middle of the screen.
    fn show_question(&mut self) -> io::Result<()> {
        self.screen.clear()?;
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
        // The keys stay on the smallest screen.
        let hidden = (lines.len() + 1).saturating_sub(rows);
        let lines = &lines[hidden..];
        let widest = lines.iter().map(|line| textwrap::core::display_width(line)).max().unwrap_or(0);
        let (left, top) = (columns.saturating_sub(widest) / 2 + 1, rows.saturating_sub(lines.len()) / 2 + 1);
        let mut codes = String::new();
        for (row, line) in lines.iter().enumerate() {
            let _ = write!(codes, "\x1b[{};{left}H{}", top + row, style::readable(line));
        }
        self.screen.write(codes.as_bytes())
    }

    /// The note, as it is typed in the last row. `None`: Esc.
    fn ask_note(&mut self) -> io::Result<Result<Option<String>, End>> {
        let mut line = Vec::new();
        loop {
            self.show_note(&String::from_utf8_lossy(&line))?;
            let bytes = match self.typed()? {
                Typed::Bytes(bytes) => bytes,
                Typed::Over(end) => return Ok(Err(end)),
            };
            match bytes[..] {
                [b'\r' | b'\n'] => {
                    // Bytes that were pasted behind the end of the line are no keys.
                    self.screen.forget_keys();
                    return Ok(Ok(Some(String::from_utf8_lossy(&line).into_owned())));
                }
                [0x1b | 0x03] => return Ok(Ok(None)),
                [0x7f | 0x08] => remove_last(&mut line),
                // Other control characters, and sequences such as arrows.
                [0..0x20] | [_, _, ..] | [] => {}
                [byte] if !is_first(byte) || String::from_utf8_lossy(&line).chars().count() < MAX_NOTE => {
                    line.push(byte);
                }
                [_] => {}
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

    /// The next byte or sequence that was typed.
    fn typed(&mut self) -> io::Result<Typed> {
        loop {
            let next = self.screen.next(self.until, self.stop)?;
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
                None => {}
            }
        }
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
