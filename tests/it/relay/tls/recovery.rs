//! A relay whose ACME server, disk or process fails in the middle of an order.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use share::relay::certificate::acme::AcmeError;

use super::certified::{NAME, Ports, Setup};
use crate::support::{Asked, Fronted, Interference, Pebble, Reply, files, free_port, refused};

/// A front that fails the first downloads of a certificate, and counts those that were made.
struct Failing {
    downloads: Arc<AtomicUsize>,
    finalized: Arc<AtomicUsize>,
}

impl Failing {
    fn first(downloads: usize) -> Self {
        Self { downloads: Arc::new(downloads.into()), finalized: Arc::default() }
    }
}

impl Interference for Failing {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        if asked.path.starts_with("/finalize-order/") {
            self.finalized.fetch_add(1, Ordering::SeqCst);
        }
        let fails = |left: usize| left.checked_sub(1);
        let is_failed = asked.path.starts_with("/certZ/")
            && self.downloads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok();
        is_failed.then(|| refused(500, "serverInternal", Vec::new()))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_that_cannot_be_downloaded_is_not_made_again() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let failing = Failing::first(2);
    let (left, finalized) = (failing.downloads.clone(), failing.finalized.clone());
    let front = Fronted::start(&pebble, failing);
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    relay.problem("out of order").await;
    // Neither by the next attempt, nor after a restart, at whose port pebble could not validate anything.
    setup.clock.advance(60);
    while left.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    relay.stop().await;
    setup.clock.advance(3600);
    let mut relay = setup.start(Ports::new()).await;
    relay.ready().await;
    relay.certificate(&pebble.root().await).await;
    assert_eq!((front.count("/order-plz"), finalized.load(Ordering::SeqCst)), (1, 1));
    let left = files(setup.state.path()).into_iter().any(|file| file.ends_with("order.json"));
    assert!(!left, "the order is over");
}

/// A front that makes a directory where the relay will write its certificate.
struct Obstructing(std::sync::OnceLock<PathBuf>, PathBuf);

impl Interference for Obstructing {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        if asked.path.starts_with("/certZ/") && self.0.get().is_none() {
            let attempts = files(&self.1).into_iter().find(|file| file.ends_with("attempts.json")).unwrap();
            let obstacle = attempts.with_file_name("certificate.pem");
            fs::create_dir(&obstacle).unwrap();
            self.0.set(obstacle).unwrap();
        }
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_certificate_that_cannot_be_kept_is_served_and_not_made_again() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let mut setup = Setup::at("");
    let front = Fronted::start(&pebble, Obstructing(std::sync::OnceLock::new(), setup.state.path().to_owned()));
    setup.options.directory.clone_from(&front.directory);
    let mut relay = setup.start(ports).await;
    relay.problem("cannot write to the state directory").await;
    let root = pebble.root().await;
    let first = relay.certificate(&root).await;
    setup.clock.advance(60);
    relay.stop().await;
    let obstacle = files_and_directories(setup.state.path(), "certificate.pem");
    fs::remove_dir(obstacle).unwrap();
    // The next start downloads it again.
    let mut relay = setup.start(Ports::new()).await;
    relay.ready().await;
    assert_eq!(relay.certificate(&root).await, first);
    assert_eq!(front.count("/order-plz"), 1);
}

/// The path of `name`, one directory below `root`.
fn files_and_directories(root: &std::path::Path, name: &str) -> PathBuf {
    let below = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join(name));
    below.into_iter().find(|path| path.exists()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn nothing_is_made_while_the_state_directory_cannot_be_written() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let front = Fronted::start(&pebble, Failing::first(0));
    let setup = Setup::at(&front.directory);
    // Opening it makes its directory.
    drop(setup.open().await.unwrap());
    let lock = files(setup.state.path()).into_iter().find(|file| file.ends_with("lock")).unwrap();
    let obstacle = lock.with_file_name("attempts.json");
    fs::create_dir(&obstacle).unwrap();
    let mut relay = setup.start(ports).await;
    relay.problem("cannot write to the state directory").await;
    assert_eq!(front.total(), 0);
    fs::remove_dir(obstacle).unwrap();
    setup.clock.advance(3600);
    relay.ready().await;
    assert_eq!((front.count("/sign-me-up"), front.count("/order-plz")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn a_damaged_account_does_not_keep_a_certificate_from_being_served() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let setup = Setup::at(&pebble.directory());
    let mut relay = setup.start(ports).await;
    relay.ready().await;
    let first = relay.certificate(&pebble.root().await).await;
    relay.stop().await;
    let account = files(setup.state.path()).into_iter().find(|file| file.ends_with("account.json")).unwrap();
    fs::write(&account, "{").unwrap();
    let relay = setup.start(Ports::new()).await;
    assert_eq!(relay.certificate(&pebble.root().await).await, first);
    relay.stop().await;
    fs::remove_file(account.with_file_name("certificate.pem")).unwrap();
    assert!(matches!(setup.open().await, Err(AcmeError::Damaged(_))));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn another_name_is_ordered_at_once() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let mut setup = Setup::at(&pebble.directory());
    let mut relay = setup.start(ports).await;
    let (tls, _) = (relay.address, relay.ready().await);
    relay.stop().await;
    setup.options.names.push("second.test".to_owned());
    let mut relay = setup.start(Ports::at(tls)).await;
    let both = |names: &[String]| names.len() == 2 && names.iter().any(|name| name == NAME);
    relay.until("a certificate for both", |status| both(&status.names)).await;
}

/// A front that asks for a wait that no clock has.
struct Endless(AtomicUsize);

impl Interference for Endless {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        let is_first = asked.path.starts_with("/my-order/") && self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let order = r#"{"status":"pending","authorizations":[],"finalize":"https://127.0.0.1/"}"#.to_owned();
        let headers = vec![("Retry-After", u64::MAX.to_string())];
        is_first.then_some((200, headers, order))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: tests/all"]
async fn an_endless_wait_is_bounded_and_ends() {
    let ports = Ports::new();
    let pebble = Pebble::start(ports.tls(), free_port());
    let front = Fronted::start(&pebble, Endless(AtomicUsize::new(0)));
    let setup = Setup::at(&front.directory);
    let mut relay = setup.start(ports).await;
    relay.problem("asks to wait").await;
    setup.clock.advance(2 * 24 * 3600);
    relay.ready().await;
    assert_eq!(front.count("/order-plz"), 1);
}
