//! The wording of sources and documents: line lengths, the beginnings of comments, and words that have a better one.

use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::pieces::{Kind, Language, Piece, pieces};
use crate::support::files;

/// The most columns of a line.
const COLUMNS: usize = 120;

/// Directories of sources and documents.
const DIRECTORIES: [&str; 5] = [".ci", "benches", "docs", "src", "tests"];

/// Paths whose files are generated, frozen, installed, or data.
const SKIPPED: [&str; 2] = ["tests/frozen/", "node_modules/"];

/// Beginnings of a sentence that is a clause without an actor.
const CLAUSE: &str = r"^(?:What|Whatever|Who|Whoever|Whom|Whose|Where|Wherever|Those (?:who|that|which))\b[^?]*$";

/// Phrases, as patterns of lower-case words, and the words to use.
const PHRASES: [(&str, &str); 13] = [
    (r"(?:take|takes|taken|taking|took) (?:\S+ )?back", "revoke"),
    (r"leaves? (?:something|a file|files|shares?) at", "upload"),
    (r"seen,? and gone", "closed and deleted"),
    (r"kin", "Debian-based systems"),
    (r"garbl(?:e|es|ed|ing)", "corrupt, damage"),
    (r"time is over|ends? unopened|ended unopened", "expire"),
    (r"whoever|somebody|those who", "sender, recipient, opener, user"),
    (r"wishes", "options"),
    (r"troubles?", "error, failure"),
    (r"patience|persistence|persistently|insists?|insisted", "retry, backoff"),
    (r"keepers?", "rules, StoreRelay"),
    (r"bright screens?", "HDR gain map"),
    (r"reads? along", "intercept"),
];

/// In the strings of the program, *report* is the word for abuse only. Documents also explain how to report a bug.
const REPORT: (&str, &str) = (r"reports?|reported|reporting", "error, show, print, answer");

/// Files whose strings are about reports to an operator, besides those with that word in their path.
const ABOUT_REPORTS: [&str; 9] = [
    "src/cli/manual.rs",
    "src/cli/outcome.rs",
    "src/cli/output/errors/limits.rs",
    "src/cli/output/errors/mod.rs",
    "src/cli/output/errors/unread.rs",
    "src/cli/relay/check.rs",
    "src/cli/relay/summary.rs",
    "src/relay/metrics/names.rs",
    "src/view/viewer/keys.rs",
];

/// A file with its path from the root of the repository.
struct Document {
    path: String,
    text: String,
}

impl Document {
    /// Whether *report* may be a word of its texts.
    fn may_report(&self) -> bool {
        self.is_markup() || self.path.contains("report") || ABOUT_REPORTS.contains(&&*self.path)
    }

    fn language(&self) -> Option<Language> {
        match Path::new(&self.path).extension().and_then(|extension| extension.to_str()) {
            Some("rs") => Some(Language::Rust),
            Some("ts" | "mjs") => Some(Language::Script),
            Some("css") => Some(Language::Css),
            Some("toml" | "py" | "sh") => Some(Language::Hash),
            None if self.text.starts_with("#!") => Some(Language::Hash),
            _ => None,
        }
    }

    fn is_markup(&self) -> bool {
        [".md", ".html"].iter().any(|end| self.path.ends_with(end))
    }

    fn pieces(&self) -> Vec<Piece> {
        let language = self.language();
        language.map(|language| pieces(&self.text, language)).unwrap_or_default()
    }

    /// The first line of unit tests, or one beyond the end.
    fn tests(&self) -> usize {
        let tests = self.text.lines().position(|line| line == "#[cfg(test)]");
        tests.map_or(usize::MAX, |line| line + 1)
    }

    /// Comments, and strings that people can read, with their first lines. Strings of tests are not among them.
    fn readable(&self) -> Vec<Piece> {
        if self.is_markup() {
            let lines = self.text.lines().enumerate();
            let text =
                |(number, line): (usize, &str)| Piece { kind: Kind::Text, line: number + 1, text: line.to_owned() };
            return lines.map(text).collect();
        }
        let tests = if self.path.starts_with("src/") { self.tests() } else { 0 };
        let is_read = |piece: &Piece| piece.kind == Kind::Comment || piece.line < tests && piece.text.contains(' ');
        self.pieces().into_iter().filter(is_read).collect()
    }
}

fn documents() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let below = DIRECTORIES.iter().flat_map(|directory| files(&root.join(directory)));
    let read = top.chain(below).filter_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        Some(Document { path: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text })
    });
    let is_ours = |document: &Document| {
        let is_skipped = SKIPPED.iter().any(|skipped| document.path.contains(skipped));
        (document.language().is_some() || document.is_markup()) && !is_skipped
    };
    read.filter(is_ours).collect()
}

/// Lines that are too long, without their URLs. The rows of a table cannot be wrapped.
fn long_lines(document: &Document) -> Vec<String> {
    let url = Regex::new(r"https?://\S+").unwrap();
    let row = Regex::new(r"^(?://[/!]? ?)?\|").unwrap();
    let is_long = |line: &str| url.replace_all(line, "").chars().count() > COLUMNS && !row.is_match(line);
    let long = document.text.lines().enumerate().filter(|(_, line)| is_long(line));
    long.map(|(number, line)| format!("{}:{}: {} columns", document.path, number + 1, line.chars().count())).collect()
}

/// Comments of which a paragraph begins with a clause.
fn clauses(document: &Document) -> Vec<String> {
    let clause = Regex::new(CLAUSE).unwrap();
    let of = |piece: Piece| {
        let begins = piece.text.split("\n\n").any(|paragraph| clause.is_match(&paragraph.replace('\n', " ")));
        let first = piece.text.lines().next().unwrap_or_default();
        begins.then(|| format!("{}:{}: {first}", document.path, piece.line))
    };
    let comments = document.pieces().into_iter().filter(|piece| piece.kind == Kind::Comment);
    comments.filter_map(of).collect()
}

/// Functions whose names begin with a clause.
fn clause_names(document: &Document) -> Vec<String> {
    let name = Regex::new(r"\bfn ((?:what|whatever|who|whoever|whom|whose|where|wherever|those)_\w+)").unwrap();
    name.captures_iter(&document.text).map(|found| format!("{}: {}", document.path, &found[1])).collect()
}

/// Phrases that have a better word.
fn phrases(document: &Document) -> Vec<String> {
    let patterns = PHRASES.iter().chain([&REPORT]);
    let patterns = patterns.map(|(phrase, word)| (Regex::new(&format!(r"\b(?:{phrase})\b")).unwrap(), *phrase, *word));
    let patterns: Vec<_> = patterns.collect();
    let code = Regex::new("`[^`]*`").unwrap();
    let mut found = Vec::new();
    for piece in document.readable() {
        let text = code.replace_all(&piece.text, "``").to_lowercase().replace('\n', " ");
        for (pattern, phrase, word) in &patterns {
            let applies = *phrase != REPORT.0 || piece.kind == Kind::Text && !document.may_report();
            if let Some(phrase) = pattern.find(&text).filter(|_| applies) {
                found.push(format!("{}:{}: \"{}\" → {word}", document.path, piece.line, phrase.as_str()));
            }
        }
    }
    found
}

#[track_caller]
fn expect_none(rule: fn(&Document) -> Vec<String>) {
    let documents = documents();
    assert!(documents.len() > 200, "the sources were not read: {}", documents.len());
    let found: Vec<String> = documents.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn lines_have_at_most_120_columns() {
    expect_none(long_lines);
}

#[test]
fn comments_begin_with_no_clause() {
    expect_none(clauses);
}

#[test]
fn names_begin_with_no_clause() {
    expect_none(clause_names);
}

#[test]
fn texts_use_the_words_of_the_glossary() {
    expect_none(phrases);
}

fn document(path: &str, text: &str) -> Document {
    Document { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn long_line_is_found() {
    let long = "x".repeat(121);
    assert_eq!(long_lines(&document("a.rs", &format!("\n{long}"))), ["a.rs:2: 121 columns"]);
    for short in [&long[1..], &"ö".repeat(120), &format!("// https://{long}"), &format!("| {long} |")] {
        assert_eq!(long_lines(&document("a.md", short)), Vec::<String>::new());
    }
}

#[test]
fn comment_that_begins_with_a_clause_is_found() {
    for (path, text) in [
        ("a.rs", "/// What a relay keeps.\nstruct A;"),
        ("a.rs", "//! Rules.\n//!\n//! Whoever opens it wins."),
        ("a.rs", "f(); // Where it is."),
        ("a.ts", "/** Who opens it. */"),
        ("a.css", "/* Those who print it. */"),
        ("tests/a", "#!/bin/bash\n# Where it is kept."),
    ] {
        assert_eq!(clauses(&document(path, text)).len(), 1, "{text}");
    }
    let fine = "/// Whatsoever.\n/// Rules\n/// What.\nf(\"// Where\"); // What is it?";
    assert_eq!(clauses(&document("a.rs", fine)), Vec::<String>::new());
}

#[test]
fn name_that_begins_with_a_clause_is_found() {
    assert_eq!(clause_names(&document("a.rs", "fn\x20who_opens() {}\nfn whole() {}")), ["a.rs: who_opens"]);
}

#[test]
fn phrase_that_has_a_better_word_is_found() {
    for (path, text, found) in [
        ("src/a.rs", "f(\"Take it \\\n   back now\");", "src/a.rs:1: \"take it back\" → revoke"),
        ("src/a.rs", "/// A link, taken\n/// back.", "src/a.rs:1: \"taken back\" → revoke"),
        ("src/a.ts", "\n`${a} was garbled`", "src/a.ts:2: \"garbled\" → corrupt, damage"),
        ("a.md", "Seen, and gone.", "a.md:1: \"seen, and gone\" → closed and deleted"),
        ("src/a.rs", "f(\"it reports this\")", "src/a.rs:1: \"reports\" → error, show, print, answer"),
    ] {
        assert_eq!(phrases(&document(path, text)), [found], "{text}");
    }
    for (path, text) in [
        ("src/a.rs", "/// The report `taken back`, a skin.\nf(\"report\");"),
        ("src/cli/relay/reports.rs", "f(\"there are no reports\")"),
        ("src/a.rs", "f();\n#[cfg(test)]\nmod tests { g(\"take it back\"); }"),
        ("tests/a.rs", "f(\"take it back\");"),
    ] {
        assert_eq!(phrases(&document(path, text)), Vec::<String>::new(), "{text}");
    }
}
