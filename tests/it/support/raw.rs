//! Requests as bytes, which a client of ours would not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use share::relay::Credential;

use super::content::contains;
use super::relays::{TestRelay, served};

/// The longest wait of a client here for an answer; a broken server must not make the tests wait forever.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// An answer: its head in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer as it was read.
    pub(crate) fn of(mut answer: Vec<u8>) -> Self {
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let body = answer.split_off(end);
        Self { head: String::from_utf8(answer).unwrap().to_lowercase(), body }
    }

    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// Panics unless this is a problem with the status, the word and the members, and with the headers of all answers.
    pub(crate) fn expect(&self, status: &str, word: &str, about: &str) {
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
pub(crate) fn ask(address: &str, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_ref()).unwrap();
    read(stream)
}

pub(crate) fn read(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::of(answer)
}

/// The head of a request that is the last one of its connection.
pub(crate) fn head(address: &str, line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")
}

/// The header of a credential.
pub(crate) fn bearer(credential: &Credential) -> String {
    let (id, token) = (credential.id.as_bytes(), credential.token.as_bytes());
    format!("Authorization: Bearer {}.{}\r\n", BASE64URL.encode(id), BASE64URL.encode(token))
}

/// A body in chunks of `len` bytes, with an extension and a trailer as RFC 9112 allows them.
pub(crate) fn chunked(body: &[u8], len: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    for chunk in body.chunks(len) {
        whole.extend_from_slice(format!("{:x};name=value\r\n", chunk.len()).as_bytes());
        whole.extend_from_slice(chunk);
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(b"0\r\nTrailer: value\r\n\r\n");
    whole
}

pub(crate) const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// A relay, its address, and what keeps it.
pub(crate) fn relay() -> (TestRelay, String) {
    let bench = TestRelay::memory();
    let (_, url) = served(bench.relay.clone());
    (bench, url.trim_start_matches("http://").trim_end_matches('/').to_owned())
}
