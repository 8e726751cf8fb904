//! The viewer's local page and its server, without a program or a browser.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use share::manifest::{Entry, Manifest};
use share::view::MemoryFile;
use share::view::browser::{Client, LocalServer, PageSaw, ShownFiles};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::noise;

/// A share in memory, of files with these names, MIME types and bytes.
fn content(files: &[(&str, &str, &[u8])]) -> ShownFiles {
    let entry = |(name, kind, bytes): &(&str, &str, &[u8])| {
        Entry::new(Some((*name).to_owned()), (*kind).to_owned(), bytes.len() as u64)
    };
    let entries = files.iter().map(entry).collect();
    let bytes: Vec<u8> = files.iter().flat_map(|(_, _, bytes)| bytes.to_vec()).collect();
    let manifest = Manifest::new(None, entries, 0, false, "2026-01-01".to_owned());
    ShownFiles::Memory(MemoryFile::of(&bytes).unwrap(), manifest)
}

/// The address in a URL, and the path.
fn parts(url: &str) -> (SocketAddr, String) {
    let (address, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    (address.parse().unwrap(), format!("/{path}"))
}

/// Sends a request without reading its answer.
async fn request(url: &str, method: &str, headers: &str) -> TcpStream {
    let (address, path) = parts(url);
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

/// The head and body of an answer.
async fn answer(url: &str, method: &str, headers: &str) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    request(url, method, headers).await.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end + 4..].to_vec())
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// The sentence above the files.
const NOTICE: &str = "Closing <ends> it.";

/// Opens the page: its head, its text, and the cookie header for later requests.
async fn open(server: &LocalServer) -> (String, String, String) {
    let (head, body) = answer(&server.page_url(), "GET", "").await;
    let cookie = header(&head, "set-cookie").split(';').next().unwrap().to_owned();
    (head, String::from_utf8(body).unwrap(), format!("cookie: {cookie}\r\n"))
}

#[tokio::test]
async fn the_page_opens_once_and_runs_only_its_own_script() {
    let text = b"</pre><script>{{nonce}}</script> & {{files}}";
    let server =
        LocalServer::start(content(&[("<b>.txt", "text/plain", text)]), Client::Browser(NOTICE)).await.unwrap();
    let (head, page, cookie) = open(&server).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let policy = header(&head, "content-security-policy");
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(nonce.len(), 32, "{policy}");
    assert!(policy.contains(&format!("style-src 'nonce-{nonce}'")), "{policy}");
    assert_eq!(page.matches(&format!("<script nonce={nonce}>")).count(), 1);
    assert_eq!(page.matches(&format!("<style nonce={nonce}>")).count(), 1);
    // The file has no element of its own, and no placeholder in it is filled in.
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("<h2>&lt;b&gt;.txt</h2>"), "{page}");
    assert!(page.contains("<p>Closing &lt;ends&gt; it. <button>Close</button></p>"), "{page}");
    let shown = "<pre data-file=0>&lt;/pre&gt;&lt;script&gt;{{nonce}}&lt;/script&gt; &amp; {{files}}\n</pre>";
    assert!(page.contains(shown), "{page}");
    // Without the cookie, the page cannot be opened again.
    assert!(answer(&server.page_url(), "GET", "").await.0.starts_with("HTTP/1.1 404 "));
    let again = answer(&server.page_url(), "GET", &cookie).await;
    assert!(again.0.starts_with("HTTP/1.1 200 "), "{}", again.0);
    assert_ne!(header(&again.0, "content-security-policy"), policy, "each has a nonce of its own");
}

#[tokio::test]
async fn files_are_served_in_ranges_with_the_type_of_their_bytes() {
    let photo = [&b"\x89PNG\r\n\x1a\n"[..], &noise(700_000, 1)].concat();
    let page = b"<!doctype html><script>alert(1)</script>";
    let server = content(&[("a.png", "image/png", &photo), ("b.png", "image/png", page)]);
    let server = LocalServer::start(server, Client::Browser(NOTICE)).await.unwrap();
    let (_, _, cookie) = open(&server).await;
    let (head, body) = answer(&server.file_url(), "GET", &cookie).await;
    assert_eq!((header(&head, "content-type"), header(&head, "content-range")), ("image/png", ""));
    assert!(body == photo && header(&head, "cache-control") == "no-store", "{head}");
    let (head, body) = answer(&server.file_url(), "GET", &format!("{cookie}range: bytes=100-600099\r\n")).await;
    assert_eq!(header(&head, "content-range"), format!("bytes 100-600099/{}", photo.len()));
    assert!(head.starts_with("HTTP/1.1 206 ") && body == photo[100..600_100], "{head}");
    // A file that is declared a photo, and is not.
    let second = format!("{}1", server.page_url());
    let (head, body) = answer(&second, "GET", &cookie).await;
    assert_eq!(header(&head, "content-type"), "application/octet-stream");
    assert!(body == page, "{head}");
    assert!(answer(&second, "GET", "").await.0.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn the_page_reports_the_files_that_it_has_shown() {
    let files: &[(&str, &str, &[u8])] = &[("a.txt", "text/plain", b"a"), ("b.txt", "text/plain", b"b")];
    let server = LocalServer::start(content(files), Client::Browser(NOTICE)).await.unwrap();
    let (_, _, cookie) = open(&server).await;
    assert_eq!(server.seen(), PageSaw::Nothing);
    let post = async |what: &str| answer(&format!("{}{what}", server.page_url()), "POST", &cookie).await.0;
    assert!(post("seen/0").await.starts_with("HTTP/1.1 204 "));
    assert!(post("seen/2").await.starts_with("HTTP/1.1 404 "), "there is no such file");
    assert_eq!(server.seen(), PageSaw::Nothing);
    assert!(post("seen/1").await.starts_with("HTTP/1.1 204 "));
    assert_eq!(server.seen(), PageSaw::All);
    assert!(post("failed").await.starts_with("HTTP/1.1 204 "));
    assert_eq!(server.seen(), PageSaw::Failure);
}

#[tokio::test]
async fn the_page_polls_until_the_share_is_closed() {
    let server = LocalServer::start(content(&[("a.txt", "text/plain", b"a")]), Client::Browser(NOTICE)).await.unwrap();
    let (_, _, cookie) = open(&server).await;
    let mut alive = request(&format!("{}alive", server.page_url()), "GET", &cookie).await;
    let mut heard = String::new();
    let until = async |heard: &mut String, alive: &mut TcpStream, wanted: &str| {
        while !heard.contains(wanted) {
            let mut bytes = [0; 512];
            let count = tokio::time::timeout(Duration::from_mins(1), alive.read(&mut bytes)).await.unwrap().unwrap();
            assert!(count > 0, "{wanted:?} never came: {heard}");
            heard.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    };
    until(&mut heard, &mut alive, "\r\n:\n\n").await;
    assert_eq!(header(&heard, "content-type"), "text/event-stream");
    assert_eq!(header(&heard, "cache-control"), "no-store");
    let close = answer(&format!("{}close", server.page_url()), "POST", &cookie).await;
    assert!(close.0.starts_with("HTTP/1.1 204 "), "{}", close.0);
    until(&mut heard, &mut alive, "event: over\ndata: ").await;
    tokio::time::timeout(Duration::from_mins(1), server.until_closed()).await.unwrap();
    assert!(answer(&server.page_url(), "GET", &cookie).await.0.starts_with("HTTP/1.1 404 "), "it is closed");
}

#[tokio::test]
async fn a_page_that_stays_away_closes_the_share() {
    let server = LocalServer::start(content(&[("a.txt", "text/plain", b"a")]), Client::Browser(NOTICE)).await.unwrap();
    let (_, _, cookie) = open(&server).await;
    let alive = format!("{}alive", server.page_url());
    let mut first = request(&alive, "GET", &cookie).await;
    let mut byte = [0; 1];
    assert_eq!(first.read(&mut byte).await.unwrap(), 1);
    let leave = async |connection: TcpStream| -> io::Result<()> { connection.into_std()?.shutdown(Shutdown::Both) };
    leave(first).await.unwrap();
    // A reload.
    let mut second = request(&alive, "GET", &cookie).await;
    assert_eq!(second.read(&mut byte).await.unwrap(), 1);
    let reloaded = tokio::time::timeout(Duration::from_secs(6), server.until_closed()).await;
    assert!(reloaded.is_err(), "it is still looked at");
    leave(second).await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), server.until_closed()).await.unwrap();
}
