//! The project's documents: their links resolve, and their lines are short.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex_lite::Regex;

use crate::support::files;

/// Longest line of a document, in characters.
const MAX_COLUMNS: usize = 120;
/// Longest README, in lines.
const MAX_README: usize = 150;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Markdown files of the repository: their paths from its root, and their texts.
pub(super) fn documents() -> BTreeMap<PathBuf, String> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let below = ["benches", "completions", "docs", "src", "tests"].map(|directory| files(&root().join(directory)));
    let is_document = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "md")
            && !path.components().any(|part| part.as_os_str() == "node_modules")
    };
    let all = top.chain(below.into_iter().flatten()).filter(is_document);
    all.map(|path| (path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap())).collect()
}

/// The lines of a document, each with the label of the code block that it is in.
fn lines(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let mut label = None;
    text.lines().map(move |line| match (line.strip_prefix("```"), label) {
        (Some(begun), None) => {
            label = Some(begun);
            (label, line)
        }
        (Some(_), Some(_)) => (label.take(), line),
        (None, _) => (label, line),
    })
}

/// The lines of a document outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter(|(label, _)| label.is_none()).map(|(_, line)| line)
}

/// The anchor of a heading, as GitHub makes it: lower case, without punctuation, hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a document. A heading that occurs again gets a number.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let mut found = BTreeSet::new();
    for heading in headings {
        let name = anchor(heading.trim_start_matches('#').trim());
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let free = [name.clone()].into_iter().chain(numbered).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

/// The targets of links and images in a document.
fn targets(text: &str) -> Vec<String> {
    let link = Regex::new(r#"\]\(([^()\s]+)\)|(?:href|src|srcset)="([^"\s]+)""#).unwrap();
    let code = Regex::new("`[^`]*`").unwrap();
    let prose: Vec<&str> = prose(text).collect();
    let prose = code.replace_all(&prose.join("\n"), "``").into_owned();
    let target = |found: regex_lite::Captures<'_>| found.get(1).or(found.get(2)).map(|part| part.as_str().to_owned());
    link.captures_iter(&prose).filter_map(target).collect()
}

/// A path from the repository's root without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(clean.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

/// The reason why a link in the document `from` leads nowhere.
fn broken(from: &Path, target: &str, documents: &BTreeMap<PathBuf, String>) -> Option<String> {
    if target.contains("://") {
        return (!target.starts_with("https://")).then(|| "not https".to_owned());
    }
    let (path, fragment) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let to = if path.is_empty() { from.to_owned() } else { normal(&from.parent().unwrap().join(path)) };
    if !root().join(&to).exists() {
        return Some(format!("{} does not exist", to.display()));
    }
    let fragment = fragment?;
    match documents.get(&to) {
        Some(text) if anchors(text).contains(fragment) => None,
        _ => Some(format!("{} has no heading #{fragment}", to.display())),
    }
}

#[test]
fn links_in_documents_resolve() {
    let documents = documents();
    let mut count = 0;
    for (from, text) in &documents {
        for target in targets(text) {
            count += 1;
            let broken = broken(from, &target, &documents);
            assert!(broken.is_none(), "{}: {target}: {}", from.display(), broken.unwrap_or_default());
        }
    }
    assert!(count >= 20, "{count} links in {:?}", documents.keys());
}

#[test]
fn linked_files_are_packaged() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let include = manifest.split_once("\ninclude = [").unwrap().1.split_once(']').unwrap().0;
    let packaged: Vec<&str> = include.split('"').skip(1).step_by(2).collect();
    for (from, text) in documents() {
        for target in targets(&text).iter().filter(|target| !target.contains("://")) {
            let path = target.split('#').next().unwrap_or_default();
            let to = normal(&from.parent().unwrap().join(path));
            let first = to.components().next().map_or(from.as_os_str(), |part| part.as_os_str());
            let first = format!("/{}", first.to_str().unwrap());
            assert!(packaged.contains(&first.as_str()), "{first} is linked and not in Cargo.toml's include");
        }
    }
}

#[test]
fn lines_of_documents_are_short() {
    for (path, text) in documents() {
        for (number, (label, line)) in lines(&text).enumerate() {
            // A row of a table cannot be broken; what a program printed stays as it is.
            if line.starts_with('|') || label == Some("console") {
                continue;
            }
            // An address cannot be broken either.
            let columns: usize =
                line.split_inclusive(' ').filter(|word| !word.contains("://")).map(|word| word.chars().count()).sum();
            assert!(columns <= MAX_COLUMNS, "{}:{}: {columns} columns", path.display(), number + 1);
        }
    }
}

#[test]
fn readme_is_short() {
    let count = documents()[Path::new("README.md")].lines().count();
    assert!(count <= MAX_README, "{count} lines, at most {MAX_README}");
}
