//! Create tokens: the commands, the file, and a relay that follows it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{RelayProcess, Run, Sandbox};

const FILE: [&str; 2] = ["--create-token-file", "tokens"];
/// The time within which a relay must have followed its file.
const SOON: Duration = Duration::from_secs(30);

fn token(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.share(["relay", "token"].iter().chain(args).chain(&FILE))
}

fn text(sandbox: &Sandbox) -> String {
    String::from_utf8(sandbox.read("tokens")).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The events of a command with `--json`, before the last one.
fn events(run: Run) -> Vec<Value> {
    let ended = run.run();
    let lines = String::from_utf8(ended.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["event"] != "done")
        .collect()
}

/// Asks until the answer is as expected, for a relay notices a change within seconds.
fn soon(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON);
        std::thread::yield_now();
    }
}

#[test]
fn tokens_are_made_listed_and_revoked_and_the_rest_of_the_file_stays() {
    let sandbox = Sandbox::new();
    token(&sandbox, &["list"]).fails(8, "tokens: no such file");
    let anna = token(&sandbox, &["anna"]).ok();
    assert_eq!((anna.len(), mode(&sandbox.path("tokens"))), (64, 0o600), "256 bits");
    sandbox.write("tokens", format!("# ours\n{}0123456789abcdef # bare\n\n", text(&sandbox)).as_bytes());
    let limits = ["ben", "--max-size", "100MB", "--max-per-day", "1GiB", "--max-shares-per-day", "20"];
    let until = ["--until", "2099-12-31", "--json"];
    let made = &events(token(&sandbox, &[&limits[..], &until].concat()))[0];
    let (end, secret) = (4_102_444_800_u64, made["token"].as_str().unwrap());
    assert!(made["event"] == "token" && made["until"] == end && secret.len() == 64, "{made}");
    let before = text(&sandbox);
    assert!(before.ends_with(" max-size=100MB max-per-day=1GiB max-shares-per-day=20 until=2100-01-01T00:00:00Z\n"));
    assert!(!before.contains(&anna) && !before.contains(secret), "{before}");
    let listed = token(&sandbox, &["list"]).ok();
    let rows: Vec<Vec<_>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], ["anna", "-", "-", "-", "-"]);
    assert_eq!(rows[1], ["(without a name)", "-", "-", "-", "-"]);
    assert_eq!(rows[2][..4], ["ben", "100MB", "1GiB", "20"]);
    let listed = events(token(&sandbox, &["list", "--json"]));
    assert_eq!((listed.len(), &listed[1]["name"], &listed[2]["bytes_a_day"]), (3, &Value::Null, &(1_u64 << 30).into()));
    assert!(listed.iter().all(|event| event["token"].is_null()), "{listed:?}");
    token(&sandbox, &["anna"]).fails(8, "anna already has a token");
    token(&sandbox, &["revoke", "carl"]).fails(8, "no create token of carl");
    token(&sandbox, &["revoke"]).fails(2, "NAME");
    assert_eq!(text(&sandbox), before);
    assert_eq!(token(&sandbox, &["revoke", "anna"]).ok(), "revoked: the create token of anna");
    let is_annas = |line: &&str| line.starts_with("anna ");
    assert_eq!(
        text(&sandbox).lines().collect::<Vec<_>>(),
        before.lines().filter(|line| !is_annas(line)).collect::<Vec<_>>()
    );
    token(&sandbox, &["anna", "-q"]).ok();
    for (value, why) in [("2001-01-01", "in the future"), ("soon", "a time like 30d, or a date")] {
        token(&sandbox, &["carl", "--until", value]).fails(2, why);
    }
    token(&sandbox, &["carl", "--max-size", "1kB"]).fails(2, "at least 4096 bytes");
    token(&sandbox, &["carl", "--max-shares-per-day", "0"]).fails(2, "--max-shares-per-day");
}

#[test]
fn link_with_a_token_leads_to_the_page_that_sends() {
    let sandbox = Sandbox::new();
    let link = |args: &[&str]| token(&sandbox, &[&["--link"], args].concat());
    let digits = |link: &str, before: &str| {
        let token = link.strip_prefix(before).and_then(|rest| rest.strip_prefix("send#token=")).unwrap_or_default();
        assert!(token.len() == 64 && token.bytes().all(|c| c.is_ascii_hexdigit()), "{link}");
        assert!(!text(&sandbox).contains(token), "only its hash is in the file");
        token.to_owned()
    };
    // The relay is named, in the environment, or configured. Its address may have a path.
    let made = link(&["anna", "--relay", "https://relay.example/some/base/"]).env("SHARE_RELAY", "https://no.example");
    let ended = made.run();
    let printed = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(printed.lines().count(), 1, "{printed}");
    digits(printed.trim(), "https://relay.example/some/base/");
    assert!(ended.stderr.contains("Give the link to anna. Anyone who has it can upload"), "{}", ended.stderr);
    digits(&link(&["ben", "-q"]).env("SHARE_RELAY", "192.168.1.5:4080").ok(), "http://192.168.1.5:4080/");
    let relay = sandbox.relay_with(&["--create-token-file", "tokens"]);
    let made = &events(link(&["carla", "--json", "--relay", &relay.url]))[0];
    let carlas = digits(made["link"].as_str().unwrap(), &relay.url);
    assert_eq!(made["token"], carlas);
    let send = || sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").env("SHARE_CREATE_TOKEN", &carlas);
    soon(|| send().run().code == 0);
    // Without a link there is none, and the environment alone makes none.
    let made = &events(token(&sandbox, &["dora", "--json"]).env("SHARE_RELAY", &relay.url))[0];
    assert!(made["link"].is_null() && made["token"].as_str().unwrap().len() == 64, "{made}");
    token(&sandbox, &["list"]).env("SHARE_RELAY", &relay.url).ok();
    let before = text(&sandbox);
    for (url, why) in [
        ("", "no relay is configured"),
        ("http://relay.example", "plain http works only on local networks"),
        ("file:///srv/share", "has no page for browsers"),
        ("s3://bucket", "has no page for browsers"),
    ] {
        let refused = link(&["emil", "--relay", url]).fails(2, why);
        assert!(
            !url.is_empty() || refused.stderr.contains("try: share relay token emil --link --relay URL"),
            "{refused:?}"
        );
    }
    assert_eq!(text(&sandbox), before, "nothing was made");
}

#[test]
fn a_file_of_tokens_keeps_its_mode_and_its_place_and_a_malformed_line_is_named() {
    let sandbox = Sandbox::new();
    let real = sandbox.write("real", b"");
    symlink(&real, sandbox.path("tokens")).unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    token(&sandbox, &["anna"]).ok();
    assert!(sandbox.path("tokens").is_symlink() && mode(&real) == 0o640);
    sandbox.write("tokens", format!("{}very-secret\n", text(&sandbox)).as_bytes());
    for args in [&["list"][..], &["ben"], &["revoke", "anna"]] {
        let ended = token(&sandbox, args).fails(2, "tokens: line 2 is not a create token");
        assert!(!ended.stderr.contains("very-secret"), "{ended:?}");
    }
}

#[test]
fn a_file_that_the_superuser_makes_belongs_to_the_owner_of_its_directory() {
    let sandbox = Sandbox::new();
    let directory = sandbox.other_home("service");
    let service = 65_534;
    if chown(&directory, Some(service), Some(service)).is_err() {
        // Only the superuser can test this.
        return;
    }
    let file = directory.join("tokens");
    let make = |name: &str| {
        let args = ["relay", "token", name, "-q", "--create-token-file"];
        sandbox.share(args).arg(&file)
    };
    for name in ["anna", "ben"] {
        make(name).ok();
        assert_eq!((fs::metadata(&file).unwrap().uid(), mode(&file)), (service, 0o600));
    }
    // The service cannot make the superuser write elsewhere.
    fs::remove_file(&file).unwrap();
    symlink(sandbox.path("elsewhere"), &file).unwrap();
    make("anna").fails(8, "tokens: ");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn a_fifo_is_refused_at_once_and_names_are_shown_without_control_characters() {
    let sandbox = Sandbox::new();
    let made = Command::new("mkfifo").arg(sandbox.path("tokens")).status().unwrap();
    assert!(made.success());
    for args in [&["list"][..], &["anna"], &["revoke", "anna"]] {
        token(&sandbox, args).fails(8, "it is not a regular file");
    }
    fs::remove_file(sandbox.path("tokens")).unwrap();
    symlink("/dev/zero", sandbox.path("tokens")).unwrap();
    token(&sandbox, &["list"]).fails(8, "it is not a regular file");
    fs::remove_file(sandbox.path("tokens")).unwrap();
    let line = |name: &str, digit: &str| format!("{name} sha256:{}\n", digit.repeat(64));
    sandbox.write("tokens", line("a\u{1b}[31mred", "0").as_bytes());
    assert!(!token(&sandbox, &["list"]).ok().contains('\u{1b}'));
    sandbox.write("tokens", format!("{}{}", line("anna", "0"), line("anna", "1")).as_bytes());
    token(&sandbox, &["list"]).fails(2, "line 2 has the name or the token of line 1");
}

#[test]
fn tokens_that_are_made_at_once_are_all_in_the_file() {
    let sandbox = Sandbox::new();
    let running = (0..12).map(|number| token(&sandbox, &[&format!("anna-{number}")]).start());
    let made: Vec<_> = running.collect();
    assert!(made.into_iter().all(|made| made.wait().code == 0));
    assert_eq!(text(&sandbox).lines().count(), 12, "{}", text(&sandbox));
}

/// A relay with this file, and senders with tokens.
struct Watched<'a> {
    sandbox: &'a Sandbox,
    relay: RelayProcess,
}

impl Watched<'_> {
    fn send(&self, token: &str) -> Run {
        self.sandbox.share(["send", "-q", "--relay", &self.relay.url]).env("SHARE_CREATE_TOKEN", token).input("text")
    }

    fn accepts(&self, token: &str) -> bool {
        let ended = self.send(token).run();
        assert!(ended.code == 0 || ended.stderr.contains("only with a valid create token"), "{ended:?}");
        ended.code == 0
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.relay.log).unwrap()
    }
}

#[test]
fn a_running_relay_follows_its_file_and_keeps_the_tokens_of_a_broken_one() {
    let sandbox = Sandbox::new();
    let anna = token(&sandbox, &["anna"]).ok();
    let relay = Watched { sandbox: &sandbox, relay: sandbox.relay_with(&FILE) };
    assert!(relay.accepts(&anna));
    let ben = token(&sandbox, &["ben"]).ok();
    soon(|| relay.accepts(&ben));
    token(&sandbox, &["revoke", "anna"]).ok();
    soon(|| !relay.accepts(&anna));
    assert!(relay.accepts(&ben));
    let good = text(&sandbox);
    for (text, warning) in [(format!("{good}canary\n"), "line=2"), (String::new(), "cannot be read")] {
        let path = sandbox.path("tokens");
        if text.is_empty() {
            fs::remove_file(&path).unwrap();
        } else {
            fs::write(&path, text).unwrap();
        }
        soon(|| relay.log().contains(warning));
        assert!(relay.accepts(&ben));
    }
    fs::write(sandbox.path("tokens"), "# nobody\n").unwrap();
    soon(|| !relay.accepts(&ben));
    let log = relay.log();
    for (warning, count) in [("cannot be used", 1), ("cannot be read", 1)] {
        assert_eq!(log.matches(warning).count(), count, "{log}");
    }
    for secret in [&*anna, &ben, "canary", "anna", "sha256:"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn a_sender_is_shown_what_is_left_and_when_a_used_up_limit_comes_back() {
    let sandbox = Sandbox::new();
    let anna = token(&sandbox, &["anna", "--max-shares-per-day", "6", "--max-size", "1MB"]).ok();
    let relay = Watched { sandbox: &sandbox, relay: sandbox.relay_with(&FILE) };
    let url = &relay.relay.url;
    let used = sandbox.share(["relay", "use", url]).env("SHARE_CREATE_TOKEN", &anna).run();
    assert!(used.code == 0 && used.stderr.contains("your create token has 5 of 6 new shares left until "), "{used:?}");
    assert!(used.stderr.contains("a share may have up to 1.0 MB"), "{used:?}");
    let send = |args: &[&str]| sandbox.share(["send"].iter().chain(args)).input("text");
    for left in [4, 3, 2] {
        let sent = &events(send(&["--json"]))[0];
        assert_eq!((&sent["left"]["shares"], &sent["left"]["shares_a_day"]), (&left.into(), &6.into()), "{sent}");
    }
    for (left, is_little) in [(1, true), (0, true)] {
        let sent = send(&[]).run();
        let line = format!("has {left} of 6 new shares left until ");
        assert!(sent.code == 0 && sent.stderr.contains(&line) == is_little, "{sent:?}");
    }
    let refused = send(&[]).fails(9, "your create token has reached its limit of 6 new shares per day");
    assert!(refused.stderr.contains("nothing was sent; it is safe to run this again after "), "{refused:?}");
    let checked = sandbox.share(["relay", "check", "--json"]).run();
    let checked: Value = serde_json::from_slice(checked.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert!(checked["may_create"] == true && checked["left"]["shares"] == 0, "{checked}");
    assert_eq!(checked["left"]["max_size"], 1_000_000);
}

#[test]
fn an_open_relay_has_limits_for_strangers_unless_they_are_set() {
    let sandbox = Sandbox::new();
    let about = |options: &[&str]| {
        let relay = sandbox.relay_with(options);
        let checked = &events(sandbox.share(["relay", "check", &relay.url, "--json"]))[0];
        (checked["max_bytes"].as_u64().unwrap(), checked["max_ttl"].as_u64().unwrap() / 86_400)
    };
    assert_eq!(about(&[]), (4 << 30, 90));
    assert_eq!(about(&["--anyone"]), (100 << 20, 3));
    assert_eq!(about(&["--max-size", "1GiB", "--anyone", "--max-lifetime", "9d"]), (1 << 30, 9));
}
