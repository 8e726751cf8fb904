//! The end of a relay: requests that run are answered, and nothing is lost.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::admin::{admin_json, ask_admin, eventually, metric, socket_in};
use crate::support::{RelayProcess, Sandbox, noise};

/// Begins a request whose body is missing its last byte.
pub(super) fn unfinished(relay: &RelayProcess) -> TcpStream {
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    let bearer = format!("Authorization: Bearer {}.{}", "A".repeat(22), "A".repeat(43));
    let head =
        format!("POST /v1/create HTTP/1.1\r\nHost: {}\r\n{bearer}\r\nContent-Length: 2\r\n\r\n{{", relay.address());
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn is_stopping(socket: &Path) -> bool {
    let answer = admin_json(socket, "/readyz");
    answer["ready"] == false && answer["problems"][0]["what"] == "stopping"
}

#[test]
fn a_stop_waits_for_running_requests_and_no_longer() {
    let sandbox = Sandbox::new();
    let mut relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    let mut stream = unfinished(&relay);
    let idle = TcpStream::connect(relay.address()).unwrap();
    eventually("both connections are there", || metric(&socket, "share_connections") == Some(2));
    relay.signal(Signal::TERM);
    eventually("the relay is not ready any more", || is_stopping(&socket));
    assert_eq!(ask_admin(&socket, "/readyz").status(), "503");
    eventually("no connection is accepted", || TcpStream::connect(relay.address()).is_err());
    stream.write_all(b"}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("urn:share:bad-request"), "{answer}");
    assert_eq!(relay.ended(), Some(0));
    assert!(!socket.exists());
    drop(idle);
}

#[test]
fn a_stop_ends_after_its_time_and_a_second_signal_ends_at_once() {
    let sandbox = Sandbox::new();
    let socket = socket_in(&sandbox.home());
    for (drain, signals, expected) in [("1s", 1, 0), ("10m", 2, 130)] {
        let mut relay = sandbox.relay_with(&["--drain", drain]);
        let mut stream = unfinished(&relay);
        eventually("the connection is there", || metric(&socket, "share_connections") == Some(1));
        let begun = Instant::now();
        relay.signal(Signal::TERM);
        if signals == 2 {
            eventually("the relay stops", || is_stopping(&socket));
            relay.signal(Signal::INT);
        }
        assert_eq!(relay.ended(), Some(expected), "{drain}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{drain}: {:?}", begun.elapsed());
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[test]
fn a_stop_answers_those_who_wait_for_an_event() {
    let sandbox = Sandbox::new();
    let mut relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let waiting = sandbox.share(["status", "--wait", "--give-up", "60s", &link]).start();
    eventually("the sender waits", || metric(&socket, "share_connections") == Some(1));
    let begun = Instant::now();
    relay.signal(Signal::TERM);
    assert_eq!(relay.ended(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // The sender goes on to wait for the relay that runs next.
    let again = sandbox.relay_at(&relay.address());
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
    let ended = waiting.wait();
    assert!(ended.code == 0 && ended.stdout.starts_with(b""), "{ended:?}");
    drop(again);
}

#[test]
fn a_hangup_does_not_stop_a_relay() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    relay.signal(Signal::HUP);
    eventually("it reloads", || fs::read_to_string(&relay.log).unwrap().contains("reloading files"));
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[test]
#[ignore = "takes long: tests/all"]
fn restarts_under_load_lose_nothing() {
    const CLIENTS: usize = 3;
    const RESTARTS: usize = 8;
    let sandbox = Sandbox::new();
    let mut relay = sandbox.relay();
    let (url, address) = (relay.url.clone(), relay.address());
    let content = noise(9_000_000, 1);
    sandbox.write("content", &content);
    let (over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (sandbox, url, content, over, rounds) = (&sandbox, &url, &content, &over, &rounds);
            scope.spawn(move || {
                let run = |args: &[&str]| {
                    let home = sandbox.other_home(&format!("client-{client}"));
                    sandbox.share(args).env("HOME", home).env("SHARE_GIVE_UP", "60s")
                };
                while !over.load(Ordering::Relaxed) {
                    let link = run(&["send", "-q", "--relay", url, "content"]).ok();
                    let received = format!("received-{client}");
                    run(&["open", "-q", &link, "-f", "-o", &received]).ok();
                    assert!(sandbox.read(&received) == *content);
                    run(&["open", "-q", &link]).fails(3, "already");
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut codes = Vec::new();
        for restart in 0..RESTARTS {
            let before = rounds.load(Ordering::Relaxed);
            if restart % 2 == 0 {
                eventually("a share was opened", || rounds.load(Ordering::Relaxed) > before);
            }
            relay.signal(Signal::TERM);
            codes.push(relay.ended());
            relay = sandbox.relay_at(&address);
        }
        over.store(true, Ordering::Relaxed);
        assert_eq!(codes, [Some(0); RESTARTS]);
    });
    assert!(rounds.load(Ordering::Relaxed) >= RESTARTS / 2);
    relay.expect_empty();
}
