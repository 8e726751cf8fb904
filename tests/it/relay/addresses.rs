//! The addresses of a relay: the base path of its public one, and hosts that are not its own.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use share::relay::Relay;
use share::relay::client::HttpRelay;
use share::relay::server::{self, CreatePolicy, ServerOptions};
use share::relay_url::RelayUrl;

use crate::support::{Browser, Sample, Sandbox, TestRelay, planted};

/// Sends a request without a body, and returns the whole answer.
fn ask(address: &str, line: &str, host: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A relay with this public address, and the address where it listens.
fn relay_at(public_url: &str) -> (TestRelay, String) {
    let bench = TestRelay::memory();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let public_url = Some(RelayUrl::parse(public_url).unwrap());
    let options = ServerOptions { create: CreatePolicy::Open, public_url, ..ServerOptions::default() };
    tokio::spawn(server::serve(bench.relay.clone(), listener, options, std::future::pending()));
    (bench, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_below_a_path_answers_with_and_without_it() {
    let (_bench, address) = relay_at("https://relay.example/some/base");
    let host = "relay.example";
    // A proxy may remove the base path or not.
    for base in ["", "/some/base"] {
        for (path, status) in [
            ("/", "200"),
            ("/send", "200"),
            ("/send/", "308"),
            ("/.well-known/share", "200"),
            ("/v1/link", "404"),
            ("/v1/claim", "405"),
        ] {
            let answer = ask(&address, &format!("GET {base}{path}"), host, "");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{base}{path}: {answer}");
        }
        // A whole share, by a client that knows one of the addresses.
        let url = RelayUrl::parse(&format!("http://{address}{base}")).unwrap();
        let relay = HttpRelay::new(url, None, Duration::from_mins(1)).unwrap();
        let share = Sample::new(5000, false);
        share.send(&relay).await;
        let claimed = relay.claim(&share.link(), share.proof(), &share.device().token).await.unwrap();
        assert_eq!(claimed.part.as_ref(), Some(&share.parts[0]), "{base}");
    }
    for path in ["/some/base", "/some/base?x"] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&address, &format!("{method} {path}"), host, "");
            assert!(answer.starts_with("HTTP/1.1 308 "), "{method} {path}: {answer}");
            assert!(answer.contains("\r\nlocation: /some/base/\r\n"), "{method} {path}: {answer}");
            assert!(answer.contains("\r\ncache-control: no-store, no-transform\r\n"), "{method} {path}: {answer}");
        }
    }
    for path in ["/some/based/v1/link", "/some", "/some/base//v1/link", "/some/base/some/base/v1/link"] {
        let answer = ask(&address, &format!("GET {path}"), host, "");
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("urn:share:unknown"), "{path}: {answer}");
    }
    let foreign = ask(&address, "GET /some/base", "other.example", "");
    assert!(foreign.contains("urn:share:misdirected"), "the host is checked before the path: {foreign}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_is_refused_with_the_fix() {
    let (_bench, address) = relay_at("https://relay.example");
    let answer = ask(&address, "GET /v1/link", "other.example", "");
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("\"type\":\"urn:share:misdirected\""), "{answer}");
    assert!(answer.contains("share relay --public-url URL"), "{answer}");
    assert!(!answer.contains("other.example"), "nothing of the request is repeated: {answer}");
}

#[test]
fn the_log_names_the_option_for_another_host_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    let hostile = format!("evil.example{}", "x".repeat(500));
    for host in [&*hostile, "second.example"] {
        assert!(ask(&address, "GET /", host, "").starts_with("HTTP/1.1 421 "), "{host}");
    }
    let log = fs::read_to_string(&relay.log).unwrap();
    let lines: Vec<String> = log.lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("--public-url") && lines[0].contains("evil.example"), "{lines:?}");
    assert!(lines[0].len() < 400, "{lines:?}");
}

/// Answers every request as a relay does that is reached at another address than its own.
fn elsewhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let body = "{\"type\":\"urn:share:misdirected\",\"detail\":\"for people\"}";
            let head = format!("HTTP/1.1 421 Misdirected Request\r\nContent-Length: {}\r\n", body.len());
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
        }
    });
    address
}

#[test]
fn a_client_names_the_option_for_another_host() {
    let (sandbox, address) = (Sandbox::new(), elsewhere());
    let url = format!("http://{address}");
    for (args, shown) in [(&["relay", "check", &url][..], &url), (&["send", "-q", "--relay", &url], &address)] {
        let refused = sandbox.share(args).input("x").run();
        let what = format!("error: the relay at {address} does not answer at this address\n");
        let fix = format!("share relay --public-url {shown}\n");
        let is_told = refused.stderr.contains(&what) && refused.stderr.contains(&fix);
        assert!(refused.code == 6 && is_told, "{args:?}: {refused:?}");
    }
}

/// Passes requests on to `relay` without their credentials, one in each connection.
fn dropping_credentials(relay: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&relay).unwrap());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    client.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let kept = head.split_inclusive("\r\n").filter(|line| !line.starts_with("authorization:"));
                let head = kept.collect::<String>().replacen("\r\n", "\r\nConnection: close\r\n", 1);
                server.write_all(head.as_bytes()).unwrap();
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    address
}

#[test]
fn a_check_finds_a_proxy_that_drops_credentials() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let proxy = dropping_credentials(relay.address());
    let url = format!("http://{proxy}");
    let what = format!("a proxy in front of {proxy} removes the Authorization header");
    sandbox.share(["relay", "check", &url]).fails(6, &what);
    let hint = format!("to find out: share relay check {proxy}");
    let refused = sandbox.share(["send", "-q", "--relay", &url]).input("x").run();
    assert!(refused.code == 1 && refused.stderr.contains(&hint), "{refused:?}");
}

#[test]
fn a_quiet_relay_logs_no_requests() {
    let sandbox = Sandbox::new();
    for (how, is_quiet) in [(&["-q"][..], true), (&[], false)] {
        let relay = ["relay", "--listen", "127.0.0.1:0", "--store", "memory:"];
        let relay = sandbox.start_as_relay(sandbox.share(relay.iter().chain(how)));
        let before = fs::read_to_string(&relay.log).unwrap();
        assert!(ask(&relay.address(), "GET /", &relay.address(), "").starts_with("HTTP/1.1 200 "));
        let log = fs::read_to_string(&relay.log).unwrap();
        assert_eq!(log == before, is_quiet, "{how:?}: {log}");
    }
}

#[test]
#[ignore = "needs browsers: tests/all"]
fn the_page_opens_a_share_below_a_path() {
    let Some(browser) = Browser::start(&[]) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_bench, address) = runtime.block_on(async { relay_at("https://relay.example/some/base") });
    let url = format!("http://{address}/some/base/");
    let link = planted(&url, &[("a.txt", "text/plain", b"tangerine-42")], false);
    let tab = browser.tab();
    // Without the slash, as people shorten addresses: the browser keeps the part behind the `#`.
    tab.goto(&link.replace("/base/#", "/base#")).expect("a.txt").hold().expect("tangerine-42");
    tab.press_button("Close").expect("The sender sees it was opened by");
    let expected = ["GET /", "POST /v1/manifest", "POST /v1/claim", "POST /v1/finish"];
    // The page's own files come when they are needed.
    let is_file = |request: &String| request.starts_with("GET /some/base/page/");
    let (files, requests): (Vec<String>, Vec<String>) = tab.requests().into_iter().partition(is_file);
    assert!(requests.ends_with(&expected.map(|request| request.replace(' ', " /some/base"))), "{requests:?}");
    assert!(files.iter().any(|file| file.contains("words-")), "{files:?}");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}
