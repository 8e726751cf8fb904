//! Relays for the contract: the rules over each store, alone and behind real servers, with a clock of the test's own.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use share::link::RelayUrl;
use share::relay::clock::Clock;
use share::relay::http::HttpRelay;
use share::relay::keeper::{Keeper, Policy};
use share::relay::server::{self, Creation as Admission, Options};
use share::relay::store::folder::{Folder, Sharing};
use share::relay::store::memory::Memory;
use share::relay::store::{Creation, Object, Space, Store, StoreError};
use share::relay::{Checksum, Commit, Content, Create, Credential, Relay, RelayError, V1, Verifiers};
use share::seal::PART_LEN;
use share::secret::{DeviceSecret, Flags, Keys, LinkSecret, Token};
use tempfile::TempDir;

use super::s3::TestS3;

/// A clock that the test moves.
#[derive(Default)]
pub(crate) struct TestClock {
    now: AtomicU64,
    dice: AtomicU32,
}

impl TestClock {
    pub(crate) fn at(now: u64) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(now), dice: AtomicU32::new(7) })
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn chance(&self) -> u32 {
        self.dice.fetch_add(0x9e37_79b9, Ordering::Relaxed)
    }
}

/// Makes every operation wait a little before and after it happens: without that, races are never lost.
pub(crate) struct Slow<S>(pub(crate) S);

async fn dawdle() {
    let wait = share::relay::clock::SystemClock.chance() % 2500;
    tokio::time::sleep(Duration::from_micros(u64::from(wait))).await;
}

#[async_trait]
impl<S: Store> Store for Slow<S> {
    async fn create(&self, name: &str, content: Content) -> Result<Creation, StoreError> {
        dawdle().await;
        let created = self.0.create(name, content).await;
        dawdle().await;
        created
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        dawdle().await;
        let read = self.0.read(name, offset).await;
        dawdle().await;
        read
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        dawdle().await;
        self.0.list(prefix, before).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        dawdle().await;
        self.0.delete(names).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.0.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.0.space().await
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.0.keeps_versions(name).await
    }
}

/// One way to have a relay.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<TestClock>,
    _folder: Option<TempDir>,
    _s3: Option<TestS3>,
}

/// The moment at which all tests begin: what a folder's files are dated by does not matter to the rules.
pub(crate) const START: u64 = 4_102_444_800; // 1 Jan 2100

fn policy() -> Policy {
    Policy { reserve: Some(0), ..Policy::default() }
}

/// Serves `relay` on a free port, and returns a client of it.
pub(crate) fn served(relay: Arc<dyn Relay>) -> (Arc<dyn Relay>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = Options { create: Admission::Open, ..Options::default() };
    tokio::spawn(server::serve(relay, listener, options, std::future::pending()));
    let client = HttpRelay::new(RelayUrl::parse(&url).unwrap(), None, Duration::from_mins(1)).unwrap();
    (Arc::new(client), url)
}

impl Bench {
    pub(crate) fn over(name: &'static str, store: Arc<dyn Store>, clock: Arc<TestClock>) -> Self {
        let keeper = Arc::new(Keeper::new(store.clone(), clock.clone(), policy()));
        Self { name, relay: keeper.clone(), keeper, store, clock, _folder: None, _s3: None }
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

    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
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

    /// The names of a store's objects of ciphertext: parts, manifests and tries.
    pub(crate) async fn data(&self) -> Vec<String> {
        let objects = self.store.list("v1/", None).await.unwrap();
        let names = objects.into_iter().map(|object| object.name);
        names.filter(|name| name.contains("/part/") || name.contains("/try/") || name.ends_with("/manifest")).collect()
    }

    /// Everything that a store holds, except what the sweeper has yet to look at.
    pub(crate) async fn objects(&self) -> Vec<String> {
        self.store.list("v1/", None).await.unwrap().into_iter().map(|object| object.name).collect()
    }
}

/// A share as its sender and openers have it, without any flow.
pub(crate) struct Sample {
    pub(crate) keys: Keys,
    pub(crate) owner: Credential,
    pub(crate) create: Create,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) commit: Commit,
}

impl Sample {
    /// A share of `blob_len` bytes of noise.
    pub(crate) fn new(blob_len: usize, passphrase: bool) -> Self {
        let flags = if passphrase { Flags::PASSPHRASE } else { Flags::default() };
        // A relay sees one token of a passphrase: no need to spend half a second on stretching one.
        let keys = LinkSecret::random(Flags::default()).keys(None);
        let owner = Credential::new(keys.id, Token::random());
        let verifiers = Verifiers::of(&keys.id, &keys.link_token, &keys.open_token, &owner.token);
        let create =
            Create { v: V1, flags: flags.bits(), ttl: 14 * 86_400, verifiers, max_len: None, create_token: None };
        let blob = Bytes::from(super::noise::noise(blob_len, 5));
        let parts: Vec<Bytes> = (0..blob_len.div_ceil(PART_LEN))
            .map(|number| blob.slice(number * PART_LEN..blob_len.min((number + 1) * PART_LEN)))
            .collect();
        let crcs = parts.iter().map(|part| Checksum::of(part)).collect();
        let commit =
            Commit { v: V1, blob_len: blob_len as u64, parts: crcs, manifest: Bytes::from_static(b"manifest") };
        Self { keys, owner, create, parts, commit }
    }

    pub(crate) fn link(&self) -> Credential {
        Credential::new(self.keys.id, self.keys.link_token.clone())
    }

    pub(crate) fn proof(&self) -> &Token {
        &self.keys.open_token
    }

    /// The claim token of some device, and the credential that it makes.
    pub(crate) fn device(&self) -> Credential {
        Credential::new(self.keys.id, DeviceSecret::random().claim_token(&self.keys.id))
    }

    /// Uploads and seals it.
    pub(crate) async fn send(&self, relay: &dyn Relay) {
        again(|| relay.create(&self.owner, &self.create)).await;
        self.put_all(relay).await;
        again(|| relay.commit(&self.owner, &self.commit)).await;
    }

    pub(crate) async fn put_all(&self, relay: &dyn Relay) {
        for (number, part) in (0..).zip(&self.parts) {
            let crc = Checksum::of(part);
            again(|| relay.put_part(&self.owner, number, crc, part.clone().into())).await;
        }
    }
}

/// What a client does when a relay is busy: the disk of a loaded machine may take seconds.
async fn again<T, F: Future<Output = Result<T, RelayError>>>(ask: impl Fn() -> F) -> T {
    for _ in 0..10 {
        match ask().await {
            Err(error) if error.is_transient() => {}
            answer => return answer.unwrap(),
        }
    }
    panic!("busy for too long")
}
