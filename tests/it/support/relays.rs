//! Relays for the contract tests: the rules over each store, alone and behind real servers, with a clock that tests
//! control.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use share::relay::Relay;
use share::relay::client::HttpRelay;
use share::relay::client::retry::{Backoff, Retrying};
use share::relay::rules::{Policy, StoreRelay};
use share::relay::server;
use share::relay::server::{CreatePolicy as Admission, Limits, ServerOptions};
use share::relay::store::Store;
use share::relay::store::folder::{Folder, Sharing};
use share::relay::store::memory::Memory;
use share::relay_url::RelayUrl;
use tempfile::TempDir;

use super::clock::TestClock;
#[cfg(unix)]
use super::nginx::{Front, Nginx};
use super::s3::TestS3;
use super::slow::Slow;

/// One kind of relay.
pub(crate) struct TestRelay {
    pub(crate) name: &'static str,
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) rules: Arc<StoreRelay>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<TestClock>,
    _folder: Option<TempDir>,
    _s3: Option<TestS3>,
    #[cfg(unix)]
    pub(crate) nginx: Option<Nginx>,
}

/// Set in a run of tests in which all relays are behind nginx.
pub(crate) const BEHIND_NGINX: &str = "SHARE_TEST_BEHIND_NGINX";

/// The time at which all tests begin. The dates of files in a folder do not matter to the rules.
pub(crate) const START: u64 = 4_102_444_800; // 1 Jan 2100

fn policy() -> Policy {
    Policy { reserve: Some(0), ..Policy::default() }
}

/// Serves `relay` on a free port, and returns a client for it.
pub(crate) fn served(relay: Arc<dyn Relay>) -> (Arc<dyn Relay>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = ServerOptions { create: Admission::Open, ..ServerOptions::default() };
    tokio::spawn(server::serve(relay, listener, options, std::future::pending()));
    (client_of(&url), url)
}

/// A client of the server at `url`, without retries.
pub(crate) fn client_of(url: &str) -> Arc<dyn Relay> {
    Arc::new(HttpRelay::new(RelayUrl::parse(url).unwrap(), None, Duration::from_mins(1)).unwrap())
}

impl TestRelay {
    pub(crate) fn over(name: &'static str, store: Arc<dyn Store>, clock: Arc<TestClock>) -> Self {
        let rules = StoreRelay::new(store.clone(), clock.clone(), policy()).deleting_after_answers();
        let rules = Arc::new(rules);
        Self {
            name,
            relay: rules.clone(),
            rules,
            store,
            clock,
            _folder: None,
            _s3: None,
            #[cfg(unix)]
            nginx: None,
        }
    }

    pub(crate) fn memory() -> Self {
        let clock = TestClock::at(START);
        Self::over("memory", Arc::new(Memory::new(clock.clone(), u64::MAX)), clock)
    }

    pub(crate) fn slow_memory() -> Self {
        let clock = TestClock::at(START);
        Self::over("slow memory", Arc::new(Slow(Memory::new(clock.clone(), u64::MAX))), clock)
    }

    pub(crate) fn folder() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Folder::open(&directory.path().join("store"), Sharing::Alone).unwrap();
        let bench = Self::over("folder", Arc::new(store), TestClock::at(START));
        Self { _folder: Some(directory), ..bench }
    }

    pub(crate) fn bucket() -> Self {
        let clock = TestClock::at(START);
        let s3 = TestS3::start_at(clock.clone());
        let bench = Self::over("bucket", Arc::new(s3.bucket("some/prefix")), clock);
        Self { _s3: Some(s3), ..bench }
    }

    fn behind_server(self, name: &'static str) -> Self {
        let (relay, _) = served(self.relay.clone());
        Self { name, relay, ..self }
    }

    /// Behind nginx with TLS, below `base`. The client trusts its certificate by `SSL_CERT_FILE`.
    #[cfg(unix)]
    pub(crate) fn behind_nginx(self, name: &'static str, base: &'static str) -> Self {
        let (front, listener) =
            (Front::listen(Ipv4Addr::LOCALHOST.into(), base), TcpListener::bind("127.0.0.1:0").unwrap());
        let (url, address) = (RelayUrl::parse(&front.url()).unwrap(), listener.local_addr().unwrap());
        let limits = Limits { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Limits::default() };
        let public_url = Some(url.clone());
        let options = ServerOptions { create: Admission::Open, public_url, limits, ..ServerOptions::default() };
        tokio::spawn(server::serve(self.relay.clone(), listener, options, std::future::pending()));
        let nginx = front.start(address);
        let client = Arc::new(HttpRelay::new(url, None, Duration::from_mins(1)).unwrap());
        // As programs do, it repeats a request whose connection breaks: after an answer that came before the end of a
        // body, nginx closes the connection.
        let client = Retrying::new(client, Backoff::new(Duration::from_secs(2)), Box::new(|_| {}));
        Self { name, relay: Arc::new(client), nginx: Some(nginx), ..self }
    }

    /// All kinds of relays.
    pub(crate) fn all() -> Vec<Self> {
        #[cfg(unix)]
        if std::env::var_os(BEHIND_NGINX).is_some() {
            return vec![
                Self::memory().behind_nginx("memory behind nginx", ""),
                Self::slow_memory().behind_nginx("slow memory behind nginx, below a path", "/some/base"),
                Self::folder().behind_nginx("folder behind nginx, below a path", "/base"),
                Self::bucket().behind_nginx("bucket behind nginx", ""),
            ];
        }
        vec![
            Self::memory(),
            Self::slow_memory(),
            Self::folder(),
            Self::bucket(),
            Self::memory().behind_server("memory behind a server"),
            Self::slow_memory().behind_server("slow memory behind a server"),
            Self::folder().behind_server("folder behind a server"),
            Self::bucket().behind_server("bucket behind a server"),
            Self::folder().behind_server("one").behind_server("folder behind two servers"),
        ]
    }

    /// The names of a store's objects of ciphertext: parts, manifests and tries; without those that are being deleted.
    pub(crate) async fn data(&self) -> Vec<String> {
        self.rules.end_deletions().await;
        let objects = self.store.list("v1/", None).await.unwrap();
        let names = objects.into_iter().map(|object| object.name);
        names.filter(|name| name.contains("/part/") || name.contains("/try/") || name.ends_with("/manifest")).collect()
    }

    /// All objects of a store, except the sweeper's markers.
    pub(crate) async fn objects(&self) -> Vec<String> {
        self.store.list("v1/", None).await.unwrap().into_iter().map(|object| object.name).collect()
    }
}
