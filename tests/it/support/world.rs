//! A relay over any store that crashes and restarts, and real programs that use it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use share::relay::clock::{Clock, SystemClock};
use share::relay::rules::StoreRelay;
use share::relay::server;
use share::relay::server::{CreatePolicy, ServerOptions};
use share::relay::store::Store;
use share::relay::store::folder::{Folder, FolderError, Sharing};
use share::relay::store::memory::Memory;
use tokio::runtime::{Builder, Runtime};

use super::clock::TestClock;
use super::line::{Line, Unreliable};
use super::s3::TestS3;
use super::sandbox::{Run, Sandbox, files};
use super::settle::{POLICY, expect_order, is_data, settle};
use super::store::{Faults, Faulty};

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Memory,
    Folder,
    Bucket,
}

/// The storage, which survives crashes of the node.
enum Storage {
    Memory(Arc<Memory>),
    Folder(PathBuf),
    Bucket(TestS3),
}

/// A serving node.
struct Node {
    runtime: Runtime,
    rules: Arc<StoreRelay>,
    /// The store without its faults.
    store: Arc<dyn Store>,
}

/// The rules of a node, and its store without faults.
pub(crate) struct Here {
    rules: Arc<StoreRelay>,
    store: Arc<dyn Store>,
}

impl Here {
    pub(crate) fn parts(&self) -> (&StoreRelay, &dyn Store) {
        (&self.rules, &*self.store)
    }
}

/// A relay at one address, its store, its clock and its planned faults.
pub(crate) struct World {
    pub(crate) over: Over,
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) line: Arc<Line>,
    pub(crate) address: SocketAddr,
    /// Kept open here too, so that no other process takes the port while no node listens.
    listener: TcpListener,
    storage: Storage,
    node: Mutex<Option<Node>>,
}

impl World {
    /// Starts a relay. Whenever its node crashes, another one is started.
    pub(crate) fn new(over: Over) -> Arc<Self> {
        let sandbox = Sandbox::new();
        let clock = TestClock::at(SystemClock.now());
        let storage = match over {
            Over::Memory => Storage::Memory(Arc::new(Memory::new(clock.clone(), u64::MAX))),
            Over::Folder => Storage::Folder(sandbox.other_home("store").join("shares")),
            Over::Bucket => Storage::Bucket(TestS3::start_at(clock.clone())),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Self {
            over,
            sandbox,
            clock,
            faults: Arc::default(),
            line: Arc::default(),
            address,
            listener,
            storage,
            node: Mutex::default(),
        });
        *world.node.lock().unwrap() = Some(world.start());
        let (weak, faults) = (Arc::downgrade(&world), world.faults.clone());
        std::thread::spawn(move || {
            while faults.wait_for_crash() {
                let Some(world) = weak.upgrade() else { return };
                world.restart();
            }
        });
        world
    }

    /// The store as another node opens it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match &self.storage {
            Storage::Memory(memory) => memory.clone(),
            Storage::Folder(path) => Arc::new(Folder::open(path, Sharing::WithItsServer).unwrap()),
            Storage::Bucket(s3) => Arc::new(s3.bucket("shares")),
        }
    }

    fn start(&self) -> Node {
        let listener = self.listener.try_clone().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store: Arc<dyn Store> = match &self.storage {
            Storage::Folder(path) => Arc::new(opened(path)),
            Storage::Memory(_) | Storage::Bucket(_) => self.store(),
        };
        let faulty = Arc::new(Faulty::new(store.clone(), self.faults.clone()));
        let rules = Arc::new(StoreRelay::new(faulty, self.clock.clone(), POLICY));
        let options = ServerOptions { create: CreatePolicy::Open, ..ServerOptions::default() };
        let relay = Arc::new(Unreliable { relay: rules.clone(), line: self.line.clone() });
        runtime.spawn(async { server::serve(relay, listener, options, std::future::pending()).await });
        Node { runtime, rules, store }
    }

    /// Ends the node, and starts another one.
    pub(crate) fn restart(&self) {
        // Locked throughout, so that tests never find the world without a node.
        let mut node = self.node.lock().unwrap();
        if let Some(Node { runtime, rules, store }) = node.take() {
            drop((rules, store));
            // Waits for threads that are writing.
            runtime.shutdown_timeout(Duration::from_secs(20));
        }
        *node = Some(self.start());
    }

    /// The node that is serving now.
    pub(crate) fn node(&self) -> Here {
        let guard = self.node.lock().unwrap();
        let node = guard.as_ref().unwrap();
        Here { rules: node.rules.clone(), store: node.store.clone() }
    }

    /// Waits for something that the node does.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let handle = self.node.lock().unwrap().as_ref().unwrap().runtime.handle().clone();
        handle.block_on(work)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// A run of the program with this relay.
    pub(crate) fn share(&self, args: &[&str]) -> Run {
        self.sandbox.share(args).env("SHARE_RELAY", self.url()).env("SHARE_GIVE_UP", "30s")
    }

    /// A run of the program on another device.
    pub(crate) fn stranger(&self, args: &[&str]) -> Run {
        self.share(args).env("HOME", self.sandbox.other_home("stranger"))
    }

    /// The names of all objects.
    pub(crate) fn objects(&self) -> Vec<String> {
        let here = self.node();
        let (_, store) = here.parts();
        let mut names: Vec<String> = self.wait(async {
            let mut all = Vec::new();
            for prefix in ["v1/", "due/", "reports/", "probe/"] {
                all.extend(store.list(prefix, None).await.unwrap().into_iter().map(|object| object.name));
            }
            all
        });
        if let Storage::Folder(path) = &self.storage {
            names.extend(files(&path.join("tmp")).iter().map(|path| path.display().to_string()));
        }
        names
    }

    /// The names of objects with ciphertext or guesses.
    pub(crate) fn data(&self) -> Vec<String> {
        self.objects().into_iter().filter(|name| is_data(name)).collect()
    }

    pub(crate) fn sweep(&self) {
        let here = self.node();
        let (rules, _) = here.parts();
        self.wait(async { rules.sweep().await }).unwrap();
    }

    /// D1: one sweep after its end, no content of a share is left.
    pub(crate) fn expect_ended_shares_to_be_empty(&self) {
        self.clock.advance(121);
        self.sweep();
        self.wait(expect_order(&*self.store(), false, self.clock.now()));
    }

    /// See [`settle`].
    pub(crate) fn settle(&self) {
        self.faults.clear();
        let (store, now) = (self.store(), self.clock.now());
        self.wait(settle(store, now));
        assert!(self.objects().is_empty(), "{:?}: {:?}", self.over, self.objects());
    }
}

/// Opens the folder as soon as it is unlocked: a child process of another test may hold a copy of its lock until it
/// calls `exec`.
fn opened(path: &Path) -> Folder {
    let begun = Instant::now();
    loop {
        match Folder::open(path, Sharing::Alone) {
            Err(FolderError::InUse(_)) if begun.elapsed() < Duration::from_secs(10) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.faults.close();
        if let Some(node) = self.node.lock().unwrap_or_else(PoisonError::into_inner).take() {
            node.runtime.shutdown_background();
        }
    }
}
