//! The commands as users and scripts run them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use share::relay::RelayError;

use crate::support::{
    Misbehaving, Misbehavior, SHARE, Sandbox, TestRelay, expect_mode, files, folder_url, noise, photo, served, set_mode,
};

#[test]
fn files_of_every_size_arrive_and_leave_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for (size, seed) in [0, 1, 65_536, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 13_000_000].into_iter().zip(1..) {
        let content = noise(size, seed);
        sandbox.write("sent", &content);
        let link = sandbox.share(["send", "-q", "--relay", &relay.url, "sent"]).ok();
        assert_eq!(sandbox.share(["open", "-q", &link, "-o", "received"]).ok(), "");
        assert_eq!(sandbox.read("received"), content, "{size} bytes");
        relay.expect_empty();
        fs::remove_file(sandbox.path("received")).unwrap();
    }
    assert_eq!(sandbox.names(), ["sent"]);
}

#[test]
fn a_second_opener_is_told_when_it_was_opened() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = photo(300_000);
    sandbox.write("beach.jpg", &content);
    let sent = sandbox.share(["send", "--relay", &relay.url, "beach.jpg"]).run();
    assert_eq!(sent.code, 0, "{sent:?}");
    let link = String::from_utf8(sent.stdout).unwrap();
    assert!(link.starts_with(&format!("{}#share1", relay.url)) && link.lines().count() == 1, "{link}");
    assert!(sent.stderr.contains("beach.jpg: photo, 300 kB"), "{}", sent.stderr);
    assert!(sent.stderr.contains("Works once. Expires on "), "{}", sent.stderr);
    assert!(sent.stderr.contains("metadata NOT removed"), "{}", sent.stderr);

    let link = link.trim();
    for _ in 0..3 {
        let peeked = sandbox.share(["peek", link]).ok();
        assert!(peeked.starts_with("beach.jpg: photo, 300 kB · until "), "{peeked}");
    }
    let opened = sandbox.share(["open", link, "-o", "."]).run();
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(opened.stderr.contains("Saved as beach (1).jpg."), "{}", opened.stderr);
    assert_eq!(sandbox.read("beach (1).jpg"), content);
    expect_mode(sandbox.path("beach (1).jpg"), 0o600);

    let again = sandbox.share(["open", link]).fails(3, "already opened on ");
    assert!(again.stderr.contains("on this device"), "{}", again.stderr);
    let elsewhere = sandbox.share(["open", link]).env("HOME", sandbox.other_home("ben")).fails(3, "already opened on ");
    assert!(elsewhere.stderr.contains("on another device"), "{}", elsewhere.stderr);
    assert!(elsewhere.stderr.contains("hint: if that was not you"), "{}", elsewhere.stderr);
    sandbox.share(["peek", link]).fails(3, "already opened on ");
}

#[test]
fn an_album_has_one_link_and_many_files() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let contents = [noise(5_000_000, 1), Vec::new(), b"hello\n".to_vec(), noise(70_000, 2)];
    for (name, content) in ["a.bin", "empty", "c.txt", "d.bin"].iter().zip(&contents) {
        sandbox.write(name, content);
    }
    fs::create_dir(sandbox.path("sub")).unwrap();
    sandbox.write("sub/c.txt", b"another one of that name");
    let send = ["send", "-q", "--relay", &relay.url, "-n", "Trip", "a.bin", "empty", "c.txt", "d.bin", "sub/c.txt"];
    let link = sandbox.share(send).ok();
    let peeked = sandbox.share(["peek", &link]).ok();
    assert!(peeked.starts_with("Trip: 5 files, 5.0 MB · until ") && peeked.lines().count() == 6, "{peeked}");
    sandbox.share(["open", "-q", &link]).fails(2, "5 files");
    sandbox.share(["open", "-q", &link, "-o", "a.bin"]).fails(8, "a.bin is not a directory");
    sandbox.share(["open", "-q", &link, "-o", "new"]).ok();
    for (name, content) in ["a.bin", "empty", "c.txt", "d.bin"].iter().zip(&contents) {
        assert_eq!(&sandbox.read(&format!("new/{name}")), content, "{name}");
    }
    assert_eq!(sandbox.read("new/c (1).txt"), b"another one of that name");
    assert_eq!(files(&sandbox.path("new")).len(), 5);
}

#[test]
fn pipes_work_in_both_directions() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(9_000_000, 3);
    let link = sandbox.share(["send", "-q", "-n", "x.tar"]).env("SHARE_RELAY", &relay.url).input(&content).ok();
    assert!(sandbox.share(["peek", "-"]).input(&link).ok().starts_with("x.tar: file, 9.0 MB"));
    let opened = sandbox.share(["open", "-q"]).input(format!("  <{link}>\n")).run();
    assert_eq!((opened.code, opened.stderr.as_str()), (0, ""));
    assert!(opened.stdout == content);

    let link = sandbox.share(["send", "-q", "--bare", "--relay", &relay.url, "-"]).input("hunter2").ok();
    assert!(link.starts_with("share1") && link.ends_with(&format!("+{}", relay.address())), "{link}");
    assert_eq!(sandbox.share(["open", "-q"]).env("SHARE_LINK", &link).ok(), "hunter2");

    sandbox.share(["send", "--relay", &relay.url]).input("").fails(8, "standard input is empty");
    relay.expect_empty();
}

#[test]
fn an_existing_file_is_kept() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("old", b"old");
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("new").ok();
    sandbox.share(["open", &link, "-o", "old"]).fails(8, "old already exists");
    assert_eq!(sandbox.read("old"), b"old");
    sandbox.share(["open", "-q", &link, "-o", "old", "-f"]).ok();
    assert_eq!(sandbox.read("old"), b"new");
    assert_eq!(sandbox.names(), ["old"]);
}

#[test]
fn a_passphrase_is_required_and_a_wrong_one_costs_one_try() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("right", "correct horse\nsecond line".as_bytes());
    sandbox.write("wrong", b"incorrect horse");
    sandbox.write("empty", b"\n");
    let send = ["send", "-q", "--relay", &relay.url, "--passphrase-file"];
    sandbox.share(send.iter().chain(&["empty"])).input("x").fails(2, "the passphrase is empty");
    let link = sandbox.share(send.iter().chain(&["right"])).input("with a passphrase").ok();
    let wrong = sandbox.share(["open", &link, "--passphrase-file", "wrong"]).fails(5, "wrong passphrase");
    assert!(wrong.stderr.contains("19 more passphrases can be tried"), "{}", wrong.stderr);
    sandbox.share(["peek", &link, "--passphrase-file", "missing"]).fails(8, "missing: no such file");
    let opened = sandbox.share(["open", "-q", &link]).env("SHARE_PASSPHRASE_FILE", "right").ok();
    assert_eq!(opened, "with a passphrase");
}

#[test]
fn bad_input_is_named_and_nothing_is_lost() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let url = relay.url.as_str();
    fs::create_dir(sandbox.path("dir")).unwrap();
    sandbox.write("file", b"content");
    let send = |args: &[&str]| sandbox.share([&["send", "--relay", url], args].concat());
    let directory = send(&["dir"]).fails(8, "dir is a directory");
    assert!(directory.stderr.contains("try: tar c dir | share send -n dir.tar"), "{}", directory.stderr);
    send(&["missing"]).fails(8, "missing: no such file");
    send(&["-e", "30s", "file"]).fails(2, "1 minute to 90 days");
    send(&["-e", "91d", "file"]).fails(2, "1 minute to 90 days");
    sandbox.share(["send", "file"]).fails(2, "no relay is configured");
    sandbox
        .share(["send", "--relay", "http://relay.example", "file"])
        .fails(2, "plain http works only on local networks");
    sandbox.share(["send", "--relay", "ftp://nas", "file"]).fails(2, "ftp is not supported");

    let link = send(&["-q", "file"]).ok();
    let fragment = link.split_once('#').unwrap().1;
    let open = |link: &str| sandbox.share(["open", link, "-o", "out"]);
    open(&link[..link.len() - 3]).fails(2, "3 characters are missing");
    open(&link.replace("share1", "share1x")).fails(2, "1 character too long");
    open(&format!("{url}#{}b{}", &fragment[..10], &fragment[11..])).fails(2, "damaged");
    open(url).fails(2, "the link has no key");
    open("nonsense").fails(2, "not a share link");
    open(fragment).fails(2, "names no relay");
    sandbox.share(["open"]).input("").fails(2, "no link was given");
    open(&format!("http://relay.example/#{fragment}")).fails(2, "plain http");
    let unknown = "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";
    open(&format!("{url}#{unknown}")).fails(4, "has no such share");
    set_mode(sandbox.path("dir"), 0o500);
    sandbox.share(["open", &link, "-o", "missing/out"]).fails(8, "no such file or directory");
    sandbox.share(["open", &link, "-o", "/proc/out"]).fails(8, "/proc: ");
    assert_eq!(open(&link).run().code, 0, "after all of that it still waits");
    assert_eq!(sandbox.read("out"), b"content");
}

#[test]
fn an_unreachable_relay_makes_repeating_safe() {
    let sandbox = Sandbox::new();
    let mut relay = sandbox.relay();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    relay.kill();
    let give_up = ["--give-up", "300ms"];
    let name = relay.address();
    let send = ["send", "--relay", &relay.url];
    let failed =
        sandbox.share(send.iter().chain(&give_up)).input("x").fails(6, "cannot be reached: connection refused");
    assert!(failed.stderr.contains(&name), "{}", failed.stderr);
    sandbox.share(["open", &link].iter().chain(&give_up)).fails(6, "cannot be reached");
    let _relay = sandbox.relay_at(&name);
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[test]
fn usage_errors_never_repeat_a_link() {
    let sandbox = Sandbox::new();
    let link = "http://nas/#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";
    for args in [
        vec![link],
        vec!["open", link, link],
        vec!["open", link, "--nonsense"],
        vec!["send", "--relay"],
        vec!["relay", link],
    ] {
        let ended = sandbox.share(&args).run();
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(!ended.stderr.contains("share1") && ended.stdout.is_empty(), "{ended:?}");
    }
    sandbox.write("photo.jpg", b"");
    let word = sandbox.share(["photo.jpg"]).fails(2, "'photo.jpg' is not a command");
    assert!(word.stderr.contains("try: share send photo.jpg"), "{}", word.stderr);
    assert!(sandbox.share(["--help"]).ok().contains("already opened"));
    assert!(sandbox.share(["--version"]).ok().starts_with("share "));
}

#[test]
fn a_share_whose_link_cannot_be_printed_is_revoked() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let command = format!("{} send --relay {} 2>err >/dev/full", SHARE, relay.url);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &command]);
    let ended = sandbox.prepare(shell).input("secret").run();
    assert_eq!(ended.code, 8, "{ended:?}");
    assert!(
        String::from_utf8(sandbox.read("err"))
            .unwrap()
            .contains("the link could not be printed, so the share was revoked")
    );
    assert!(relay.data().is_empty());
}

#[test]
fn a_share_is_kept_when_its_reader_stops_early() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let content = noise(20_000_000, 4);
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input(&content).ok();
    let command = format!("{SHARE} open -q '{link}' | head -c 100 >head; echo ${{PIPESTATUS[0]}}");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &command]);
    assert_eq!(sandbox.prepare(shell).ok(), "0");
    assert_eq!(sandbox.read("head"), content[..100]);
    assert!(!relay.data().is_empty());
    assert_eq!(sandbox.share(["open", "-q", &link]).run().stdout, content);
    relay.expect_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_share_shows_when_it_expired() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (_, url) = served(bench.relay.clone());
    let link = sandbox.share(["send", "-q", "-e", "1d", "--relay", &url]).input("x").ok();
    bench.clock.advance(86_399);
    assert!(sandbox.share(["peek", &link]).ok().contains("until Jan 2, 2100 at 00:00"));
    bench.clock.advance(1);
    sandbox.share(["open", &link]).fails(4, "expired on Jan 2, 2100 at 00:00; nobody opened it");
    let link = sandbox.share(["send", "-q", "--relay", &url]).input("x").ok();
    sandbox.write("wrong", b"x");
    drop(link);
}

/// A relay that is too busy to finish while the flag is set.
#[derive(Clone)]
struct TooBusy(Arc<AtomicBool>);

impl Misbehavior for TooBusy {
    fn finish(&self) -> Result<(), RelayError> {
        if self.0.load(Ordering::SeqCst) { Err(RelayError::BUSY) } else { Ok(()) }
    }
}

/// Serves `bench` as a relay that is too busy to finish until the returned flag is cleared.
fn too_busy(bench: &TestRelay) -> (Arc<AtomicBool>, String) {
    let too_busy = Arc::new(AtomicBool::new(true));
    let (_, url) = served(Arc::new(Misbehaving { relay: bench.relay.clone(), how: TooBusy(too_busy.clone()) }));
    (too_busy, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_finish_is_sent_by_the_next_command() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (too_busy, url) = too_busy(&bench);
    let first = sandbox.share(["send", "-q", "--relay", &url]).input("first").ok();
    let second = sandbox.share(["send", "-q", "--relay", &url]).input("second").ok();
    for (link, name) in [(&first, "a"), (&second, "b")] {
        let opened = sandbox.share(["open", link, "-o", name, "--give-up", "300ms"]).run();
        assert_eq!(opened.code, 0, "{opened:?}");
    }
    assert_eq!((sandbox.read("a"), sandbox.read("b")), (b"first".to_vec(), b"second".to_vec()));
    assert_eq!(bench.data().await.len(), 4, "the relay still has both");
    // With a pipe, the bytes themselves are printed, not the path of the saved file.
    let piped = sandbox.share(["open", "-q", &second, "--give-up", "300ms"]).ok();
    assert_eq!(piped, "second");
    too_busy.store(false, Ordering::SeqCst);
    // The same command only finishes: it neither fetches nor writes.
    let again = sandbox.share(["open", &first, "-o", "a"]).run();
    assert!(again.code == 0 && again.stderr.contains("Already saved as a."), "{again:?}");
    assert_eq!(bench.data().await.len(), 2);
    // Any command finishes the other share, even after its file was moved.
    fs::rename(sandbox.path("b"), sandbox.path("kept")).unwrap();
    let link = sandbox.share(["send", "-q", "--relay", &url]).input("third").ok();
    assert_eq!(bench.data().await.len(), 2);
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "third");
    assert!(bench.data().await.is_empty());
    assert_eq!(sandbox.names(), ["a", "kept"]);
    assert_eq!(sandbox.kept().len(), 1, "only the device's secret is left");
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_replaced() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    std::os::unix::fs::symlink("nowhere", sandbox.path("dangling")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(sandbox.path("fifo")).status().unwrap().success());
    for special in ["dangling", "fifo", "/dev/null", "/dev/stdout"] {
        for force in [None, Some("-f")] {
            let args = ["open", &link, "-o", special].into_iter().chain(force);
            let refused = sandbox.share(args).fails(8, "is not a regular file");
            assert!(refused.stderr.contains("hint: use -o - and redirect standard output"), "{refused:?}");
        }
    }
    assert_eq!(sandbox.names(), ["dangling", "fifo"]);
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[test]
fn a_closed_standard_output_loses_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let closed = |command: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{SHARE} {command} >&-")]);
        sandbox.prepare(shell).env("SHARE_RELAY", &relay.url).fails(8, "standard output is closed");
    };
    let before = relay.data().len();
    closed("send /etc/hostname");
    assert_eq!(relay.data().len(), before);
    closed(&format!("open '{link}'"));
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[test]
fn variables_are_parsed_leniently_and_errors_have_one_form() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let send = || sandbox.share(["send", "--relay", &relay.url]).input("x");
    for (value, quiet) in [("1", true), ("true", true), ("0", false), ("", false), ("no", false)] {
        assert_eq!(send().env("SHARE_QUIET", value).run().stderr.is_empty(), quiet, "{value:?}");
    }
    let empty = ["SHARE_GIVE_UP", "SHARE_EXPIRE", "SHARE_PASSPHRASE_FILE", "SHARE_STATE_DIR", "SHARE_RELAY"];
    let run = empty.into_iter().fold(send(), |run, name| run.env(name, ""));
    assert_eq!(run.run().code, 0);
    sandbox.share(["send"]).env("SHARE_RELAY", "").input("x").fails(2, "no relay is configured");
    sandbox.share(["send", "-e", "never"]).fails(2, "expected a time like 30m, 24h or 7d");
    sandbox.share(["relay", "--max-size", "lots"]).fails(2, "expected a size like 500MB or 4GiB");
    sandbox.share(["relay", "--store", "file:///proc/x"]).fails(8, "/proc/x: ");
    sandbox.share(["relay", "--store", "file:///etc/hostname"]).fails(8, "not a directory");
    let failed = sandbox.share(["send", "--text=hunter2"]).fails(2, "invalid arguments");
    assert!(!failed.stderr.contains("hunter2"), "{failed:?}");
    let store = folder_url(&relay.store);
    sandbox.share(["relay", "--listen", "127.0.0.1:0", "--store", &store]).fails(8, "another relay is using");
    let wrong_path = format!("{}sub/path", relay.url);
    sandbox.share(["send", "--relay", &wrong_path]).input("x").fails(6, "is not a share relay");
}

#[test]
fn a_silent_server_is_given_up() {
    let sandbox = Sandbox::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // The kernel accepts connections, and no program answers.
    let start = std::time::Instant::now();
    let send = ["send", "--give-up", "1s", "--relay", &url];
    sandbox.share(send).input("x").fails(6, "no answer");
    let link = format!("{url}#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg");
    sandbox.share(["peek", &link, "--give-up", "1s"]).fails(6, "no answer");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_pipe_can_be_read_again() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (too_busy, url) = too_busy(&bench);
    let link = sandbox.share(["send", "-q", "--relay", &url]).input("secret").ok();
    let open = || sandbox.share(["open", "-q", &link, "--give-up", "300ms"]);
    assert_eq!(open().ok(), "secret");
    // The shell has truncated the file, so the command must write the bytes again.
    assert_eq!(open().ok(), "secret");
    too_busy.store(false, Ordering::SeqCst);
    assert_eq!(open().ok(), "secret");
    assert!(bench.data().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_different_file_at_the_path_of_a_received_one_is_not_mistaken_for_it() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (too_busy, url) = too_busy(&bench);
    let link = sandbox.share(["send", "-q", "-n", "a.txt", "--relay", &url]).input("secret").ok();
    let open = || sandbox.share(["open", &link, "-o", ".", "--give-up", "300ms"]);
    assert_eq!(open().run().code, 0);
    fs::remove_file(sandbox.path("a.txt")).unwrap();
    sandbox.write("a.txt", b"other!");
    too_busy.store(false, Ordering::SeqCst);
    // The relay still has the share, so the same command fetches it again.
    assert_eq!(open().run().code, 0);
    assert!(bench.data().await.is_empty());
    assert_eq!((sandbox.read("a.txt"), sandbox.read("a (1).txt")), (b"other!".to_vec(), b"secret".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_passphrase_while_resuming_is_only_a_retry() {
    let sandbox = Sandbox::new();
    let bench = TestRelay::memory();
    let (_, url) = too_busy(&bench);
    sandbox.write("right", b"horse");
    sandbox.write("wrong", b"cow");
    let link = sandbox.share(["send", "-q", "--passphrase-file", "right", "--relay", &url]).input("secret").ok();
    let open = |file| sandbox.share(["open", "-q", &link, "--give-up", "300ms", "--passphrase-file", file]);
    assert_eq!(open("right").ok(), "secret");
    open("wrong").fails(5, "wrong passphrase");
    assert_eq!(open("right").ok(), "secret");
}
