//! The program and the page show and replace the same characters.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use share::safe_text::printable;

use crate::support::{ROOT, WORKSHOP, has};

/// Texts before and after a character, which decide whether a joiner, a selector, a separator or a tag is shown.
const AROUND: [(&str, &str); 19] = [
    ("", ""),
    ("", "\u{200c}\u{645}"),
    ("\u{645}\u{200c}", ""),
    ("\u{645}", "\u{645}"),
    ("\u{645}", "\u{200c}\u{645}"),
    ("", "\u{200d}"),
    ("\u{645}\u{200d}", ""),
    ("\u{915}", "\u{200d}"),
    ("\u{915}", "\u{94d}\u{200d}"),
    ("\u{915}\u{94d}\u{200d}", ""),
    ("", "\u{94d}\u{200d}"),
    ("\u{915}\u{200d}", ""),
    ("", "\u{e0100}"),
    ("", "\u{180e}\u{1820}"),
    ("\u{1820}\u{180e}", ""),
    ("\u{1820}", "\u{180e}\u{1820}"),
    ("", "\u{200d}\u{1f467}"),
    ("\u{1f468}", "\u{200d}\u{1f467}"),
    ("\u{1f3f4}\u{e0067}", "\u{e0065}\u{e006e}\u{e007f}"),
];

/// The planes with characters that are part of a sequence. Between other texts only these are tried.
fn may_be_in_a_sequence(c: char) -> bool {
    matches!(c, '\0'..='\u{1ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The positions of U+FFFD in the program's output: for the first character, and for each that differs from the one
/// before it.
fn replaced(before: &str, after: &str) -> Value {
    let tried = |c: &char| *c != ' ' && ((before.is_empty() && after.is_empty()) || may_be_in_a_sequence(*c));
    let all: Vec<char> = (0..=0x0010_ffff).filter_map(char::from_u32).filter(tried).collect();
    let mut text = String::new();
    for c in &all {
        let _ = write!(text, "{before}{c}{after} ");
    }
    let shown = printable(&text);
    let marked = |word: &str| -> Vec<usize> {
        word.chars().enumerate().filter(|(_, c)| *c == '\u{fffd}').map(|(at, _)| at).collect()
    };
    let mut runs: Vec<(u32, Vec<usize>)> = Vec::new();
    for (c, word) in all.iter().zip(shown.split(' ')) {
        let marks = marked(word);
        if runs.last().is_none_or(|(_, before)| *before != marks) {
            runs.push((u32::from(*c), marks));
        }
    }
    assert_eq!(shown.split(' ').count(), all.len() + 1);
    json!(runs)
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn page_and_program_replace_the_same_characters_of_all_of_unicode() {
    if !has(WORKSHOP) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let expected: Vec<Value> = AROUND
        .iter()
        .map(|(before, after)| json!({ "before": before, "after": after, "runs": replaced(before, after) }))
        .collect();
    assert!(expected[0]["runs"].as_array().unwrap().len() > 50, "{}", expected[0]);
    let file = place.path().join("expected.json");
    fs::write(&file, json!(expected).to_string()).unwrap();
    let mut node = Command::new("node");
    node.arg(Path::new(ROOT).join("tests/browser/characters.mjs")).arg(WORKSHOP).arg(&file);
    let ran = node.output().unwrap();
    assert!(ran.status.success() && ran.stdout == b"held\n", "{}", String::from_utf8_lossy(&ran.stderr));
}
