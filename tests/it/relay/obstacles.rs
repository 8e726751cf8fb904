//! Local obstacles between this machine and the relay, which are not blamed on the relay.
//!
//! The certificates in `tests/certificates` are self-signed, with one key: for 127.0.0.1 until 2120, until 2021 and
//! from 2100 on, and for another name. `stranger.pem` has another key.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use share::relay::client::retry::{Backoff, Retrying};
use share::relay::obstacle::Obstacle;
use share::relay::{Commit, Relay, RelayError};

use crate::support::{Ended, Misbehaving, Misbehavior, Run, SHARE, Sample, Sandbox, TestRelay, certificate};

const KEY: &str = "share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";

/// Passes each connection to `answer`, for as long as the tests run.
fn listen(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

/// A TLS server with this certificate that is not a relay.
fn with_certificate(name: &str) -> String {
    let chain = vec![CertificateDer::from_pem_file(certificate(name)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificate("key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    listen(move |mut stream| {
        let mut tls = ServerConnection::new(config.clone()).unwrap();
        let mut line = Stream::new(&mut tls, &mut stream);
        let _ = line.read(&mut [0; 1000]);
        let _ = line.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    })
}

/// A proxy that answers every request with this status.
fn proxy(status: &'static str) -> String {
    listen(move |mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    })
}

fn peek(sandbox: &Sandbox, address: &str) -> Run {
    let run = sandbox.share(["peek", "--give-up", "300ms", &format!("https://{address}/#{KEY}")]);
    run.env("SSL_CERT_FILE", certificate("good").to_str().unwrap())
}

fn expect(ended: &Ended, code: i32, what: &str, hint: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.stderr.contains(what) && ended.stderr.contains(hint), "{what}, {hint}: {ended:?}");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_bad_certificate_is_explained() {
    let sandbox = Sandbox::new();
    let checked = |name: &str, trusted: &str| {
        let address = with_certificate(name);
        (peek(&sandbox, &address).env("SSL_CERT_FILE", certificate(trusted).to_str().unwrap()).run(), address)
    };
    // The good certificate is trusted, and the server is not a relay.
    let (ended, address) = checked("good", "good");
    expect(&ended, 6, &format!("{address} is not a share relay"), "");
    let (ended, address) = checked("expired", "expired");
    expect(
        &ended,
        6,
        &format!("error: the certificate of {address} expired on Jan 1, 2021"),
        "set this computer's clock; otherwise tell",
    );
    let (ended, address) = checked("future", "future");
    expect(
        &ended,
        6,
        &format!("error: the certificate of {address} is not valid before Jan 1, 2100"),
        "set this computer's clock",
    );
    let (ended, address) = checked("other-name", "other-name");
    expect(&ended, 6, &format!("error: the server at {address} has a certificate for another name"), "address");
    let (ended, address) = checked("good", "stranger");
    let unknown = format!("error: the certificate of {address} is from an issuer that this computer does not trust");
    expect(&ended, 6, &unknown, "use --ca FILE");
    // Buckets get the same explanation.
    let endpoint = format!("https://{}", with_certificate("other-name"));
    let bucket = sandbox.share(["relay", "use", "s3://bucket", "--give-up", "8s"]).env("AWS_ENDPOINT_URL", &endpoint);
    let bucket = bucket.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").env("AWS_REGION", "x");
    let ended = bucket.env("SSL_CERT_FILE", certificate("other-name").to_str().unwrap()).run();
    expect(&ended, 6, "the certificate cannot be trusted: issued for another name", "");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_machine_without_root_certificates_is_told_to_install_them() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    let address = with_certificate("good");
    for command in ["peek", "send"] {
        let run = if command == "peek" {
            peek(&sandbox, &address)
        } else {
            sandbox.share(["send", "--relay", &format!("https://{address}")]).input("text")
        };
        let none = sandbox.path("none").to_string_lossy().into_owned();
        let ended = run.env("SSL_CERT_FILE", &none).env("SSL_CERT_DIR", sandbox.path("empty").to_str().unwrap()).run();
        expect(
            &ended,
            8,
            "error: this computer has no CA certificates, so it cannot verify relays",
            &format!("hint: SSL_CERT_FILE names {none}, which cannot be read"),
        );
    }
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_proxy_that_refuses_is_named() {
    let sandbox = Sandbox::new();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (proxy, what, hint) in [
        (dead, "cannot be reached: connection refused", "check that it is running"),
        (proxy("407 No"), "requires a user name and a password", "set SHARE_PROXY=http://USER:PASSWORD@127.0.0.1:"),
        (proxy("403 No"), "does not connect to relay.example", "NO_PROXY=relay.example"),
        (proxy("502 No"), "does not connect to relay.example", "it is safe to run this again"),
    ] {
        let ended = peek(&sandbox, "relay.example").env("HTTPS_PROXY", format!("http://{proxy}")).run();
        expect(&ended, 6, &format!("error: the proxy http://{proxy} (set by HTTPS_PROXY) {what}"), hint);
    }
    // No request was sent, so nothing is left anywhere.
    let proxy = proxy("407 No");
    let send = sandbox.share(["send", "--relay", "https://relay.example"]).input("text");
    let ended = send
        .env("SSL_CERT_FILE", certificate("good").to_str().unwrap())
        .env("HTTPS_PROXY", format!("http://{proxy}"))
        .run();
    expect(&ended, 6, "requires a user name", "nothing was sent");
    assert!(sandbox.share(["list"]).ok().is_empty(), "nothing was sent");
}

#[test]
#[ignore = "needs network namespaces: tests/all"]
fn a_machine_without_a_network_is_told_so() {
    let sandbox = Sandbox::new();
    for (address, what, hint) in [
        ("192.0.2.1", "this computer has no route to 192.0.2.1", "check that this computer is online"),
        ("relay.example", "the name relay.example cannot be looked up", "check the spelling"),
    ] {
        let mut command = Command::new("unshare");
        let link = format!("https://{address}/#{KEY}");
        command.args(["--user", "--map-root-user", "--net", SHARE, "peek", "--give-up", "300ms", &link]);
        let ended = sandbox.prepare(command).env("SSL_CERT_FILE", certificate("good").to_str().unwrap()).run();
        expect(&ended, 6, what, hint);
    }
}

#[test]
#[ignore = "needs user namespaces: tests/all"]
fn a_mistyped_name_of_a_relay_is_named_at_once() {
    let sandbox = Sandbox::new();
    // Names are looked up in a file alone, so that no name server is asked.
    sandbox.write("nsswitch", b"hosts: files\n");
    let as_told = |args: &str| {
        let script = format!("mount --bind nsswitch /etc/nsswitch.conf; echo x | exec \"$SHARE\" {args}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "bash", "-ec", &script]);
        sandbox.prepare(command).env("SHARE", SHARE).run()
    };
    for command in ["send --relay rellay", "relay use rellay", "relay check http://rellay:4080", "peek rellay/#"] {
        let command = command.replace('#', &format!("#{KEY}"));
        let ended = as_told(&command);
        expect(&ended, 6, "error: no computer on this network has the name rellay", "like https://relay.example");
        assert!(!ended.stderr.contains("retrying"), "{ended:?}");
    }
    // A name with a dot may appear, as with a VPN.
    let ended = as_told("send --give-up 4s --relay rellay.example");
    expect(&ended, 6, "the name rellay.example cannot be looked up", "check the spelling");
    assert!(ended.stderr.contains("retrying for up to 4 seconds"), "{ended:?}");
    for (address, what) in [("htps://relay.example", "htps is not supported"), ("ftp://nas", "ftp is not supported")] {
        sandbox.share(["send", "--relay", address]).input("x").fails(2, what);
    }
}

/// A network that knows no relay when a share is committed, `self.0` times.
struct Forgetful(AtomicU32);

impl Misbehavior for Forgetful {
    fn commit(&self, _: &Commit) -> Result<(), RelayError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { Err(RelayError::Hindered(Obstacle::UnknownName)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_relay_that_has_answered_is_waited_for_when_its_name_becomes_unknown() {
    let sample = Sample::new(5000, false);
    let forgetful = |times| {
        let how = Forgetful(AtomicU32::new(times));
        let relay = Arc::new(Misbehaving { relay: TestRelay::memory().relay, how });
        Retrying::new(relay, Backoff::new(Duration::from_secs(20)), Box::new(|_| {}))
    };
    let error = forgetful(1).commit(&sample.owner, &sample.commit).await.unwrap_err();
    assert_eq!(error, RelayError::Hindered(Obstacle::UnknownName));
    let relay = forgetful(2);
    relay.about().await.unwrap();
    sample.send(&relay).await;
}
