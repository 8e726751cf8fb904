//! The answers of a relay to requests that a client of ours does not make: each is a problem, and each is heard.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use share::blob::PART_LEN;
use share::relay::store::memory::Memory;
use share::relay::{Credential, ShareState};
use share::secret::Token;

use crate::support::{Faults, Faulty, Kind, START, Sample, TestClock, TestRelay, contains, noise, served};

/// The longest wait of a client here for an answer; a broken server must not make the tests wait forever.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer: its head in lower case.
#[derive(Debug)]
struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// Panics unless this is a problem with the status, the word and the members, and with the headers of all answers.
    fn expect(&self, status: &str, word: &str, about: &str) {
        let expected = format!("{{\"type\":\"urn:share:{word}\"");
        assert!(self.status() == status && contains(&self.body, expected.as_bytes()), "{about}: {self:?}");
        for header in [
            "content-type: application/problem+json\r\n",
            "cache-control: no-store, no-transform\r\n",
            "x-content-type-options: nosniff\r\n",
            &format!("content-length: {}\r\n", self.body.len()),
        ] {
            assert_eq!(self.head.matches(header).count(), 1, "{about}: {header}: {}", self.head);
        }
    }
}

/// Writes a whole request before it reads, as simple clients do, and reads until the server closes the connection.
fn ask(address: &str, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_ref()).unwrap();
    read(stream)
}

fn read(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let body = answer.split_off(end);
    Answer { head: String::from_utf8(answer).unwrap().to_lowercase(), body }
}

/// The head of a request that is the last one of its connection.
fn head(address: &str, line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")
}

/// The header of a credential.
fn bearer(credential: &Credential) -> String {
    let (id, token) = (credential.id.as_bytes(), credential.token.as_bytes());
    format!("Authorization: Bearer {}.{}\r\n", BASE64URL.encode(id), BASE64URL.encode(token))
}

/// A body in chunks of `len` bytes, with an extension and a trailer as RFC 9112 allows them.
fn chunked(body: &[u8], len: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    for chunk in body.chunks(len) {
        whole.extend_from_slice(format!("{:x};name=value\r\n", chunk.len()).as_bytes());
        whole.extend_from_slice(chunk);
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(b"0\r\nTrailer: value\r\n\r\n");
    whole
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// A relay, its address, and what keeps it.
fn relay() -> (TestRelay, String) {
    let bench = TestRelay::memory();
    let (_, url) = served(bench.relay.clone());
    (bench, url.trim_start_matches("http://").trim_end_matches('/').to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_http_is_a_problem() {
    let (_relay, address) = relay();
    let request = |line: &str, headers: &str| head(&address, line, headers);
    let fields = "X: y\r\n".repeat(65);
    let long = "a".repeat(9_000);
    for (request, status, word) in [
        (request("PUT /v1/link", ""), "405", "bad-method"),
        (request("POST /v1/part/0", ""), "405", "bad-method"),
        (request("DELETE /", ""), "405", "bad-method"),
        (request("TRACE /.well-known/share", ""), "405", "bad-method"),
        (request(&format!("GET /{long}"), ""), "414", "target-too-long"),
        (request("GET /", &fields), "431", "head-too-long"),
        (request("GET /", &format!("X: {}\r\n", "a".repeat(200_000))), "431", "head-too-long"),
        (request("GET /v1/part/%ff", ""), "400", "bad-request"),
        (request("PUT /v1/part/%ff", ""), "400", "bad-request"),
        (request("GET /\u{1}", ""), "400", "bad-request"),
        (request("G@T /", ""), "400", "bad-request"),
        (request("GET /", "X y\r\n"), "400", "bad-request"),
        (request("POST /v1/create", "Content-Length: x\r\n"), "400", "bad-request"),
        (request("POST /v1/create", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400", "bad-request"),
        (request("POST /v1/create", "Transfer-Encoding: gzip\r\n"), "400", "bad-request"),
        (request("POST /v1/create", "Transfer-Encoding: gzip, chunked\r\n"), "501", "unknown-coding"),
        (
            request("POST /v1/create", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
            "501",
            "unknown-coding",
        ),
        (request("POST /v1/create", CHUNKED) + "no chunk\r\n", "400", "bad-request"),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), "400", "bad-request"),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "400", "bad-request"),
        (format!("GET / HTTP/1.7\r\nHost: {address}\r\n\r\n"), "400", "bad-request"),
        (format!("POST /v1/create HTTP/1.0\r\nHost: {address}\r\n{CHUNKED}\r\n"), "400", "bad-request"),
        (request("GET /", "Host: other.example\r\n"), "400", "bad-request"),
        ("GET / HTTP/1.0\r\nHost: other.example\r\n\r\n".to_owned(), "421", "misdirected"),
        ("\u{16}\u{3}\u{1}\u{2} not TLS here\r\n\r\n".to_owned(), "400", "bad-request"),
        (request("GET /nothing", ""), "404", "unknown"),
    ] {
        ask(&address, &request).expect(status, word, &request[..request.len().min(100)]);
    }
    assert!(ask(&address, request("PUT /v1/owner", "")).head.contains("allow: get,head,delete\r\n"));
    assert!(ask(&address, request("POST /v1/part/0", "")).head.contains("allow: put,get,head\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_body() {
    let (_relay, address) = relay();
    for (line, headers, status) in [
        ("HEAD /", String::new(), "200"),
        ("HEAD /v1/link", String::new(), "404"),
        ("HEAD /v1/claim", String::new(), "405"),
        ("HEAD /v1/part/%ff", String::new(), "400"),
        ("HEAD /", "X: y\r\n".repeat(65), "431"),
        ("HEAD /", "X y\r\n".to_owned(), "400"),
    ] {
        let answer = ask(&address, head(&address, line, &headers));
        assert!(answer.status() == status && answer.body.is_empty(), "{line}: {answer:?}");
        assert!(!answer.head.contains("content-length: 0\r\n"), "{line}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_an_answer_on_the_same_connection_is_a_problem_too() {
    let (_relay, address) = relay();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "HEAD /.well-known/share HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut first = Vec::new();
    while !first.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        first.push(byte[0]);
    }
    assert!(first.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&first));
    stream.write_all(b"G@T / HTTP/1.1\r\n\r\n").unwrap();
    read(stream).expect("400", "bad-request", "the second request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_with_its_limit() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    bench.relay.create(&share.owner, &share.create).await.unwrap();
    let token = bearer(&share.owner);
    for (path, len, max) in
        [("/v1/create", 262_145, 262_144), ("/v1/claim", 262_145, 262_144), ("/v1/commit", 2_097_153, 2_097_152)]
    {
        let body = vec![b' '; len];
        let (line, length) = (format!("POST {path}"), format!("Content-Length: {len}\r\n"));
        for (headers, body) in [(&*length, body.clone()), (CHUNKED, chunked(&body, 100_000))] {
            let head = head(&address, &line, &format!("{token}{headers}"));
            let answer = ask(&address, [head.as_bytes(), &body].concat());
            answer.expect("413", "too-large", path);
            assert!(contains(&answer.body, format!("\"max\":{max}}}").as_bytes()), "{path}: {answer:?}");
        }
    }
}

/// A request is refused at its head, and the client sends megabytes before it reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_heard_whatever_is_still_sent() {
    let (_relay, address) = relay();
    let part = vec![b'x'; PART_LEN];
    let put = "Authorization: Bearer x\r\nShare-Crc32c: 00000000\r\n";
    for (about, line, headers, body, status) in [
        ("a malformed token", "PUT /v1/part/0", format!("{put}Content-Length: {PART_LEN}\r\n"), part.clone(), "404"),
        ("no checksum", "PUT /v1/part/0", format!("Content-Length: {PART_LEN}\r\n"), part.clone(), "400"),
        ("8 MiB", "PUT /v1/part/0", format!("{put}Content-Length: {}\r\n", 2 * PART_LEN), part.repeat(2), "404"),
        ("8 MiB of JSON", "POST /v1/create", format!("Content-Length: {}\r\n", 2 * PART_LEN), part.repeat(2), "413"),
        ("chunks", "POST /v1/deposit", CHUNKED.to_owned(), chunked(&part.repeat(2), 65_536), "413"),
        ("no such path", "POST /v1/nothing", format!("Content-Length: {PART_LEN}\r\n"), part.clone(), "404"),
        ("a wrong method", "PUT /v1/link", format!("Content-Length: {PART_LEN}\r\n"), part.clone(), "405"),
        ("no head", "PUT /v1/link", "no header\r\n".to_owned(), part.repeat(2), "400"),
        ("a long head", "PUT /v1/link", format!("X: {}", "x".repeat(2 * PART_LEN)), Vec::new(), "431"),
        ("no chunks", "POST /v1/create", CHUNKED.to_owned(), part.repeat(2), "400"),
    ] {
        let answer = ask(&address, [head(&address, line, &headers).as_bytes(), &body].concat());
        assert_eq!(answer.status(), status, "{about}: {answer:?}");
        assert!(contains(&answer.body, b"urn:share:"), "{about}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_come_in_chunks() {
    let (bench, address) = relay();
    let post = |path: &str, credential: &Credential, body: &[u8]| {
        let head = head(&address, &format!("POST {path}"), &format!("{}{CHUNKED}", bearer(credential)));
        ask(&address, [head.as_bytes(), &chunked(body, 1000)].concat())
    };
    let put = |share: &Sample, body: &[u8], len: usize| {
        let crc = format!("Share-Crc32c: {}\r\n", share.commit.parts[0]);
        let head = head(&address, "PUT /v1/part/0", &format!("{}{crc}{CHUNKED}", bearer(&share.owner)));
        ask(&address, [head.as_bytes(), &chunked(body, len)].concat())
    };
    let mut share = Sample::new(PART_LEN, false);
    // A list of many files: the commit needs more than a short body.
    share.commit.manifest = Bytes::from(noise(700_000, 3));
    assert_eq!(post("/v1/create", &share.owner, &serde_json::to_vec(&share.create).unwrap()).status(), "201");
    let part = share.parts[0].clone();
    put(&share, b"", 1).expect("400", "empty-part", "nothing");
    put(&share, &part[1..], 100_000).expect("400", "bad-checksum", "a byte is missing");
    let longer = put(&share, &[&part[..], b"x"].concat(), 100_000);
    longer.expect("413", "too-large", "a byte too many");
    assert!(contains(&longer.body, b"\"max\":4194304}"), "{longer:?}");
    assert_eq!(bench.relay.status(&share.owner, &[], Duration::ZERO).await.unwrap().bytes_left, 0);
    // Twice: a repetition gets the same answer.
    for _ in 0..2 {
        assert_eq!(put(&share, &part, 100_000).status(), "204");
    }
    let commit = serde_json::to_vec(&share.commit).unwrap();
    assert!(commit.len() > 262_144);
    assert_eq!(post("/v1/commit", &share.owner, &commit).status(), "201");
    let (link, device) = (share.link(), share.device());
    let token = |token: &Token| BASE64URL.encode(token.as_bytes());
    let (proof, claim) = (token(share.proof()), token(&device.token));
    let seen = post("/v1/manifest", &link, format!("{{\"proof\":\"{proof}\"}}").as_bytes());
    assert_eq!(seen.status(), "200");
    let claim = format!("{{\"v\":1,\"proof\":\"{proof}\",\"claim_token\":\"{claim}\"}}");
    assert_eq!(post("/v1/claim", &link, claim.as_bytes()).status(), "200");
    let receipt = format!("{{\"receipt\":\"{}\"}}", "A".repeat(43));
    assert_eq!(post("/v1/finish", &device, receipt.as_bytes()).status(), "200");

    let other = Sample::new(5000, false);
    let (create, commit) =
        (serde_json::to_string(&other.create).unwrap(), serde_json::to_string(&other.commit).unwrap());
    let object = format!("{{\"create\":{create},\"commit\":{commit}}}");
    let deposit = [&u32::try_from(object.len()).unwrap().to_be_bytes(), object.as_bytes(), &other.parts[0]].concat();
    assert_eq!(post("/v1/deposit", &other.owner, &deposit).status(), "201");
    assert_eq!(bench.relay.status(&other.owner, &[], Duration::ZERO).await.unwrap().state, ShareState::Waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_may_be_written_in_any_case_and_only_once() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let get = |headers: &str| ask(&address, head(&address, "GET /v1/link", headers));
    let right = bearer(&share.link());
    for same in [&right, &right.replace("Bearer ", "bearer "), &right.replace("Bearer ", "BEARER   ")] {
        assert_eq!(get(same).status(), "200", "{same}");
    }
    for twice in [right.repeat(2), format!("{right}Authorization: Basic x\r\n")] {
        get(&twice).expect("404", "unknown", &twice);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_waits_also_behind_a_proxy_that_changes_tags() {
    let (bench, address) = relay();
    let share = Sample::new(5000, false);
    share.send(&*bench.relay).await;
    let get = |tag: &str, prefer: &str| {
        let headers = format!("{}If-None-Match: {tag}\r\nPrefer: {prefer}\r\n", bearer(&share.owner));
        ask(&address, head(&address, "GET /v1/owner", &headers))
    };
    for tag in ["\"waiting\"", "W/\"waiting\"", "\"waiting-gzip\"", "\"claimed\", W/\"waiting\"", "*"] {
        let start = Instant::now();
        let answer = get(tag, "respond-async, wait=1");
        assert_eq!(answer.status(), "304", "{tag}: {answer:?}");
        assert!(answer.head.contains("etag: \"waiting\"\r\n") && answer.body.is_empty(), "{tag}: {answer:?}");
        assert!(start.elapsed() >= Duration::from_secs(1), "{tag}: answered before its time");
    }
    assert_eq!(get("\"claimed\"", "wait=50").status(), "200");
}

/// The store's work does not show whether a share exists, nor what was wrong with the credential.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_fit_nothing_cost_the_same_reads() {
    let (clock, faults) = (TestClock::at(START), Arc::new(Faults::default()));
    let store = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone(), u64::MAX)), faults.clone()));
    let bench = TestRelay::over("counted", store, clock);
    let (_, url) = served(bench.relay.clone());
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let waiting = Sample::new(5000, false);
    waiting.send(&*bench.relay).await;
    let unknown = bearer(&Credential::random());
    let credentials = [
        ("unknown", unknown.clone()),
        ("missing", String::new()),
        ("malformed", "Authorization: Bearer x\r\n".to_owned()),
        ("another scheme", unknown.replace("Bearer", "Basic")),
        ("two", bearer(&waiting.link()).repeat(2)),
    ];
    let token = "A".repeat(43);
    let create = serde_json::to_string(&waiting.create).unwrap();
    let commit = serde_json::to_string(&waiting.commit).unwrap();
    let deposit = format!("{{\"create\":{create},\"commit\":{commit}}}");
    let len = u32::try_from(deposit.len()).unwrap().to_be_bytes();
    let frame = [&len, deposit.as_bytes()].concat();
    let crc = format!("Share-Crc32c: {}\r\n", waiting.commit.parts[0]);
    for (line, headers, body) in [
        ("GET /v1/link", "", Vec::new()),
        ("GET /v1/owner", "", Vec::new()),
        ("GET /v1/owner", "If-None-Match: *\r\nPrefer: wait=50\r\n", Vec::new()),
        ("DELETE /v1/owner", "", Vec::new()),
        ("GET /v1/part/0", "", Vec::new()),
        ("GET /v1/part/0", "Range: bytes=7-\r\n", Vec::new()),
        ("PUT /v1/part/0", &crc, b"x".to_vec()),
        ("POST /v1/create", "", create.clone().into()),
        ("POST /v1/commit", "", commit.clone().into()),
        ("POST /v1/deposit", "", frame),
        ("POST /v1/manifest", "", format!("{{\"proof\":\"{token}\"}}").into()),
        ("POST /v1/claim", "", format!("{{\"proof\":\"{token}\",\"claim_token\":\"{token}\"}}").into()),
        ("POST /v1/finish", "", format!("{{\"receipt\":\"{token}\"}}").into()),
    ] {
        let observed = credentials.each_ref().map(|(_, credential)| {
            faults.plan(|_| None);
            let headers = format!("{headers}{credential}Content-Length: {}\r\n", body.len());
            let answer = ask(&address, [head(&address, line, &headers).as_bytes(), &body].concat());
            let head = answer.head.lines().filter(|line| !line.starts_with("date: ")).collect::<String>();
            let counts = faults.counts();
            (head, answer.body, counts.asked(Kind::Read), counts.asked_in_all())
        });
        for ((about, _), seen) in credentials.iter().zip(&observed) {
            assert_eq!(seen, &observed[0], "{line}, {about}");
        }
        let is_refused = ["404", "400"].contains(&observed[0].0.split(' ').nth(1).unwrap());
        assert!(is_refused && observed[0].2 <= 1, "{line}: {observed:?}");
    }
}
