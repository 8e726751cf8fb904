//! Shares past their expiry, by the relay's clock and by the sender's.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use share::relay::store::memory::Memory;

use crate::support::{SHARE, Sandbox, Stage, TestClock, TestRelay, events, files, folder_url, served};

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_share_is_not_shown_as_waiting() {
    let stage = Stage::new();
    let link = stage.sent("-e 1d");
    stage.bench.clock.advance(86_399);
    assert!(stage.share("status").ok().contains("  waiting until Jan 2, 2100 at 00:00\n"));
    stage.bench.clock.advance(1);
    stage.elsewhere("open -o x").env("SHARE_LINK", &link).fails(4, "expired on Jan 2, 2100 at 00:00; nobody opened it");
    let expired = "expired on Jan 2, 2100 at 00:00; the relay has not yet confirmed that nobody opened it\n";
    assert!(stage.share("status").ok().contains(expired));
    assert!(stage.share("list").ok().contains("\texpired\t"));
    let facts = events(&stage.share("status --json").run()).pop().unwrap();
    assert!(facts["state"] == "waiting" && facts["overdue"] == true, "{facts}");
    // The relay has not ended the share yet, so the outbox does not note an end.
    stage.bench.clock.advance(121);
    assert!(stage.share("status").ok().contains("  expired on Jan 2, 2100 at 00:00; nobody opened it\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relays_clock_decides() {
    // 1 January 2000: by the sender's clock, all of the relay's shares would have expired.
    let clock = TestClock::at(946_684_800);
    let bench = TestRelay::over("memory", Arc::new(Memory::new(clock.clone(), u64::MAX)), clock);
    let (sandbox, (_, relay)) = (Sandbox::new(), served(bench.relay.clone()));
    let sent = sandbox.share(["send", "--bare"]).env("SHARE_RELAY", &relay).input("text").run();
    assert!(sent.code == 0 && !sent.stderr.contains("keeps shares for at most"), "{sent:?}");
    for (command, state) in [("status", "  waiting until Jan 15, 2000 at 00:00\n"), ("list", "\twaiting\t")] {
        let printed = sandbox.share([command]).env("SHARE_RELAY", &relay).ok();
        assert!(printed.contains(state), "{printed}");
    }
}

#[test]
fn a_folder_without_a_server_shows_it_too() {
    let sandbox = Sandbox::new();
    let root = sandbox.path("team");
    sandbox.share(["relay", "use", "-q", &folder_url(&root)]).ok();
    sandbox.share(["send", "-q", "-e", "1d"]).input("text").ok();
    // As if it had been sent a day and half a minute ago.
    for path in files(&root) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if let Ok(mut record) = serde_json::from_str::<serde_json::Value>(&text)
            && let Some(at) = record.get("at").and_then(serde_json::Value::as_u64)
        {
            record["at"] = (at - 86_430).into();
            fs::write(&path, record.to_string()).unwrap();
        }
    }
    let printed = sandbox.share(["status"]).ok();
    assert!(
        printed.contains("expired on ") && printed.contains("has not yet confirmed that nobody opened it"),
        "{printed}"
    );
    // Without a reachable relay, the sender's clock decides.
    let there = Sandbox::new();
    let (_, relay) = (there.share(["list"]).ok(), there.relay());
    there.share(["send", "-q", "-e", "1d"]).env("SHARE_RELAY", &relay.url).input("text").ok();
    drop(relay);
    let entry = files(&there.home().join(".local/state/share/outbox")).remove(0);
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&entry).unwrap()).unwrap();
    kept["expires"] = (kept["expires"].as_u64().unwrap() - 86_430).into();
    fs::write(&entry, kept.to_string()).unwrap();
    let printed = there.share(["list", "--give-up", "300ms"]).run();
    assert!(printed.stderr.contains("cannot be reached") || printed.stderr.contains("does not answer"), "{printed:?}");
    assert!(String::from_utf8(printed.stdout).unwrap().contains("\texpired?\t"));
}

/// Calls that flush a whole disk.
fn flushes(sandbox: &Sandbox, command: &str) -> usize {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "trace", "-e", "trace=syncfs", "timeout", "-s", "TERM", "2", SHARE]);
    traced.args(command.split_whitespace());
    sandbox.prepare(traced).run();
    String::from_utf8(sandbox.read("trace")).unwrap().matches("syncfs(").count()
}

#[test]
#[ignore = "needs strace: tests/all"]
fn a_new_folder_does_not_flush_the_whole_disk() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    assert_eq!(flushes(&sandbox, "send --direct --listen 127.0.0.1:0 file"), 0);
    let relay = format!("relay --listen 127.0.0.1:0 --store {}", folder_url(sandbox.path("store")));
    assert_eq!(flushes(&sandbox, &relay), 0, "a new one");
    assert_eq!(flushes(&sandbox, &relay), 1, "what a predecessor has left");
}
