//! The pages' language tables: complete, of one shape, in the typography of their languages, and without unused keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex_lite::Regex;
use serde_json::Value;

use crate::support::files;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");

/// Values that may equal the English ones, by key. The names of media and of controls are international words.
const SAME: &[(&str, &[&str])] = &[
    ("de", &["passphrase.label", "showing.zoom", "showing.pause", "showing.position", "send/token.label"]),
    ("es", &["kind.video"]),
    ("fr", &["kind.photo", "showing.pause", "showing.position"]),
    ("it", &["kind.video", "kind.file"]),
    ("nl", &["kind.video", "hold.word"]),
    ("tr", &["kind.video"]),
];

/// Keys whose values are the same in many languages: formats without words.
const FORMATS: [&str; 7] =
    ["kind.size", "opener", "showing.turned", "showing.of", "showing.clock", "time.month", "opening.part"];

/// Keys of which the page makes the end, by their beginnings.
const MADE: [(&str, &str); 8] = [
    ("for_you.", "photo video sound text file"),
    ("kind.", "photo video sound text file"),
    ("showing.", "photo video sound text file"),
    ("opening.left_", "few seconds minutes hours"),
    ("link.", "no-key exposed not-a-link damaged too-new short long"),
    ("ended.", "already-opened lapsed expired revoked locked aborted"),
    (
        "state.",
        "uploading waiting claimed claimed_by finished finished_by lapsed lapsed_by expired revoked revoked_by locked \
         aborted",
    ),
    (
        "problem.",
        "not-allowed quota too-large too-long-lived no-space slow-down unreadable too-many-files garbled abandoned \
         revoked unexpected",
    ),
];

type Table = BTreeMap<String, Value>;

/// Precedes the keys of a table in languages/send: of words that only the page that sends has.
const SEND: &str = "send/";

/// The tables by their names, each with the words of both pages.
fn tables() -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::<String, Table>::new();
    for path in files(&Path::new(PAGE).join("languages")) {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let prefix = if path.parent().unwrap().ends_with("send") { SEND } else { "" };
        let table: Table = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let keys = table.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value));
        tables.entry(path.file_stem().unwrap().to_str().unwrap().to_owned()).or_default().extend(keys);
    }
    tables
}

/// A text, a plural's forms by their categories, or a list of these.
enum Entry<'a> {
    Text,
    Plural(BTreeMap<&'a str, &'a str>),
}

/// The entries of a value; one, unless it is a list.
fn entries(value: &Value) -> Vec<Entry<'_>> {
    match value {
        Value::Array(list) => list.iter().flat_map(entries).collect(),
        Value::Object(forms) => {
            let forms = forms.iter().map(|(category, form)| (category.as_str(), form.as_str().unwrap()));
            vec![Entry::Plural(forms.collect())]
        }
        _ => vec![Entry::Text],
    }
}

/// All texts of a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(forms) => forms.values().flat_map(texts).collect(),
        text => vec![text.as_str().unwrap()],
    }
}

fn placeholders(text: &str) -> BTreeSet<String> {
    let placeholder = Regex::new(r"\{(\w+)\}").unwrap();
    placeholder.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The placeholders of a whole value: one that the value of a heading lacks may be in a paragraph.
fn all_placeholders(value: &Value) -> BTreeSet<String> {
    texts(value).into_iter().flat_map(placeholders).collect()
}

/// Differences in shape between a value and the English one.
fn misshapen(key: &str, value: &Value, english: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (ours, theirs) = (entries(value), entries(english));
    let is_list = |value: &Value| value.is_array();
    if is_list(value) != is_list(english) || ours.len() != theirs.len() {
        return vec![format!("{key}: {} entries, not {}", ours.len(), theirs.len())];
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let (Entry::Plural(ours), Entry::Plural(theirs)) = (ours, theirs) else {
            if matches!(ours, Entry::Plural(_)) != matches!(theirs, Entry::Plural(_)) {
                found.push(format!("{key}: a plural in one table only"));
            }
            continue;
        };
        let all = placeholders(theirs["other"]);
        for (category, form) in ours {
            // "One file" and "two files" need no digit.
            let missing: Vec<String> = all.difference(&placeholders(form)).cloned().collect();
            if !(missing.is_empty() || missing == ["count"] && *category != "other") {
                found.push(format!("{key}, {category}: without {missing:?}"));
            }
        }
    }
    if all_placeholders(value) != all_placeholders(english) {
        found.push(format!("{key}: other placeholders than {:?}", all_placeholders(english)));
    }
    found
}

/// Mistakes in the typography of a text.
fn mistyped(name: &str, text: &str) -> Option<String> {
    let wrong = match name {
        // Spaces before these do not break; those of some are narrow.
        "fr" => "[^\u{202f}][;!?]|[^\u{a0}][:»]|«[^\u{a0}]|[“”„'\"]| \u{2026}",
        "de" => "[“][^\u{20}.,)]|[”'\"]|[^\u{a0}]\u{2026}",
        "es" | "it" | "ar" => "[“”„'\"]|\\s\u{2026}",
        "pl" => "[“'\"]|\\s\u{2026}",
        "ja" | "zh-Hans" => "[,;!?:()'\"]|[。，、：；]\u{20}",
        _ => "['\"]|\\s\u{2026}",
    };
    // Spaces at the ends join other words.
    let has_wrong_space = text.contains("  ") || text.contains("...") || text.trim() != text && !text.starts_with(" (");
    let found = Regex::new(wrong).unwrap().find(text).map(|found| found.as_str().to_owned());
    found.or_else(|| has_wrong_space.then(|| "space".to_owned())).map(|found| format!("{found:?} in {text:?}"))
}

#[track_caller]
fn expect_none(found: &[String]) {
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn tables_have_the_keys_and_the_shape_of_the_english_one() {
    let tables = tables();
    assert_eq!(tables.len(), 12, "{:?}", tables.keys());
    let english = &tables["en"];
    let mut found = Vec::new();
    for (name, table) in &tables {
        found.extend(english.keys().filter(|key| !table.contains_key(*key)).map(|key| format!("{name} lacks {key}")));
        found.extend(table.keys().filter(|key| !english.contains_key(*key)).map(|key| format!("{name} adds {key}")));
        let common = table.iter().filter_map(|(key, value)| Some((key, value, english.get(key)?)));
        let wrong = common.flat_map(|(key, value, english)| misshapen(key, value, english));
        found.extend(wrong.map(|wrong| format!("{name}: {wrong}")));
    }
    expect_none(&found);
}

#[test]
fn every_text_is_translated() {
    let tables = tables();
    let mut found = Vec::new();
    for (name, table) in tables.iter().filter(|(name, _)| *name != "en") {
        let same = SAME.iter().find(|(same, _)| same == name).map_or(&[][..], |(_, keys)| keys);
        for (key, value) in table.iter().filter(|(key, value)| tables["en"].get(*key) == Some(value)) {
            if !same.contains(&key.as_str()) && !FORMATS.contains(&key.as_str()) {
                found.push(format!("{name}: {key} is {value}"));
            }
        }
        let stale = same.iter().filter(|key| table.get(**key) != tables["en"].get(**key));
        found.extend(stale.map(|key| format!("{name}: {key} differs from the English one")));
    }
    expect_none(&found);
}

#[test]
fn tables_use_the_typography_of_their_languages() {
    let mut found = Vec::new();
    for (name, table) in &tables() {
        for (key, value) in table {
            let wrong = texts(value).into_iter().filter_map(|text| mistyped(name, text));
            found.extend(wrong.map(|wrong| format!("{name}: {key}: {wrong}")));
        }
    }
    expect_none(&found);
}

#[test]
fn every_key_is_used() {
    let all = files(Path::new(PAGE)).into_iter();
    let ours = all.filter(|path| !path.components().any(|part| part.as_os_str() == "node_modules"));
    let scripts = ours.filter(|path| path.extension().is_some_and(|extension| extension == "ts" || extension == "mjs"));
    let source: String = scripts.map(|path| fs::read_to_string(path).unwrap()).collect();
    let made = Regex::new(r"`(\w+\.\w*)\$\{").unwrap();
    let beginnings: BTreeSet<&str> = made.captures_iter(&source).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(beginnings, MADE.iter().map(|(beginning, _)| *beginning).collect());
    let is_made = |key: &str| {
        let end = |(beginning, ends): &(&str, &str)| {
            key.strip_prefix(beginning).is_some_and(|end| ends.split(' ').any(|each| each == end))
        };
        MADE.iter().any(end)
    };
    let is_used = |key: &str| source.contains(&format!("\"{key}\"")) || is_made(key);
    let unused = |key: &&String| !is_used(key.strip_prefix(SEND).unwrap_or(key));
    let unused: Vec<String> = tables()["en"].keys().filter(unused).cloned().collect();
    expect_none(&unused);
}

#[test]
fn words_to_type_are_short_and_in_the_instructions() {
    for (name, table) in &tables() {
        let word = |key: &str| table[key].as_str().unwrap().to_owned();
        for key in ["hold.word", "hold.also"] {
            let length = word(key).chars().count();
            assert!((2..=8).contains(&length) && !word(key).contains(' '), "{name}: {key}");
            assert_eq!(word(key), word(key).to_uppercase(), "{name}: {key} is in capital letters");
        }
    }
}

#[test]
fn wrong_tables_are_found() {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let english = value(r#"["{a}", {"one": "{count} {a}", "other": "{count} {a}"}]"#);
    let right = [
        r#"["{a}", {"one": "{count} {a}", "other": "{count} {a}"}]"#,
        r#"["", {"one": "{a}", "two": "{a} {count}", "other": "{count} {a}"}]"#,
    ];
    for right in right {
        assert_eq!(misshapen("key", &value(right), &english), Vec::<String>::new(), "{right}");
    }
    for wrong in [
        r#""{a}""#,
        r#"["{a}"]"#,
        r#"["{a}", "{count}"]"#,
        r#"["{a}", {"one": "{count} {a}", "other": "{a}"}]"#,
        r#"["{a}", {"one": "{count}", "other": "{count} {a}"}]"#,
        r#"["{a} {b}", {"one": "{count} {a}", "other": "{count} {a}"}]"#,
    ] {
        assert_eq!(misshapen("key", &value(wrong), &english).len(), 1, "{wrong}");
    }
    for (name, wrong) in [
        ("en", "Don't"),
        ("en", "One moment …"),
        ("fr", "Pourquoi ?"),
        ("fr", "Oui\u{a0}!"),
        ("fr", "« Oui\u{a0}»"),
        ("de", "“Ja“"),
        ("de", "Moment…"),
        ("pl", "“Tak”"),
        ("ja", "はい, そう"),
        ("zh-Hans", "是， 对"),
        ("nl", "Twee  spaties"),
        ("nl", "Een ogenblik..."),
    ] {
        assert!(mistyped(name, wrong).is_some(), "{name}: {wrong}");
    }
    for (name, right) in [
        ("en", "“Don’t”…"),
        ("fr", "«\u{a0}Oui\u{a0}»\u{a0}: non\u{202f}?"),
        ("de", "„Ja“, „Nein“.\u{a0}…"),
        ("pl", "„Tak”"),
        ("ja", "「はい」、そう：{x} / {y}"),
    ] {
        assert_eq!(mistyped(name, right), None, "{name}: {right}");
    }
}
