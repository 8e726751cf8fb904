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
