//! A text that is edited, in memory that is wiped.

use crate::secret::Wiped;

/// The longest text, in bytes: a longer one belongs in a file.
const MAX_TEXT: usize = 1 << 20;

/// A text, and where the next character goes.
#[derive(Default)]
pub(super) struct Text {
    bytes: Wiped,
    /// Offset in bytes, between two characters.
    pub(super) cursor: usize,
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        // Only whole characters are inserted and removed.
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    pub(super) fn before(&self) -> &str {
        &self.as_str()[..self.cursor]
    }

    pub(super) fn after(&self) -> &str {
        &self.as_str()[self.cursor..]
    }

    /// Inserts a character. `false`: the text is too long.
    pub(super) fn insert(&mut self, character: &[u8]) -> bool {
        if self.bytes.len() + character.len() > MAX_TEXT {
            return false;
        }
        self.bytes.insert(self.cursor, character);
        self.cursor += character.len();
        true
    }

    /// Removes the bytes from `start` to the cursor.
    pub(super) fn remove_from(&mut self, start: usize) {
        self.bytes.take(start..self.cursor);
        self.cursor = start;
    }

    pub(super) fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    pub(super) fn line_end(&self) -> usize {
        self.after().find('\n').map_or(self.as_str().len(), |at| self.cursor + at)
    }

    pub(super) fn previous(&self) -> usize {
        self.cursor - self.before().chars().next_back().map_or(0, char::len_utf8)
    }

    pub(super) fn next(&self) -> usize {
        self.cursor + self.after().chars().next().map_or(0, char::len_utf8)
    }

    pub(super) fn word_start(&self) -> usize {
        let rest = self.before().trim_end_matches([' ', '\t']);
        rest.rfind([' ', '\t', '\n']).map_or(0, |at| at + 1).max(self.line_start().min(rest.len()))
    }

    /// The offset in the line before or behind this one that has as many characters before it.
    pub(super) fn vertical(&self, down: bool) -> usize {
        let start = self.line_start();
        let column = self.before()[start..].chars().count();
        let line = match (down, self.line_end()) {
            (true, end) if end < self.as_str().len() => end + 1,
            (false, _) if start > 0 => self.as_str()[..start - 1].rfind('\n').map_or(0, |at| at + 1),
            _ => return self.cursor,
        };
        let text = self.as_str()[line..].split('\n').next().unwrap_or_default();
        line + text.char_indices().nth(column).map_or(text.len(), |(at, _)| at)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::terminal::editor) fn text(content: &str, cursor: usize) -> Text {
        let mut text = Text::default();
        assert!(text.insert(content.as_bytes()));
        Text { cursor, ..text }
    }

    #[test]
    fn cursor_moves_by_characters_words_and_lines() {
        let text = text("one tw\u{f6}\nthree", 8);
        assert_eq!((text.previous(), text.next(), text.word_start()), (6, 9, 4));
        assert_eq!((text.line_start(), text.line_end()), (0, 8));
        assert_eq!((text.vertical(true), text.vertical(false)), (14, 8));
        let below = Text { cursor: 12, ..text };
        assert_eq!((below.line_start(), below.vertical(false), below.word_start()), (9, 3, 9));
    }

    #[test]
    fn a_text_has_a_limit() {
        let mut text = text(&"x".repeat(MAX_TEXT), 0);
        assert!(!text.insert(b"y"));
    }
}
