//! Direct mode: the sender's own machine serves the share.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{ChildStderr, Command};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use share::link::Link;
use share::secret::Flags;

#[cfg(target_os = "linux")]
use crate::support::{Conversation, TerminalKind, Tty};
use crate::support::{Host, Proxy, SHARE, Sandbox, TIME_LIMIT, files, noise, photo};

/// The home of a second machine.
fn elsewhere(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.other_home("elsewhere")
}

#[test]
fn a_share_is_served_until_it_was_opened() {
    let sandbox = Sandbox::new();
    let content = photo(9_000_000);
    sandbox.write("beach.jpg", &content);
    let mut host = Host::start(&sandbox, &["beach.jpg"]);
    let link = host.link().to_owned();
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    assert_eq!(Link::parse(&link).unwrap().link.secret.flags(), Flags::DIRECT);
    host.expect("Press Ctrl-C to revoke it.");
    let there = elsewhere(&sandbox);
    assert!(sandbox.share(["peek", &link]).env("HOME", &there).ok().starts_with("beach.jpg: photo, 9.0 MB"));
    host.expect("link previewed");
    let opened = sandbox.share(["open", &link, "-o", "got.jpg"]).env("HOME", &there).run();
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(sandbox.read("got.jpg") == content);
    // Sender and opener see the same two words.
    let words = opened.stderr.split("opened by: ").nth(1).unwrap().trim().to_owned();
    assert_eq!(words.split(' ').count(), 2, "{words}");
    host.expect(&format!("being opened by: {words}"))
        .expect(&format!("opened by: {words}"))
        .expect("Nothing is left here.");
    // A late visitor sees that it was opened, with either form of the link.
    let late = sandbox.share(["open", &link, "-o", "x"]).fails(3, "on another device");
    assert!(late.stderr.contains(&format!("({words})")), "{late:?}");
    let (page, fragment) = link.split_once("/#").unwrap();
    let bare = format!("{fragment}+{}", page.trim_start_matches("http://"));
    sandbox.share(["peek", &bare]).fails(3, "on another device");
    host.signal("INT");
    let ended = host.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.is_empty(), "one line, the link: {ended:?}");
    let listed = sandbox.share(["list"]).ok();
    assert!(listed.ends_with(&format!("\topened\t{words}")), "{listed}");
    assert_eq!(files(&sandbox.home().join(".local/state/share/direct")).len(), 1, "its lock");
    sandbox.share(["open", &link, "-o", "x", "--give-up", "1s"]).fails(6, "cannot be reached");
}

#[test]
fn a_pipe_is_served_and_small_shares_need_two_requests() {
    let sandbox = Sandbox::new();
    let run = sandbox.share(["send", "--direct", "-q"]).env("SHARE_LISTEN", "127.0.0.1:0").input("s3cret");
    let mut host = Host::of(run.start(), 1);
    let link = host.link().to_owned();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "s3cret");
    // Quiet: nothing was printed. The program answers late visitors for a minute; a signal ends it earlier.
    host.signal("TERM");
    let ended = host.process.0.wait().unwrap();
    let mut said = String::new();
    host.err.read_to_string(&mut said).unwrap();
    assert!(said.is_empty(), "{said}");
    // The end may come before or after the signal; it is noted in either case.
    assert!(matches!(ended.code(), Some(0 | 130)));
}

#[test]
fn ctrl_c_revokes_and_asks_before_it_interrupts_an_opener() {
    let sandbox = Sandbox::new();
    sandbox.write("file", &noise(30_000_000, 1));
    let mut host = Host::start(&sandbox, &["file"]);
    host.expect("Press Ctrl-C to revoke it.").signal("INT");
    let link = host.link().to_owned();
    let ended = host.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("\nrevoked: the link no longer works"), "{ended:?}");
    sandbox.share(["peek", &link, "--give-up", "1s"]).fails(6, "the sender's computer");
    assert!(sandbox.share(["status"]).ok().contains("revoked on"));

    let mut host = Host::start(&sandbox, &["file"]);
    let line = Proxy::to(&host.address(), None);
    line.stop_down_at(9_000_000);
    let opener = sandbox.share(["open", &line.link(host.link()), "-o", "got"]).start();
    line.wait_until_down_stopped();
    host.expect("being opened").signal("INT");
    host.expect("press Ctrl-C again to cut the opener off");
    assert!(host.process.0.try_wait().unwrap().is_none(), "it goes on");
    host.signal("INT");
    let ended = host.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(sandbox.share(["status"]).ok().contains("while it was being opened"));
    opener.kill();
    assert_eq!(sandbox.names_after_kill(), ["file"]);
}

/// Whether this process, and so its children, ignore SIGHUP: the lowest bit of the mask.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

#[cfg(target_os = "linux")]
#[test]
fn a_lost_terminal_revokes_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    for signal in ["HUP", "TERM"] {
        // Under nohup, SIGHUP is ignored on purpose.
        if signal == "HUP" && ignores_hangup() {
            eprintln!("skipped: SIGHUP is ignored here");
            continue;
        }
        let mut host = Host::start(&sandbox, &["file"]);
        host.expect("Press Ctrl-C to revoke it.").signal(signal);
        assert_eq!(host.end().code, 130);
    }
    assert_eq!(files(&sandbox.home().join(".local/state/share/direct")).len(), 1, "its lock");
}

#[test]
fn several_recipients_have_separate_links() {
    let sandbox = Sandbox::new();
    let content = photo(5_000_000);
    sandbox.write("beach.jpg", &content);
    let mut host = Host::start_with(&sandbox, &["beach.jpg", "--for", "anna", "--for", "ben"], 2);
    let (anna, ben) = (host.links[0].clone(), host.links[1].clone());
    assert_ne!(anna.split('#').next(), ben.split('#').next(), "each has a port, and a key, of their own");
    assert!(sandbox.share(["open", "-q", &ben]).run().stdout == content);
    host.expect("ben: opened");
    assert!(sandbox.share(["peek", &anna]).ok().contains("beach.jpg"));
    assert!(sandbox.share(["open", "-q", &anna]).run().stdout == content);
    host.expect("anna: opened").expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 0);
}

#[test]
fn the_next_run_removes_the_files_of_a_killed_one() {
    let sandbox = Sandbox::new();
    sandbox.write("file", &noise(100_000, 1));
    let mut first = Host::start(&sandbox, &["file"]);
    let mut second = Host::start(&sandbox, &["file"]);
    let directory = sandbox.home().join(".local/state/share/direct");
    let folders = || fs::read_dir(&directory).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    first.expect("Press Ctrl-C to revoke it.");
    second.expect("Press Ctrl-C to revoke it.");
    assert_eq!(folders(), 2, "neither has removed the other's");
    first.process.0.kill().unwrap();
    first.process.0.wait().unwrap();
    let third = Host::start(&sandbox, &["file"]);
    assert_eq!(folders(), 2, "the killed one's is gone");
    assert!(sandbox.share(["peek", second.link()]).ok().contains("file"));
    for host in [second, third] {
        host.signal("INT");
        host.end();
    }
    assert_eq!(folders(), 0);
    let listed = sandbox.share(["list"]).ok();
    assert!(listed.contains("\tunknown\t"), "{listed}");
}

/// One request without TLS, as a browser or an attacker on the network makes it.
fn plain(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let host = format!("Host: {address}\r\nConnection: close\r\n");
    let (line, rest) = request.split_once("\r\n").unwrap_or((request, ""));
    write!(stream, "{line} HTTP/1.1\r\n{host}{rest}\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_browser_gets_the_page_and_the_network_may_only_look_and_open() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let host = Host::start(&sandbox, &["file"]);
    let address = host.address();
    let page = plain(&address, "GET /");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<!doctype html>"), "{page}");
    let about = plain(&address, "GET /.well-known/share");
    assert!(about.contains(r#""create":"token""#) && !about.contains("send"), "{about}");
    for path in ["/send", "/send/"] {
        let answer = plain(&address, &format!("GET {path}"));
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("urn:share:unknown"), "{path}: {answer}");
    }
    // Even the owner's requests are refused from outside: the sender uses its relay directly.
    let entry = files(&sandbox.home().join(".local/state/share/outbox")).pop().unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&fs::read(entry).unwrap()).unwrap();
    let id = Link::parse(host.link()).unwrap().link.secret.id();
    let id = BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes());
    let bearer = format!("Authorization: Bearer {id}.{}\r\n", entry["owner_token"].as_str().unwrap());
    for request in ["GET /v1/owner", "DELETE /v1/owner"] {
        let answer = plain(&address, &format!("{request}\r\n{bearer}"));
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    for request in ["POST /v1/create", "POST /v1/commit"] {
        let answer = plain(&address, &format!("{request}\r\n{bearer}{body}"));
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let put = plain(&address, &format!("PUT /v1/part/0\r\n{bearer}Share-Crc32c: 00000000\r\nContent-Length: 0\r\n"));
    assert!(put.starts_with("HTTP/1.1 404"), "{put}");
    assert!(plain(&address, "GET /\r\nX: y\r\n").contains("200 OK"));
    assert!(sandbox.share(["peek", host.link()]).ok().contains("file"), "it still waits");
    host.signal("INT");
    host.end();
}

/// A man in the middle: accepts every connection and handles it with `meddle`.
fn in_the_middle(meddle: impl Fn(TcpStream) + Send + Sync + 'static) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let firsts = Arc::new(Mutex::new(Vec::new()));
    let seen = firsts.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut first = [0];
            if stream.peek(&mut first).is_ok_and(|count| count == 1) {
                seen.lock().unwrap().push(first[0]);
            }
            meddle(stream);
        }
    });
    (address, firsts)
}

/// TLS with the attacker's own key, optionally with the link's pin as a claim, that forwards the plaintext.
fn own_key(target: String, shown: Option<share::secret::Pin>) -> impl Fn(TcpStream) + Send + Sync + 'static {
    let provider = rustls::crypto::ring::default_provider();
    // RFC 8410: an Ed25519 key whose seed is all sevens.
    let pkcs8 = [&hex("302e020100300506032b657004220420")[..], &[7; 32]].concat();
    let key = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8)).unwrap();
    let public = match shown {
        None => key.public_key().unwrap().to_vec(),
        Some(pin) => [&hex("302a300506032b6570032100")[..], pin.as_bytes()].concat(),
    };
    let public = CertificateDer::from(public);
    let resolver =
        rustls::server::AlwaysResolvesServerRawPublicKeys::new(Arc::new(CertifiedKey::new(vec![public], key)));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let config = Arc::new(config);
    move |mut stream| {
        let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut tls = rustls::Stream::new(&mut tls, &mut stream);
        let mut request = [0; 4096];
        if let Ok(count) = tls.read(&mut request) {
            let mut there = TcpStream::connect(&target).unwrap();
            there.write_all(&request[..count]).unwrap();
            let mut answer = Vec::new();
            let _ = there.read_to_end(&mut answer);
            let _ = tls.write_all(&answer);
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn a_man_in_the_middle_is_refused_without_a_fallback() {
    let sandbox = Sandbox::new();
    sandbox.write("file", &noise(5_000_000, 1));
    let host = Host::start(&sandbox, &["file"]);
    let target = host.address();
    let pin = Link::parse(host.link()).unwrap().link.secret.direct_key().pin();
    let fragment = host.link().split_once('#').unwrap().1.to_owned();
    let plain_only = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    };
    let corrupter = {
        let target = target.clone();
        move |mut stream: TcpStream| {
            let mut there = TcpStream::connect(&target).unwrap();
            let mut hello = [0; 4096];
            let count = stream.read(&mut hello).unwrap();
            there.write_all(&hello[..count]).unwrap();
            let mut answer = [0; 4096];
            let count = there.read(&mut answer).unwrap();
            answer[count - 20] ^= 1;
            let _ = stream.write_all(&answer[..count]);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    };
    let men = [
        ("a key of his own", in_the_middle(own_key(target.clone(), None))),
        ("the right key shown, and another one used", in_the_middle(own_key(target.clone(), Some(pin)))),
        ("only plain http", in_the_middle(plain_only)),
        ("corrupts", in_the_middle(corrupter)),
    ];
    for (what, (address, firsts)) in men {
        for link in [
            format!("http://{address}/#{fragment}"),
            format!("{fragment}+{address}"),
            format!("https://{address}/#{fragment}"),
        ] {
            for args in [vec!["peek"], vec!["open", "-o", "got"]] {
                let run = sandbox.share(&args).env("SHARE_LINK", &link);
                let ended = run.fails(7, "does not have the key that the link names");
                assert!(ended.stderr.contains("nothing was opened"), "{what}: {ended:?}");
            }
        }
        let firsts = firsts.lock().unwrap();
        assert!(firsts.len() >= 6 && firsts.iter().all(|first| *first == 22), "{what}: never in the clear: {firsts:?}");
    }
    assert!(!sandbox.names().contains(&"got".to_owned()));
    // A proxy that only forwards bytes is accepted.
    let honest = Proxy::to(&target, None);
    sandbox.share(["open", "-q", &honest.link(host.link()), "-o", "got"]).ok();
    assert!(sandbox.read("got") == sandbox.read("file"));
    host.signal("INT");
    host.end();
}

#[test]
fn a_tunnel_terminates_the_encryption_itself() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    // Both ends of the tunnel must be known before they start.
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let tunnel = Proxy::to(&listen, None);
    let mut host = Host::start(&sandbox, &["file", "--public-url", &tunnel.url, "--listen", &listen]);
    let link = host.link().to_owned();
    assert!(link.starts_with(&tunnel.url), "{link}");
    assert_eq!(Link::parse(&link).unwrap().link.secret.flags(), Flags::default(), "no pinned key");
    host.expect("through your tunnel");
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "content");
    host.expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_a_link_and_a_code_until_the_share_ends() {
    let sandbox = Sandbox::new();
    let content = photo(200_000);
    sandbox.write("beach.jpg", &content);
    let command = r#"exec env TERM=xterm SHARE_LISTEN=127.0.0.1:0 "$SHARE" send beach.jpg"#;
    let mut terminal = Conversation::start(&sandbox, command);
    terminal.expect("share help relay").expect("Press Ctrl-C to revoke it.");
    let seen = terminal.seen();
    let link = seen.lines().find(|line| line.contains("#share1")).unwrap().trim().to_owned();
    assert!(seen.contains("▀▀▀▀▀▀▀") && seen.contains("\x1b[30;107m"), "a code: {seen}");
    sandbox.share(["open", "-q", &link, "-o", "got.jpg"]).env("HOME", elsewhere(&sandbox)).ok();
    terminal.expect("link previewed").expect("opened by: ").expect("Nothing is left here.");
    terminal.press("\x03");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(sandbox.read("got.jpg") == content);
}

#[cfg(target_os = "linux")]
#[test]
fn a_code_that_does_not_fit_is_replaced_by_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.write("beach.jpg", &photo(2000));
    for (size, options, reason) in [
        ("rows 12 cols 80", "", "No QR code: this terminal has too few rows. To print a taller one anyway, use --qr."),
        ("rows 60 cols 30", "", "No QR code: this terminal is too narrow."),
        ("rows 60 cols 30", "--qr", "No QR code: this terminal is too narrow."),
    ] {
        let command = format!(r#"stty {size}; SHARE_LISTEN=127.0.0.1:0 exec "$SHARE" send {options} beach.jpg"#);
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        tty.expect(reason).expect("#share1").expect("revoke it.").press("\x03");
        assert_eq!(tty.end(), 130);
    }
}

#[test]
fn only_folders_of_this_program_are_removed() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let directory = sandbox.home().join(".local/state/share/direct");
    let precious = sandbox.path("precious");
    for directory in [&precious, &directory.join("photos"), &directory.join("share-direct-0123456789abcdef")] {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("one"), b"precious").unwrap();
    }
    std::os::unix::fs::symlink(&precious, directory.join("share-direct-fedcba9876543210")).unwrap();
    let host = Host::start(&sandbox, &["file"]);
    assert!(precious.join("one").exists() && directory.join("photos/one").exists());
    assert!(!directory.join("share-direct-0123456789abcdef").exists(), "left by a program that is gone");
    host.signal("INT");
    host.end();
}

#[test]
fn a_lost_standard_error_does_not_stop_it() {
    let sandbox = Sandbox::new();
    let content = photo(3_000_000);
    sandbox.write("beach.jpg", &content);
    let mut host = Host::start(&sandbox, &["beach.jpg"]);
    // The terminal that showed the events is gone, without a signal.
    host.err = BufReader::new(silent());
    assert!(sandbox.share(["open", "-q", host.link()]).run().stdout == content);
    // The outbox notes the end.
    wait_until_listed(&sandbox, "finished");
    host.signal("INT");
    assert_eq!(host.process.0.wait().unwrap().code(), Some(0));
}

/// Waits until the sender's outbox has a share in this state.
fn wait_until_listed(sandbox: &Sandbox, state: &str) {
    let state = format!("\"state\":\"{state}\"");
    let begun = std::time::Instant::now();
    while !String::from_utf8_lossy(&sandbox.share(["list", "--json"]).run().stdout).contains(&state) {
        assert!(begun.elapsed() < TIME_LIMIT, "the list has no {state}");
        thread::yield_now();
    }
}

/// A standard error without any output.
fn silent() -> ChildStderr {
    Command::new("true").stderr(std::process::Stdio::piped()).spawn().unwrap().stderr.unwrap()
}

#[test]
fn it_outlives_its_terminal_under_nohup() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let script = r#"trap '' HUP; exec "$SHARE" send --direct file"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    let run = sandbox.prepare(shell).env("SHARE", SHARE).env("SHARE_LISTEN", "127.0.0.1:0");
    let mut host = Host::of(run.start(), 1);
    host.expect("Press Ctrl-C to revoke it.").signal("HUP");
    assert_eq!(sandbox.share(["open", "-q", host.link()]).ok(), "content");
    host.expect("Nothing is left here.").signal("TERM");
    assert_eq!(host.end().code, 0);
}

#[test]
fn a_crowd_of_idle_connections_does_not_block_others() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let host = Host::start(&sandbox, &["file"]);
    // More connections than the limit: the excess is closed, so memory stays bounded.
    let crowd: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(host.address()).unwrap()).collect();
    let sent_away = |mut stream: &TcpStream| {
        stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
        matches!(stream.read(&mut [0]), Ok(0))
            || stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    };
    assert!(crowd.iter().rev().take(5).all(sent_away));
    drop(crowd);
    assert_eq!(sandbox.share(["open", "-q", host.link()]).ok(), "content");
    host.signal("INT");
    host.end();
}

#[test]
fn a_second_terminal_can_show_and_revoke_it() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let mut host = Host::start(&sandbox, &["file"]);
    host.expect("Press Ctrl-C to revoke it.");
    assert!(sandbox.share(["status"]).ok().contains("  waiting until"));
    assert!(sandbox.share(["list"]).ok().contains("\twaiting\t"));
    let taken = sandbox.share(["revoke", "file"]).ok();
    assert!(taken.contains("revoked on"), "{taken}");
    sandbox.share(["peek", host.link()]).fails(4, "the sender revoked this link");
    host.expect("revoked on").expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 4);
}

#[test]
fn it_ends_when_it_expires() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let mut host = Host::start(&sandbox, &["file", "-e", "1m"]);
    host.expect("Expires on ");
    // As if a minute had passed: the records contain the time of the commit.
    let directory = sandbox.home().join(".local/state/share/direct");
    let committed = files(&directory).into_iter().find(|path| path.ends_with("seal")).unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&committed).unwrap()).unwrap();
    record["at"] = (record["at"].as_u64().unwrap() - 70).into();
    fs::write(&committed, record.to_string()).unwrap();
    host.expect("nobody opened it").expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 4);
}

#[test]
fn an_interrupted_opener_learns_of_the_revocation() {
    let sandbox = Sandbox::new();
    sandbox.write("file", &noise(30_000_000, 1));
    let mut host = Host::start(&sandbox, &["file"]);
    let line = Proxy::to(&host.address(), None);
    line.stop_down_at(9_000_000);
    let opener = sandbox.share(["open", &line.link(host.link()), "-o", "got"]).start();
    line.wait_until_down_stopped();
    host.expect("being opened").signal("INT");
    host.expect("press Ctrl-C again to cut the opener off").signal("INT");
    wait_until_listed(&sandbox, "revoked");
    line.mend();
    let ended = opener.wait();
    assert!(ended.code == 4 && ended.stderr.contains("the sender revoked this link"), "{ended:?}");
    let ended = host.end();
    assert!(ended.code == 130 && ended.stderr.contains("while it was being opened ("), "{ended:?}");
    assert_eq!(sandbox.names(), ["file"]);
}

#[test]
fn a_second_terminal_shows_unfinished_and_ended_shares_correctly() {
    let sandbox = Sandbox::new();
    // Still reading: nothing is committed, and nothing may be removed.
    let reading = sandbox.share(["send", "--direct", "-n", "dump"]).env("SHARE_LISTEN", "127.0.0.1:0");
    let (source, sink) = std::io::pipe().unwrap();
    let mut process = reading.start_with(source);
    let outbox = sandbox.home().join(".local/state/share/outbox");
    while !files(&outbox).iter().any(|path| path.extension().is_some_and(|extension| extension == "json")) {
        thread::yield_now();
    }
    sandbox.share(["status"]).fails(8, "still reading the files, or has just stopped");
    assert!(sandbox.share(["list"]).run().stderr.contains("still reading the files"));
    assert_eq!(files(&outbox).len(), 1, "it is not forgotten");
    drop(sink);
    assert_eq!(process.0.wait().unwrap().code(), Some(8), "nothing came");
    assert!(files(&outbox).is_empty(), "what was not sent is not kept");

    // A share that ends during the question is shown as it ended.
    sandbox.write("file", b"content");
    let mut host = Host::start(&sandbox, &["file"]);
    host.expect("Press Ctrl-C to revoke it.");
    let asker = sandbox.share(["status", "--wait"]).start();
    assert_eq!(sandbox.share(["open", "-q", host.link()]).ok(), "content");
    host.expect("Nothing is left here.").signal("INT");
    assert_eq!(host.end().code, 0);
    let printed = asker.wait();
    assert!(
        printed.code == 0 && String::from_utf8(printed.stdout).unwrap().contains("(verified: the opener had the link)")
    );
}

#[test]
fn leftovers_in_the_temporary_directory_are_removed() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"content");
    let temporary = sandbox.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let send = ["send", "--direct", "file", "--state-dir", "file"];
    let run = sandbox.share(send).env("SHARE_LISTEN", "127.0.0.1:0").env("TMPDIR", &temporary);
    let mut process = run.start();
    let mut link = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut link).unwrap();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1);
    process.kill();
    let list = || sandbox.share(["list"]).env("TMPDIR", &temporary).ok();
    list();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1, "too young to be sure that nobody is about to hold it");
    let left = fs::read_dir(&temporary).unwrap().next().unwrap().unwrap().path();
    assert!(Command::new("touch").args(["-d", "1 hour ago"]).arg(left).status().unwrap().success());
    list();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
