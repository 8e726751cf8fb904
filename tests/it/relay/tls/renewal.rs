//! A certificate is renewed in time, without a request that fails.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use serde_json::json;

use super::certified::{Certified, Clear, Load, Ports, Setup};
use crate::support::{Asked, Fronted, Interference, LIFETIME, Pebble, Reply, free_port};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_is_renewed_by_the_clock_under_load() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let front = Fronted::start(&pebble, Clear);
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    relay.ready().await;
    let root = pebble.root().await;
    let (first, load) = (relay.certificate(&root).await, Load::begin(relay.address, &root));
    load.more().await;
    // Nothing happens until a third of the lifetime is left.
    setup.clock.advance(LIFETIME * 2 / 3 - 24 * 3600);
    load.more().await;
    setup.clock.advance(25 * 3600);
    let second = renewed(&relay, &root, &first).await;
    // By this clock, which is far ahead of pebble's, the new one is due at once. But it rests for an hour.
    setup.clock.advance(1800);
    load.more().await;
    setup.clock.advance(1801);
    renewed(&relay, &root, &second).await;
    load.more().await;
    load.end().await;
    assert_eq!(front.count("/order-plz"), 3);
}

/// Waits until the certificate is another one than `before`, and returns it.
async fn renewed(relay: &Certified, root: &[u8], before: &CertificateDer<'_>) -> CertificateDer<'static> {
    loop {
        let now = relay.certificate(root).await;
        if now != *before {
            return now;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_near_its_end_is_a_problem_with_the_reason() {
    let ports = Ports::new();
    let (tls, port) = (ports.tls(), free_port());
    let pebble = Pebble::start_at(port, tls, free_port());
    let setup = Setup::at(&format!("https://127.0.0.1:{port}/dir"));
    let mut relay = setup.start(ports).await;
    relay.ready().await;
    drop(pebble);
    setup.clock.advance(LIFETIME * 9 / 10);
    let problem = relay.problem("cannot reach 127.0.0.1").await;
    assert!(problem.starts_with("the certificate expires at"), "{problem}");
    setup.clock.advance(LIFETIME / 10 + 60);
    let problem = relay.problem("the certificate expired at").await;
    assert!(problem.contains("cannot reach 127.0.0.1"), "{problem}");
    // The server is there again, and the relay recovers.
    let pebble = Pebble::start_at(port, tls, free_port());
    setup.clock.advance(3 * 3600);
    // Pebble forgot the account when it ended.
    relay.problem("does not know the account").await;
    setup.clock.advance(3600);
    // The clock of this test stays ahead, so the new one has expired as well.
    relay.until("a success", |status| status.problem.as_ref().is_some_and(|text| !text.contains("account"))).await;
    relay.certificate(&pebble.root().await).await;
}

/// A front that suggests a renewal now, and reflects the certificate that an order replaces.
struct Suggesting {
    directory: std::sync::OnceLock<String>,
    replaced: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Interference for Suggesting {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        asked.path.strip_prefix("/renewal-info/")?;
        let window = json!({ "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" } });
        Some((200, vec![("Retry-After", "21600".to_owned())], window.to_string()))
    }

    fn change(&self, asked: &Asked, answer: &mut serde_json::Value) {
        if asked.path == "/dir" {
            let order = answer["newOrder"].as_str().unwrap().to_owned();
            answer["renewalInfo"] = order.replace("/order-plz", "/renewal-info").into();
            let _ = self.directory.set(order);
        }
        if asked.path == "/order-plz"
            && let Some(replaced) = asked.payload["replaces"].as_str()
        {
            self.replaced.lock().unwrap().push(replaced.to_owned());
            answer["replaces"] = replaced.into();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_server_may_ask_for_an_early_renewal() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let replaced = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let front = Suggesting { directory: std::sync::OnceLock::new(), replaced: replaced.clone() };
    let front = Fronted::start(&pebble, front);
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    relay.ready().await;
    let root = pebble.root().await;
    let first = relay.certificate(&root).await;
    assert_eq!(front.count("/order-plz"), 1);
    setup.clock.advance(6 * 3600);
    renewed(&relay, &root, &first).await;
    let replaced = replaced.lock().unwrap();
    // The key of the issuer and the serial number.
    assert!(replaced.len() == 1 && replaced[0].split('.').count() == 2, "{replaced:?}");
}
