//! A slow store.

use std::time::Duration;

use async_trait::async_trait;
use share::relay::Content;
use share::relay::clock::Clock;
use share::relay::store::{Created, Object, Space, Store, StoreError};

/// Delays every operation a little before and after it happens: otherwise no race is ever lost.
pub(crate) struct Slow<S>(pub(crate) S);

async fn dawdle() {
    let wait = share::relay::clock::SystemClock.chance() % 2500;
    tokio::time::sleep(Duration::from_micros(u64::from(wait))).await;
}

#[async_trait]
impl<S: Store> Store for Slow<S> {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
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
