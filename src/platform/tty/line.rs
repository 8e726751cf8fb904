//! Keys of a console as a terminal sends them: UTF-8, and whole lines.

use unicode_width::UnicodeWidthChar;
use zeroize::Zeroizing;

/// Divides units of UTF-16, which arrive one by one, into characters.
#[derive(Default)]
pub(super) struct Units {
    /// The first half of a character.
    half: Option<u16>,
}

impl Units {
    /// The character that a unit completes. A half alone becomes the replacement character.
    pub(super) fn next(&mut self, unit: u16) -> Option<char> {
        if self.half.is_none() && (0xd800..0xdc00).contains(&unit) {
            self.half = Some(unit);
            return None;
        }
        let units = self.half.take().into_iter().chain([unit]);
        char::decode_utf16(units).next().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// The effect of a typed character on a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This text appears on the screen, if the line is shown.
    Echo(String),
    /// The line is complete: with its line break, or empty at the end of the input.
    Done,
}

/// Space for typed text, in bytes. A text that needs more leaves a copy in freed memory.
pub(super) const SPACE: usize = 4096;

/// A line while it is typed.
pub(super) struct Line(Zeroizing<String>);

impl Default for Line {
    fn default() -> Self {
        Self(Zeroizing::new(String::with_capacity(SPACE)))
    }
}

impl Line {
    pub(super) fn push(&mut self, c: char) -> Step {
        match c {
            '\r' | '\n' => {
                self.0.push('\n');
                return Step::Done;
            }
            // Ctrl-D, and Ctrl-Z as in other programs of Windows.
            '\x04' | '\x1a' if self.0.is_empty() => return Step::Done,
            '\x08' | '\x7f' => return Step::Echo(self.0.pop().map(erased).unwrap_or_default()),
            // Esc clears the line.
            '\x1b' => {
                let erased = self.0.chars().map(erased).collect();
                self.0.clear();
                return Step::Echo(erased);
            }
            c if c.is_control() => return Step::Echo(String::new()),
            c => self.0.push(c),
        }
        Step::Echo(c.into())
    }

    /// The line; the next one begins.
    pub(super) fn take(&mut self) -> Zeroizing<String> {
        std::mem::take(self).0
    }
}

/// The codes that erase a character left of the cursor.
fn erased(c: char) -> String {
    "\x08 \x08".repeat(c.width().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> (String, String) {
        let (mut line, mut shown) = (Line::default(), String::new());
        for c in keys.chars() {
            match line.push(c) {
                Step::Echo(text) => shown.push_str(&text),
                Step::Done => break,
            }
        }
        (line.take().to_string(), shown)
    }

    #[test]
    fn units_of_utf16_become_characters() {
        let mut units = Units::default();
        let characters: String = "aß€🎞z".encode_utf16().filter_map(|unit| units.next(unit)).collect();
        assert_eq!(characters, "aß€🎞z");
        // Halves alone.
        assert_eq!(units.next(0xdc00), Some(char::REPLACEMENT_CHARACTER));
        assert_eq!(units.next(0xd83c), None);
        assert_eq!(units.next(u16::from(b'a')), Some(char::REPLACEMENT_CHARACTER));
        assert_eq!(units.next(u16::from(b'b')), Some('b'));
    }

    #[test]
    fn a_line_is_edited_before_it_ends() {
        assert_eq!(typed("grüße\r"), ("grüße\n".to_owned(), "grüße".to_owned()));
        assert_eq!(typed("ab\x08c\rd"), ("ac\n".to_owned(), "ab\x08 \x08c".to_owned()));
        // A wide character has two columns.
        assert_eq!(typed("愛\x7fx\n"), ("x\n".to_owned(), "愛\x08 \x08\x08 \x08x".to_owned()));
        assert_eq!(typed("ab\x1bc\r"), ("c\n".to_owned(), "ab\x08 \x08\x08 \x08c".to_owned()));
        // No character is left to erase, and other controls do nothing.
        assert_eq!(typed("\x08\x01a\x04b\r"), ("ab\n".to_owned(), "ab".to_owned()));
    }

    #[test]
    fn input_ends_at_the_beginning_of_a_line_only() {
        for end in ["\x04", "\x1a"] {
            assert_eq!(typed(end), (String::new(), String::new()));
            assert_eq!(typed(&format!("a{end}\r")).0, "a\n");
        }
    }
}
