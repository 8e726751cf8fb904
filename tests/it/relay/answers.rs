//! The answers of a relay to requests that a client of ours does not make: each is a problem, and each is heard.

use std::io::{Read, Write};
use std::net::TcpStream;

use share::blob::PART_LEN;

use crate::support::raw::{CHUNKED, PATIENCE, ask, bearer, chunked, head, read, relay};
use crate::support::{Sample, contains};

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
        ("two checksums", "PUT /v1/part/0", format!("{put}{put}Content-Length: {PART_LEN}\r\n"), part.clone(), "400"),
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
