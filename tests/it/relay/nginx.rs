//! Debian's nginx in front of a relay, with the configuration of `docs/deploy/nginx.conf`.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{
    BEHIND_NGINX, Front, HostName, Nginx, Run, SHARE, Sandbox, TestRelay, among_hosts, certificate, noise, skip,
};

/// The suites that hold for every relay, and the number of their tests at least.
const CONTRACT: [&str; 2] = ["relay::contract::", "relay::sending::"];
const TESTS: usize = 30;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn has_nginx() -> bool {
    let has = Command::new("nginx").arg("-v").output().is_ok_and(|ended| ended.status.success());
    if !has {
        skip("no nginx");
    }
    has
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn every_rule_of_the_contract_holds_behind_nginx() {
    if !has_nginx() {
        return;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(CONTRACT).env(BEHIND_NGINX, "1").env("SSL_CERT_FILE", certificate("good"));
    let ended = again.output().unwrap();
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{shown}{}", String::from_utf8_lossy(&ended.stderr));
    let passed = shown.split_once("test result: ok. ").and_then(|(_, rest)| rest.split_once(" passed"));
    let passed: usize = passed.unwrap().0.parse().unwrap();
    assert!(passed >= TESTS, "{shown}");
}

/// A run that trusts nginx's certificate.
fn trusting(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.share(args).env("SSL_CERT_FILE", certificate("good"))
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn shares_pass_and_the_check_is_green_behind_nginx() {
    if !has_nginx() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    thread::scope(|tests| {
        for base in ["", "/base"] {
            let runtime = runtime.handle().clone();
            tests.spawn(move || {
                let (sandbox, _guard) = (Sandbox::new(), runtime.enter());
                let bench = TestRelay::folder().behind_nginx("behind nginx", base);
                let nginx = bench.nginx.as_ref().unwrap();
                let checked = trusting(&sandbox, &["relay", "check", &nginx.url, "--held"]).start();
                // Three parts.
                let content = noise(10 << 20, 9);
                sandbox.write("large", &content);
                let link = trusting(&sandbox, &["send", "--quiet", "--relay", &nginx.url, "large"]).ok();
                assert!(link.starts_with(&format!("{}/#share1", nginx.url)), "{link}");
                trusting(&sandbox, &["open", &link, "-o", "received"]).ok();
                assert!(sandbox.read("received") == content, "{base}");
                let checked = checked.wait();
                assert_eq!(checked.code, 0, "{checked:?}");
                let shown = String::from_utf8(checked.stdout).unwrap();
                for fine in ["pages for browsers and their files are the same as in this program", "55 seconds"] {
                    assert!(shown.contains(fine), "{shown}");
                }
            });
        }
    });
}

/// A TLS connection to nginx.
fn connect(nginx: &Nginx) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate("good")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let connection = ClientConnection::new(Arc::new(config.with_no_client_auth()), LOCALHOST.into()).unwrap();
    let address = nginx.url.trim_start_matches("https://").split('/').next().unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

/// The bytes up to and with `end`.
fn read_to(stream: &mut impl Read, end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    seen
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn nginx_passes_bodies_on_while_they_arrive() {
    if !has_nginx() {
        return;
    }
    // Has the time limit of a test.
    let _sandbox = Sandbox::new();
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let nginx = Front::listen(LOCALHOST, "").start(upstream.local_addr().unwrap());
    let mut client = connect(&nginx);
    let half = noise(2 << 20, 3);
    let len = 2 * half.len();
    // Each half is sent when the one before has arrived, or never.
    write!(client, "PUT /v1/part/0 HTTP/1.1\r\nHost: relay.example\r\nContent-Length: {len}\r\n\r\n").unwrap();
    let sent = half.clone();
    let sender = thread::spawn(move || {
        client.write_all(&sent).unwrap();
        client.flush().unwrap();
        client
    });
    let (mut relay, _) = upstream.accept().unwrap();
    let head = String::from_utf8(read_to(&mut relay, b"\r\n\r\n")).unwrap().to_lowercase();
    assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n") && head.contains("host: relay.example\r\n"), "{head}");
    let mut arrived = vec![0; half.len()];
    relay.read_exact(&mut arrived).unwrap();
    assert!(arrived == half, "the first half of the request");
    let mut client = sender.join().unwrap();
    let sent = half.clone();
    let sender = thread::spawn(move || {
        client.write_all(&sent).unwrap();
        client.flush().unwrap();
        client
    });
    relay.read_exact(&mut arrived).unwrap();
    assert!(arrived == half, "the second half of the request");
    let mut client = sender.join().unwrap();
    write!(relay, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").unwrap();
    let (mut sending, sent) = (relay.try_clone().unwrap(), half.clone());
    let sender = thread::spawn(move || sending.write_all(&sent).unwrap());
    let head = String::from_utf8(read_to(&mut client, b"\r\n\r\n")).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Strict-Transport-Security: max-age="), "{head}");
    client.read_exact(&mut arrived).unwrap();
    assert!(arrived == half, "the first half of the answer");
    sender.join().unwrap();
    let sender = thread::spawn(move || relay.write_all(&half).unwrap());
    client.read_exact(&mut arrived).unwrap();
    sender.join().unwrap();
}

/// The output of curl, with options separated by spaces.
fn curl(before: &[&str], options: &str, url: &str) -> String {
    let all: Vec<&str> = before.iter().copied().chain(["curl", "-sS"]).chain(options.split(' ')).chain([url]).collect();
    let ended = Command::new(all[0]).args(&all[1..]).output().unwrap();
    assert!(ended.status.success(), "{all:?}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx: tests/all"]
async fn nginx_redirects_plain_http_and_speaks_http_2() {
    if !has_nginx() {
        return;
    }
    let bench = TestRelay::memory().behind_nginx("behind nginx", "/base");
    let nginx = bench.nginx.as_ref().unwrap();
    let moved = curl(&[], "-o /dev/null -w %{http_code}+%{redirect_url}", &format!("{}/base/?a", nginx.plain));
    assert_eq!(moved, "308+https://127.0.0.1/base/?a");
    let trusted = certificate("good");
    let options = format!("--http2 --cacert {} -o /dev/null -w %{{http_version}}+%{{http_code}}", trusted.display());
    assert_eq!(curl(&[], &options, &format!("{}/", nginx.url)), "2+200");
}

#[test]
#[ignore = "needs nginx: tests/all"]
fn nginx_logs_no_client_when_the_relay_does_not_answer() {
    if !has_nginx() {
        return;
    }
    let nothing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nginx = Front::listen(LOCALHOST, "").start(nothing);
    assert_eq!(curl(&[], "-k -o /dev/null -w %{http_code}", &nginx.url), "502");
    assert!(nginx.log().contains("client: 127.0.0.1"), "{}", nginx.log());
    assert_eq!(nginx.site_log(), "");
}

#[test]
#[ignore = "needs nginx and network namespaces: tests/all"]
fn a_relay_behind_nginx_counts_for_the_real_addresses() {
    if !has_nginx() || !among_hosts("relay::nginx::a_relay_behind_nginx_counts_for_the_real_addresses") {
        return;
    }
    let front = HostName::Relay.run(async || Front::listen(HostName::Relay.address(), "")).join().unwrap();
    let (sandbox, url) = (Sandbox::new(), front.url());
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", HostName::Relay.namespace()));
    command.args([SHARE, "relay", "--public-url", &url, "--store", "memory:", "--anyone"]);
    command.args(["--trusted-proxy", "127.0.0.1", "--max-requests", "3"]);
    let _relay = sandbox.start_as_relay(sandbox.prepare(command));
    let _nginx = HostName::Relay.run(async || front.start("127.0.0.1:4080".parse().unwrap())).join().unwrap();
    let ask = |host: HostName, forged: &str| {
        let namespace = format!("--net={}", host.namespace());
        let options = format!("-k -o /dev/null -w %{{http_code}}{forged}");
        curl(&["nsenter", &namespace], &options, &format!("{url}/.well-known/share"))
    };
    let forged = ["", " -H X-Forwarded-For:10.77.0.4", " -H Forwarded:for=10.77.0.4", " -H X-Real-IP:10.77.0.4"];
    for (count, forged) in forged.iter().cycle().take(8).enumerate() {
        assert_eq!(ask(HostName::A, forged), if count < 3 { "200" } else { "429" }, "{count}: {forged}");
    }
    // Nobody spent what belongs to these.
    for host in [HostName::B, HostName::C] {
        assert_eq!(ask(host, ""), "200", "{host:?}");
    }
}
