//! Transcripts of every outcome for users, and the same as JSON, parsed strictly.
//!
//! The relays' clock begins on 1 Jan 2100, so their dates are always the same. Parts that differ between runs are
//! replaced by words in capitals: LINK, RELAY, TODAY, ID, and WORDS for an opener's two words.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use regex_lite::Regex;
use serde_json::Value;
use share::relay::Relay;

use crate::support::{Ended, Misbehaving, Misbehavior, Run, START, Stage, answering, events, served, set_mode};

/// The output, with the parts that differ between runs replaced.
pub(crate) fn transcript(ended: &Ended) -> String {
    let mut text = String::new();
    for (mark, stream) in [("", String::from_utf8_lossy(&ended.stdout).into_owned()), ("! ", ended.stderr.clone())] {
        for line in stream.lines() {
            text.extend([mark, line, "\n"]);
        }
    }
    for (pattern, stands_for) in [
        (r"http://127\.0\.0\.1:\d+/#share1[0-9a-z]+", "LINK"),
        (r"127\.0\.0\.1:\d+", "RELAY"),
        (r"[A-Z][a-z]{2} \d+ at \d\d:\d\d", "TODAY"),
        (r"\b[0-9a-f]{8}\b", "ID"),
        (r"\([a-z]{3,8} [a-z]{3,8}\)", "(WORDS)"),
        (r" by: [a-z]{3,8} [a-z]{3,8}", " by: WORDS"),
        (r"(?m)\t[a-z]{3,8} [a-z]{3,8}$", "\tWORDS"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, stands_for).into_owned();
    }
    format!("{text}= {}\n", ended.code)
}

/// Checks a repeatable command, with and without `--json`.
fn check(run: impl Fn() -> Run, expected: &str) {
    let expected = expected.trim_start_matches('\n').lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let ended = run().run();
    let transcript = transcript(&ended).lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    assert_eq!(transcript.trim_end(), expected.trim_end());
    let json = run().env("SHARE_JSON", "1").run();
    assert_eq!(json.code, ended.code, "{json:?}");
    events(&json);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage() {
    let stage = Stage::new();
    let alone = |line: &str| stage.sandbox.share(line.split_whitespace());
    stage.sandbox.write("photo.jpg", b"");
    check(
        || alone("send beach.jpg"),
        "
        ! error: no relay is configured
        ! hint: run share relay use URL, or use --direct to serve the share from this computer
        = 2",
    );
    check(
        || alone("photo.jpg"),
        "
        ! error: 'photo.jpg' is not a command
        ! try: share send photo.jpg
        = 2",
    );
    check(
        || alone("sned beach.jpg"),
        "
        ! error: 'sned' is not a command
        ! try: share send
        = 2",
    );
    check(
        || alone("http://nas/#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg"),
        "
        ! error: a link is not a command
        ! hint: run share open and paste the link at the prompt
        = 2",
    );
    check(
        || alone("send --expire 5minutesandabit x"),
        "
        ! error: invalid value '5minutesandabit' for '--expire <TIME>': expected a time like 30m, 24h or 7d
        ! try: share send --help
        = 2",
    );
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a transcript reads as one list")]
async fn invalid_missing_and_secret_arguments() {
    let stage = Stage::new();
    let alone = |line: &str| stage.sandbox.share(line.split_whitespace());
    check(
        || alone("--quiet"),
        "
        ! error: a command is missing
        ! try: share --help
        = 2",
    );
    check(
        || alone("relay use"),
        "
        ! error: <URL> is missing
        ! try: share relay use --help
        = 2",
    );
    check(
        || alone("completions cmd"),
        "
        ! error: invalid value 'cmd' for '<SHELL>'
        ! hint: one of: bash, elvish, fish, powershell, zsh
        = 2",
    );
    check(
        || alone("send --relay share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg beach.jpg"),
        "
        ! error: invalid relay address: this is a link, not a relay address; keep its key secret
        ! hint: use --relay https://relay.example, or file:///srv/share for a folder
        = 2",
    );
    check(
        || stage.share("send http://nas/#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg"),
        "
        ! error: a link is not a file
        ! hint: run share open and paste the link at the prompt
        = 2",
    );
    check(
        || alone("send --passphrase=horse beach.jpg"),
        "
        ! error: invalid arguments
        ! try: share send --help
        = 2",
    );
    check(
        || alone("send --text=s3cret"),
        "
        ! error: invalid arguments
        ! try: share send --help
        = 2",
    );
    check(
        || alone("open share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc"),
        "
        ! error: the link is damaged: 3 characters are missing at its end
        ! hint: copy the whole link from the message again; no relay was contacted
        = 2",
    );
    check(
        || alone("open http://nas/"),
        "
        ! error: the link has no key: the part after the # is missing
        ! hint: copy the whole link from the message, including the part after the #
        = 2",
    );
    check(
        || alone("open").input(""),
        "
        ! error: no link was given
        ! hint: paste the link at the prompt, pipe it in, or set SHARE_LINK
        = 2",
    );
    check(
        || alone("open share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg"),
        "
        ! error: the link names no relay, and none is configured
        ! hint: ask the sender for the relay's URL, then add --relay URL or run share relay use URL
        = 2",
    );
    check(
        || stage.share("send --expire 91d beach.jpg"),
        "
        ! error: --expire takes 1 minute to 90 days
        ! try: --expire 7d
        = 2",
    );
    check(
        || stage.share("send --links 0 beach.jpg"),
        "
        ! error: one command makes 1 to 20 links
        ! try: --links 5
        = 2",
    );
    check(
        || alone("status"),
        "
        ! error: no matching share was sent from this device
        ! try: share list
        = 4",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn local_errors() {
    let stage = Stage::new();
    let link = stage.sent("");
    fs::create_dir(stage.sandbox.path("holidays")).unwrap();
    check(
        || stage.share("send nothing.jpg"),
        "
        ! error: nothing.jpg: no such file or directory
        ! hint: nothing was sent
        = 8",
    );
    check(
        || stage.share("send holidays"),
        "
        ! error: holidays is a directory
        ! try: tar c holidays | share send -n holidays.tar
        = 8",
    );
    check(
        || stage.share("send").input(""),
        "
        ! error: standard input is empty
        ! hint: nothing was sent: did the command before the pipe fail?
        = 8",
    );
    check(
        || stage.share("send beach.jpg --receipt right"),
        "
        ! error: right already exists
        ! hint: remove that file or specify another one; nothing was sent
        = 8",
    );
    check(
        || stage.share("open -q -o right").env("SHARE_LINK", &link),
        "
        ! error: right already exists
        ! hint: use -f to replace the file, or another path with -o; nothing was opened
        = 8",
    );
    check(
        || stage.share("open -q -o no/where").env("SHARE_LINK", &link),
        "
        ! error: no: no such file or directory
        ! hint: use another path with -o; nothing was opened
        = 8",
    );
    assert!(stage.share("peek").env("SHARE_LINK", &link).ok().contains("beach.jpg"), "it still waits");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a transcript reads as one list")]
async fn outcomes_for_a_recipient() {
    let stage = Stage::new();
    let peek = |link: &str| stage.elsewhere("peek").env("SHARE_LINK", link);
    let open = |link: &str| stage.elsewhere("open -o got").env("SHARE_LINK", link);
    let link = stage.sent("");
    check(
        || peek(&link),
        "
        beach.jpg: photo, 300 kB · until Jan 15, 2100 at 00:00
        = 0",
    );
    assert_eq!(
        transcript(&open(&link).run()),
        "\
        ! beach.jpg: photo, 300 kB\n\
        ! Saved as got. The sender sees it was opened by: WORDS\n\
        = 0\n"
    );
    check(
        || open(&link),
        "
        ! error: already opened on Jan 1, 2100 at 00:00, on this device (WORDS)
        ! hint: a link opens once; ask the sender to send it again
        = 3",
    );
    check(
        || stage.share("open -o x").env("SHARE_LINK", &link),
        "
        ! error: already opened on Jan 1, 2100 at 00:00, on another device (WORDS)
        ! hint: if that was not you, someone else has seen it: tell the sender
        = 3",
    );
    let link = stage.sent("-e 1d");
    stage.bench.clock.advance(86_400);
    check(
        || peek(&link),
        "
        ! error: expired on Jan 2, 2100 at 00:00; nobody opened it
        ! hint: ask the sender to send it again
        = 4",
    );
    let link = stage.sent("");
    stage
        .share("revoke -q")
        .env("SHARE_LINK", "")
        .input("")
        .fails(2, "there is no terminal to confirm revoking the last share");
    stage.share("revoke -q -y").ok();
    check(
        || open(&link),
        "
        ! error: the sender revoked this link on Jan 2, 2100 at 00:00
        ! hint: ask the sender
        = 4",
    );
    let unknown = link.replacen(&link[link.len() - 52..], "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg", 1);
    check(
        || open(&unknown),
        "
        ! error: RELAY has no such share
        ! hint: it may have ended more than 30 days ago; ask the sender to send it again
        = 4",
    );
    let link = stage.sent("beach.jpg");
    check(
        || stage.elsewhere("open").env("SHARE_LINK", &link),
        "
        ! 2 files, 600 kB
        ! error: 2 files cannot be written to one standard output
        ! hint: use -o DIR to save the files; nothing was opened
        = 2",
    );
    let link = stage.share("send -q").input("a Wi-Fi password").ok();
    assert_eq!(
        transcript(&stage.elsewhere("open").env("SHARE_LINK", &link).run()),
        "\
        a Wi-Fi password\n\
        ! text, 16 bytes\n\
        ! Done. The sender sees it was opened by: WORDS\n\
        = 0\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn passphrases() {
    let stage = Stage::new();
    let link = stage.sent("--passphrase-file right");
    let peek = |file: &str| stage.elsewhere("peek --passphrase-file").arg(file).env("SHARE_LINK", &link);
    check(
        || peek("wrong"),
        "
        ! error: wrong passphrase
        ! hint: 19 more passphrases can be tried before the share is locked
        = 5",
    );
    check(
        || peek("right"),
        "
        beach.jpg: photo, 300 kB · until Jan 15, 2100 at 00:00
        = 0",
    );
    for number in 0..18 {
        stage.sandbox.write("guess", format!("guess {number}").as_bytes());
        peek("guess").fails(5, "wrong passphrase");
    }
    stage.sandbox.write("guess", b"the last one");
    check(
        || peek("guess"),
        "
        ! error: locked on Jan 1, 2100 at 00:00 after too many wrong passphrases
        ! hint: ask the sender to send it again
        = 4",
    );
    check(
        || stage.share("status beach.jpg"),
        "
        beach.jpg: photo, 300 kB
        locked on Jan 1, 2100 at 00:00 after too many wrong passphrases
        sent on TODAY through RELAY, id ID
        = 0",
    );
}

/// A relay that alters parts.
struct Forger;

impl Misbehavior for Forger {
    fn part(&self, _number: u32, bytes: Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        bytes[2000] ^= 1;
        bytes.into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_that_refuse_lie_or_are_unreachable() {
    let stage = Stage::new();
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{nowhere}/");
    let send = |url: &str, options: &str| {
        stage.sandbox.share(["send", "beach.jpg", "--relay", url].into_iter().chain(options.split_whitespace()))
    };
    check(
        || send(&nowhere, "--give-up 100ms"),
        "
        ! error: RELAY cannot be reached: connection refused
        ! hint: nothing was sent; it is safe to run this again
        = 6",
    );
    let small = stage.sandbox.relay_with(&["--max-size", "100kB"]);
    check(
        || send(&small.url, ""),
        "
        ! error: beach.jpg is 300 kB; RELAY accepts up to 100 kB
        ! try: share send --direct beach.jpg
        = 9",
    );
    drop(small);
    stage.sandbox.write("tokens", b"0123456789abcdef\n");
    let strict = stage.sandbox.relay_with(&["--create-token-file", "tokens"]);
    check(
        || send(&strict.url, ""),
        "
        ! error: RELAY accepts shares only with a valid create token
        ! hint: ask the relay's operator for a token, then run share relay use URL; an old one may have ended
        = 9",
    );
    drop(strict);
    let full = stage.sandbox.relay_with(&["--reserve", "9999999TB"]);
    check(
        || send(&full.url, ""),
        "
        ! error: RELAY is full
        ! hint: nothing was sent; it is safe to run this again
        = 6",
    );
    drop(full);
    let (_, forger) = served(Arc::new(Misbehaving { relay: stage.bench.relay.clone(), how: Forger }) as Arc<dyn Relay>);
    let ended = send(&forger, "-q").run();
    let link = String::from_utf8(ended.stdout).unwrap();
    check(
        || stage.elsewhere("open -q -o got").env("SHARE_LINK", link.trim()),
        "
        ! error: the data from RELAY is damaged or was changed
        ! hint: nothing was saved; tell the sender, and don't trust this relay
        = 7",
    );
    let web = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    check(
        || send(&web, ""),
        "
        ! error: RELAY is not a share relay
        ! hint: on public Wi-Fi, log in first; to find the cause: share relay check RELAY
        = 6",
    );
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a transcript reads as one list")]
async fn the_life_of_a_share_as_its_sender_sees_it() {
    let stage = Stage::new();
    let status = || stage.share("status");
    let link = stage.sent("--passphrase-file right");
    check(
        status,
        "
        beach.jpg: photo, 300 kB
        waiting until Jan 15, 2100 at 00:00
        sent on TODAY through RELAY, id ID
        = 0",
    );
    stage.elsewhere("peek --passphrase-file right").env("SHARE_LINK", &link).ok();
    check(
        status,
        "
        beach.jpg: photo, 300 kB
        waiting until Jan 15, 2100 at 00:00; 1 passphrase was tried
        sent on TODAY through RELAY, id ID
        = 0",
    );
    let opened = stage.elsewhere("open --passphrase-file right -o got").env("SHARE_LINK", &link).run();
    assert_eq!(opened.code, 0, "{opened:?}");
    check(
        status,
        "
        beach.jpg: photo, 300 kB
        opened on Jan 1, 2100 at 00:00 by: WORDS (verified: the opener had the link and the passphrase)
        sent on TODAY through RELAY, id ID
        = 0",
    );
    // Sender and opener see the same two words, in JSON too.
    let words = opened.stderr.split("opened by: ").nth(1).unwrap().trim().to_owned();
    assert!(status().ok().contains(&format!("by: {words} (verified")));
    let facts = events(&status().env("SHARE_JSON", "1").run()).pop().unwrap();
    assert_eq!(facts["opener"], words);
    assert_eq!(facts["receipt"], "valid");
    assert_eq!(facts["state"], "finished");
    assert_eq!(facts["ended"], START);

    stage.sent("-e 1d");
    stage.bench.clock.advance(86_400 + 121);
    check(
        status,
        "
        beach.jpg: photo, 300 kB
        expired on Jan 2, 2100 at 00:00; nobody opened it
        sent on TODAY through RELAY, id ID
        = 0",
    );
    check(
        || stage.share("status --wait"),
        "
        beach.jpg: photo, 300 kB
        expired on Jan 2, 2100 at 00:00; nobody opened it
        sent on TODAY through RELAY, id ID
        ! error: expired on Jan 2, 2100 at 00:00; nobody opened it
        ! hint: if the recipient still needs the content, send it again
        = 4",
    );
    stage.sent("");
    assert_eq!(
        transcript(&stage.share("revoke beach.jpg -y").run()),
        "\
        beach.jpg: photo, 300 kB\n  too late: opened on Jan 1, 2100 at 00:00 by: WORDS \
        (verified: the opener had the link and the passphrase)\n  \
        sent on TODAY through RELAY, id ID\n\
        beach.jpg: photo, 300 kB\n  too late: expired on Jan 2, 2100 at 00:00; nobody opened it\n  \
        sent on TODAY through RELAY, id ID\n\
        beach.jpg: photo, 300 kB\n  revoked on Jan 2, 2100 at 00:02\n  \
        sent on TODAY through RELAY, id ID\n\
        = 0\n"
    );
    check(
        status,
        "
        beach.jpg: photo, 300 kB
        revoked on Jan 2, 2100 at 00:02
        sent on TODAY through RELAY, id ID
        = 0",
    );
}

/// A relay that is too busy for every finish, and notes that it was asked.
struct Never(AtomicBool);

impl Misbehavior for Never {
    fn finish(&self) -> Result<(), share::relay::RelayError> {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        Err(share::relay::RelayError::BUSY)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claimed_and_lapsed() {
    let mut stage = Stage::new();
    let never = Misbehaving { relay: stage.bench.relay.clone(), how: Never(AtomicBool::new(false)) };
    stage.relay = served(Arc::new(never)).1;
    let link = stage.sent("");
    let opened = stage.elsewhere("open -o got --give-up 100ms").env("SHARE_LINK", &link).run();
    assert_eq!(
        transcript(&opened),
        "\
        ! beach.jpg: photo, 300 kB\n\
        ! Saved as got. The next `share` command informs the relay; then the sender sees it was opened \
          by: WORDS\n\
        = 0\n"
    );
    check(
        || stage.share("status"),
        "
        beach.jpg: photo, 300 kB
being opened since Jan 1, 2100 at 00:00 (WORDS), not finished; the opener can resume until Jan 2, 2100 at 00:00
sent on TODAY through RELAY, id ID
        = 0",
    );
    stage.bench.clock.advance(86_400 + 121);
    check(
        || stage.share("status"),
        "
        beach.jpg: photo, 300 kB
        opening began on Jan 1, 2100 at 00:00 (WORDS) but was never confirmed; deleted on Jan 2, 2100 at 00:00
        sent on TODAY through RELAY, id ID
        = 0",
    );
    check(
        || stage.share("list"),
        "
        ID\tTODAY\tbeach.jpg\t-\tunconfirmed\tWORDS
        = 0",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sending() {
    let stage = Stage::new();
    check(
        || stage.share("send beach.jpg"),
        "
        LINK
        ! beach.jpg: photo, 300 kB
        ! warning: metadata NOT removed from beach.jpg (the file is not a valid JPEG): \
        location, time and camera data may remain
        ! Works once. Expires on Jan 15, 2100 at 00:00.
        = 0",
    );
    check(
        || stage.share("send -q right"),
        "
        LINK
        = 0",
    );
    let sent = events(&stage.share("send --json beach.jpg --for anna --for ben").run());
    assert_eq!(sent.iter().filter(|event| event["event"] == "warning").count(), 1, "{sent:?}");
    let sent: Vec<_> = sent.iter().filter(|event| event["event"] == "sent").collect();
    assert_eq!(sent.len(), 2);
    assert_eq!((&sent[0]["for"], &sent[1]["for"]), (&Value::from("anna"), &Value::from("ben")));
    assert!(sent[0]["link"].as_str().unwrap().contains("#share1") && sent[0]["link"] != sent[1]["link"]);
    assert_eq!(sent[0]["files"][0]["kind"], "photo");
    assert_eq!(sent[0]["expires"], START + 14 * 86_400);
    // Without a writable state directory, the share is sent with a warning.
    let state = stage.sandbox.path("readonly");
    fs::create_dir(&state).unwrap();
    set_mode(&state, 0o500);
    if fs::write(state.join("x"), b"").is_err() {
        let ended = stage.share("send -q right --state-dir readonly").run();
        assert!(ended.code == 0 && ended.stderr.contains("you cannot check or revoke this share later"), "{ended:?}");
    }
    // A file in place of the directory stops root as well.
    let ended = stage.share("send -q wrong --state-dir right").run();
    assert!(ended.code == 0 && ended.stderr.contains("you cannot check or revoke this share later"), "{ended:?}");
    assert!(String::from_utf8(ended.stdout).unwrap().contains("#share1"));
}
