//! The sender's words for the recipient: `--from` and `--note`.

use super::arguments::SendArgs;
use crate::cli::config;
use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::manifest::{MAX_FROM, MAX_NOTE};
use crate::safe_text::is_hidden;

/// The words, as the manifest has them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) from: Option<String>,
    pub(super) note: Option<String>,
}

impl Words {
    /// The words of the arguments, and of the configuration.
    ///
    /// # Errors
    /// They are too long, or not one line of text.
    pub(super) fn of(args: &SendArgs, cx: &Context) -> Result<Self, Failure> {
        let from = match (&args.from, &cx.config.from) {
            (Some(from), _) => line(from, MAX_FROM).map_err(|why| wrong("--from", &why))?,
            (None, Some(from)) => line(from, MAX_FROM).map_err(|why| config::wrong("from", &why))?,
            (None, None) => None,
        };
        let note = args.note.as_deref().map_or(Ok(None), |note| line(note, MAX_NOTE));
        Ok(Self { from, note: note.map_err(|why| wrong("--note", &why))? })
    }
}

fn wrong(option: &str, why: &str) -> Failure {
    Failure::usage(format!("{option} {why}"), "nothing was sent")
}

/// One line of at most `limit` characters. `None`: it is blank. The error follows the name of the option.
fn line(text: &str, limit: usize) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return Err("takes one line, without line breaks".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("takes text without control characters".to_owned());
    }
    match text.chars().count() {
        count if count > limit => Err(format!("takes at most {limit} characters; this has {count}")),
        _ if text.chars().all(|c| c.is_whitespace() || is_hidden(c)) => Ok(None),
        _ => Ok(Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_line_within_a_limit() {
        assert_eq!(line(" Anna ", 4), Ok(Some("Anna".to_owned())));
        assert_eq!(line("\u{1f600}\u{1f600}", 2), Ok(Some("\u{1f600}\u{1f600}".to_owned())));
        for blank in ["", "  ", "\n", "\u{200b}\u{3000}"] {
            assert_eq!(line(blank, 4), Ok(None), "{blank:?}");
        }
        for (text, why) in [
            ("Annas", "takes at most 4 characters; this has 5"),
            ("a\nb", "takes one line, without line breaks"),
            ("a\u{2028}b", "takes one line, without line breaks"),
            ("a\tb", "takes text without control characters"),
            ("\u{1b}[2J", "takes text without control characters"),
        ] {
            assert_eq!(line(text, 4), Err(why.to_owned()), "{text:?}");
        }
    }
}
