//! A store in memory: for tests, and for a relay that keeps nothing when it stops.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::relay::Content;
use crate::relay::clock::Clock;
use crate::relay::store::{Created, Object, Space, Store, StoreError};

/// Objects in a map.
pub struct Memory {
    objects: Mutex<BTreeMap<String, (Bytes, u64)>>,
    clock: Arc<dyn Clock>,
    /// Capacity in bytes.
    capacity: u64,
}

impl Memory {
    /// An empty store for up to `capacity` bytes, which dates its objects by `clock`.
    pub fn new(clock: Arc<dyn Clock>, capacity: u64) -> Self {
        Self { objects: Mutex::default(), clock, capacity }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, u64)>> {
        // No code panics while it holds the lock, so the map is consistent.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let bytes = content.whole().await.map_err(StoreError::Content)?;
        let now = self.clock.now();
        let mut objects = self.objects();
        if objects.contains_key(name) {
            return Ok(Created::Exists);
        }
        objects.insert(name.to_owned(), (bytes, now));
        Ok(Created::New)
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let found = self.objects().get(name).map(|(bytes, _)| bytes.clone());
        Ok(found.map(|bytes| {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            Content::Whole(bytes.slice(offset..))
        }))
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let objects = self.objects();
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        if before.is_some_and(|before| before <= prefix) {
            return Ok(Vec::new());
        }
        Ok(objects
            .range::<str, _>((Bound::Included(prefix), end))
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, (bytes, written))| Object { name: name.clone(), len: bytes.len() as u64, written: *written })
            .collect())
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        let mut objects = self.objects();
        for name in names {
            objects.remove(name);
        }
        Ok(())
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let used: u64 = self.objects().values().map(|(bytes, _)| bytes.len() as u64).sum();
        Ok(Some(Space { free: self.capacity.saturating_sub(used), total: self.capacity, left: None }))
    }

    async fn keeps_versions(&self, _: &str) -> Result<Option<bool>, StoreError> {
        Ok(Some(false))
    }
}
