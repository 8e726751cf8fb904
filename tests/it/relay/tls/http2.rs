//! HTTP/2 over TLS with a certificate, and the plain HTTP beside it.

use std::io::{Read, Write};
use std::net::TcpStream as Blocking;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ProtocolVersion;
use share::relay::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::certified::{NAME, client, handshake};
use super::files::WithFiles;

const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";
/// Bytes of an answer that the client takes unread.
const WINDOW: u32 = 100;

/// A connection of HTTP/2 that a proxy announces for the client at 192.0.2.1.
async fn connect<B>(relay: &WithFiles, announcement: &str) -> SendRequest<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.write_all(announcement.as_bytes()).await.unwrap();
    let name = NAME.try_into().unwrap();
    let stream = client(relay.first.as_bytes(), &[HTTP_2]).connect(name, stream).await.unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(WINDOW);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, path: &str) -> hyper::http::request::Builder {
    Request::builder().method(method).uri(format!("https://{NAME}{path}"))
}

async fn body(response: Response<hyper::body::Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_what_a_client_offers() {
    let relay = WithFiles::start(Limits::default());
    for (offered, expected) in [
        (&[HTTP_2, HTTP_1][..], Some(HTTP_2)),
        (&[HTTP_1, HTTP_2], Some(HTTP_2)),
        (&[HTTP_1], Some(HTTP_1)),
        (&[], None),
    ] {
        let done = handshake(relay.address, NAME, relay.first.as_bytes(), offered).await.unwrap();
        assert_eq!(done.protocol.as_deref(), expected);
        assert_eq!(done.version, Some(ProtocolVersion::TLSv1_3));
    }
    // No protocol in common, a challenge that nobody waits for, and plain HTTP.
    for offered in [&b"h3"[..], b"acme-tls/1"] {
        assert!(handshake(relay.address, NAME, relay.first.as_bytes(), &[offered]).await.is_err());
    }
    let mut plain = Blocking::connect(relay.address).unwrap();
    // `write!` writes the request in pieces: the relay may have refused it after the first.
    let sent = write!(plain, "GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    let mut answer = Vec::new();
    assert!(sent.is_err() || plain.read_to_end(&mut answer).is_err() || answer.is_empty(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_http_2_are_answered_as_those_of_http_1() {
    let relay = WithFiles::start(Limits::default());
    let mut sender = connect::<Full<Bytes>>(&relay, "").await;
    let mut ask = async |request: Request<Full<Bytes>>| {
        let response = sender.send_request(request).await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["strict-transport-security"], "max-age=63072000");
        assert_eq!(headers["cache-control"], "no-store, no-transform");
        let status = response.status().as_u16();
        (status, body(response).await)
    };
    let empty = Full::default;
    let (status, page) = ask(request("GET", "/base/").body(empty()).unwrap()).await;
    assert!(status == 200 && page.contains("<!doctype html>"), "{status}");
    let many = (0..65).fold(request("GET", "/"), |request, number| request.header(format!("x-{number}"), "y"));
    let long = request("GET", &format!("/{}", "a".repeat(9000)));
    for (request, status, word) in [
        (request("PUT", "/v1/link").body(empty()), 405, "bad-method"),
        (request("GET", "/nothing").body(empty()), 404, "unknown"),
        (request("POST", "/v1/create").body(Full::from("{")), 400, "bad-request"),
        (request("GET", "/").header("host", "other.example").body(empty()), 421, "misdirected"),
        (Request::get("https://other.example/").body(empty()), 421, "misdirected"),
        (long.body(empty()), 414, "target-too-long"),
        (many.body(empty()), 431, "head-too-long"),
    ] {
        let (answered, problem) = ask(request.unwrap()).await;
        assert_eq!(answered, status, "{problem}");
        assert!(problem.starts_with(&format!("{{\"type\":\"urn:share:{word}\"")), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_count_as_requests_at_once_until_they_end() {
    let limits =
        Limits { connections: Some(2), trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Limits::default() };
    let relay = WithFiles::start(limits);
    let mut sender = connect::<Full<Bytes>>(&relay, "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n").await;
    let mut ask = async |path| {
        let response = sender.send_request(request("GET", path).body(Full::default()).unwrap()).await.unwrap();
        (response.status().as_u16(), response)
    };
    // Nobody reads these answers. A short one counts as well.
    let unread = [ask("/base/").await, ask("/.well-known/share").await];
    assert_eq!(unread.each_ref().map(|(status, _)| *status), [200, 200]);
    assert_eq!(ask("/.well-known/share").await.0, 429);
    drop(unread);
    while ask("/.well-known/share").await.0 != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_redirected_and_takes_nothing() {
    let relay = WithFiles::start(Limits::default());
    let ask = |line: &str| {
        let mut stream = Blocking::connect(relay.redirects).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_lowercase()
    };
    for (line, location) in [
        ("GET /base/?a=b", "https://relay.test/base/?a=b"),
        ("HEAD /", "https://relay.test/"),
        ("GET //evil.example/", "https://relay.test//evil.example/"),
        ("GET http://evil.example/x", "https://relay.test/x"),
        ("GET http://evil.example?@x", "https://relay.test/?@x"),
        ("GET /.well-known/acme-challenge/%FF", "https://relay.test/.well-known/acme-challenge/%ff"),
        ("GET /.well-known/acme-challenge/unknown", "https://relay.test/.well-known/acme-challenge/unknown"),
    ] {
        let answer = ask(line);
        assert!(
            answer.starts_with("http/1.1 308") && answer.contains(&format!("location: {location}\r\n")),
            "{answer}"
        );
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    for line in ["POST /v1/create", "DELETE /base/v1/owner", "OPTIONS *", "POST /.well-known/acme-challenge/x"] {
        let answer = ask(line);
        assert!(answer.starts_with("http/1.1 405") && answer.contains("allow: get, head\r\n"), "{line}: {answer}");
    }
    assert!(ask(&format!("GET /{}", "a".repeat(9000))).starts_with("http/1.1 414"));
}
