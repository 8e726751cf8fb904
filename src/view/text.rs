//! Text for a screen, with its control characters made visible.

use std::borrow::Cow;

use crate::safe_text::plain;

/// A text for a terminal, with its control characters made visible.
pub fn visible(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = plain(&text, |c| match c {
        '\n' | '\t' => c,
        // Unicode has symbols for the control characters.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    });
    if !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

/// The lines of a text, wrapped to `columns`.
pub(super) fn lines(text: &[u8], columns: u16) -> Vec<String> {
    let shown = visible(text).replace('\t', "    ");
    let options = textwrap::Options::new(usize::from(columns)).word_splitter(textwrap::WordSplitter::NoHyphenation);
    shown.lines().flat_map(|line| textwrap::wrap(line, &options).into_iter().map(Cow::into_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(visible(b"a\x1b[2Jb\tc\r\n\x07"), "a␛[2Jb\tc␍\n␇\n");
        assert_eq!(visible("a\u{9b}31m\u{202e}b".as_bytes()), "a\u{fffd}31m\u{fffd}b\n");
    }

    #[test]
    fn scripts_and_emoji_that_need_joiners_are_whole_on_every_line() {
        let text =
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(visible(text.as_bytes()), format!("{text}\n"));
        assert_eq!(lines(text.as_bytes(), 20).concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let text = format!("{}\n\nshort words in a row that is long\n\tx", "y".repeat(30));
        let lines = lines(text.as_bytes(), 12);
        assert!(lines.iter().all(|line| line.chars().count() <= 12), "{lines:?}");
        assert!(lines.iter().any(String::is_empty) && lines.last().unwrap().ends_with('x'), "{lines:?}");
    }
}
