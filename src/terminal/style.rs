//! The styling that a terminal supports, by the environment variables that users set for it.
//!
//! `NO_COLOR` (<https://no-color.org>) turns colors off. `TERM` shows whether the cursor moves. The locale shows
//! whether characters beyond ASCII are readable.

use std::borrow::Cow;
use std::env;

use crate::platform::tty;

/// Whether the terminal can only print: `TERM` is `dumb`; on other systems than Windows, also if it is missing.
pub(crate) fn is_dumb() -> bool {
    !tty::follows_sequences(&env::var("TERM").unwrap_or_default())
}

/// Whether colors may be used.
pub(crate) fn has_colors() -> bool {
    !is_dumb() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether the locale's charset is UTF-8. macOS and Windows display UTF-8 without one.
pub(crate) fn has_utf8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env::var(name).ok().filter(|it| !it.is_empty()));
    tty::shows_utf8() || locale.is_some_and(|locale| is_utf8(&locale))
}

/// Whether a locale such as `en_US.UTF-8` or `C.utf8@x` names UTF-8.
fn is_utf8(locale: &str) -> bool {
    let charset = locale.split_once('.').map_or("", |(_, charset)| charset);
    let charset = charset.split('@').next().unwrap_or_default().to_ascii_lowercase();
    matches!(&*charset, "utf-8" | "utf8")
}

/// The text in characters that this terminal can show.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || has_utf8() { Cow::Borrowed(text) } else { Cow::Owned(ascii(text)) }
}

/// A text in ASCII: our own symbols get a substitute, other characters a question mark.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x7f' => plain.push(c),
            '·' | '–' | '—' => plain.push('-'),
            '…' => plain.push_str("..."),
            '↑' => plain.push('^'),
            '↓' => plain.push('v'),
            '←' => plain.push_str("<-"),
            '→' => plain.push_str("->"),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            // Unicode's symbols for control characters.
            '␀'..='␟' => plain.extend(['^', char::from_u32(c as u32 - 0x2400 + 0x40).unwrap_or('?')]),
            '␡' => plain.push_str("^?"),
            _ => plain.push('?'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_charset() {
        for locale in ["en_US.UTF-8", "C.utf8", "de_DE.UTF-8@euro", "C.UTF-8"] {
            assert!(is_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "en_US", "en_US.ISO-8859-1", "ja_JP.eucJP", "utf-8"] {
            assert!(!is_utf8(locale), "{locale}");
        }
    }

    #[test]
    fn symbols_have_an_ascii_substitute() {
        assert_eq!(ascii("a.jpg · photo, ← → 1 of 2 … ␛[2J é"), "a.jpg - photo, <- -> 1 of 2 ... ^[[2J ?");
    }
}
