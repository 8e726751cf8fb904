//! A store that holds a limited number of bytes.
//!
//! It lists all objects once, and then counts what this node creates and deletes. What other nodes do is counted at
//! the next listing. Only the objects of shares count, and only what a sender uploads is refused: the records of a
//! share that is stored already are always created.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use crate::relay::store::layout::SHARES;
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{ByteStream, Content, RelayError};

/// Time between two listings.
const LIST_EVERY: Duration = Duration::from_hours(1);

/// A store that refuses uploads beyond a limit.
pub struct Bounded {
    store: Arc<dyn Store>,
    max: u64,
    held: Arc<Mutex<Held>>,
}

/// The objects of all shares. Names are kept as hashes, which take a tenth of the memory.
#[derive(Default)]
struct Held {
    hasher: RandomState,
    lens: HashMap<u64, u64>,
    total: u64,
    /// Bytes of objects that are being created, as far as they have arrived.
    pending: u64,
    /// While a listing runs: the names that this node creates or deletes meanwhile, with their lengths.
    changes: Option<Vec<(u64, Option<u64>)>>,
}

impl Held {
    /// Notes the length of an object, or that there is none.
    fn note(&mut self, name: &str, len: Option<u64>) {
        let name = self.hasher.hash_one(name);
        if let Some(changes) = &mut self.changes {
            changes.push((name, len));
        }
        self.set(name, len);
    }

    fn set(&mut self, name: u64, len: Option<u64>) {
        let before = match len {
            Some(len) => self.lens.insert(name, len),
            None => self.lens.remove(&name),
        };
        self.total = self.total + len.unwrap_or(0) - before.unwrap_or(0);
    }
}

/// The bytes of an object that have arrived while it is being created, until this is dropped.
struct Pending {
    held: Arc<Mutex<Held>>,
    /// Of all objects; `None` for an object that is always created.
    max: Option<u64>,
    len: AtomicU64,
}

impl Pending {
    /// Counts `len` more bytes, unless they are too many.
    fn add(&self, len: u64) -> bool {
        let mut held = lock(&self.held);
        let after = held.total.saturating_add(held.pending).saturating_add(len);
        let has_room = self.max.is_none_or(|max| after <= max);
        if has_room {
            held.pending += len;
            self.len.fetch_add(len, Ordering::Relaxed);
        }
        has_room
    }

    fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        lock(&self.held).pending -= self.len();
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bounded {
    /// `store`, of which uploads may use `max` bytes. Nothing is counted before the first [listing](Self::list_all).
    pub fn new(store: Arc<dyn Store>, max: u64) -> Self {
        Self { store, max, held: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        lock(&self.held)
    }

    /// Counts all objects of shares.
    ///
    /// # Errors
    /// Those of the listing. The count stays as it was.
    pub async fn list_all(&self) -> Result<(), StoreError> {
        self.held().changes = Some(Vec::new());
        let listed = self.store.list(&format!("{SHARES}/"), None).await;
        let mut held = self.held();
        let changes = held.changes.take().unwrap_or_default();
        let objects = listed?;
        let counted = objects.iter().filter(|object| is_counted(&object.name));
        held.lens = counted.map(|Object { name, len, .. }| (held.hasher.hash_one(name), *len)).collect();
        held.total = held.lens.values().sum();
        for (name, len) in changes {
            held.set(name, len);
        }
        Ok(())
    }

    /// Counts all objects again every hour.
    pub async fn keep_listing(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LIST_EVERY).await;
            if let Err(error) = self.list_all().await {
                tracing::warn!(%error, "listing the store to count its bytes failed; the relay tries again in an hour");
            }
        }
    }

    /// Bytes that uploads may still use.
    fn left(&self) -> u64 {
        let held = self.held();
        self.max.saturating_sub(held.total.saturating_add(held.pending))
    }
}

/// Whether a name is one of a share's objects that count. The records of a report do not: the bytes that are left would
/// show the sender of a share that it was reported.
fn is_counted(name: &str) -> bool {
    name.strip_prefix(SHARES).is_some_and(|rest| rest.starts_with('/'))
        && !matches!(object_of(name), "report" | "review")
}

/// The name of an object within its share.
fn object_of(name: &str) -> &str {
    name.splitn(3, '/').nth(2).unwrap_or_default()
}

/// Whether a name is that of an object which a sender uploads: not of a record about a stored share.
fn is_uploaded(name: &str) -> bool {
    let object = object_of(name);
    object == "offer" || object == "manifest" || object.starts_with("part/")
}

/// `chunks`, each of which is counted before it is passed on: a client that sends slowly reserves nothing ahead.
fn counted(chunks: ByteStream, pending: Arc<Pending>) -> ByteStream {
    let count = move |chunk: Result<Bytes, RelayError>| {
        let chunk = chunk?;
        if pending.add(chunk.len() as u64) { Ok(chunk) } else { Err(RelayError::NO_SPACE) }
    };
    chunks.map(count).boxed()
}

#[async_trait]
impl Store for Bounded {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        if !is_counted(name) {
            return self.store.create(name, content).await;
        }
        let max = is_uploaded(name).then_some(self.max);
        let pending = Arc::new(Pending { held: self.held.clone(), max, len: AtomicU64::new(0) });
        let content = match content {
            Content::Whole(bytes) if pending.add(bytes.len() as u64) => Content::Whole(bytes),
            Content::Whole(_) => return Err(StoreError::NoSpace),
            Content::Stream { len, chunks } => Content::Stream { len, chunks: counted(chunks, pending.clone()) },
            Content::Unsized(chunks) => Content::Unsized(counted(chunks, pending.clone())),
        };
        let created = self.store.create(name, content).await?;
        if created == Created::New {
            self.held().note(name, Some(pending.len()));
        }
        Ok(created)
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        self.store.read(name, offset).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.store.list(prefix, before).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        self.store.delete(names).await?;
        let mut held = self.held();
        for name in names.iter().filter(|name| is_counted(name)) {
            held.note(name, None);
        }
        Ok(())
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.store.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let space = self.store.space().await?.unwrap_or(Space { free: u64::MAX, total: 0, left: None });
        Ok(Some(Space { left: Some(self.left()), ..space }))
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.store.keeps_versions(name).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::sync::mpsc;

    use super::*;
    use crate::relay::clock::SystemClock;
    use crate::relay::store::memory::Memory;

    const ID: &str = "v1/00112233445566778899aabbccddeeff";

    fn memory() -> Arc<Memory> {
        Arc::new(Memory::new(Arc::new(SystemClock), 1 << 20))
    }

    async fn create(store: &dyn Store, object: &str, len: usize) -> Result<Created, StoreError> {
        store.create(&format!("{ID}/{object}"), Bytes::from(vec![7; len]).into()).await
    }

    #[tokio::test]
    async fn uploads_are_refused_beyond_the_limit_and_records_are_not() {
        let store = Bounded::new(memory(), 1000);
        assert_eq!(create(&store, "part/000000-a", 600).await.unwrap(), Created::New);
        assert_eq!(create(&store, "part/000000-a", 300).await.unwrap(), Created::Exists);
        assert!(matches!(create(&store, "part/000001-a", 500).await, Err(StoreError::NoSpace)));
        assert_eq!(create(&store, "part/000001-a", 400).await.unwrap(), Created::New);
        assert_eq!(store.space().await.unwrap().and_then(|space| space.left), Some(0));
        for object in ["offer", "manifest", "part/000002-a"] {
            assert!(matches!(create(&store, object, 1).await, Err(StoreError::NoSpace)), "{object}");
        }
        for object in ["seal", "claim", "end", "try/00"] {
            assert_eq!(create(&store, object, 100).await.unwrap(), Created::New, "{object}");
        }
        for uncounted in ["due/2026112612/1-a", "used/20261126/a/b-9000", "reports/a-9000"] {
            store.create(uncounted, Bytes::from_static(b"x").into()).await.unwrap();
        }
        for uncounted in ["report", "review"] {
            assert_eq!(create(&store, uncounted, 100).await.unwrap(), Created::New, "{uncounted}");
        }
        let parts = [0, 1].map(|number| format!("{ID}/part/00000{number}-a"));
        store.delete(&parts).await.unwrap();
        store.delete(&parts).await.unwrap();
        assert_eq!(store.held().total, 400);
        store.list_all().await.unwrap();
        assert_eq!(store.held().total, 400, "listed like created");
        assert_eq!(create(&store, "manifest", 600).await.unwrap(), Created::New);
    }

    #[tokio::test]
    async fn a_body_counts_with_the_bytes_that_have_arrived() {
        let store = Bounded::new(memory(), 10);
        let name = format!("{ID}/part/000000-a");
        let counts = || {
            let held = store.held();
            (held.total, held.pending)
        };
        for is_sized in [true, false] {
            let (sender, receiver) = mpsc::channel(1);
            let chunks = stream::unfold(receiver, |mut receiver| async move {
                let len = receiver.recv().await?;
                Some((Ok(Bytes::from(vec![7; len])), receiver))
            });
            let chunks = chunks.boxed();
            let content = if is_sized { Content::Stream { len: 6, chunks } } else { Content::Unsized(chunks) };
            let creation = store.create(&name, content);
            let sends = async {
                for (sent, counted) in [(3, 3), (2, 5)] {
                    sender.send(sent).await.unwrap();
                    // The store takes it when this task waits.
                    while sender.capacity() == 0 {
                        tokio::task::yield_now().await;
                    }
                    tokio::task::yield_now().await;
                    assert_eq!(counts(), (0, counted), "no byte is reserved before it arrives");
                }
                // Others use the rest meanwhile.
                create(&store, "part/000001-a", 5).await.unwrap();
                sender.send(1).await.unwrap();
                drop(sender);
            };
            let (created, ()) = tokio::join!(creation, sends);
            assert!(matches!(created, Err(StoreError::Content(RelayError::NoSpace { .. }))));
            assert_eq!(counts(), (5, 0));
            store.delete(&[format!("{ID}/part/000001-a")]).await.unwrap();
        }
        let chunks = stream::iter([&b"abc"[..], b"de"]).map(|chunk| Ok(Bytes::from_static(chunk))).boxed();
        store.create(&name, Content::Unsized(chunks)).await.unwrap();
        assert_eq!(counts(), (5, 0));
    }

    #[tokio::test]
    async fn a_listing_finds_what_other_nodes_did() {
        let shared = memory();
        create(&*shared, "part/000000-a", 600).await.unwrap();
        let store = Bounded::new(shared.clone(), 1000);
        store.list_all().await.unwrap();
        assert_eq!(store.left(), 400);
        create(&*shared, "part/000001-a", 300).await.unwrap();
        shared.delete(&[format!("{ID}/part/000000-a")]).await.unwrap();
        assert_eq!(store.left(), 400);
        store.list_all().await.unwrap();
        assert_eq!(store.left(), 700);
    }

    #[tokio::test]
    async fn changes_during_a_listing_are_counted_once() {
        let store = Bounded::new(memory(), 1000);
        create(&store, "part/000000-a", 100).await.unwrap();
        store.held().changes = Some(Vec::new());
        create(&store, "part/000001-a", 200).await.unwrap();
        store.delete(&[format!("{ID}/part/000000-a")]).await.unwrap();
        let changes = store.held().changes.clone().unwrap();
        let lens: Vec<_> = changes.iter().map(|(_, len)| *len).collect();
        assert_eq!(lens, [Some(200), None]);
        store.list_all().await.unwrap();
        let mut held = store.held();
        for (name, len) in changes {
            held.set(name, len);
        }
        assert_eq!(held.total, 200);
    }
}
