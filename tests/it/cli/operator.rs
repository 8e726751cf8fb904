//! The operator of a relay: the options, and the commands that list, read, save and delete reports.

use std::fs;

use serde_json::Value;

use crate::support::{RelayProcess, Run, Sandbox, folder_url};

/// The operator's key, whose secret part every reader of the protocol knows.
const IDENTITY: &str = "AGE-SECRET-KEY-1P3K3AKKPYTLJG25T5M3J30SAG96J2VGHMQ73C4R4YMF9TEC5HTXS68PR7Z";
const RECIPIENT: &str = "age1sx20rhvhgehkdxz8d6vw2v3y8l5ya56997k74r9y8rcz85qfdclstcqvj4";
/// Another key.
const OTHER: &str = "AGE-SECRET-KEY-1EZ7DL0GXYH9QSWWFWYF3J3UHXKS5J9DY0DCT22QGQFNYN0769LUQ0MXQTA";
const UNVERIFIED: &str = "The relay cannot tell who made a share. Names and words are unverified.";

fn operated(sandbox: &Sandbox) -> RelayProcess {
    sandbox.write("operator.key", format!("# created: today\n{IDENTITY}\n").as_bytes());
    sandbox.write("other.key", OTHER.as_bytes());
    sandbox.relay_with(&[
        "--operator-recipient",
        RECIPIENT,
        "--contact",
        "abuse@relay.example",
        "--max-reported",
        "64MiB",
    ])
}

const FROM_FILE: &str = "Anyone can make such a file: only the relay's own store proves its records.";

/// Sends a file, opens it as another device, and reports it.
fn reported(sandbox: &Sandbox, relay: &RelayProcess, note: &str) {
    sandbox.write("note.txt", b"evidence\n");
    let link = sandbox.share(["send", "-q", "--from", "Anna", "note.txt", "--relay", &relay.url]).ok();
    let device = sandbox.path("device");
    let as_device = |args: &[&str]| sandbox.share(args).env("SHARE_STATE_DIR", &device).env("SHARE_LINK", &link);
    as_device(&["open", "-q", "-f", "-o", "got.txt"]).ok();
    let ended = as_device(&["report", "--yes", "--note", note]).run();
    assert!(ended.code == 0 && ended.stderr.contains("The relay does not tell the sender."), "{ended:?}");
}

fn reports(sandbox: &Sandbox, relay: &RelayProcess, args: &[&str]) -> Run {
    let store = folder_url(&relay.store);
    sandbox.share(["relay", "reports"].iter().chain(args)).env("SHARE_STORE", store)
}

/// The events of a command with `--json`, before the last one.
fn events(run: Run) -> Vec<Value> {
    let lines = run.arg("--json").ok();
    let events = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    events.filter(|event: &Value| event["event"] != "done").collect()
}

/// Checks that a report is the same after `save --encrypted`, without the store, and that a damaged one is refused.
fn expect_readable_elsewhere(sandbox: &Sandbox, relay: &RelayProcess, id: &str, shown: &str) {
    let run = |args: &[&str]| reports(sandbox, relay, args);
    assert_eq!(run(&["save", id, "--encrypted", "-o", "bundle"]).ok(), "Saved as bundle");
    let bundle = sandbox.read("bundle");
    let piped = run(&["save", id, "--encrypted", "-o", "-"]).run();
    assert!(piped.code == 0 && piped.stdout == bundle, "{}", piped.stderr);
    // Elsewhere, without the store: nothing but the store proves the records.
    let shown = format!("{shown}\n{FROM_FILE}");
    let show = |args: &[&str]| sandbox.share(["relay", "reports", "show"].iter().chain(args));
    let identity = ["--identity", "operator.key"];
    assert_eq!(show(&["-", identity[0], identity[1]]).input(&bundle).ok(), shown);
    assert_eq!(show(&["./bundle", identity[0], identity[1]]).ok(), shown);
    assert_eq!(events(show(&["./bundle", identity[0], identity[1]]))[0]["source"], "file");
    show(&["-", "--identity", "-"]).fails(2, "both the report and the identity");
    let refused = |bytes: &[u8], why: &str| {
        let ended = show(&["-", identity[0], identity[1]]).input(bytes).fails(7, why);
        assert!(!ended.stderr.contains("Anna"), "{ended:?}");
    };
    refused(&bundle[..200], "that is not a saved report");
    refused(&bundle[..bundle.len() - 1], "the stored content is damaged; nothing is shown");
    let mut damaged = bundle.clone();
    *damaged.last_mut().unwrap() ^= 1;
    refused(&damaged, "the stored content is damaged; nothing is shown");
}

/// Checks that a report whose records cannot be read is named, and hides no other one.
fn expect_a_damaged_one_beside(sandbox: &Sandbox, relay: &RelayProcess, id: &str) {
    let damaged = "0123456789abcdef0123456789abcdef";
    let (index, share) = (relay.store.join(format!("reports/{damaged}-4000")), relay.store.join("v1/01").join(damaged));
    fs::write(&index, b"").unwrap();
    fs::create_dir_all(&share).unwrap();
    fs::write(share.join("report"), b"{").unwrap();
    let list = reports(sandbox, relay, &["list"]).ok();
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with(&id[..8]) && lines[2] == UNVERIFIED, "{list}");
    let line = "01234567  cannot be read: a record of it is damaged, of a newer version, or belongs to another user";
    assert_eq!(lines[1], line);
    reports(sandbox, relay, &["save", "0123", "--encrypted", "-o", "damaged"]).fails(7, "a record of report 01234567");
    reports(sandbox, relay, &["save", id, "--encrypted", "-o", "beside"]).ok();
    fs::remove_file(index).unwrap();
    fs::remove_dir_all(share).unwrap();
}

#[test]
fn an_operator_lists_shows_saves_and_deletes_a_report() {
    let sandbox = Sandbox::new();
    let relay = operated(&sandbox);
    let run = |args: &[&str]| reports(&sandbox, &relay, args);
    let ended = run(&["list"]).run();
    assert!(ended.code == 0 && ended.stdout.is_empty() && ended.stderr.contains("There are no reports."), "{ended:?}");
    reported(&sandbox, &relay, "not for\nchildren\u{1b}[2J");
    let [listed] = &events(run(&["list"]))[..] else { panic!() };
    let id = listed["id"].as_str().unwrap();
    assert!(listed["event"] == "report" && listed["state"] == "finished" && listed["from"].is_null(), "{listed}");
    assert_eq!(listed["deleted"].as_u64().unwrap() - listed["ended"].as_u64().unwrap(), 30 * 86_400);

    let list = run(&["list"]).ok();
    let opener = listed["opener"].as_str().unwrap();
    assert!(list.starts_with(&format!("{}  reported ", &id[..8])) && list.ends_with(UNVERIFIED), "{list}");
    assert!(list.contains(&format!(" · opened by {opener} · 4.0 kB · finished · to be deleted on ")), "{list}");
    let list = run(&["list", "--identity", "operator.key"]).ok();
    let content = "\n  note.txt: text, 9 bytes · from “Anna” · note: “not for children\u{fffd}[2J”\n";
    assert!(list.contains(content), "{list}");
    let list = run(&["list", "--identity", "other.key"]).ok();
    assert!(list.contains("\n  cannot be read: it was not made for this identity\n"), "{list}");

    let shown = run(&["show", &id[..6], "--identity", "operator.key"]).ok();
    for line in [
        "note.txt: text, 9 bytes\n",
        "From (written by the sender): Anna\n",
        &format!("by {opener}\n"),
        &format!("id {id}\n"),
        "Note (written by the recipient):\n  not for\n  children\u{fffd}[2J\n",
        UNVERIFIED,
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    run(&["show", id, "--identity", "other.key"]).fails(5, "it was not made for this identity");
    run(&["show", id]).fails(2, "only with the operator's identity");
    run(&["show", "0123", "--identity", "operator.key"]).fails(4, "there is no report 0123");
    let with_key_on_stdin = run(&["show", id, "--identity", "-"]).input(IDENTITY);
    assert_eq!(with_key_on_stdin.ok(), shown);

    assert_eq!(run(&["save", id, "--identity", "operator.key", "-o", "saved.txt"]).ok(), "Saved as saved.txt");
    assert_eq!(sandbox.read("saved.txt"), b"evidence\n");
    run(&["save", id, "--identity", "operator.key", "-o", "saved.txt"]).fails(8, "saved.txt already exists");
    run(&["save", id, "--identity", "operator.key", "-o", "-"]).fails(2, "only an encrypted report");
    run(&["save", id, "--encrypted", "--identity", "operator.key", "-o", "x"]).fails(2, "--identity");

    expect_a_damaged_one_beside(&sandbox, &relay, id);
    expect_readable_elsewhere(&sandbox, &relay, id, &shown);
    let ended = run(&["delete", id]).run();
    assert!(ended.code == 2 && ended.stderr.contains("no terminal") && ended.stderr.contains("--yes"), "{ended:?}");
    let text = run(&["delete", &id[..8], "--yes"]).ok();
    assert!(text.starts_with("Deleted from the list. The relay deletes the data at its next sweep after "), "{text}");
    run(&["show", id, "--identity", "operator.key"]).fails(4, "there is no report");
    assert!(run(&["list"]).ok().is_empty());
    assert_eq!(relay.data().len(), 2, "a part and the manifest stay for the hour");
    let log = fs::read_to_string(&relay.log).unwrap();
    assert!(log.contains("route=\"/v1/report\" status=201") && !log.contains(&id[..8]), "{log}");
}

#[test]
fn the_options_of_an_operator_are_checked_and_a_secret_key_is_not_repeated() {
    let sandbox = Sandbox::new();
    let with = |key: &str, more: &[&str]| {
        let options = ["relay", "--listen", "127.0.0.1:0", "--operator-recipient", key, "--contact", "me"];
        sandbox.share(options.iter().chain(more))
    };
    for secret in [IDENTITY.to_owned(), IDENTITY.to_lowercase()] {
        let ended = with(&secret, &[]).fails(2, "that is a secret key, which is not repeated here");
        assert!(!ended.stderr.to_uppercase().contains(IDENTITY), "{ended:?}");
    }
    for identity in [IDENTITY, &IDENTITY.to_lowercase()] {
        let ended = sandbox.share(["relay", "reports", "show", "-", "--identity", identity]);
        let ended = ended.fails(2, "that is a secret key, which is not repeated here");
        assert!(!ended.stderr.to_uppercase().contains(IDENTITY), "{ended:?}");
    }
    for key in [IDENTITY, &IDENTITY.to_lowercase(), &IDENTITY[..40]] {
        let path = format!("./{key}");
        for arguments in [
            &["show", key, "--identity", "missing"][..],
            &["show", "0123", key],
            &["save", key, "--encrypted", "-o", "x"],
            &["show", "-", "--identity", &path],
            &["show", "-", &format!("--identity={key}x")],
            &["delete", key, "--yes"],
            &[key],
        ] {
            for json in [&[][..], &["--json"]] {
                let ended = sandbox.share(["relay", "reports"].iter().chain(arguments).chain(json)).run();
                let said = format!("{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout)).to_uppercase();
                let repeated = said.contains(&IDENTITY[..20]);
                assert!(ended.code != 0 && !repeated, "{arguments:?}: {ended:?}");
            }
        }
    }
    with("age1pq1abc", &[]).fails(2, "post-quantum recipients cannot receive reports");
    with("ssh-ed25519 AAAA", &[]).fails(2, "ssh recipients cannot receive reports");
    with("anna", &[]).fails(2, "that is not an age recipient");
    with(RECIPIENT, &["--store", "memory:"]).fails(2, "a relay in memory cannot keep reports");
    let small = ["--max-stored", "1GiB", "--max-reported", "600MiB"];
    with(RECIPIENT, &small).fails(2, "--max-reported takes at most half of --max-stored");
    sandbox.share(["relay", "--operator-recipient", RECIPIENT]).fails(2, "--contact");
    sandbox.share(["relay", "--max-reported", "1GiB"]).fails(2, "is missing");
    sandbox.share(["relay", "--contact", "a\nb"]).fails(2, "expected one line of text");
}

#[test]
fn reports_are_read_only_by_the_user_of_the_relay_and_only_where_one_stores() {
    let sandbox = Sandbox::new();
    let list = |url: &str| sandbox.share(["relay", "reports", "list", "--store", url]);
    list("memory:").fails(2, "a relay in memory cannot keep reports");
    list("https://relay.example").fails(2, "--store takes");
    list(&folder_url(sandbox.path("missing"))).fails(8, "no such file or directory");
    fs::create_dir(sandbox.path("empty")).unwrap();
    list(&folder_url(sandbox.path("empty"))).fails(8, "is not the store of a relay");
    assert_eq!(fs::read_dir(sandbox.path("empty")).unwrap().count(), 0, "nothing is made there");
    drop(sandbox.relay());
    #[cfg(unix)]
    if std::os::unix::fs::chown(sandbox.path("store"), Some(65_534), None).is_ok() {
        list(&folder_url(sandbox.path("store"))).fails(8, "belongs to another user");
    }
}

#[test]
fn a_relay_states_its_operator_and_one_without_an_operator_nothing() {
    let sandbox = Sandbox::new();
    let relay = operated(&sandbox);
    let check = sandbox.share(["relay", "check", &relay.url]).ok();
    let line = "the relay keeps what was opened for 1 hour, and for 30 days what recipients report to its operator: \
                abuse@relay.example";
    assert!(check.contains(line), "{check}");
    let status = sandbox.share(["relay", "status"]).ok();
    assert!(status.contains("\n  reports      to abuse@relay.example (up to 64.0 MiB)\n"), "{status}");
    let facts = &events(sandbox.share(["relay", "check", &relay.url]))[0];
    assert!(facts["hold"] == 3600 && facts["operator_recipient"] == RECIPIENT, "{facts}");
    let facts = &events(sandbox.share(["relay", "status"]))[0];
    assert_eq!(facts["operator"]["max_reported"], 64 << 20);
    drop(relay);
    let relay = sandbox.relay();
    let check = sandbox.share(["relay", "check", &relay.url]).ok();
    assert!(!check.contains("operator"), "{check}");
    let facts = &events(sandbox.share(["relay", "status"]))[0];
    assert!(facts["operator"].is_null(), "{facts}");
}
