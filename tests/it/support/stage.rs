//! Two homes, and a relay with a clock that the test controls.

use serde_json::Value;

use super::content::photo;
use super::relays::{TestRelay, served};
use super::sandbox::{Ended, Run, Sandbox};

/// Two homes, and a relay with a clock.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) bench: TestRelay,
    pub(crate) relay: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (sandbox, bench) = (Sandbox::new(), TestRelay::memory());
        let (_, relay) = served(bench.relay.clone());
        sandbox.write("beach.jpg", &photo(300_000));
        sandbox.write("right", b"horse");
        sandbox.write("wrong", b"cow");
        Self { sandbox, bench, relay }
    }

    /// A run of the program with this relay.
    pub(crate) fn share(&self, line: &str) -> Run {
        self.sandbox.share(line.split_whitespace()).env("SHARE_RELAY", &self.relay)
    }

    /// A run of the program in the other home.
    pub(crate) fn elsewhere(&self, line: &str) -> Run {
        self.share(line).env("HOME", self.sandbox.other_home("elsewhere"))
    }

    /// Sends beach.jpg.
    pub(crate) fn sent(&self, options: &str) -> String {
        self.share(&format!("send -q beach.jpg {options}")).ok()
    }
}

/// Parses `--json` output strictly, as documented. Returns the events before `done`.
pub(crate) fn events(ended: &Ended) -> Vec<Value> {
    let text = std::str::from_utf8(&ended.stdout).unwrap();
    assert!(text.ends_with('\n'), "whole lines: {ended:?}");
    let mut events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        let event = event.as_object().unwrap();
        assert_eq!(event["v"], 1, "{event:?}");
        assert!(event["event"].is_string(), "{event:?}");
    }
    let done = events.pop().unwrap();
    assert_eq!(done["event"], "done", "{ended:?}");
    assert_eq!(done["exit"], ended.code, "{ended:?}");
    assert_eq!(done["ok"], ended.code == 0, "{ended:?}");
    assert!(events.iter().all(|event| event["event"] != "done"), "{ended:?}");
    let error = ended.stderr.lines().find_map(|line| line.strip_prefix("error: "));
    match (ended.code, error) {
        (0, None) => assert!(done["error"].is_null(), "{ended:?}"),
        (130, None) => assert_eq!(done["error"], "interrupted", "{ended:?}"),
        (_, Some(error)) => assert_eq!(done["error"], error, "{ended:?}"),
        _ => panic!("{ended:?}"),
    }
    let talk = |line: &str| !["error: ", "hint: ", "try: ", "warning: "].iter().any(|mark| line.starts_with(mark));
    assert!(!ended.stderr.lines().any(talk), "no talk: {ended:?}");
    events
}
