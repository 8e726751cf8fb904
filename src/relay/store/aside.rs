//! A store that sets room for reported shares aside.
//!
//! Uploads may use the rest. So the room for uploads is the same whether a share was deleted after its hold or is kept
//! because it was reported: when the bytes of another one would become free, those of a kept share count as a part of
//! the room for reports. Otherwise the lengths that a relay accepts would show a sender whether a share was reported.
//!
//! It lists the kept shares once, and then counts those that this node adds and deletes. What other nodes do is counted
//! at the next listing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::relay::Content;
use crate::relay::store::bounded::Bounded;
use crate::relay::store::layout::{KEPT, REPORTS};
use crate::relay::store::{Created, Object, Space, Store, StoreError};

/// Time between two listings above a store that counts its bytes, which lists at the same time.
const LIST_EVERY: Duration = Duration::from_hours(1);
/// Time between two listings above a disk, whose free space shows at once what other nodes delete.
const LIST_KEPT_EVERY: Duration = Duration::from_mins(1);

/// A store with room for reported shares.
pub struct SetAside {
    store: Arc<dyn Store>,
    /// The store below that counts its bytes, if there is one: both must list at the same time.
    bounded: Option<Arc<Bounded>>,
    max: u64,
    kept: Mutex<Kept>,
}

/// The kept shares: the names of their index, and their lengths in bytes.
#[derive(Default)]
struct Kept {
    lens: HashMap<String, u64>,
    /// While a listing runs: the names that this node creates or deletes meanwhile, and whether they exist then.
    changes: Option<Vec<(String, bool)>>,
}

impl Kept {
    /// Notes that an object exists, or that it does not.
    fn note(&mut self, name: &str, exists: bool) {
        if let Some(changes) = &mut self.changes {
            changes.push((name.to_owned(), exists));
        }
        self.set(name, exists);
    }

    fn set(&mut self, name: &str, exists: bool) {
        match kept_bytes(name) {
            Some(len) if exists => drop(self.lens.insert(name.to_owned(), len)),
            _ => drop(self.lens.remove(name)),
        }
    }

    fn total(&self) -> u64 {
        self.lens.values().fold(0, |sum, len| sum.saturating_add(*len))
    }
}

/// The bytes of a kept share, from the name in its index.
fn kept_bytes(name: &str) -> Option<u64> {
    let name = name.strip_prefix(REPORTS)?.strip_prefix('/')?;
    name.strip_suffix(KEPT)?.split_once('-')?.1.parse().ok()
}

impl SetAside {
    /// `store`, of which `max` bytes are for reported shares. `bounded` is the store below it that limits its bytes, if
    /// there is one. Nothing is counted before the first [listing](Self::list_all).
    pub fn new(store: Arc<dyn Store>, bounded: Option<Arc<Bounded>>, max: u64) -> Self {
        Self { store, bounded, max, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code panics while it holds the lock, so the map is consistent.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts all objects of the store below, if it is bounded, and then all kept shares.
    ///
    /// # Errors
    /// Those of the listings. The count stays as it was.
    pub async fn list_all(&self) -> Result<(), StoreError> {
        if let Some(bounded) = &self.bounded {
            bounded.list_all().await?;
        }
        self.kept().changes = Some(Vec::new());
        let listed = self.store.list(&format!("{REPORTS}/"), None).await;
        let mut kept = self.kept();
        let changes = kept.changes.take().unwrap_or_default();
        let objects = listed?;
        kept.lens = objects
            .into_iter()
            .filter_map(|object| Some((kept_bytes(&object.name)?, object.name)))
            .map(|(len, name)| (name, len))
            .collect();
        for (name, exists) in changes {
            kept.set(&name, exists);
        }
        Ok(())
    }

    /// Counts everything again from time to time. In a store of unknown size nothing is counted.
    pub async fn keep_listing(self: Arc<Self>) {
        let every = if self.bounded.is_some() { LIST_EVERY } else { LIST_KEPT_EVERY };
        while !matches!(self.store.space().await, Ok(None)) {
            tokio::time::sleep(every).await;
            if let Err(error) = self.list_all().await {
                tracing::warn!(%error, "listing the store to count its bytes failed; the relay tries again later");
            }
        }
    }
}

#[async_trait]
impl Store for SetAside {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let created = self.store.create(name, content).await?;
        if kept_bytes(name).is_some() {
            // Also if another node has created it.
            self.kept().note(name, true);
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
        let mut kept = self.kept();
        for name in names.iter().filter(|name| kept_bytes(name).is_some()) {
            kept.note(name, false);
        }
        Ok(())
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.store.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let Some(space) = self.store.space().await? else { return Ok(None) };
        let kept = self.kept().total();
        let for_uploads = |bytes: u64| bytes.saturating_add(kept).saturating_sub(self.max);
        Ok(Some(Space { free: for_uploads(space.free), left: space.left.map(for_uploads), ..space }))
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.store.keeps_versions(name).await
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::relay::clock::SystemClock;
    use crate::relay::store::memory::Memory;

    const ID: &str = "00112233445566778899aabbccddeeff";

    fn memory() -> Arc<Memory> {
        Arc::new(Memory::new(Arc::new(SystemClock), 10_000))
    }

    async fn create(store: &dyn Store, name: &str, len: usize) {
        store.create(name, Bytes::from(vec![7; len]).into()).await.unwrap();
    }

    async fn space(store: &dyn Store) -> (u64, Option<u64>) {
        let space = store.space().await.unwrap().unwrap();
        (space.free, space.left)
    }

    #[tokio::test]
    async fn keeping_a_share_makes_the_room_that_deleting_it_would() {
        for is_kept in [true, false] {
            let bounded = Arc::new(Bounded::new(memory(), 5000));
            let store = SetAside::new(bounded.clone(), Some(bounded), 2000);
            assert_eq!(space(&store).await, (8000, Some(3000)));
            let part = format!("v1/{ID}/part/000000-00000000");
            create(&store, &part, 1000).await;
            create(&store, &format!("reports/{ID}-1000"), 0).await;
            assert_eq!(space(&store).await, (7000, Some(2000)));
            let kept = format!("reports/{ID}-1000-kept");
            if is_kept {
                create(&store, &kept, 0).await;
                create(&store, &kept, 0).await;
            } else {
                store.delete(std::slice::from_ref(&part)).await.unwrap();
            }
            assert_eq!(space(&store).await, (8000, Some(3000)), "{is_kept}");
            store.list_all().await.unwrap();
            assert_eq!(space(&store).await, (8000, Some(3000)), "{is_kept}");
            store.delete(&[part, kept]).await.unwrap();
            assert_eq!(space(&store).await, (8000, Some(3000)), "{is_kept}");
        }
    }

    #[tokio::test]
    async fn a_listing_finds_what_other_nodes_keep() {
        let shared = memory();
        let store = SetAside::new(shared.clone(), None, 2000);
        create(&*shared, &format!("reports/{ID}-700-kept"), 0).await;
        create(&*shared, "reports/other", 0).await;
        assert_eq!(space(&store).await, (8000, None));
        store.list_all().await.unwrap();
        assert_eq!(space(&store).await, (8700, None));
        store.kept().changes = Some(Vec::new());
        create(&store, "reports/aa-1-kept", 0).await;
        store.delete(&[format!("reports/{ID}-700-kept")]).await.unwrap();
        assert_eq!(store.kept().changes.take().map(|changes| changes.len()), Some(2), "noted while it lists");
        assert_eq!(space(&store).await, (8001, None));
    }

    #[tokio::test(start_paused = true)]
    async fn above_a_disk_it_counts_what_other_nodes_keep_each_minute() {
        let shared = memory();
        let store = Arc::new(SetAside::new(shared.clone(), None, 1000));
        let listing = tokio::spawn(store.clone().keep_listing());
        create(&*shared, &format!("reports/{ID}-700-kept"), 0).await;
        assert_eq!(space(&*store).await, (9000, None));
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(space(&*store).await, (9700, None));
        listing.abort();
    }

    #[tokio::test]
    async fn room_for_more_than_the_store_has_leaves_none() {
        let store = SetAside::new(memory(), None, u64::MAX);
        assert_eq!(space(&store).await, (0, None), "no upload is accepted");
    }
}
