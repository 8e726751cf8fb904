//! A store whose operations are counted and timed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::relay::Content;
use crate::relay::metrics::Metrics;
use crate::relay::store::{Created, Object, Space, Store, StoreError};

/// A store that counts its operations.
pub struct Measured {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Measured {
    /// `store`, whose operations `metrics` counts.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// Counts `work` as an operation. One that is dropped before its end is not counted.
    async fn measured<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let result = work.await;
        // The client is at fault for an error in what it sends, and not the store.
        let succeeded = matches!(result, Ok(_) | Err(StoreError::Content(_)));
        self.metrics.operation(operation, succeeded, start.elapsed());
        result
    }
}

#[async_trait]
impl Store for Measured {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        self.measured("create", self.store.create(name, content)).await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        self.measured("read", self.store.read(name, offset)).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.measured("list", self.store.list(prefix, before)).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        self.measured("delete", self.store.delete(names)).await?;
        self.metrics.deleted(names.len());
        Ok(())
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.measured("tidy", self.store.tidy()).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.measured("space", self.store.space()).await
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.measured("versions", self.store.keeps_versions(name)).await
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::relay::clock::SystemClock;
    use crate::relay::store::bounded::Bounded;
    use crate::relay::store::memory::Memory;

    #[tokio::test]
    async fn operations_are_counted_by_outcome() {
        let metrics = Arc::<Metrics>::default();
        let small = Bounded::new(Arc::new(Memory::new(Arc::new(SystemClock), 1 << 20)), 10);
        let store = Measured::new(Arc::new(small), metrics.clone());
        store.create("v1/a", Bytes::from_static(b"x").into()).await.unwrap();
        let refused = store.create("v1/b/part/000000-00000000", Bytes::from(vec![0; 100]).into()).await;
        assert!(matches!(refused, Err(StoreError::NoSpace)), "{refused:?}");
        store.read("v1/a", 0).await.unwrap();
        store.delete(&["v1/a".to_owned(), "v1/c".to_owned()]).await.unwrap();
        let text = metrics.text();
        for line in [
            "share_store_operations_total{operation=\"create\",outcome=\"success\"} 1\n",
            "share_store_operations_total{operation=\"create\",outcome=\"error\"} 1\n",
            "share_store_operations_total{operation=\"read\",outcome=\"success\"} 1\n",
            "share_store_operation_duration_seconds_count{operation=\"create\"} 2\n",
            "share_store_deleted_objects_total 2\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
