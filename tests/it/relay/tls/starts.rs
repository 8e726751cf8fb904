//! The program as its operator starts it.

use std::fs;

use crate::support::{Pebble, Run, Sandbox, UNKNOWN, authority, certificate, free_port, noise};

/// A relay with these options.
fn relay(sandbox: &Sandbox, options: &[&str]) -> Run {
    let fixed = ["relay", "--anyone", "--store", "memory:", "--log", "text"];
    sandbox.share(fixed.iter().chain(options))
}

#[test]
fn files_that_cannot_be_used_are_explained_at_the_start() {
    let sandbox = Sandbox::new();
    let path = |name: &str| certificate(name).to_str().unwrap().to_owned();
    let (good, key, stranger) = (path("good"), path("key"), path("stranger"));
    for (chain, key, error) in [
        (&stranger, &key, "the private key is not that of the certificate"),
        (&key, &key, "there is no certificate in the file"),
        (&good, &good, "there is no private key without a passphrase in the file"),
        (&good, &"/dev/null".to_owned(), "/dev/null is not a regular file"),
        (&good, &"nothing".to_owned(), "cannot read nothing: no such file or directory"),
    ] {
        relay(&sandbox, &["--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key]).fails(8, error);
    }
    for (options, error) in [
        (&["--http-listen", "127.0.0.1:0"][..], "--http-listen redirects to https, which this relay does not serve"),
        (&["--tls-cert", &good], "--tls-key <FILE> is missing"),
        (&["--accept-terms"], "--domain <NAME> is missing"),
        (&["--domain", "*.relay.example"], "--domain"),
        (
            &["--domain", "relay", "--listen", "127.0.0.1:0"],
            "--domain relay: Let's Encrypt gives certificates only for",
        ),
        (
            &["--tls-cert", &good, "--tls-key", &key, "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
            "--http-listen redirects to the name of this relay, and its certificate has none",
        ),
    ] {
        relay(&sandbox, options).fails(2, error);
    }
}

#[test]
fn a_share_is_sent_and_opened_over_https() {
    let sandbox = Sandbox::new();
    let [chain, key] = [("good", "chain.pem"), ("key", "key.pem")].map(|(from, to)| {
        fs::copy(certificate(from), sandbox.path(to)).unwrap();
        to
    });
    let options = ["--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key];
    let served = sandbox.start_as_relay(relay(&sandbox, &options));
    assert!(served.url.starts_with("https://127.0.0.1:"), "{}", served.url);
    let content = noise(9 << 20, 1);
    sandbox.write("photo", &content);
    let trusting = |args: &[&str]| sandbox.share(args).env("SSL_CERT_FILE", certificate("good"));
    let link = trusting(&["send", "--quiet", "--relay", &served.url, "photo"]).ok();
    assert!(link.starts_with(&served.url), "{link}");
    trusting(&["open", "--quiet", &link, "--output", "opened"]).ok();
    assert_eq!(sandbox.read("opened"), content);
    // A pair that cannot be used is refused when the operator asks to read it.
    #[cfg(unix)]
    {
        fs::copy(certificate("stranger"), sandbox.path(chain)).unwrap();
        served.signal(rustix::process::Signal::HUP);
        let begun = std::time::Instant::now();
        loop {
            let log = fs::read_to_string(&served.log).unwrap();
            if log.contains("WARN") && log.contains("the previous certificate stays in use: cannot use chain.pem") {
                break;
            }
            assert!(begun.elapsed() < crate::support::TIME_LIMIT, "{log}");
            std::thread::yield_now();
        }
    }
    trusting(&["relay", "check", &served.url]).ok();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn one_command_gets_a_certificate_and_serves_shares() {
    let (sandbox, port) = (Sandbox::new(), free_port());
    let pebble = Pebble::start(port, free_port());
    let (ca, listen) = (sandbox.write("ca.pem", &authority()), format!("127.0.0.1:{port}"));
    let url = format!("https://localhost:{port}/");
    let options = [
        "--domain",
        "localhost",
        "--listen",
        &listen,
        "--public-url",
        &url,
        "--acme-ca",
        ca.to_str().unwrap(),
        "--acme-directory",
        &pebble.directory(),
    ];
    relay(&sandbox, &options).fails(2, "the terms of the ACME server 127.0.0.1 are not accepted yet: data:text/plain");
    let mut served = sandbox.start_as_relay(relay(&sandbox, &options).arg("--accept-terms"));
    let root = sandbox.write("root.pem", &pebble.root().await);
    let ask = |args: &[&str]| sandbox.share(args).env("SSL_CERT_FILE", &root);
    // The certificate comes a moment later.
    while ask(&["relay", "check", &url, "--give-up", "1s"]).run().code != 0 {}
    let link = ask(&["send", "--quiet", "--relay", &url, "ca.pem"]).ok();
    ask(&["open", "--quiet", &link, "--output", "opened"]).ok();
    assert_eq!(sandbox.read("opened"), authority());
    served.kill();
    // The terms were accepted, and the certificate is there at once.
    drop(pebble);
    let _served = sandbox.start_as_relay(relay(&sandbox, &options));
    ask(&["relay", "check", &url]).ok();
    assert!(!fs::read_to_string(sandbox.path("../relay.log")).unwrap().contains(UNKNOWN));
}
