//! The server's own rules, tested with raw requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use share::page;

use crate::support::{SHARE, Sandbox, TestRelay, contains, served};

/// Sends a request head, and returns the whole answer.
fn ask(address: &str, head: &str) -> String {
    ask_with(address, head, "")
}

fn ask_with(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.to_lowercase()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn requests_for_another_host_are_refused() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    let port = address.rsplit(':').next().unwrap();
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\nHost: {address}"), "200"),
        (format!("GET / HTTP/1.1\r\nHost: localhost:{port}"), "200"),
        (format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}"), "200"),
        ("GET / HTTP/1.1\r\nHost: evil.example".to_owned(), "421"),
        (format!("GET / HTTP/1.1\r\nHost: localhost.evil.example:{port}"), "421"),
        (format!("GET http://evil.example/ HTTP/1.1\r\nHost: {address}"), "421"),
        (format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example"), "400"),
    ] {
        assert_eq!(status(&ask(&address, &request)), expected, "{request}");
    }
}

#[test]
fn answers_are_not_cached_and_have_security_headers() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    for path in ["/", "/send", "/send/", "/.well-known/share", "/v1/link", "/v1/part/0", "/nothing"] {
        let answer = ask(&address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"));
        for header in [
            "cache-control: no-store, no-transform",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(answer.contains(header), "{path}: {header}");
        }
        assert!(!answer.contains("set-cookie") && !answer.contains("access-control"), "{path}");
    }
    for path in ["/", "/send"] {
        let page = ask(&address, &format!("GET {path} HTTP/1.1\r\nHost: {address}"));
        assert!(page.contains("content-security-policy: default-src 'none'"), "{page}");
    }
}

#[test]
fn the_page_and_its_files_are_sent_as_the_client_accepts_them() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    let ask = |method: &str, path: &str, accept: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let accept = if accept.is_empty() { String::new() } else { format!("Accept-Encoding: {accept}\r\n") };
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{accept}Connection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    };
    let files = page::FILES.iter().map(|file| (file.path(), file));
    let documents = [&page::PAGE, &page::SEND].map(|document| (document.path.to_owned(), &document.file));
    for (path, file) in files.chain(documents) {
        let (br, gz) = (file.br.unwrap_or(file.plain), file.gz.unwrap_or(file.plain));
        for (accept, coding, expected) in
            [("", None, file.plain), ("identity", None, file.plain), ("gzip", file.gz.map(|_| "gzip"), gz)]
                .into_iter()
                .chain([("gzip, deflate, br, zstd", file.br.map(|_| "br"), br)])
        {
            let (head, body) = ask("GET", &path, accept);
            assert!(head.starts_with("http/1.1 200") && body == expected, "{path} {accept}: {head}");
            let sent = head.lines().find_map(|line| line.strip_prefix("content-encoding: "));
            assert_eq!(sent, coding, "{path} {accept}: {head}");
            for header in [
                format!("content-length: {}\r\n", expected.len()),
                format!("content-type: {}\r\n", file.kind),
                "vary: accept-encoding\r\n".to_owned(),
                "cache-control: no-store, no-transform\r\n".to_owned(),
                "x-content-type-options: nosniff\r\n".to_owned(),
            ] {
                assert!(head.contains(&header), "{path} {accept}: {header}: {head}");
            }
            let policies = [&page::PAGE, &page::SEND].into_iter().filter(|document| document.path == path);
            let policies: Vec<String> = policies.map(|document| document.policy().to_lowercase()).collect();
            let sent = head.lines().filter_map(|line| line.strip_prefix("content-security-policy: "));
            assert_eq!(sent.collect::<Vec<_>>(), policies, "{path}");
            // The same head, except for its date.
            let (headed, nothing) = ask("HEAD", &path, accept);
            let dateless = |head: &str| head.lines().filter(|line| !line.starts_with("date: ")).collect::<String>();
            assert!(dateless(&headed) == dateless(&head) && nothing.is_empty(), "{headed}");
        }
    }
    for path in ["/page/", "/page/page.html", "/page/de-0123456789abcdef.json", "/page/%2e%2e/v1/link", "/page"] {
        let (head, body) = ask("GET", path, "br");
        assert!(head.starts_with("http/1.1 404") && contains(&body, b"urn:share:unknown"), "{path}: {head}");
    }
}

#[test]
fn the_page_that_sends_is_there_where_a_relay_takes_shares_of_others() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("tokens"), "").unwrap();
    for how in [&[][..], &["--anyone"], &["--create-token-file", "tokens"]] {
        let relay = sandbox.relay_with(how);
        let address = relay.address();
        let get = |line: &str| ask(&address, &format!("{line} HTTP/1.1\r\nHost: {address}"));
        assert!(get("GET /.well-known/share").contains("\"send\":true"), "{how:?}");
        assert_eq!(status(&get("GET /send?x")), "200", "{how:?}");
        assert_eq!(status(&get("POST /send")), "405", "{how:?}");
        for method in ["GET", "HEAD"] {
            let moved = get(&format!("{method} /send/"));
            assert!(status(&moved) == "308" && moved.contains("\r\nlocation: ../send\r\n"), "{how:?}: {moved}");
        }
        for path in ["/send/x", "/sender", "/Send"] {
            assert_eq!(status(&get(&format!("GET {path}"))), "404", "{how:?}: {path}");
        }
    }
}

#[test]
fn fetching_a_link_opens_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    let link = sandbox.share(["send", "-q", "--relay", &relay.url]).input("x").ok();
    let routes =
        ["/", "/v1/create", "/v1/part/0", "/v1/commit", "/v1/deposit", "/v1/link", "/v1/manifest", "/v1/claim"];
    for path in routes.into_iter().chain(["/v1/finish", "/v1/owner"]) {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let answer = ask(&address, &format!("{method} {path} HTTP/1.1\r\nHost: {address}"));
            assert!(matches!(status(&answer), "200" | "404" | "405"), "{method} {path}: {answer}");
        }
    }
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[test]
fn without_tokens_only_this_machine_may_upload() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let address = relay.address();
    // A complete request, so that only the missing token can be the reason for a refusal.
    let bytes = "A".repeat(43);
    let body =
        format!(r#"{{"v":1,"flags":0,"ttl":60,"verifiers":{{"link":"{bytes}","open":"{bytes}","own":"{bytes}"}}}}"#);
    let post = |headers: &str| {
        let length = body.len();
        let mut stream = TcpStream::connect(&address).unwrap();
        let token = format!("Authorization: Bearer {}.{bytes}", "A".repeat(22));
        write!(
            stream,
            "POST /v1/create HTTP/1.1\r\nHost: {address}\r\n{token}\r\nContent-Length: {length}\r\n\
             {headers}Connection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Accepted, and refused for its verifiers.
    assert!(post("").contains("urn:share:bad-request"), "{}", post(""));
    for forwarded in ["X-Forwarded-For: 203.0.113.9\r\n", "Forwarded: for=203.0.113.9\r\n", "Via: 1.1 proxy\r\n"] {
        assert!(post(forwarded).contains("urn:share:not-allowed"), "{forwarded}");
    }
}

#[test]
fn a_relay_with_tokens_requires_one_and_a_proxy_must_be_declared() {
    let sandbox = Sandbox::new();
    sandbox.write("tokens", b"0123456789abcdef-one\n0123456789abcdef-two\n");
    sandbox.write("short", b"short\n");
    let relay = ["relay", "--listen", "127.0.0.1:0", "--store", "memory:"];
    let with = |more: &[&str]| sandbox.share(relay.iter().chain(more));
    with(&["--public-url", "https://relay.example"]).fails(2, "senders must be authorized in another way");
    with(&["--create-token-file", "short"]).fails(2, "line 1 is not a create token");
    let missing = with(&["--create-token-file", "missing"]).fails(2, "missing: no such file");
    assert!(missing.stderr.contains("share relay token NAME --create-token-file missing"), "{missing:?}");
    sandbox.share(["relay", "--listen", "0.0.0.0:0", "--store", "memory:"]).fails(2, "not encrypted");
    let url = sandbox.relay_with(&["--create-token-file", "tokens"]);
    let send = || sandbox.share(["send", "-q", "--relay", &url.url]).input("x");
    send().fails(9, "create token");
    send().env("SHARE_CREATE_TOKEN", "0123456789abcdef-three").fails(9, "create token");
    let link = send().env("SHARE_CREATE_TOKEN", "0123456789abcdef-two").ok();
    assert_eq!(sandbox.share(["open", "-q", &link]).ok(), "x");
}

#[cfg(target_os = "linux")]
#[test]
fn a_relay_raises_its_limit_of_descriptors() {
    let sandbox = Sandbox::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -Sn 100; exec \"$0\" relay --listen 127.0.0.1:0 --store memory:", SHARE]);
    let relay = sandbox.start_as_relay(sandbox.prepare(shell));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", relay.pid())).unwrap();
    let files: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert!(files[3] == files[4] && files[3] != "100", "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_checked_in_a_fixed_order() {
    let (_, url) = served(TestRelay::memory().relay.clone());
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let bearer = format!("\r\nAuthorization: Bearer {}.{}", "A".repeat(22), "A".repeat(43));
    let (unknown, bad_request) = ("urn:share:unknown", "urn:share:bad-request");
    let ask = move |request: &str, headers: &str, body: &str| {
        let length = if body.is_empty() { String::new() } else { format!("\r\nContent-Length: {}", body.len()) };
        ask_with(&address, &format!("{request} HTTP/1.1\r\nHost: {address}{headers}{length}"), body)
    };
    tokio::task::spawn_blocking(move || {
        let twice = format!("{bearer}{bearer}");
        for token in ["", "\r\nAuthorization: Bearer x", "\r\nAuthorization: Basic x", &twice, &bearer] {
            // The form of a request is checked before the share is looked up.
            for (request, headers, body, expected) in [
                ("PUT /v1/part/x", "\r\nShare-Crc32c: 00000000", "x", bad_request),
                ("PUT /v1/part/+1", "\r\nShare-Crc32c: 00000000", "x", bad_request),
                ("PUT /v1/part/0", "\r\nShare-Crc32c: 0000000", "x", bad_request),
                ("PUT /v1/part/0", "", "x", bad_request),
                ("PUT /v1/part/0", "\r\nShare-Crc32c: 00000000", "", unknown),
                ("PUT /v1/part/0", "\r\nShare-Crc32c: 00000000", "x", unknown),
                ("GET /v1/part/x", "", "", bad_request),
                ("GET /v1/part/0", "\r\nRange: bytes=0-1", "", bad_request),
                ("GET /v1/part/0", "\r\nRange: bytes=1-\r\nRange: bytes=1-", "", bad_request),
                ("GET /v1/part/0", "\r\nRange: bytes=1-", "", unknown),
                ("POST /v1/create", "", "{", bad_request),
                ("POST /v1/deposit", "", "", bad_request),
                ("POST /v1/claim", "", "{", bad_request),
                ("POST /v1/commit", "", "{", bad_request),
                ("GET /v1/link", "", "", unknown),
                ("GET /v1/owner", "", "", unknown),
                ("DELETE /v1/owner", "", "", unknown),
            ] {
                let answer = ask(request, &format!("{token}{headers}"), body);
                assert!(answer.contains(expected), "{request}, {token}{headers}: {answer}");
            }
        }
    })
    .await
    .unwrap();
}
