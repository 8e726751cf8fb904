//! Limits of a relay's clients, who are told apart by the addresses that a trusted proxy announces.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::time::Duration;
use std::{fs, io, thread};

use share::relay::client::HttpRelay;
use share::relay::server::{self, CreatePolicy, CreateToken, CreateTokens, Limits, ServerOptions};
use share::relay::{Limit, LimitOf, Limited, Relay, RelayError};
use share::relay_url::RelayUrl;
use share::secret::{Flags, LinkSecret, Pin};

use crate::support::{Sample, Sandbox, TestRelay};

/// A relay with these limits. Its own machine is a proxy that it trusts.
pub(super) struct Bounded {
    _bench: TestRelay,
    pub(super) address: SocketAddr,
    pin: Option<Pin>,
}

impl Bounded {
    pub(super) fn start(limits: &Limits, create: CreatePolicy) -> Self {
        Self::start_with(limits, create, None)
    }

    fn start_with(limits: &Limits, create: CreatePolicy, secret: Option<&LinkSecret>) -> Self {
        let (bench, listener) = (TestRelay::memory(), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let limits = Limits { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..limits.clone() };
        let direct = secret.map(LinkSecret::direct_key);
        let pin = direct.as_ref().map(share::secret::DirectKey::pin);
        let options = ServerOptions { create, limits, direct, ..ServerOptions::default() };
        tokio::spawn(server::serve(bench.relay.clone(), listener, options, std::future::pending()));
        Self { _bench: bench, address, pin }
    }

    /// The relay as the client at `ip` reaches it.
    pub(super) fn from(&self, ip: &str) -> HttpRelay {
        let (family, proxy) = if ip.contains(':') { ("TCP6", "2001:db8:f::1") } else { ("TCP4", "10.0.0.1") };
        let url = announcing(self.address, format!("PROXY {family} {ip} {proxy} 4711 80\r\n").into_bytes());
        HttpRelay::new(RelayUrl::parse(&url).unwrap(), self.pin.as_ref(), Duration::from_mins(1)).unwrap()
    }

    /// The answer to a request with these headers, in lower case.
    fn ask(&self, line: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(stream, "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_lowercase()
    }
}

/// A proxy that begins each connection to `target` with `header`. Returns its URL.
fn announcing(target: SocketAddr, header: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut relay = TcpStream::connect(target).unwrap();
            relay.write_all(&header).unwrap();
            for (mut from, mut to) in [(client.try_clone().unwrap(), relay.try_clone().unwrap()), (relay, client)] {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    // The other direction may still carry an answer, or the rest of what is refused.
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    url
}

pub(super) fn slow_down(answer: Result<(), RelayError>) -> Limit {
    match answer {
        Err(RelayError::SlowDown { after: 1.., limit: Some(limit) }) => limit,
        answer => panic!("{answer:?}"),
    }
}

/// A share that the holder of `token` creates.
pub(super) fn sample(token: Option<&str>, blob_len: usize) -> Sample {
    let mut sample = Sample::new(blob_len, false);
    sample.create.create_token = token.map(str::to_owned);
    sample
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_address_are_limited_and_those_of_others_are_not() {
    let limits = Limits { requests: NonZeroU32::new(3), ..Limits::default() };
    let relay = Bounded::start(&limits, CreatePolicy::Open);
    let about = async |ip: &str| relay.from(ip).about().await.map(drop);
    for ip in ["192.0.2.1", "2001:db8:1:2::1"] {
        for _ in 0..3 {
            about(ip).await.unwrap();
        }
        assert_eq!(slow_down(about(ip).await), Limit { what: Limited::Requests, of: LimitOf::Address });
    }
    slow_down(about("2001:db8:1:2:3:4:5:6").await);
    about("2001:db8:1:3::1").await.unwrap();
    about("192.0.2.2").await.unwrap();
    // The relay's own machine.
    for _ in 0..10 {
        assert!(relay.ask("GET /.well-known/share", "").starts_with("http/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_no_handler_gets_count_too() {
    let limits = Limits { requests: NonZeroU32::new(3), ..Limits::default() };
    let relay = Bounded::start(&limits, CreatePolicy::Open);
    let client = "X-Forwarded-For: 192.0.2.1\r\n";
    let long = format!("GET /{}", "a".repeat(9_000));
    let coded = format!("{client}Transfer-Encoding: gzip, chunked\r\n");
    for (line, headers, status) in
        [(&*long, client, "414"), ("POST /v1/create", &coded, "501"), ("PUT /", client, "405"), (&*long, client, "429")]
    {
        let answer = relay.ask(line, headers);
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_a_proxy_may_have_forwarded_are_not_of_this_machine() {
    let relay = Bounded::start(&Limits::default(), CreatePolicy::Loopback);
    let (host, line) = (relay.address, "GET /.well-known/share");
    let about = |request: String| {
        let mut stream = TcpStream::connect(host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.contains("\"create\":\"open\"")
    };
    let new = |headers: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    assert!(about(new("")));
    // Some proxies speak HTTP/1.0 and add no header.
    assert!(!about(format!("{line} HTTP/1.0\r\nHost: {host}\r\n\r\n")));
    for header in ["X-Forwarded-Proto: https", "X-Forwarded-Host: a", "CF-Connecting-IP: 127.0.0.1", "Via: 1.1 a"] {
        assert!(!about(new(&format!("{header}\r\n"))), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_has_a_true_retry_after_and_names_the_limit() {
    let limits = Limits { requests: NonZeroU32::new(2), ..Limits::default() };
    let relay = Bounded::start(&limits, CreatePolicy::Open);
    let client = "X-Forwarded-For: 192.0.2.1\r\n";
    for _ in 0..2 {
        assert!(relay.ask("GET /.well-known/share", client).starts_with("http/1.1 200"));
    }
    let refused = relay.ask("GET /.well-known/share", client);
    assert!(refused.starts_with("http/1.1 429"), "{refused}");
    // One of two a minute comes back after half a minute.
    assert!(refused.contains("\r\nretry-after: 30\r\n"), "{refused}");
    assert!(refused.ends_with(r#"{"type":"urn:share:slow-down","limit":"requests","of":"address"}"#), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_headers_change_nothing() {
    let limits = Limits { requests: NonZeroU32::new(2), ..Limits::default() };
    let relay = Bounded::start(&limits, CreatePolicy::Open);
    let client = |headers: &str| {
        let answer = relay.ask("GET /.well-known/share", headers);
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    // The proxy appends the address of its client, whatever that client sends.
    for (forged, status) in [("198.51.100.1", "200"), ("198.51.100.2", "200"), ("198.51.100.3", "429")] {
        assert_eq!(client(&format!("X-Forwarded-For: {forged}, 192.0.2.1\r\n")), status);
    }
    // A header that the proxy does not set: the request counts for the proxy, and not for the forged address.
    for (forged, status) in [("198.51.100.1", "200"), ("198.51.100.2", "200"), ("198.51.100.3", "429")] {
        assert_eq!(client(&format!("X-Forwarded-For: 192.0.2.9\r\nForwarded: for={forged}\r\n")), status);
    }
    // Headers mean nothing on a connection whose client was announced.
    let url = announcing(relay.address, b"PROXY TCP4 192.0.2.5 10.0.0.1 4711 80\r\n".to_vec());
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    for (forged, status) in [("198.51.100.1", "200"), ("198.51.100.2", "200"), ("198.51.100.3", "429")] {
        let mut stream = TcpStream::connect(address).unwrap();
        let host = relay.address;
        let head = format!("GET /.well-known/share HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {forged}\r\n");
        write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.split(' ').nth(1).unwrap(), status, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_request_is_never_local() {
    let relay = Bounded::start(&Limits::default(), CreatePolicy::Loopback);
    let admission = |headers: &str| {
        let answer = relay.ask("GET /.well-known/share", headers);
        answer.split(r#""create":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!(admission(""), "open");
    for headers in [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-For: ::1\r\n",
        "X-Forwarded-For: localhost\r\n",
        "X-Forwarded-For:\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "Forwarded: for=_hidden\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "Via: 1.1 proxy\r\n",
    ] {
        assert_eq!(admission(headers), "token", "{headers}");
    }
    for header in ["PROXY TCP4 127.0.0.1 127.0.0.1 4711 80\r\n", "PROXY UNKNOWN\r\n"] {
        let url = announcing(relay.address, header.as_bytes().to_vec());
        let client = HttpRelay::new(RelayUrl::parse(&url).unwrap(), None, Duration::from_mins(1)).unwrap();
        let sample = sample(None, 4096);
        assert_eq!(client.create(&sample.owner, &sample.create).await, Err(RelayError::NotAllowed), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_shares_are_counted_by_address_and_by_token() {
    let limits = Limits { shares: NonZeroU32::new(2), ..Limits::default() };
    let tokens = CreatePolicy::Tokens(CreateTokens::new(["a", "b"].map(CreateToken::unlimited).to_vec()));
    let relay = Bounded::start(&limits, tokens);
    let send = async |ip: &str, token: &str| {
        let sample = sample(Some(token), 4096);
        let client = relay.from(ip);
        client.create(&sample.owner, &sample.create).await?;
        // A repetition is the same share.
        client.create(&sample.owner, &sample.create).await
    };
    send("192.0.2.1", "a").await.unwrap();
    send("192.0.2.2", "a").await.unwrap();
    let of_token = Limit { what: Limited::Shares, of: LimitOf::Token };
    assert_eq!(slow_down(send("192.0.2.3", "a").await), of_token);
    send("192.0.2.3", "b").await.unwrap();
    let sample = sample(Some("c"), 4096);
    let stranger = relay.from("192.0.2.4").create(&sample.owner, &sample.create).await;
    assert_eq!(stranger, Err(RelayError::NotAllowed));
    let of_address = Limit { what: Limited::Shares, of: LimitOf::Address };
    let relay = Bounded::start(&Limits { shares: NonZeroU32::new(2), ..Limits::default() }, CreatePolicy::Open);
    for number in 0..3 {
        let sample = self::sample(None, 4096);
        // A deposit counts too.
        let client = relay.from("192.0.2.1");
        let part = sample.parts[0].clone().into();
        let sent = client.deposit(&sample.owner, &sample.create, &sample.commit, part);
        match number {
            0 | 1 => drop(sent.await.unwrap()),
            _ => assert_eq!(slow_down(sent.await.map(drop)), of_address),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_uploads_are_counted_until_they_end() {
    let limits = Limits { uploads: Some(1), ..Limits::default() };
    let relay = Bounded::start(&limits, CreatePolicy::Open);
    let client = relay.from("2001:db8::1");
    let full = Limit { what: Limited::Uploads, of: LimitOf::Address };
    let [first, second, third] = [(); 3].map(|()| sample(None, 4096));
    client.create(&first.owner, &first.create).await.unwrap();
    assert_eq!(slow_down(client.create(&second.owner, &second.create).await), full);
    let part = || second.parts[0].clone().into();
    let deposit = client.deposit(&second.owner, &second.create, &second.commit, part()).await;
    assert_eq!(slow_down(deposit.map(drop)), full);
    relay.from("2001:db8:0:1::1").create(&third.owner, &third.create).await.unwrap();
    // A commit ends it, a deposit is over at once, and so is a revoked share.
    first.put_all(&client).await;
    client.commit(&first.owner, &first.commit).await.unwrap();
    client.deposit(&second.owner, &second.create, &second.commit, part()).await.unwrap();
    let [fourth, fifth] = [(); 2].map(|()| sample(None, 4096));
    client.create(&fourth.owner, &fourth.create).await.unwrap();
    assert_eq!(slow_down(client.create(&fifth.owner, &fifth.create).await), full);
    client.revoke(&fourth.owner).await.unwrap();
    client.create(&fifth.owner, &fifth.create).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_counted_both_ways_and_by_the_token_of_an_upload() {
    let traffic = Some(Limits::MIN_TRAFFIC);
    let tokens = CreatePolicy::Tokens(CreateTokens::new(["a", "b"].map(CreateToken::unlimited).to_vec()));
    let relay = Bounded::start(&Limits { traffic, ..Limits::default() }, tokens);
    let sample = sample(Some("a"), 8 << 20);
    // From two addresses, whose own limits are not reached.
    for (ip, number) in [("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.1", 1), ("192.0.2.2", 0)] {
        let client = relay.from(ip);
        client.create(&sample.owner, &sample.create).await.unwrap();
        let (part, crc) = (sample.parts[number].clone(), sample.commit.parts[number]);
        client.put_part(&sample.owner, u32::try_from(number).unwrap(), crc, part.into()).await.unwrap();
    }
    let (part, crc) = (sample.parts[0].clone(), sample.commit.parts[0]);
    let over = relay.from("192.0.2.3").put_part(&sample.owner, 0, crc, part.into()).await;
    assert_eq!(slow_down(over), Limit { what: Limited::Traffic, of: LimitOf::Token });
    // Openers are counted by address: four parts, and the page.
    let opener = relay.from("192.0.2.4");
    opener.commit(&sample.owner, &sample.commit).await.unwrap();
    let device = sample.device();
    opener.claim(&sample.link(), sample.proof(), &device.token).await.unwrap();
    let of_address = Limit { what: Limited::Traffic, of: LimitOf::Address };
    for _ in 0..3 {
        opener.get_part(&device, 0, 0).await.unwrap().whole().await.unwrap();
    }
    assert_eq!(slow_down(opener.get_part(&device, 1, 0).await.map(drop)), of_address);
    relay.from("192.0.2.5").get_part(&device, 1, 0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_an_address_are_limited_with_and_without_tls() {
    let secret = LinkSecret::random(Flags::default());
    for secret in [None, Some(&secret)] {
        let limits = Limits { connections: Some(1), ..Limits::default() };
        let relay = Bounded::start_with(&limits, CreatePolicy::Open, secret);
        let about = async |client: &HttpRelay| client.about().await.map(drop);
        // A client keeps its connection, and each has one of its own.
        let [first, second, other] = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|ip| relay.from(ip));
        about(&first).await.unwrap();
        let refused = about(&second).await.unwrap_err();
        assert!(matches!(refused, RelayError::Unreachable(_) | RelayError::NoConnection(_)), "{refused:?}");
        about(&other).await.unwrap();
        about(&first).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_announcement_ends_the_connection() {
    let relay = Bounded::start(&Limits::default(), CreatePolicy::Open);
    for header in [&b"PROXY TCP4 somewhere 10.0.0.1 1 2\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x2f\x11\0\x0c"] {
        let mut stream = TcpStream::connect(relay.address).unwrap();
        stream.write_all(header).unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"", "{header:?}");
    }
}

#[test]
fn a_proxy_that_is_not_named_is_logged_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.1\r\n", relay.address());
        write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    let log = fs::read_to_string(&relay.log).unwrap();
    assert_eq!(log.matches("use --trusted-proxy ADDRESS-OF-PROXY").count(), 1, "{log}");
}

#[test]
fn a_sender_learns_which_limit_was_reached() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone", "--trusted-proxy", "127.0.0.1", "--max-shares", "1"]);
    let proxy = announcing(relay.address().parse().unwrap(), b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n".to_vec());
    let send = || sandbox.share(["send", "--relay", &proxy, "--give-up", "3s"]).input("x");
    send().ok();
    let name = proxy.trim_start_matches("http://").trim_end_matches('/');
    let refused =
        send().fails(6, &format!("your network address has reached the limit of new shares per hour at {name}"));
    assert!(refused.stderr.contains("hint: nothing was sent; it is safe to run this again in 1 hour"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_creates_few_shares_an_hour() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay_with(&["--anyone", "--trusted-proxy", "127.0.0.1"]);
    let proxy = announcing(relay.address().parse().unwrap(), b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n".to_vec());
    let client = HttpRelay::new(RelayUrl::parse(&proxy).unwrap(), None, Duration::from_mins(1)).unwrap();
    for number in 0..=20 {
        let mut sample = sample(None, 4096);
        // A share that would wait too long does not count.
        assert_eq!(client.create(&sample.owner, &sample.create).await, Err(RelayError::TooLongLived { max: 259_200 }));
        sample.create.ttl = 259_200;
        let sent = client.deposit(&sample.owner, &sample.create, &sample.commit, sample.parts[0].clone().into()).await;
        match number {
            0..20 => drop(sent.unwrap()),
            _ => assert_eq!(slow_down(sent.map(drop)), Limit { what: Limited::Shares, of: LimitOf::Address }),
        }
    }
}

#[test]
fn a_sender_waits_where_waiting_helps() {
    let sandbox = Sandbox::new();
    // One comes back every two seconds.
    let relay = sandbox.relay_with(&["--anyone", "--trusted-proxy", "127.0.0.1", "--max-requests", "30"]);
    let address = relay.address().parse().unwrap();
    let proxy = announcing(address, b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n".to_vec());
    for _ in 0..30 {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: 192.0.2.1\r\n");
        write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    let sent = sandbox.share(["send", "--relay", &proxy]).input("x").run();
    let name = proxy.trim_start_matches("http://").trim_end_matches('/');
    let waits =
        format!("your network address has reached the limit of requests per minute at {name}; resuming in 2 seconds");
    assert!(sent.code == 0 && sent.stderr.contains(&waits), "{sent:?}");
}
