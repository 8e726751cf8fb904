//! The sender's outbox, and the commands that use it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use share::link::Link;
use share::relay::{Relay, ShareState, Status};
use share::secret::{Claimant, Receipt};

#[cfg(target_os = "linux")]
use crate::support::Conversation;
use crate::support::{
    Misbehaving, Misbehavior, Proxy, SHARE, Sandbox, Stage, events, expect_mode, files, noise, photo, served,
};

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_the_opening_and_names_the_opener() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("beach.jpg", &photo(50_000));
    let send = ["send", "--wait", "--relay", &relay.url, "beach.jpg"];
    let mut sender = sandbox.share(send).start();
    let mut link = String::new();
    let mut out = BufReader::new(sender.0.stdout.take().unwrap());
    out.read_line(&mut link).unwrap();
    let asker = sandbox.share(["status", "--wait"]).start();
    let there = sandbox.other_home("elsewhere");
    let opened = sandbox.share(["open", link.trim(), "-o", "got"]).env("HOME", &there).run();
    let words = opened.stderr.split("opened by: ").nth(1).unwrap().trim().to_owned();
    let ended = sender.wait();
    assert!(ended.code == 0 && ended.stderr.contains(&format!(" opened by: {words}")), "{ended:?}");
    let printed = asker.wait();
    assert!(
        printed.code == 0
            && String::from_utf8(printed.stdout)
                .unwrap()
                .contains(&format!("by: {words} (verified: the opener had the link)"))
    );

    let sender = sandbox.share(send).start();
    let outbox = sandbox.home().join(".local/state/share/outbox");
    // As soon as the outbox has the commit, the share can be revoked from another terminal.
    let is_committed = || {
        files(&outbox).iter().any(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.contains(r#""end":null"#) && !text.contains(r#""expires":null"#) && path.extension().unwrap() == "json"
        })
    };
    while !is_committed() {
        std::thread::yield_now();
    }
    sandbox.share(["revoke", "--yes"]).ok();
    let ended = sender.wait();
    assert!(ended.code == 4 && ended.stderr.contains("error: revoked on"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_checks_and_revokes_on_any_machine() {
    let stage = Stage::new();
    let link = stage.share("send -q --receipt kept --for anna --for ben beach.jpg").ok();
    assert_eq!(link.lines().count(), 2);
    expect_mode(stage.sandbox.path("kept"), 0o600);
    let text = String::from_utf8(stage.sandbox.read("kept")).unwrap();
    for link in link.lines() {
        assert!(!text.contains(link.split_once('#').unwrap().1), "it cannot open");
    }
    let printed = stage.elsewhere("status --receipt kept").ok();
    assert_eq!(printed.matches("  waiting until ").count(), 2, "{printed}");
    assert!(printed.contains("for anna") && printed.contains("for ben"), "{printed}");
    stage.elsewhere("revoke --receipt kept").fails(2, "there is no terminal to confirm revoking 2 shares");
    stage.elsewhere("revoke --receipt kept -y").ok();
    stage.elsewhere("peek").env("SHARE_LINK", link.lines().next().unwrap()).fails(4, "the sender revoked this link");
    // Ctrl-C also interrupts waiting for a named pipe.
    let mut mkfifo = std::process::Command::new("bash");
    mkfifo.args(["-c", r#"mkfifo fifo; timeout -k 5 -s INT 1 "$SHARE" send fifo; echo $?"#]);
    let run = stage.sandbox.prepare(mkfifo).env("SHARE", SHARE).env("SHARE_RELAY", &stage.relay);
    assert_eq!(run.ok(), "124", "and not 137");
    stage.elsewhere("status --receipt beach.jpg").fails(8, "beach.jpg: ");
    // A failed send leaves no receipt.
    stage.share("send nothing --receipt other").fails(8, "nothing: no such file");
    stage
        .share("send --receipt other --relay http://127.0.0.1:1 --give-up 100ms beach.jpg")
        .fails(6, "cannot be reached");
    assert!(!stage.sandbox.names().contains(&"other".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_selected_by_link_name_recipient_or_id() {
    let stage = Stage::new();
    let first = stage.sent("");
    let second = stage.share("send -q -n Secret right").ok();
    let both = stage.share("send -q wrong --for anna --for ben").ok();
    let (anna, _) = both.split_once('\n').unwrap();
    let id = |link: &str| Link::parse(link).unwrap().link.secret.id().hex();
    assert!(stage.share("status").arg(&first).ok().starts_with("beach.jpg"));
    assert!(stage.share("status -").input(&second).ok().starts_with("Secret"));
    assert!(stage.share("status Secret").ok().starts_with("Secret"));
    assert!(stage.share("status anna").ok().contains("wrong: text, 3 bytes, for anna"));
    assert!(stage.share("status").arg(&id(anna)[..6]).ok().contains("for anna"));
    assert_eq!(
        stage.share("status").ok().matches("waiting until").count(),
        2,
        "the last ones, which were sent together"
    );
    stage.share("status nobody").fails(4, "no matching share was sent from this device");
    let damaged = &first.split_once('#').unwrap().1[..50];
    stage.share("status").arg(damaged).fails(2, "the link is damaged");
    let taken = stage.share("revoke anna").ok();
    assert!(taken.contains("for anna\n  revoked on"), "{taken}");
    assert!(stage.share("status ben").ok().contains("waiting"));
    let listed = stage.share("ls").ok();
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        rows.iter().map(|row| row[2]).collect::<Vec<_>>(),
        ["wrong", "wrong", "Secret", "beach.jpg"],
        "newest first"
    );
    assert_eq!((rows[1][0], rows[1][3], rows[1][4], rows[1][5]), (&id(anna)[..8], "anna", "revoked", "-"), "{listed}");
    let forgot = stage.share("list --forget").run();
    assert!(forgot.stderr.contains("1 ended share removed from the list"), "{forgot:?}");
    assert_eq!(stage.share("list").ok().lines().count(), 3);
    // An empty outbox is not an error.
    let other = stage.elsewhere("list").run();
    assert!(other.code == 0 && other.stderr.contains("No shares to list"), "{other:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn revoking_asks_unless_the_share_was_specified() {
    let stage = Stage::new();
    let link = stage.sent("");
    let command = r#""$SHARE" revoke"#;
    let mut terminal = Conversation::start(&stage.sandbox, command);
    terminal.expect("beach.jpg: photo, 300 kB, sent on").expect("Revoke this share? [y]es, [n]o").press("\r");
    let (code, seen) = terminal.end();
    assert!(code == 130 && seen.contains("nothing was revoked"), "{seen}");
    let mut terminal = Conversation::start(&stage.sandbox, command);
    terminal.expect("[y]es, [n]o").press("y\r");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("revoked on Jan 1, 2100"), "{seen}");
    stage.share("peek").env("SHARE_LINK", &link).fails(4, "the sender revoked this link");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_links_come_from_one_reading_and_each_opens_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(13_000_000, 5);
    let links = sandbox.share(["send", "-q", "--links", "3", "--relay", &relay.url]).input(&content).ok();
    let links: Vec<&str> = links.lines().collect();
    assert_eq!(links.len(), 3);
    for link in &links {
        assert!(sandbox.share(["open", "-q", link]).run().stdout == content);
        sandbox.share(["open", "-q", link]).fails(3, "already opened");
    }
    relay.expect_empty();
    // All or none: a source that fails in the middle leaves no link.
    sandbox.write("first", &noise(9_000_000, 1));
    fs::create_dir(sandbox.path("dir")).unwrap();
    let ended = sandbox.share(["send", "--links", "3", "--relay", &relay.url, "first", "/proc/self/mem"]).run();
    assert!(ended.code == 8 && ended.stdout.is_empty(), "{ended:?}");
    relay.expect_empty();
    assert_eq!(sandbox.share(["list"]).ok().lines().count(), 3, "what was not sent is not listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_passphrase_has_four_words_and_is_shown() {
    let stage = Stage::new();
    let sent = stage.share("send -q -P right").run();
    let words = sent.stderr.lines().find_map(|line| line.strip_prefix("passphrase: ")).unwrap().to_owned();
    assert_eq!(words.split(' ').count(), 4, "{words}");
    stage.sandbox.write("words", words.as_bytes());
    let link = String::from_utf8(sent.stdout).unwrap();
    stage.elsewhere("open").env("SHARE_LINK", link.trim()).fails(2, "a passphrase is required");
    let open = stage.elsewhere("open -q --passphrase-file words").env("SHARE_LINK", link.trim());
    assert_eq!(open.ok(), "horse");
    let sent = events(&stage.share("send -P right --json").run());
    assert_eq!(sent[0]["passphrase"].as_str().unwrap().split(' ').count(), 4);
    let both = stage.share("send -P --passphrase-file right right").run();
    assert_eq!(both.code, 2, "{both:?}");
}

/// A relay that claims that every share was opened.
struct Boaster;

impl Misbehavior for Boaster {
    fn status(&self, status: &mut Status) {
        status.state = ShareState::Finished;
        status.ended = Some(status.created);
        status.claimant = Some(Claimant::from_bytes([7; 32]));
        status.receipt = Some(Receipt::from_bytes([7; 32]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_without_a_receipt_is_not_believed() {
    let mut stage = Stage::new();
    let boaster = Misbehaving { relay: stage.bench.relay.clone(), how: Boaster };
    stage.relay = served(Arc::new(boaster) as Arc<dyn Relay>).1;
    let sent = stage.share("send --wait beach.jpg").run();
    assert!(sent.code == 4 && sent.stderr.contains("there is no proof"), "{sent:?}");
    let printed = stage.share("status").ok();
    assert!(printed.contains("according to the relay; there is no proof"), "{printed}");
    assert_eq!(events(&stage.share("status --json").run())[0]["receipt"], "invalid");
    assert_eq!(stage.share("status --wait").run().code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_relay_does_not_delay_the_others() {
    let mut stage = Stage::new();
    let here = stage.relay.clone();
    let mut gone = stage.sandbox.relay();
    stage.relay.clone_from(&gone.url);
    stage.share("send -q -n photo right").ok();
    gone.kill();
    stage.relay = here;
    stage.share("send -q -n photo wrong").ok();
    let printed = stage.share("status photo --give-up 100ms").run();
    assert_eq!(printed.code, 6, "{printed:?}");
    assert!(String::from_utf8(printed.stdout).unwrap().contains("waiting until"), "the other one's");
    let taken = stage.share("revoke -y photo --give-up 100ms").run();
    assert!(taken.code == 6 && taken.stderr.contains("was NOT revoked"), "{taken:?}");
    assert!(String::from_utf8(taken.stdout).unwrap().contains("revoked on"));
    let listed = stage.share("list").run();
    let rows = String::from_utf8(listed.stdout.clone()).unwrap();
    assert!(
        listed.stderr.contains("cannot be reached") && rows.contains("no answer") && rows.contains("revoked"),
        "{listed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_send_leaves_no_trace_in_the_outbox() {
    let stage = Stage::new();
    stage.share("send nothing").fails(8, "nothing: no such file");
    stage.share("send --receipt no/such/place beach.jpg").fails(8, "no/such/place");
    stage.share("send beach.jpg --relay http://127.0.0.1:1 --give-up 100ms").fails(6, "cannot be reached");
    let left = stage.share("list").run();
    assert!(left.stdout.is_empty() && left.stderr.contains("No shares to list"), "{left:?}");
    fs::write(stage.sandbox.home().join(".local/state/share/outbox/0.json"), b"{").unwrap();
    assert!(stage.share("list").run().stderr.contains("1 record of a sent share is damaged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwritable_output_is_an_error_and_an_unwanted_one_is_not() {
    let stage = Stage::new();
    let link = stage.sent("");
    for command in ["list", "status", "peek", "relay check", "man", "completions bash", "list --json"] {
        let shell = |to: &str| {
            let mut bash = std::process::Command::new("bash");
            bash.args(["-c", &format!(r#""$SHARE" {command} {to}; exit ${{PIPESTATUS[0]}}"#)]);
            let run = stage.sandbox.prepare(bash).env("SHARE", SHARE);
            run.env("SHARE_LINK", &link).env("SHARE_RELAY", &stage.relay).run()
        };
        let full = shell(">/dev/full");
        assert!(full.code == 8 && full.stderr.contains("error: standard output: no space left"), "{command}: {full:?}");
        let head = shell("| head -0");
        assert_eq!(head.code, 0, "{command}: {head:?}");
    }
}

#[test]
fn many_shares_are_queried_in_parallel_and_a_silent_relay_only_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let line = Proxy::to(&relay.address(), None);
    for _ in 0..4 {
        sandbox.share(["send", "-q", "--relay", &line.url, "--links", "20"]).input("text").ok();
    }
    assert_eq!(sandbox.share(["list", "-q"]).ok().matches("waiting").count(), 80);
    assert!(line.most() <= 24, "{} connections at once", line.most());
    line.stop_down_at(0);
    let begun = std::time::Instant::now();
    let printed = sandbox.share(["list", "-q"]).ok();
    assert_eq!((printed.lines().count(), printed.matches("waiting").count()), (80, 0), "{printed}");
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}
