//! The output of a tunnel's program: its last lines, and the addresses in it.

use std::collections::VecDeque;

use crate::relay_url::RelayUrl;
use crate::safe_text::printable;

/// The longest line in bytes. A longer one is cut into several.
const MAX_LINE: usize = 4 << 10;
/// The lines that are kept.
const KEPT_LINES: usize = 20;
/// Characters of a kept line.
const KEPT_CHARACTERS: usize = 400;
/// The most addresses that are asked at once. Of more, the last ones.
pub(super) const MAX_CANDIDATES: usize = 16;
/// Precedes an address.
const SCHEME: &str = "https://";
const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// One output, in lines.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Adds bytes, and returns the lines that they complete, without control sequences.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => lines.extend(self.take()),
                _ => self.0.push(*byte),
            }
            if self.0.len() >= MAX_LINE {
                lines.extend(self.take());
            }
        }
        lines
    }

    /// The line that is not complete, unless it is empty.
    pub(super) fn take(&mut self) -> Option<String> {
        let line = plain(&String::from_utf8_lossy(&std::mem::take(&mut self.0)));
        (!line.trim().is_empty()).then_some(line)
    }
}

/// The last lines of all outputs of a program, and the addresses in all of its lines.
#[derive(Default)]
pub(super) struct Output {
    lines: VecDeque<String>,
    candidates: VecDeque<RelayUrl>,
}

impl Output {
    /// Adds a line. Returns the addresses in it that are new.
    pub(super) fn add(&mut self, line: &str) -> Vec<RelayUrl> {
        self.lines.truncate(KEPT_LINES - 1);
        self.lines.push_front(printable(line.trim_end()).chars().take(KEPT_CHARACTERS).collect());
        let mut new = Vec::new();
        for origin in origins(line) {
            if !self.candidates.contains(&origin) {
                self.candidates.truncate(MAX_CANDIDATES - 1);
                self.candidates.push_front(origin.clone());
                new.push(origin);
            }
        }
        new
    }

    /// Whether an address is among the last ones.
    pub(super) fn is_candidate(&self, origin: &RelayUrl) -> bool {
        self.candidates.contains(origin)
    }

    /// The last lines, in their order.
    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        self.lines.iter().take(count).rev().cloned().collect()
    }
}

/// A line without control sequences and frames. The target of a hyperlink (OSC 8) stands before its text.
fn plain(line: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(start) = rest.find(ESCAPE) {
        text.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(sequence) = rest.strip_prefix('[') {
            let end = sequence.find(|c: char| ('@'..='~').contains(&c));
            // Colors are within words; a movement of the cursor ends one.
            if end.is_some_and(|end| !sequence[end..].starts_with('m')) {
                text.push(' ');
            }
            rest = end.map_or("", |end| &sequence[end + 1..]);
        } else if let Some(sequence) = rest.strip_prefix(']') {
            let end = sequence.find([ESCAPE, BELL]).unwrap_or(sequence.len());
            if let Some(target) = sequence[..end].strip_prefix("8;").and_then(|link| link.split_once(';')) {
                text.extend([" ", target.1, " "]);
            }
            rest = sequence[end..].strip_prefix("\u{1b}\\").unwrap_or_else(|| sequence.get(end + 1..).unwrap_or(""));
        } else {
            // A sequence of two characters.
            rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or("");
        }
    }
    text.push_str(rest);
    let is_frame = |c: char| ('\u{2500}'..='\u{259f}').contains(&c);
    text.chars().map(|c| if is_frame(c) || c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// The addresses in a line, each without its path.
fn origins(line: &str) -> impl Iterator<Item = RelayUrl> {
    line.match_indices(SCHEME).filter_map(|(start, _)| {
        let rest = &line[start + SCHEME.len()..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']' | '_');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        // The name of a user stands before an @.
        if rest[end..].starts_with(['@', '%']) {
            return None;
        }
        let host = rest[..end].trim_end_matches(['.', ',', ';', ':']);
        let host = if host.contains('[') { host } else { host.trim_end_matches([']', '.', ',', ':']) };
        let origin = RelayUrl::parse(&format!("{SCHEME}{host}")).ok()?;
        (!origin.is_local()).then_some(origin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        origins(&plain(line)).map(|origin| origin.name()).collect()
    }

    #[test]
    fn addresses_are_read_out_of_colors_frames_and_sentences() {
        for (line, expected) in [
            ("https://a.example", vec!["a.example"]),
            ("Forwarding   https://a.example -> http://localhost:80", vec!["a.example"]),
            ("|  https://a-b.trycloudflare.com                |", vec!["a-b.trycloudflare.com"]),
            ("\u{2502}https://a.example\u{2502}", vec!["a.example"]),
            ("(see https://a.example/docs?x#y, or <https://b.example:8443>).", vec!["a.example", "b.example:8443"]),
            ("at https://a.example.", vec!["a.example"]),
            ("[https://a.example]", vec!["a.example"]),
            ("\u{1b}[1;32mhttps://\u{1b}[4ma\u{1b}[0m.example\u{1b}[0m", vec!["a.example"]),
            ("https://a.example\u{1b}[5;1Hhttps://b.example", vec!["a.example", "b.example"]),
            ("\u{1b}]8;;https://a.example/x\u{1b}\\open\u{1b}]8;;\u{1b}\\", vec!["a.example"]),
            ("\u{1b}]8;id=1;https://a.example\u{7}here\u{1b}]8;;\u{7}", vec!["a.example"]),
            ("\u{1b}]0;https://title.example\u{7}https://a.example", vec!["a.example"]),
            ("https://[2001:db8::1]:8443/", vec!["[2001:db8::1]:8443"]),
            ("https://203.0.113.7", vec!["203.0.113.7"]),
            ("https://A.Example:443/", vec!["a.example"]),
            ("https://user@a.example https://user:word@a.example", vec![]),
            ("https://localhost:80 https://127.0.0.1 https://[::1] https://192.168.1.1 https://x.onion", vec![]),
            ("http://a.example https:// https://… \u{1b}", vec![]),
        ] {
            assert_eq!(found(line), expected, "{line:?}");
        }
    }

    #[test]
    fn lines_end_at_line_feeds_carriage_returns_and_their_longest_length() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\rtwo\r\n\nthr"), ["one", "two"]);
        assert_eq!(lines.push(b"ee\n"), ["three"]);
        let long = lines.push(&[b'x'; MAX_LINE + 1]);
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE]);
        assert_eq!(lines.take().as_deref(), Some("x"));
    }

    #[test]
    fn sixteen_candidates_and_twenty_lines_are_kept() {
        let mut output = Output::default();
        for number in 0..30 {
            output.add(&format!("https://host{number}.example {}", "x".repeat(1000)));
        }
        let is_kept =
            |number: usize| output.is_candidate(&RelayUrl::parse(&format!("https://host{number}.example")).unwrap());
        assert_eq!((0..30).filter(|number| is_kept(*number)).collect::<Vec<_>>(), (14..30).collect::<Vec<_>>());
        let lines = output.last_lines(100);
        assert_eq!(lines.len(), KEPT_LINES);
        assert!(lines.last().unwrap().starts_with("https://host29.example"), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() == KEPT_CHARACTERS));
        assert!(output.add("https://host29.example").is_empty(), "it is not new");
    }
}
