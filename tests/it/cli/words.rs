//! The sender's words for the recipient: `--from` and `--note`.

use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, contains, events, files, planted_with};

const FROM: &str = "From (written by the sender): Anna";
const NOTE: &str = "Note (written by the sender): from the beach";

#[test]
fn recipients_see_who_sent_it_and_a_note() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("beach.txt", b"waves");
    let words = ["--from", " Anna ", "--note", "from the beach"];
    let send = ["send", "-q", "--relay", &relay.url, "beach.txt", "--for", "ben", "--for", "eva"];
    let sent = sandbox.share(send.iter().chain(&words)).ok();
    let links: Vec<&str> = sent.lines().map(|line| line.split_whitespace().last().unwrap()).collect();
    assert_eq!(links.len(), 2);
    for (number, link) in links.iter().enumerate() {
        let peeked = sandbox.share(["peek", link]).ok();
        let lines: Vec<&str> = peeked.lines().collect();
        assert!(lines[0].starts_with("beach.txt: text, 5 bytes · until "), "{peeked}");
        assert_eq!(lines[1..], [FROM, NOTE]);
        let peeked = &events(&sandbox.share(["peek", link, "--json"]).run())[0];
        assert_eq!((&peeked["from"], &peeked["note"]), (&"Anna".into(), &"from the beach".into()));
        let out = format!("out{number}");
        let opened = sandbox.share(["open", link, "-o", &out]).run();
        assert_eq!((opened.code, &*opened.stdout), (0, &b""[..]));
        let before = format!("beach.txt: text, 5 bytes\n{FROM}\n{NOTE}\n");
        assert!(opened.stderr.contains(&before), "{}", opened.stderr);
    }
    // Neither the relay nor the sender's own records have the words.
    for path in files(&relay.store).into_iter().chain(files(&sandbox.home())) {
        let content = fs::read(&path).unwrap();
        assert!(!contains(&content, b"Anna") && !contains(&content, b"the beach"), "{}", path.display());
    }
}

#[test]
fn programs_get_the_words_and_standard_output_only_the_bytes() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let send = |options: &[&str]| {
        let run = sandbox.share(["send", "-q", "--relay", &relay.url].iter().chain(options)).input("waves");
        run.env("SHARE_FROM", "Anna").ok()
    };
    let noted = send(&["--note", "from the beach"]);
    let opened = sandbox.share(["open", &noted]).run();
    assert_eq!((opened.code, opened.stdout), (0, b"waves".to_vec()));
    let opened = events(&sandbox.share(["open", "--json", "-o", "out", &send(&[])]).run());
    let event = opened.iter().find(|event| event["event"] == "opened").unwrap();
    assert_eq!((&event["from"], &event["note"]), (&"Anna".into(), &Value::Null));
}

#[test]
fn the_sender_is_a_setting_and_can_be_left_out() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let directory = sandbox.home().join(".config/share");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), "from = 'Anna'\n").unwrap();
    let from = |options: &[&str], variable: &str| {
        let run = sandbox.share(["send", "-q", "--relay", &relay.url].iter().chain(options)).input("waves");
        let link = run.env("SHARE_FROM", variable).ok();
        events(&sandbox.share(["peek", &link, "--json"]).run())[0]["from"].clone()
    };
    assert_eq!(from(&[], ""), "Anna");
    assert_eq!(from(&[], "Eva"), "Eva");
    assert_eq!(from(&["--from", "Ben"], "Eva"), "Ben");
    assert_eq!(from(&["--from", " "], "Eva"), Value::Null);
    fs::write(directory.join("config.toml"), format!("from = '{}'\n", "x".repeat(81))).unwrap();
    let send = sandbox.share(["send", "--relay", &relay.url]).input("waves");
    send.fails(2, "config.toml: from: takes at most 80 characters; this has 81");
}

#[test]
fn long_or_broken_words_are_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for (option, text, error) in [
        ("--from", "x".repeat(81), "--from takes at most 80 characters; this has 81"),
        ("--note", "\u{1f600}".repeat(281), "--note takes at most 280 characters; this has 281"),
        ("--note", "one\ntwo".to_owned(), "--note takes one line, without line breaks"),
        ("--from", "\u{1b}[2J".to_owned(), "--from takes text without control characters"),
    ] {
        let refused = sandbox.share(["send", "--relay", &relay.url, option, &text]).input("waves").fails(2, error);
        assert!(!refused.stderr.contains(&text), "{}", refused.stderr);
    }
    assert!(relay.data().is_empty());
}

#[test]
fn hostile_words_are_one_line_of_visible_text() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = planted_with(&relay.url, &[("a.txt", "text/plain", b"waves")], |manifest| {
        manifest.from = Some(format!("\u{1b}[2J\u{202e}annA{}", "x".repeat(100)));
        manifest.note = Some("a\nVerified by the relay".to_owned());
    });
    let peeked = sandbox.share(["peek", &link]).ok();
    let lines: Vec<&str> = peeked.lines().collect();
    let from = format!("From (written by the sender): \u{fffd}[2J\u{fffd}annA{}", "x".repeat(71));
    assert_eq!(lines[1..], [&*from, "Note (written by the sender): a\u{fffd}Verified by the relay"]);
}
