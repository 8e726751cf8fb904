//! Notices when a share ends: on a desktop, at a terminal, within tmux, and by a command.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, SockAddr, Type};

use crate::support::{Bus, Host, Run, SHARE, Sandbox, TIME_LIMIT, TerminalKind, Tty, contains};

/// Opens a link on another device. Returns its two words.
fn open(sandbox: &Sandbox, link: &str) -> String {
    let opened = sandbox.share(["open", link, "-f", "-o", "got"]).env("HOME", sandbox.other_home("elsewhere")).run();
    assert_eq!(opened.code, 0, "{opened:?}");
    opened.stderr.split("opened by: ").nth(1).unwrap().trim().to_owned()
}

/// The text of a file, once its first line is whole.
fn line(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if let Some((line, _)) = text.split_once('\n') {
            return line.to_owned();
        }
        assert!(begun.elapsed() < TIME_LIMIT, "{} has no line", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A `share send --wait --notify` at a terminal with these variables, and its link.
fn sender(sandbox: &Sandbox, variables: &str, args: &str) -> (Tty, String) {
    let _ = fs::remove_file(sandbox.path("link"));
    let command = format!("{variables} \"$SHARE\" send --wait --notify {args} secret-name.txt >link");
    let tty = Tty::start(sandbox, TerminalKind::Plain, &command);
    let link = line(&sandbox.path("link"));
    (tty, link)
}

/// The sequences for notifications among the output of a terminal, and its bells.
fn told(tty: &Tty) -> (Vec<String>, usize) {
    let text = tty.seen(|seen| String::from_utf8_lossy(&seen.bytes).into_owned());
    let sequences = text.split("\x1b]").skip(1).map(|rest| rest.split("\x1b\\").next().unwrap().to_owned());
    (sequences.collect(), text.matches('\x07').count())
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_desktop_gets_one_notification() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("secret-name.txt", b"x");
    let bus = Bus::start(&sandbox);
    bus.serve();
    let desktop = format!("DISPLAY=:9 DBUS_SESSION_BUS_ADDRESS='{}' VTE_VERSION=7600", bus.address);
    let (mut tty, link) = sender(&sandbox, &desktop, &format!("--relay {} --for 'anna <b>& co'", relay.url));
    let words = open(&sandbox, &link);
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let calls = bus.notified(1);
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["destination"], "org.freedesktop.Notifications");
    let hints = json!({
        "urgency": { "type": "y", "data": 1 },
        "category": { "type": "s", "data": "transfer.complete" },
    });
    let expected =
        json!(["share", 0, "", "Your share for anna <b>& co was opened", format!("by {words}"), [], hints, -1]);
    assert_eq!(calls[0]["payload"], json!({ "type": "susssasa{sv}i", "data": expected }));
    assert_eq!(told(&tty), (vec![], 0), "the terminal stays silent");
    // Another user's desktop, over SSH.
    let (mut tty, link) = sender(&sandbox, &format!("{desktop} SSH_TTY=/dev/pts/9"), &format!("--relay {}", relay.url));
    let words = open(&sandbox, &link);
    assert_eq!(tty.end(), 0);
    assert_eq!(told(&tty), (vec![format!("777;notify;Your share was opened;by {words}")], 1));
    assert_eq!(bus.notified(1).len(), 1);
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn without_a_service_the_terminal_is_told() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("secret-name.txt", b"x");
    // A bus without a service, an address that leads nowhere, and a bus that no longer accepts connections.
    let bus = Bus::start(&sandbox);
    let full = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    full.bind(&SockAddr::unix(sandbox.path("full")).unwrap()).unwrap();
    full.listen(0).unwrap();
    let _waiting = UnixStream::connect(sandbox.path("full")).unwrap();
    let full = format!("unix:path={}", sandbox.path("full").display());
    for address in [bus.address.as_str(), "unix:path=/nonexistent", &full] {
        let desktop = format!("DISPLAY=:9 DBUS_SESSION_BUS_ADDRESS='{address}' LC_TERMINAL=iTerm2");
        let (mut tty, link) = sender(&sandbox, &desktop, &format!("--relay {}", relay.url));
        let words = open(&sandbox, &link);
        assert_eq!(tty.end(), 0);
        assert_eq!(told(&tty), (vec![format!("9;Your share was opened: by {words}")], 1));
    }
    // A share that is not opened, in direct mode, at a terminal that only has a bell.
    let (mut tty, _) = sender(&sandbox, "SHARE_LISTEN=127.0.0.1:0", "--direct --expire 1m");
    let (mut other, link) = sender(&sandbox, "", &format!("--relay {}", relay.url));
    sandbox.share(["revoke", "--yes", &link]).ok();
    assert_eq!(other.end(), 4);
    assert_eq!(told(&other), (vec![], 1));
    tty.press("\x03");
    assert_eq!(tty.end(), 130);
    assert_eq!(told(&tty), (vec![], 0), "who revokes a share needs no notice");
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn the_terminal_around_tmux_is_told() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("secret-name.txt", b"x");
    sandbox.write("tmux.conf", b"set -g allow-passthrough on\nset -g status off\n");
    let send = format!("\"$SHARE\" send --wait --notify --relay {} secret-name.txt >link\n", relay.url);
    sandbox.write("run", send.as_bytes());
    let tmux = "TERM=xterm-256color tmux -u -S ./socket -f ./tmux.conf new-session 'bash ./run'";
    let mut tty = Tty::start(&sandbox, TerminalKind::Kitty, tmux);
    let words = open(&sandbox, &line(&sandbox.path("link")));
    let sequence = format!("\x1b]99;;Your share was opened: by {words}\x1b\\");
    tty.until("told", |seen| contains(&seen.bytes, sequence.as_bytes()) && seen.bytes.contains(&7));
    assert_eq!(tty.end(), 0);
}

#[test]
fn a_notice_needs_a_command_that_waits_and_a_place() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("secret-name.txt", b"x");
    for (args, line) in [
        (vec!["send", "--notify", "--relay", &relay.url, "secret-name.txt"], "try: share send --wait --notify FILE"),
        (vec!["status", "--notify"], "try: share status --wait --notify"),
    ] {
        let refused = sandbox.share(args).fails(2, "--notify needs --wait");
        assert!(refused.stderr.contains(line), "{refused:?}");
    }
    // Neither a desktop nor a terminal: one warning, for two links.
    let mut alone = Command::new("setsid");
    alone.args(["--wait", SHARE, "send", "--direct", "--notify", "--links", "2", "secret-name.txt"]);
    let mut host = Host::of(sandbox.prepare(alone).env("SHARE_LISTEN", "127.0.0.1:0").start(), 2);
    for link in host.links.clone() {
        open(&sandbox, &link);
    }
    host.expect("Nothing is left here.").signal("INT");
    let ended = host.end();
    let warning = "warning: there is no way to notify you here: neither a desktop nor a terminal";
    assert_eq!(ended.stderr.matches(warning).count(), 1, "{ended:?}");
}

#[test]
fn on_open_gets_the_event_and_no_secret() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("note.txt", b"x");
    sandbox.write("secret-name.txt", b"x");
    let config = sandbox.home().join(".config/share/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let set = |command: &str| fs::write(&config, format!("on_open = {command:?}\n")).unwrap();
    let send = || sandbox.share(["send", "--wait", "--relay", &relay.url, "--for", "anna", "note.txt"]);
    let canary = |run: Run| run.env("SHARE_CREATE_TOKEN", "CANARY-TOKEN").env("SHARE_FROM", "CANARY-FROM");
    let heard = sandbox.path("heard by");
    set(&format!("sh -c 'cat >\"$0\"; env >>\"$0\"; tty >>\"$0\"; true' '{}'", heard.display()));
    let host = Host::of(canary(send()).start(), 1);
    let words = open(&sandbox, host.link());
    let link = host.link().to_owned();
    let ended = host.end();
    assert!(ended.code == 0 && !ended.stderr.contains("warning"), "{ended:?}");
    let text = fs::read_to_string(&heard).unwrap();
    let (event, rest) = text.split_once('\n').unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(
        (&event["v"], &event["event"], &event["for"], &event["opener"], &event["receipt"]),
        (&json!(1), &json!("ended"), &json!("anna"), &json!(words), &json!("valid"))
    );
    assert!(rest.contains("HOME=") && rest.contains("not a tty"), "{rest}");
    let (_, fragment) = link.split_once('#').unwrap();
    for secret in ["CANARY", "SHARE_", fragment] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // Direct mode runs it too. A command that fails or is missing is a warning.
    for (command, warning) in [
        ("sh -c 'exit 3'", "warning: on_open: sh exited with code 3"),
        ("nonsuch --flag", "warning: on_open: nonsuch was not found"),
    ] {
        set(command);
        let mut host = Host::start(&sandbox, &["note.txt"]);
        open(&sandbox, host.link());
        host.expect("Nothing is left here.").expect(warning).signal("INT");
        assert_eq!(host.end().code, 0);
    }
    // It has no terminal, not even that of the sender: a program that asks there fails at once.
    set("sh -c 'echo asked >/dev/tty'");
    let (mut tty, link) = sender(&sandbox, "", &format!("--relay {}", relay.url));
    open(&sandbox, &link);
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(tty.screen().contains("warning: on_open: sh exited with code"), "{}", tty.screen());
    assert!(!tty.screen().contains("asked"), "{}", tty.screen());
    // It does not run for a share that was not opened, and an open quote is found before anything is sent.
    set(&format!("touch '{}'", sandbox.path("ran").display()));
    let host = Host::of(send().start(), 1);
    sandbox.share(["revoke", "--yes"]).ok();
    assert_eq!(host.end().code, 4);
    assert!(!sandbox.path("ran").exists());
    set("sh -c 'x");
    send().fails(2, "the setting on_open: a quote is not closed");
}
