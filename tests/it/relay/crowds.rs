//! Clients that try to take a relay from the others: slow ones, many at once, and from many addresses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use share::relay::server::{CreatePolicy, Limits};
use share::relay::{Credential, Limit, LimitOf, Limited, Relay, RelayError};
use share::secret::{Id, Token};

use super::limits::{Bounded, sample, slow_down};
use crate::support::raw::{self, bearer};
use crate::support::{Sample, Sandbox, answering};

/// A request from the client at `ip`, as a trusted proxy forwards it, of whose body this is the beginning.
fn begin(address: SocketAddr, ip: &str, line: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(raw::PATIENCE)).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: {ip}\r\n{headers}\r\n").unwrap();
    stream.write_all(body).unwrap();
    stream
}

/// The first line of an answer.
fn status(mut stream: &TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8(line.into()).unwrap()
}

/// Asks until the answer has this status.
fn expect_soon(status: &str, ask: impl Fn() -> String) {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.starts_with(status) {
            return;
        }
        assert!(start.elapsed() < raw::PATIENCE, "{answer}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_limited_for_each_client_of_a_proxy() {
    let relay = Bounded::start(&Limits { connections: Some(2), ..Limits::default() }, CreatePolicy::Open);
    let ask = |ip: &str| {
        let mut answer = String::new();
        let mut stream = begin(relay.address, ip, "GET /.well-known/share", "Connection: close\r\n", b"");
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Connections that a proxy keeps for later requests hold nothing.
    let idle = [(); 3].map(|()| {
        let stream = begin(relay.address, "192.0.2.1", "GET /.well-known/share", "", b"");
        assert_eq!(status(&stream), "HTTP/1.1 200");
        stream
    });
    expect_soon("HTTP/1.1 200", || ask("192.0.2.1"));
    // The relay asks for a body when it has counted the request.
    let headers = format!("Expect: 100-continue\r\nContent-Length: 99\r\n{}", bearer(&stranger()));
    let slow = ["2001:db8::1", "2001:db8::2"].map(|ip| {
        let stream = begin(relay.address, ip, "POST /v1/claim", &headers, b"");
        assert_eq!(status(&stream), "HTTP/1.1 100");
        stream
    });
    assert!(ask("2001:db8::3").ends_with(r#"{"type":"urn:share:slow-down","limit":"at-once","of":"address"}"#));
    assert!(ask("192.0.2.1").starts_with("HTTP/1.1 200"), "others are served");
    drop(slow);
    expect_soon("HTTP/1.1 200", || ask("2001:db8::3"));
    drop(idle);
}

fn stranger() -> Credential {
    Credential::new(Id::from_bytes([7; 16]), Token::from_bytes([7; 32]))
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_one_client_wait_for_each_other_and_not_those_of_others() {
    let relay = Bounded::start(&Limits { parts: Some(1), ..Limits::default() }, CreatePolicy::Open);
    let shares = [(); 3].map(|()| sample(None, 100_000));
    let client = relay.from("192.0.2.9");
    for share in &shares {
        client.create(&share.owner, &share.create).await.unwrap();
    }
    let put = |share: &Sample, ip: &str, expect: &str, len: usize| {
        let (part, crc) = (&share.parts[0], share.commit.parts[0]);
        let headers = format!(
            "Connection: close\r\n{expect}Content-Length: {}\r\nShare-CRC32C: {crc}\r\n{}",
            part.len(),
            bearer(&share.owner)
        );
        begin(relay.address, ip, "PUT /v1/part/0", &headers, &part[..len])
    };
    // The relay asks for the body when it is this part's turn (RFC 9110, section 10.1.1).
    let slow = put(&shares[0], "192.0.2.1", "Expect: 100-continue\r\n", 0);
    assert_eq!(status(&slow), "HTTP/1.1 100");
    let waiting = put(&shares[1], "192.0.2.1", "", 100_000);
    assert_eq!(status(&put(&shares[2], "192.0.2.2", "", 100_000)), "HTTP/1.1 204");
    waiting.set_nonblocking(true).unwrap();
    assert!(waiting.peek(&mut [0]).is_err(), "it waits");
    waiting.set_nonblocking(false).unwrap();
    drop(slow);
    assert_eq!(status(&waiting), "HTTP/1.1 204");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_long_manifests_slowly_leaves_room_for_others() {
    let relay = Bounded::start(&Limits::default(), CreatePolicy::Open);
    let (hostile, mut honest) = (sample(None, 4096), sample(None, 4096));
    honest.commit.manifest = vec![7; 400_000].into();
    let client = relay.from("192.0.2.2");
    for share in [&hostile, &honest] {
        client.create(&share.owner, &share.create).await.unwrap();
    }
    honest.put_all(&client).await;
    // In chunks, so that each may have the greatest length. All memory would be theirs.
    let headers = format!("Transfer-Encoding: chunked\r\n{}", bearer(&hostile.owner));
    let begun = [&b"44000\r\n{\""[..], &vec![b'x'; 257 << 10]].concat();
    let slow: Vec<_> =
        (0..40).map(|_| begin(relay.address, "192.0.2.1", "POST /v1/commit", &headers, &begun)).collect();
    // An answer to a request of the same client comes when the relay has read what came before.
    assert_eq!(status(&begin(relay.address, "192.0.2.1", "GET /.well-known/share", "", b"")), "HTTP/1.1 200");
    let start = Instant::now();
    client.commit(&honest.owner, &honest.commit).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_is_refused_is_no_unfinished_upload() {
    let relay = Bounded::start(&Limits { uploads: Some(1), ..Limits::default() }, CreatePolicy::Open);
    let client = relay.from("192.0.2.1");
    let deposit = async |share: &Sample| {
        client.deposit(&share.owner, &share.create, &share.commit, share.parts[0].clone().into()).await.map(drop)
    };
    let [mut inconsistent, mut too_large, mut torn] = [(); 3].map(|()| sample(None, 4096));
    inconsistent.commit.parts.clear();
    assert_eq!(deposit(&inconsistent).await, Err(RelayError::BadRequest));
    too_large.create.max_len = Some(u64::MAX);
    assert!(matches!(deposit(&too_large).await, Err(RelayError::TooLarge { .. })));
    // Its part is stored, so it is one until it ends.
    torn.commit.blob_len = 8192;
    assert!(deposit(&torn).await.is_err());
    let full = Limit { what: Limited::Uploads, of: LimitOf::Address };
    let next = sample(None, 4096);
    assert_eq!(slow_down(deposit(&next).await), full);
    client.revoke(&torn.owner).await.unwrap();
    deposit(&next).await.unwrap();
}

#[test]
fn a_proxy_that_refuses_is_not_taken_for_the_relay() {
    let sandbox = Sandbox::new();
    for (answer, code, what) in [
        (
            &b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 600\r\nContent-Length: 4\r\n\r\nslow"[..],
            6,
            "accepts only so many requests",
        ),
        (b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\n\r\n", 6, "has no space left"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 6, "gets no answer from it (HTTP status 502)"),
        (b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n", 6, "rejects requests of this size"),
    ] {
        let url = answering(answer);
        let name = url.trim_start_matches("http://").trim_end_matches('/');
        let run = sandbox.share(["send", "-q", "--relay", &url, "--give-up", "2s"]).input("x");
        run.fails(code, &format!("a proxy in front of {name} {what}"));
    }
}

#[test]
fn a_relay_stores_so_much_in_all() {
    let sandbox = Sandbox::new();
    let options = ["--max-stored", "150kB"];
    let relay = sandbox.relay_with(&options);
    sandbox.write("photo.bin", &vec![7; 90_000]);
    let path = sandbox.path("photo.bin");
    let send = || sandbox.share(["send", "-q", "--relay", &relay.url, "--give-up", "2s"]).arg(&path);
    let link = send().ok();
    send().fails(6, "is full");
    assert_eq!(sandbox.share(["revoke", "-q", &link]).run().code, 0);
    send().ok();
    let too_large = sandbox.write("video.bin", &vec![7; 200_000]);
    sandbox.share(["send", "-q", "--relay", &relay.url]).arg(too_large).fails(9, "accepts up to");
}
