//! A store that notes each visit, and holds chosen ones up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use share::relay::Content;
use share::relay::store::{Created, Object, Space, Store, StoreError};
use tokio::sync::Semaphore;

/// A visit that is held up until the test lets it go on.
pub(crate) struct Gate {
    visit: &'static str,
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Waits until the visit has arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}

/// One node's way to a store.
pub(crate) struct Observed {
    inner: Arc<dyn Store>,
    visits: Mutex<Vec<(String, Instant)>>,
    gates: Mutex<Vec<Arc<Gate>>>,
    /// The time that each visit takes longer.
    delay: Duration,
}

impl Observed {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Self::delayed(inner, Duration::ZERO)
    }

    /// A store that is `delay` away.
    pub(crate) fn delayed(inner: Arc<dyn Store>, delay: Duration) -> Arc<Self> {
        Arc::new(Self { inner, visits: Mutex::default(), gates: Mutex::default(), delay })
    }

    /// The visits since the last call, sorted: the operation, and the kind of the object.
    pub(crate) fn visits(&self) -> Vec<String> {
        let mut visits: Vec<String> = self.timed_visits().into_iter().map(|(visit, _)| visit).collect();
        visits.sort();
        visits
    }

    /// The visits since the last call, in their order, and when each began.
    pub(crate) fn timed_visits(&self) -> Vec<(String, Instant)> {
        std::mem::take(&mut *self.visits.lock().unwrap())
    }

    /// Holds the next such visit up, before it has an effect.
    pub(crate) fn hold(&self, visit: &'static str) -> Arc<Gate> {
        let gate = Arc::new(Gate { visit, arrived: Semaphore::new(0), open: Semaphore::new(0) });
        self.gates.lock().unwrap().push(gate.clone());
        gate
    }

    async fn visit(&self, operation: &str, name: &str) {
        let visit = format!("{operation} {}", kind(name));
        self.visits.lock().unwrap().push((visit.clone(), Instant::now()));
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let gate = {
            let mut gates = self.gates.lock().unwrap();
            gates.iter().position(|gate| gate.visit == visit).map(|at| gates.remove(at))
        };
        if let Some(gate) = gate {
            gate.arrived.add_permits(1);
            gate.open.acquire().await.unwrap().forget();
        }
    }
}

/// The kind of an object, such as `seal`, `part` or `hint`.
fn kind(name: &str) -> &str {
    let mut steps = name.split('/');
    match steps.next() {
        Some("due") => "hint",
        Some("reports") => "index",
        Some("v1") => steps.nth(1).unwrap_or("share"),
        _ => "probe",
    }
}

#[async_trait]
impl Store for Observed {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        self.visit("create", name).await;
        self.inner.create(name, content).await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        self.visit("read", name).await;
        self.inner.read(name, offset).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.visit("list", prefix).await;
        self.inner.list(prefix, before).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        self.visit("delete", names.first().map_or("", String::as_str)).await;
        self.inner.delete(names).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.inner.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.inner.space().await
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.inner.keeps_versions(name).await
    }
}
