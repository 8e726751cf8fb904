//! The display of an edited text: its size, or the text itself.

use textwrap::core::display_width;
use zeroize::Zeroizing;

use crate::platform::tty::Size;
use crate::safe_text::printable;
use crate::terminal::editor::text::Text;
use crate::terminal::style;

/// The keys, in the last row.
const KEYS: &str = "Ctrl-D: send   Ctrl-R: hide   Ctrl-C: cancel";

/// The line in the place of a hidden text: its size. A line that the terminal breaks could not be erased.
pub(super) fn summary(text: &Text, size: Size) -> Zeroizing<Vec<u8>> {
    let text = text.as_str();
    let (lines, characters) = (text.split('\n').count(), text.chars().count());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (line, character) = (plural(lines), plural(characters));
    let summary = format!("({lines} line{line}, {characters} character{character}, not shown)");
    let room = usize::from(size.columns).saturating_sub(1).min(summary.len());
    Zeroizing::new(format!("\r\x1b[K{}", &summary[..room]).into_bytes())
}

/// The whole text as a screen, with the cursor in its place and the keys in the last row.
pub(super) fn screen(text: &Text, size: Size) -> Zeroizing<Vec<u8>> {
    let (columns, height) = (usize::from(size.columns.max(2)), usize::from(size.rows.max(2)) - 1);
    let mut rows = vec![Zeroizing::new(String::with_capacity(columns * 4))];
    let (mut width, mut at, mut cursor) = (0, 0, (0, 0));
    for c in text.as_str().chars().map(Some).chain([None]) {
        let wide = c.map_or(0, |c| if c == '\t' { 1 } else { display_width(c.encode_utf8(&mut [0; 4])) });
        if width + wide >= columns {
            rows.push(Zeroizing::new(String::with_capacity(columns * 4)));
            width = 0;
        }
        if at == text.cursor {
            cursor = (rows.len() - 1, width);
        }
        match (c, rows.last_mut()) {
            (Some('\n'), _) => {
                rows.push(Zeroizing::new(String::with_capacity(columns * 4)));
                width = 0;
            }
            (Some(c), Some(row)) => {
                row.push(if c == '\t' { ' ' } else { c });
                width += wide;
            }
            _ => {}
        }
        at += c.map_or(0, char::len_utf8);
    }
    let first = (cursor.0 + 1).saturating_sub(height);
    let mut drawn = Zeroizing::new(Vec::with_capacity(height * (columns * 4 + 16)));
    for row in 0..height {
        let line = Zeroizing::new(rows.get(first + row).map(|line| printable(line)).unwrap_or_default());
        drawn.extend(format!("\x1b[{};1H\x1b[2K", row + 1).bytes());
        drawn.extend(style::readable(&line).bytes());
    }
    let keys = &KEYS[..KEYS.len().min(columns - 1)];
    drawn.extend(format!("\x1b[{};1H\x1b[2K\x1b[7m{keys}\x1b[0m", height + 1).bytes());
    drawn.extend(format!("\x1b[{};{}H", cursor.0 - first + 1, cursor.1 + 1).bytes());
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::editor::text::tests::text;

    #[test]
    fn screen_shows_the_rows_around_the_cursor() {
        let long = text(&"a line\n".repeat(9), 63);
        let drawn = screen(&long, Size { columns: 20, rows: 4, cell: None });
        let drawn = String::from_utf8(drawn.to_vec()).unwrap();
        assert_eq!(drawn.matches("a line").count(), 2, "{drawn:?}");
        assert!(drawn.ends_with("\x1b[3;1H") && drawn.contains("Ctrl-D: send"), "{drawn:?}");
        let drawn = screen(&text("\x1b[2Jabc", 4), Size { columns: 4, rows: 5, cell: None });
        assert!(!drawn.windows(4).any(|bytes| bytes == b"\x1b[2J"), "what is pasted does not command the terminal");
    }

    #[test]
    fn size_of_a_hidden_text_stays_in_one_line() {
        let long = text(&"a line\n".repeat(1000), 0);
        for columns in 0..50 {
            let drawn = summary(&long, Size { columns, rows: 4, cell: None });
            let shown = drawn.strip_prefix(b"\r\x1b[K").unwrap();
            assert!(shown.len() <= usize::from(columns).saturating_sub(1), "{columns}: {shown:?}");
        }
    }
}
