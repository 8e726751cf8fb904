//! Numbers in help and error texts equal the constants of the program.

use std::path::Path;
use std::time::Duration;

use share::link::Link;
use share::relay::server::{Limits, PORT};
use share::relay::{INLINE_LEN, LEASE, MAX_GUESSES, MAX_TTL, MAX_WAIT, MIN_TTL, TOMBSTONE_TIME};
use share::relay_url::RelayUrl;
use share::report::MAX_NOTE;
use share::secret::{Flags, LinkSecret};

use super::documents::documents;
use crate::support::Sandbox;

/// A text without its line breaks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn days(time: Duration) -> u64 {
    time.as_secs() / (24 * 3600)
}

#[test]
fn helps_repeat_the_numbers_of_the_protocol() {
    let sandbox = Sandbox::new();
    let help = |command: &[&str]| unwrapped(&sandbox.share(command.iter().chain(&["--help"])).ok());
    for (command, text) in [
        (&["relay"][..], format!("[default: 127.0.0.1:{PORT}]")),
        (&["relay", "check"], format!("a request can wait {} seconds", MAX_WAIT.as_secs())),
        (&["send"], format!("port {PORT} if it is free")),
        (&["send"], format!("{}m to {}d", MIN_TTL.as_secs() / 60, days(MAX_TTL))),
    ] {
        let help = help(command);
        assert!(help.contains(&text), "{command:?}: {text}\n{help}");
    }
}

#[test]
fn errors_repeat_the_numbers_of_the_protocol() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let too_long = format!("{}s", MAX_TTL.as_secs() + 1);
    sandbox
        .share(["send", "-q", "--relay", &relay.url, "--expire", &too_long])
        .input("x")
        .fails(2, &format!("1 minute to {} days", days(MAX_TTL)));
    let secret = LinkSecret::random(Flags::default());
    let unknown = Link { relay: Some(RelayUrl::parse(&relay.url).unwrap()), secret }.web().unwrap().to_string();
    let hint = sandbox.share(["peek", &unknown]).fails(4, "has no such share").stderr;
    assert!(hint.contains(&format!("more than {} days ago", days(TOMBSTONE_TIME))), "{hint}");
}

#[test]
fn documents_repeat_the_numbers_of_the_program() {
    assert_eq!(MAX_GUESSES, 20, "twenty wrong ones, the twenty-first");
    let documents = documents();
    let hours = LEASE.as_secs() / 3600;
    for (path, text) in [
        ("README.md", format!("resume for {hours} hours")),
        ("README.md", "after twenty wrong ones".to_owned()),
        ("SECURITY.md", format!("resume for {hours} hours")),
        ("SECURITY.md", "the twenty-first different guess".to_owned()),
        ("SECURITY.md", format!("until {} days after its end", days(TOMBSTONE_TIME))),
        ("SECURITY.md", format!("larger than {} KiB is being opened", INLINE_LEN / 1024)),
        ("docs/viewing.md", format!("a note of up to {MAX_NOTE} characters")),
        ("docs/relay.md", format!("`--max-reports` reports an hour ({})", Limits::default().reports.unwrap())),
        ("docs/relay.md", format!("until {} days after the end of the share", days(TOMBSTONE_TIME))),
        ("docs/viewing.md", format!("look again for {hours} hours")),
        ("docs/reaching.md", format!("port {PORT} of 127.0.0.1")),
        ("docs/relay.md", format!("listens on `127.0.0.1:{PORT}`")),
        ("docs/relay.md", format!("answer back for {} seconds", MAX_WAIT.as_secs())),
    ] {
        assert!(unwrapped(&documents[Path::new(path)]).contains(&text), "{path}: {text}");
    }
}
