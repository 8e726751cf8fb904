//! Numbers in help and error texts equal the constants of the program.

use std::time::Duration;

use share::link::Link;
use share::relay::server::PORT;
use share::relay::{MAX_TTL, MAX_WAIT, MIN_TTL, TOMBSTONE_TIME};
use share::relay_url::RelayUrl;
use share::secret::{Flags, LinkSecret};

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
    let hint = sandbox.share(["peek", &unknown]).fails(4, "knows no such share").stderr;
    assert!(hint.contains(&format!("more than {} days ago", days(TOMBSTONE_TIME))), "{hint}");
}
