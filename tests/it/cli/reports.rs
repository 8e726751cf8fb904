//! `share report`: its words, its exit codes, and what it keeps on the device.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use age::secrecy::ExposeSecret;
use serde_json::Value;
use share::link::Link;
use share::report::{MAX_NOTE, Note};
use share::secret::DeviceSecret;

use super::transcripts::transcript;
#[cfg(target_os = "linux")]
use crate::support::Conversation;
use crate::support::{
    Host, OperatedRelay, SHARE, Sandbox, contains, events, expect_mode, files, folder_url, forms, send, slashed,
};

/// The files that keep a share to report.
fn reportable(sandbox: &Sandbox) -> Vec<PathBuf> {
    sandbox.kept().into_iter().filter(|path| slashed(path).contains("/reportable/")).collect()
}

/// A relay with an operator, and the link of a share that this device has opened.
fn opened(sandbox: &Sandbox) -> (OperatedRelay, String) {
    let operated = OperatedRelay::start(sandbox);
    sandbox.write("t.txt", b"content");
    let link = send(sandbox, &operated.relay, &["t.txt"]);
    sandbox.share(["open", "-q", &link, "-o", "out.txt"]).ok();
    (operated, link)
}

#[cfg(target_os = "linux")]
#[test]
fn the_last_opening_is_reported_after_a_question() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"content");
    let link = send(&sandbox, &operated.relay, &["t.txt"]);
    let ended = sandbox.share(["open", &link, "-o", "out.txt"]).run();
    assert_eq!(
        transcript(&ended),
        "! t.txt: text, 7 bytes\n\
         ! Saved as out.txt. The sender sees it was opened by: WORDS\n\
         ! The relay keeps the encrypted data until TODAY, so that you can report it.\n\
         ! hint: to report it to the operator: share report\n\
         = 0\n"
    );
    let mut terminal = Conversation::start(&sandbox, "\"$SHARE\" report");
    terminal.expect("Report what this device opened on ").expect(" to the operator of");
    terminal.expect("The operator (abuse@relay.example) will see all files and their names");
    terminal.expect("[y]es, [n]o").press("n\r");
    let (code, seen) = terminal.end();
    assert!(code == 130 && seen.contains("nothing was reported"), "{seen}");
    // Ctrl-D at the question for a note reports nothing, either.
    let mut terminal = Conversation::start(&sandbox, "\"$SHARE\" report");
    terminal.expect("[y]es, [n]o").press("y\r").expect("Note to the operator").press("\x04");
    let (code, seen) = terminal.end();
    assert!(code == 130 && seen.contains("nothing was reported"), "{seen}");
    let mut terminal = Conversation::start(&sandbox, "\"$SHARE\" report");
    terminal.expect("[y]es, [n]o").press("y\r").expect("Note to the operator (press Enter for none):");
    terminal.press("look at this\r");
    let (code, seen) = terminal.end();
    assert!(code == 0 && seen.contains("Reported what this device opened on "), "{seen}");
    assert!(seen.contains(". The relay does not tell the"), "{seen}");
    assert_eq!(operated.reported(&link).unwrap(), (Note::Text("look at this".to_owned()), b"content".to_vec()));
    // Once more, without a question.
    let again = "! What this device opened on TODAY was reported before.\n";
    let hint = "! hint: for another share: share report LINK\n";
    assert_eq!(transcript(&sandbox.share(["report"]).run()), format!("{again}{hint}= 0\n"));
    assert_eq!(transcript(&sandbox.share(["report", "-y", &link]).run()), format!("{again}= 0\n"));
    fs::remove_file(&reportable(&sandbox)[0]).unwrap();
    let nothing = "! error: this device opened nothing in the last hour that can be reported\n\
                   ! hint: with the link: share report LINK\n= 4\n";
    assert_eq!(transcript(&sandbox.share(["report", "-y"]).run()), nothing);
    let again = transcript(&sandbox.share(["report", "-y", &link]).run());
    assert_eq!(again, "! This was reported before.\n= 0\n");
    assert_eq!(operated.reported(&link).unwrap().0, Note::Text("look at this".to_owned()), "the first one stays");
}

#[test]
fn another_share_is_never_reported_in_place_of_the_last_one() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"content");
    let [first, second] = [(); 2].map(|()| send(&sandbox, &operated.relay, &["t.txt"]));
    let to = |link: &str, output: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{SHARE} open '{link}' >{output}")]);
        transcript(&sandbox.prepare(shell).run())
    };
    let hint = |command: &str| format!("! hint: to report it to the operator: {command}\n");
    // The first one is claimed, the second one is opened, and the first one is resumed: it is the last one.
    assert!(to(&first, "/dev/full").ends_with("= 8\n"));
    assert!(to(&second, "out").contains(&hint("share report")));
    assert!(to(&first, "out").contains(&hint("share report")));
    assert_eq!(sandbox.share(["report", "-y"]).run().code, 0);
    assert_eq!(operated.reported(&first).unwrap().1, b"content");
    let repeated = sandbox.share(["report", "-y"]).run();
    assert!(repeated.code == 0 && repeated.stderr.contains(" was reported before."), "{repeated:?}");
    let unreported = || operated.store_of(&second).join("report");
    assert!(!unreported().exists(), "repeating reports nothing else");
    sandbox.share(["report", "-y", &second]).ok();
    assert!(unreported().exists());
    // The first one ended in the middle, and another one was opened since.
    let [first, second] = [(); 2].map(|()| send(&sandbox, &operated.relay, &["t.txt"]));
    assert!(to(&first, "/dev/full").ends_with("= 8\n"));
    sandbox.share(["revoke", "-y", &first]).ok();
    assert!(to(&first, "out").contains(&hint("share report")));
    assert!(to(&second, "out").contains(&hint("share report")));
    assert!(to(&first, "out").contains(&hint("share report LINK")));
}

#[test]
fn a_note_comes_from_an_option_or_standard_input_and_programs_get_events() {
    let sandbox = Sandbox::new();
    let (operated, first) = opened(&sandbox);
    let second = send(&sandbox, &operated.relay, &["t.txt"]);
    sandbox.share(["open", "-q", &second, "-o", "out2.txt"]).ok();
    let long = "x".repeat(MAX_NOTE + 1);
    let ended = sandbox.share(["report", "-y", "--note", &long]).run();
    let expected = "! error: a note has at most 2000 characters; this one has 2001\n\
                    ! hint: shorten it; nothing was reported\n= 2\n";
    assert_eq!(transcript(&ended), expected);
    sandbox.share(["report", "-y", "--note", "-"]).input(&long).fails(2, "this one has 2001");
    let spaces = " ".repeat(20 * MAX_NOTE) + "hi";
    sandbox.share(["report", "-y", "--note", "-"]).input(&spaces).fails(2, "this one is longer");
    sandbox.write("file", b"");
    let unusable = sandbox.share(["report", "-y", &first, "--state-dir", "file/state"]).run();
    assert!(unusable.code == 8 && unusable.stderr.contains("cannot be used"), "{unusable:?}");
    sandbox.share(["report", "-", "--note", "-"]).fails(2, "standard input cannot be both the link and the note");
    sandbox.share(["report"]).fails(2, "there is no terminal to confirm the report");
    // The last opening, and that of a link, which may come from standard input.
    let ended = sandbox.share(["report", "-y", "--json", "--note", "-"]).input("from a pipe\n").run();
    let [event] = &events(&ended)[..] else { panic!("{ended:?}") };
    let id = Link::parse(&second).unwrap().link.secret.id().hex();
    assert_eq!(*event, serde_json::json!({ "v": 1, "event": "reported", "id": id, "again": false }));
    assert_eq!(operated.reported(&second).unwrap().0, Note::Text("from a pipe".to_owned()));
    sandbox.share(["report", "-y", "-"]).input(&first).ok();
    assert_eq!(operated.reported(&first).unwrap().0, Note::Missing);
    assert_eq!(reportable(&sandbox).len(), 2, "that they were reported is kept for the hour");
}

#[test]
fn others_and_other_relays_are_refused_in_words() {
    let sandbox = Sandbox::new();
    let (_operated, link) = opened(&sandbox);
    let said = |args: &[&str]| transcript(&sandbox.share([&["report", "-y"], args].concat()).run());
    let stranger = sandbox.other_home("stranger");
    let ended = sandbox.share(["report", "-y", &link]).env("HOME", &stranger).run();
    let expected = "! error: RELAY has no opening of this share by this device\n\
                    ! hint: only the device that opened a share can report it\n= 4\n";
    assert_eq!(transcript(&ended), expected);
    assert_eq!(reportable(&sandbox).len(), 1);
    let secret = link.split_once('#').unwrap().1;
    let expected = "! error: 192.168.1.1:9 uses plain http, where others could pose as the operator; nothing was sent\n\
                    ! hint: contact the person who runs that relay\n= 9\n";
    let elsewhere = format!("http://192.168.1.1:9/#{secret}");
    fs::remove_file(&reportable(&sandbox)[0]).unwrap();
    assert_eq!(said(&[&elsewhere]), expected);
    let mut host = Host::start(&sandbox, &["t.txt"]);
    let expected = "! error: this share came from the sender's own computer\n\
                    ! hint: no relay kept it, so there is no operator to report it to\n= 9\n";
    assert_eq!(said(&[host.link()]), expected);
    host.expect("Ctrl-C");
    drop(host);
    let plain = Sandbox::new();
    let relay = plain.relay();
    plain.write("t.txt", b"content");
    let unheld = send(&plain, &relay, &["t.txt"]);
    let ended = plain.share(["open", &unheld, "-o", "out.txt"]).run();
    assert!(!transcript(&ended).contains("report"), "{ended:?}");
    let expected = "! error: RELAY has no operator to report to\n\
                    ! hint: nothing was sent; contact the person who runs that relay\n= 9\n";
    assert_eq!(transcript(&plain.share(["report", "-y", &unheld]).run()), expected);
    let folder = format!("{}/#{secret}", folder_url(plain.path("store")));
    let ended = plain.share(["report", "-y", &folder]).env("SHARE_RELAY", folder.split_once('#').unwrap().0).run();
    assert!(ended.code == 9 && ended.stderr.contains("has no operator to report to"), "{ended:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_without_the_file_reports_by_the_link_and_its_passphrase() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"content");
    sandbox.write("passphrase", b"horse");
    let options = ["--passphrase-file", "passphrase", "t.txt"];
    let link = send(&sandbox, &operated.relay, &options);
    sandbox.share(["open", "-q", &link, "--passphrase-file", "passphrase", "-o", "out.txt"]).ok();
    let [kept] = &reportable(&sandbox)[..] else { panic!("nothing is kept") };
    fs::remove_file(kept).unwrap();
    // At a terminal, a mistyped one is noticed.
    let mut terminal = Conversation::start(&sandbox, &format!("\"$SHARE\" report -y '{link}'"));
    terminal.expect("Passphrase:").press("horse\r").expect("Repeat the passphrase:").press("house\r");
    let (code, seen) = terminal.end();
    assert!(code == 2 && seen.contains("the passphrases differ"), "{seen}");
    let ended = sandbox.share(["report", "-y", &link, "--passphrase-file", "passphrase"]).run();
    let expected = "! warning: nothing checks the passphrase any more: with a wrong one, the operator sees nothing, \
                    and the share cannot be reported again\n\
                    ! Reported. The relay does not tell the sender.\n= 0\n";
    assert_eq!(transcript(&ended), expected);
    assert_eq!(operated.reported(&link).unwrap().1, b"content");
}

#[test]
fn the_kept_file_opens_nothing_and_is_removed_after_its_time() {
    let sandbox = Sandbox::new();
    let (_operated, link) = opened(&sandbox);
    let [kept] = &reportable(&sandbox)[..] else { panic!("nothing is kept") };
    expect_mode(kept, 0o600);
    let secret = Link::parse(&link).unwrap().link.secret;
    let keys = secret.keys(None);
    let device = fs::read(sandbox.home().join(".local/state/share/device")).unwrap();
    let device = DeviceSecret::from_bytes(device.try_into().unwrap());
    let mut canaries: Vec<Vec<u8>> = vec![b"t.txt".to_vec(), b"out.txt".to_vec()];
    canaries.push(link.split_once('#').unwrap().1.as_bytes().to_vec());
    for identity in [&keys.manifest_identity, &keys.blob_identity] {
        canaries.push(identity.to_string().expose_secret().as_bytes().to_vec());
    }
    for token in [&keys.link_token, &keys.open_token, &device.claim_token(&keys.id)] {
        canaries.extend(forms(token.as_bytes()));
    }
    let state = files(&sandbox.home()).into_iter().filter(|path| !path.to_string_lossy().contains("/outbox/"));
    let mut count = 0;
    for path in state {
        let bytes = fs::read(&path).unwrap();
        count += 1;
        for canary in &canaries {
            assert!(!contains(&bytes, canary), "{}: {}", path.display(), String::from_utf8_lossy(canary));
        }
    }
    assert_eq!(count, 2, "the device and the share");
    // Commands keep it for its hour and remove it afterwards, and remains of killed programs as well.
    sandbox.share(["list"]).ok();
    assert!(kept.exists());
    let mut file: Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    let hour = file["until"].as_u64().unwrap() - file["opened"].as_u64().unwrap();
    assert!((3600..3700).contains(&hour), "an hour after the end, which this device knows: {hour}");
    file["until"] = file["opened"].clone();
    fs::write(kept, file.to_string()).unwrap();
    sandbox.share(["report", "-y"]).fails(4, "this device opened nothing in the last hour");
    assert!(!kept.exists());
}

#[test]
fn a_share_that_ended_in_the_middle_names_the_way_to_report_it() {
    let sandbox = Sandbox::new();
    let operated = OperatedRelay::start(&sandbox);
    sandbox.write("t.txt", b"content");
    let link = send(&sandbox, &operated.relay, &["t.txt"]);
    // The share is claimed, and cannot be written.
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{SHARE} open '{link}' >/dev/full")]);
    let ended = sandbox.prepare(shell).run();
    assert!(ended.code == 8 && !ended.stderr.contains("report"), "{ended:?}");
    sandbox.share(["revoke", "-y"]).ok();
    let expected =
        "! error: the sender revoked this link on TODAY\n! hint: to report it to the operator: share report\n= 4\n";
    let again = || transcript(&sandbox.share(["open", &link, "-o", "out.txt"]).run());
    assert_eq!(again(), expected);
    sandbox.share(["report", "-y"]).ok();
    assert_eq!(operated.reported(&link).unwrap().1, b"content");
    assert_eq!(again(), expected.replace("to report it to the operator: share report", "ask the sender"));
}
