//! The cost of TLS.

use std::time::{Duration, Instant};

use crate::support::{Run, Sandbox, certificate, noise};

/// The length of a share, in bytes.
const LEN: usize = 256 << 20;

/// The times to send and to open a share.
fn times(sandbox: &Sandbox, url: &str, round: u32) -> [Duration; 2] {
    let timed = |run: Run| {
        let begun = Instant::now();
        let printed = run.ok();
        (begun.elapsed(), printed)
    };
    let trusting = |args: &[&str]| sandbox.share(args).env("SSL_CERT_FILE", certificate("good"));
    let (sent, link) = timed(trusting(&["send", "--quiet", "--relay", url, "long"]));
    let (opened, _) = timed(trusting(&["open", "--quiet", &link, "--output", &format!("opened-{round}")]));
    [sent, opened]
}

#[test]
#[ignore = "takes long: tests/all"]
fn a_transfer_over_tls_is_nearly_as_fast_as_a_plain_one() {
    let sandbox = Sandbox::new();
    sandbox.write("long", &noise(LEN, 1));
    let [chain, key] = ["good", "key"].map(|name| certificate(name).to_str().unwrap().to_owned());
    let common = ["relay", "--anyone", "--max-size", "1GiB", "--listen", "127.0.0.1:0", "--store", "memory:"];
    let start = |more: &[&str]| sandbox.start_as_relay(sandbox.share(common.iter().chain(more)));
    let (plain, secure) = (start(&[]), start(&["--tls-cert", &chain, "--tls-key", &key]));
    // The best of several, since other programs take their time too.
    let best = |url: &str| {
        let all = [0, 1, 2].map(|round| times(&sandbox, url, round));
        [0, 1].map(|step| all.iter().map(|times| times[step]).min().unwrap())
    };
    let ([plain_sent, plain_opened], [sent, opened]) = (best(&plain.url), best(&secure.url));
    let rates = [(plain_sent, sent), (plain_opened, opened)].map(|(plain, secure)| plain.div_duration_f64(secure));
    eprintln!("TLS ÷ plain: sending {:.2}, opening {:.2} ({sent:?}, {opened:?})", rates[0], rates[1]);
    assert!(rates.iter().all(|rate| *rate > 0.5), "{rates:?}");
}
