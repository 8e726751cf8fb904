//! The answers of a relay to its operator: health, metrics, status; and its log.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use share::relay::clock::{Clock, SystemClock};
use share::relay::health::{Probe, StoreState};
use share::relay::rules::{Policy, StoreRelay};
use share::relay::store::memory::Memory;

use crate::support::admin::{admin_json, ask_admin, eventually, metric, socket_in};
use crate::support::{Sandbox, TestClock, contains};

#[test]
fn a_relay_answers_its_operator_on_a_private_socket() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ask_admin(&socket, "/livez").body, b"ok\n");
    for path in ["/readyz", "/healthz"] {
        let answer = ask_admin(&socket, path);
        assert!(answer.status() == "200" && contains(&answer.body, b"\"ready\":true"), "{answer:?}");
    }
    assert_eq!(ask_admin(&socket, "/v1/link").status(), "404");
    // Not on the listener of the clients.
    for path in ["/livez", "/readyz", "/healthz", "/metrics", "/status"] {
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", relay.address()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[test]
fn an_admin_listener_at_a_loopback_address_answers_for_no_other_host() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--admin", "127.0.0.1:0"]);
    let log = || fs::read_to_string(&relay.log).unwrap();
    eventually("it names its address", || log().contains(" --admin "));
    let log = log();
    let (_, address) = log.split_once("share relay status --admin ").unwrap_or_else(|| panic!("{log}"));
    let address = address.lines().next().unwrap();
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask(address).starts_with("HTTP/1.1 200 "), "{}", ask(address));
    for host in ["rebound.example", "", "192.0.2.1"] {
        assert!(ask(host).starts_with("HTTP/1.1 421 "), "{host}: {}", ask(host));
    }
    assert!(sandbox.share(["relay", "status", "--admin", address]).ok().contains(&relay.url));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1"] {
        sandbox.share(["relay", "--admin", address]).fails(2, "other machines could reach that address");
    }
}

#[test]
fn metrics_count_the_steps_of_shares_and_refusals() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    let value = |name: &str| metric(&socket, name).unwrap_or(0);
    eventually("the shares are counted", || metric(&socket, "share_stored_bytes").is_some());
    let send = || sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let (first, second, _third) = (send(), send(), send());
    assert_eq!(sandbox.share(["open", "-q", &first]).ok(), "x");
    sandbox.share(["open", "-q", &first]).fails(3, "already");
    sandbox.share(["revoke", &second]).ok();
    for (event, expected) in
        [("created", 3), ("committed", 3), ("opened", 1), ("finished", 1), ("revoked", 1), ("expired", 0)]
    {
        assert_eq!(value(&format!("share_events_total{{event=\"{event}\"}}")), expected, "{event}");
    }
    for (state, expected) in [("waiting", 1), ("opening", 0), ("uploading", 0)] {
        assert_eq!(value(&format!("share_stored_shares{{state=\"{state}\"}}")), expected, "{state}");
    }
    assert!(value("share_refusals_total{reason=\"already-opened\"}") >= 1);
    let requests = "share_requests_total{method=\"POST\",route=\"/v1/deposit\",status=\"2xx\"}";
    let durations = "share_request_duration_seconds_count{method=\"POST\",route=\"/v1/deposit\"}";
    assert_eq!((value(requests), value(durations)), (3, 3));
    assert_eq!(value("share_parts_total{direction=\"stored\"}"), 3);
    assert!(value("share_received_bytes_total") > 3000 && value("share_sent_bytes_total") > 1000);
    assert!(value("share_store_operations_total{operation=\"create\",outcome=\"success\"}") > 10);
    // hyper refuses this one itself.
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.write_all(b"NOT HTTP\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(value("share_refusals_total{reason=\"bad-request\"}"), 1);
    eventually("connections end", || value("share_connections") == 0);
    let answer = ask_admin(&socket, "/metrics");
    assert!(answer.head.contains("content-type: application/openmetrics-text"), "{}", answer.head);
    assert!(answer.body.ends_with(b"# EOF\n"));
}

#[test]
fn a_relay_whose_store_is_gone_is_alive_and_not_ready() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    // The first answer holds for ten seconds, so nothing is asked before.
    fs::rename(&relay.store, sandbox.path("elsewhere")).unwrap();
    fs::write(&relay.store, "in its place").unwrap();
    let answer = admin_json(&socket, "/readyz");
    let is_gone = answer["ready"] == false && answer["problems"][0]["what"] == "store";
    assert!(is_gone && ask_admin(&socket, "/readyz").status() == "503", "{answer}");
    assert_eq!(ask_admin(&socket, "/livez").status(), "200");
    let ended = sandbox.share(["relay", "status"]).run();
    assert!(ended.code == 6 && contains(&ended.stdout, b" is not ready\n"), "{ended:?}");
    assert!(ended.stderr.contains("error: the relay is not ready: the store does not work: "), "{ended:?}");
}

#[test]
fn a_status_shows_what_a_relay_does() {
    let sandbox = Sandbox::new();
    sandbox.share(["relay", "status"]).fails(6, "no relay of this user runs on this machine");
    let nobody = format!("unix:{}", sandbox.path("nobody").display());
    sandbox.share(["relay", "status", "--admin", &nobody]).fails(6, "nothing listens there");
    let relay = sandbox.relay_with(&["--anyone", "--max-size", "2GiB"]);
    sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let text = sandbox.share(["relay", "status"]).ok();
    assert!(text.starts_with(&format!("{} is ready\n  running ", relay.url)), "{text}");
    let browsers = format!("in browsers  {}send\n", relay.url);
    for line in
        ["may create   anyone\n", &browsers, "up to 2.0 GiB each, for up to 3 days\n", "1 created, 1 committed\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.lines().skip(1).all(|line| line.starts_with("  ") && line.chars().count() <= 120), "{text}");
    let json = sandbox.share(["relay", "status", "--json"]).ok();
    let status: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(status["event"] == "relay-status" && status["create"] == "anyone", "{status}");
    assert!(status["counts"]["committed"] == 1 && status["certificate"].is_null(), "{status}");
}

#[test]
fn an_admin_listener_has_few_connections_at_once() {
    let sandbox = Sandbox::new();
    let _relay = sandbox.relay();
    let socket = socket_in(&sandbox.home());
    let ask = || {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // A connection too many ends without an answer.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).is_ok().then_some((answer, stream))
    };
    let held: Vec<_> = (0..64).map(|_| ask().unwrap()).collect();
    assert!(held.iter().all(|(answer, _)| answer == b"HTTP/1.1 200") && ask().is_none());
    drop(held);
    eventually("it answers again", || ask().is_some());
}

#[test]
fn a_second_relay_of_a_user_goes_on_without_the_default_socket() {
    let sandbox = Sandbox::new();
    let first = sandbox.relay();
    let memory = ["relay", "--listen", "127.0.0.1:0", "--store", "memory:"];
    let second = sandbox.start_as_relay(sandbox.share(memory));
    let log = fs::read_to_string(&second.log).unwrap();
    assert!(log.contains("share relay status cannot find this relay; use --admin"), "{log}");
    assert_eq!(log.matches("to see the state of the relay").count(), 1, "of the first one: {log}");
    assert!(sandbox.share(["relay", "status"]).ok().contains(&first.url));
    let taken = format!("unix:{}", socket_in(&sandbox.home()).display());
    sandbox.share(memory.iter().chain(&["--admin", &taken])).fails(8, "the admin listener cannot have unix:");
    drop((first, second));
    // Killed: its socket stays, and the next relay replaces it.
    assert!(socket_in(&sandbox.home()).exists());
    let third = sandbox.start_as_relay(sandbox.share(memory));
    assert!(sandbox.share(["relay", "status"]).ok().contains(&third.url));
}

#[test]
fn a_start_is_summed_up() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let log = || fs::read_to_string(&relay.log).unwrap();
    eventually("it is summed up", || log().contains("share relay status\n"));
    let log = log();
    let store =
        format!("Shares are stored in file://{} (up to 4.0 GiB each, for up to 90 days).\n", relay.store.display());
    for line in [&*store, "Programs on this machine may create shares.\n", "the relay: share relay status\n"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    let quiet = ["relay", "-q", "--listen", "127.0.0.1:0", "--store", "memory:"];
    let quiet = sandbox.start_as_relay(sandbox.share(quiet));
    assert_eq!(fs::read_to_string(&quiet.log).unwrap().replace(&log, ""), "");
}

#[test]
fn a_log_in_json_has_an_object_a_line() {
    let sandbox = Sandbox::new();
    let args = ["relay", "--listen", "127.0.0.1:0", "--store", "memory:", "--log", "json", "-vv"];
    // With a warning at the start: it serves all, at the address of a proxy on this machine.
    let open = ["--anyone", "--public-url", "https://relay.example"];
    drop(sandbox.start_as_relay(sandbox.share(args.iter().chain(&open))));
    let relay = sandbox.start_as_relay(sandbox.share(args));
    sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let log = || fs::read_to_string(&relay.log).unwrap();
    eventually("it has started", || log().contains(&format!("\"url\":\"{}\"", relay.url)));
    let log = log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["level"] == "warn"), "{log}");
    let started = lines.iter().rfind(|line| line["message"] == "started").unwrap_or_else(|| panic!("{log}"));
    assert!(started["url"] == *relay.url && started["store"] == "memory:" && started["create"] == "local", "{started}");
    let request = lines.iter().find(|line| line["route"] == "/v1/deposit").unwrap_or_else(|| panic!("{log}"));
    for (key, expected) in [("level", "info"), ("message", "request"), ("method", "POST")] {
        assert_eq!(request[key], expected, "{request}");
    }
    assert!(request["status"] == 201 && request["bytes"].is_u64() && request["ms"].is_u64(), "{request}");
    assert!(request["ts"].as_str().unwrap().ends_with('Z'), "{request}");
}

#[tokio::test]
async fn a_relay_whose_clock_differs_from_its_stores_is_not_ready() {
    let store = Arc::new(Memory::new(Arc::new(SystemClock), 1 << 20));
    let clock = TestClock::at(SystemClock.now());
    let rules = StoreRelay::new(store, clock.clone(), Policy::default());
    assert_eq!(rules.probe_store().await, StoreState::Works);
    clock.advance(3600);
    assert_eq!(rules.probe_store().await, StoreState::ClockDiffers);
}
