//! A relay gets a certificate from an ACME server, or learns why not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use share::relay::certificate::acme::AcmeError;

use super::certified::{Clear, NAME, Ports, Setup, handshake};
use crate::support::{Asked, Fronted, Interference, Pebble, Reply, UNKNOWN, expect_mode, files, free_port, refused};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_is_got_over_tls_and_kept() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let front = Fronted::start(&pebble, Clear);
    let mut setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    let status = relay.ready().await;
    assert_eq!((status.names, status.problem), (vec![NAME.to_owned()], None));
    let (root, first) = (pebble.root().await, relay.certificate(&pebble.root().await).await);
    // Other names have no certificate, and challenges are over.
    for (name, protocols) in [("other.test", &[][..]), (NAME, &[&b"acme-tls/1"[..]])] {
        assert!(handshake(relay.address, name, &root, protocols).await.is_err(), "{name}");
    }
    assert_eq!((front.count("/sign-me-up"), front.count("/order-plz")), (1, 1));
    for file in files(setup.state.path()) {
        expect_mode(&file, 0o600);
        expect_mode(file.parent().unwrap(), 0o700);
    }
    // Another process has to keep out.
    assert!(matches!(setup.open().await, Err(AcmeError::Locked(_))));
    relay.stop().await;

    // The next start needs no terms, asks nobody, and has the same certificate.
    let before = front.total();
    setup.options.accept_terms = false;
    let mut relay = setup.start(Ports::new()).await;
    relay.ready().await;
    assert_eq!((relay.certificate(&root).await, front.total()), (first, before));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_is_got_over_plain_http() {
    let ports = Ports::new();
    // Nothing listens where pebble would try TLS.
    let pebble = Pebble::start(free_port(), ports.http());
    let mut setup = Setup::at(&pebble.directory());
    (setup.use_http, setup.options.has_http) = (true, true);
    setup.options.names.push("second.test".to_owned());
    let mut relay = setup.start(ports).await;
    let mut names = relay.ready().await.names;
    names.sort();
    assert_eq!(names, [NAME, "second.test"]);
    handshake(relay.address, "second.test", &pebble.root().await, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_name_that_cannot_be_validated_is_named_with_the_reason() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let front = Fronted::start(&pebble, Clear);
    let mut setup = Setup::at(&front.directory);
    setup.options.names.push(UNKNOWN.to_owned());
    let mut relay = setup.start(ports).await;
    let problem = relay.problem(UNKNOWN).await;
    assert!(problem.contains("could not validate unknown.test") && problem.contains("port 443"), "{problem}");
    // The next attempt waits, also after a restart.
    let orders = || front.count("/order-plz");
    assert_eq!(orders(), 1);
    setup.clock.advance(300);
    relay.stop().await;
    let mut relay = setup.start(Ports::new()).await;
    relay.problem(UNKNOWN).await;
    assert_eq!(orders(), 1);
    // Not after the operator has repaired it.
    relay.hurry.notify_one();
    while orders() < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_server_that_cannot_be_reached_is_asked_again() {
    let (ports, port) = (Ports::new(), free_port());
    let (tls, setup) = (ports.tls(), Setup::at(&format!("https://127.0.0.1:{port}/dir")));
    let mut relay = setup.start(ports).await;
    let problem = relay.problem("cannot reach 127.0.0.1").await;
    assert!(problem.starts_with("there is no certificate yet"), "{problem}");
    // The listener is up, and has nothing to show.
    let refusal = handshake(relay.address, NAME, &crate::support::authority(), &[]).await.err().unwrap();
    assert!(refusal.to_string().contains("alert"), "{refusal}");
    let pebble = Pebble::start_at(port, tls, free_port());
    setup.clock.advance(60);
    assert_eq!(relay.ready().await.problem, None);
    relay.certificate(&pebble.root().await).await;
}

/// A front that refuses the first requests for this path, as often as it has answers.
struct Refusing {
    path: &'static str,
    replies: std::sync::Mutex<Vec<Reply>>,
}

impl Refusing {
    fn at(path: &'static str, replies: Vec<Reply>) -> Self {
        Self { path, replies: std::sync::Mutex::new(replies) }
    }
}

impl Interference for Refusing {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        (asked.path == self.path).then(|| self.replies.lock().unwrap().pop()).flatten()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_limit_of_the_server_is_kept() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let reply = refused(429, "rateLimited", vec![("Retry-After", "7200".to_owned()), ("Replay-Nonce", "x".to_owned())]);
    let front = Fronted::start(&pebble, Refusing::at("/order-plz", vec![reply]));
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    let problem = relay.problem("limits how often").await;
    assert!(problem.contains("not now"), "{problem}");
    // Neither time, nor a restart, nor the operator changes that before two hours have passed.
    setup.clock.advance(7100);
    relay.stop().await;
    let mut relay = setup.start(Ports::new()).await;
    relay.problem("limits how often").await;
    relay.hurry.notify_one();
    relay.problem("limits how often").await;
    assert_eq!(front.count("/order-plz"), 1);
    // With the longest jitter. The relay has another port now, which pebble does not know.
    setup.clock.advance(100 + 1800);
    relay.problem("could not validate").await;
    assert_eq!(front.count("/order-plz"), 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_bad_nonce_is_replaced() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let bad = || refused(400, "badNonce", Vec::new());
    let front = Fronted::start(&pebble, Refusing::at("/order-plz", vec![bad(), bad()]));
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    assert_eq!(relay.ready().await.problem, None);
    assert_eq!(front.count("/order-plz"), 3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn an_account_that_the_server_lost_is_made_again() {
    let (ports, port) = (Ports::new(), free_port());
    let (tls, mut setup) = (ports.tls(), Setup::at(&format!("https://127.0.0.1:{port}/dir")));
    // Pebble forgets everything when it ends.
    let pebble = Pebble::start_at(port, free_port(), free_port());
    let mut relay = setup.start(ports).await;
    relay.problem("could not validate").await;
    relay.stop().await;
    drop(pebble);
    let ports = Ports::new();
    let pebble = Pebble::start_at(port, ports.tls(), free_port());
    assert_ne!(ports.tls(), tls);
    setup.options.accept_terms = false;
    setup.clock.advance(3600);
    let mut relay = setup.start(ports).await;
    relay.problem("does not know the account").await;
    setup.clock.advance(3600);
    relay.ready().await;
    relay.certificate(&pebble.root().await).await;
}

/// A front whose terms of service are others, with this number.
struct NewTerms(Arc<AtomicUsize>);

impl Interference for NewTerms {
    fn change(&self, asked: &Asked, answer: &mut serde_json::Value) {
        if asked.path == "/dir" {
            let address = format!("https://acme.test/terms-{}", self.0.load(Ordering::SeqCst));
            answer["meta"]["termsOfService"] = address.into();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn terms_are_accepted_once() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let number = Arc::new(AtomicUsize::new(2));
    let front = Fronted::start(&pebble, NewTerms(number.clone()));
    let mut setup = Setup::at(&front.directory);
    setup.options.accept_terms = false;
    let refusal = setup.open().await.err().unwrap().to_string();
    assert_eq!(refusal, "the terms of the ACME server 127.0.0.1 are not accepted yet: https://acme.test/terms-2");
    assert_eq!(front.total(), 1, "nothing else was asked");
    setup.options.accept_terms = true;
    setup.options.contact = Some("admin@relay.test".to_owned());
    let mut relay = setup.start(ports).await;
    relay.ready().await;
    relay.stop().await;
    let account = files(setup.state.path()).into_iter().find(|file| file.ends_with("account.json")).unwrap();
    let kept = || serde_json::from_slice::<serde_json::Value>(&fs::read(&account).unwrap()).unwrap();
    assert_eq!(kept()["terms"], "https://acme.test/terms-2");
    assert_eq!(kept()["contact"], "admin@relay.test");
    // Others are not accepted by that.
    number.store(3, Ordering::SeqCst);
    let attempts = || fs::read(account.with_file_name("attempts.json")).unwrap();
    for (accept_terms, accepted) in [(false, "https://acme.test/terms-2"), (true, "https://acme.test/terms-3")] {
        let before = attempts();
        setup.options.accept_terms = accept_terms;
        setup.clock.advance(25 * 3600);
        let relay = setup.start(Ports::new()).await;
        // It notes that it asked for the time of the next renewal, which comes after the terms.
        while attempts() == before {
            tokio::task::yield_now().await;
        }
        relay.stop().await;
        assert_eq!(kept()["terms"], accepted);
    }
}
