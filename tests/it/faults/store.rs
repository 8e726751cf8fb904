//! A store that fails on command.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use share::relay::Content;
use share::relay::store::{Creation, Object, Space, Store, StoreError};

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails, and nothing happens.
    FailBefore,
    /// It is carried out, and fails.
    FailAfter,
    /// Nothing is created, and it is said to be there.
    Conflict,
    /// It takes its time.
    Delay,
    /// It is carried out twice; what the second attempt says is the answer.
    Twice,
    /// No room for it.
    Full,
    /// The node dies, and nothing happens.
    CrashBefore,
    /// It is carried out, and the node dies.
    CrashAfter,
}

/// All of them.
pub(crate) const FAULTS: [Fault; 8] = [
    Fault::FailBefore,
    Fault::FailAfter,
    Fault::Conflict,
    Fault::Delay,
    Fault::Twice,
    Fault::Full,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

/// What may be asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Read,
    List,
    Delete,
}

/// An operation, to somebody who decides what goes wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op<'a> {
    /// Which one it is since the plan was made, from 1 on.
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    /// The object's name, or how the names of those begin that are listed.
    pub(crate) name: &'a str,
}

type Plan = Arc<dyn Fn(&Op) -> Option<Fault> + Send + Sync>;

/// What goes wrong, decided from outside.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Mutex<Option<Plan>>,
    operations: AtomicU64,
    fired: AtomicU64,
    crash: Mutex<Crash>,
    crashed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Crash {
    #[default]
    None,
    Now,
    Over,
}

impl Faults {
    /// Lets operations go wrong from now on, and counts them anew.
    pub(crate) fn plan(&self, plan: impl Fn(&Op) -> Option<Fault> + Send + Sync + 'static) {
        self.operations.store(0, Ordering::SeqCst);
        self.fired.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = Some(Arc::new(plan));
    }

    /// Lets nothing go wrong any more. Returns how many operations did.
    pub(crate) fn calm(&self) -> u64 {
        *self.plan.lock().unwrap() = None;
        self.fired.load(Ordering::SeqCst)
    }

    /// Waits until the node has died. `false`: nobody is interested any more.
    pub(crate) fn wait_for_crash(&self) -> bool {
        let mut crash = self.crash.lock().unwrap();
        loop {
            match *crash {
                Crash::None => crash = self.crashed.wait(crash).unwrap(),
                Crash::Now => {
                    *crash = Crash::None;
                    return true;
                }
                Crash::Over => return false,
            }
        }
    }

    /// Whether a node has died since somebody asked.
    pub(crate) fn has_crashed(&self) -> bool {
        std::mem::take(&mut *self.crash.lock().unwrap()) == Crash::Now
    }

    /// Nobody needs to wait for a crash any more.
    pub(crate) fn close(&self) {
        *self.crash.lock().unwrap() = Crash::Over;
        self.crashed.notify_all();
    }

    fn of(&self, kind: Kind, name: &str) -> Option<Fault> {
        let plan = self.plan.lock().unwrap().clone()?;
        let number = self.operations.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = plan(&Op { number, kind, name })?;
        self.fired.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }
}

/// The store of one node, which may go wrong.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    faults: Arc<Faults>,
    dead: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Store>, faults: Arc<Faults>) -> Self {
        Self { inner, faults, dead: AtomicBool::new(false) }
    }

    /// Nothing of this node happens any more.
    async fn die<T>(&self) -> T {
        if !self.dead.swap(true, Ordering::SeqCst) {
            let mut crash = self.faults.crash.lock().unwrap();
            if *crash == Crash::None {
                *crash = Crash::Now;
            }
            self.faults.crashed.notify_all();
        }
        std::future::pending().await
    }

    async fn meet<T, F>(&self, kind: Kind, name: &str, operation: impl Fn() -> F + Send) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        if self.dead.load(Ordering::SeqCst) {
            return self.die().await;
        }
        let failed = || StoreError::Failed("on command".to_owned());
        match self.faults.of(kind, name) {
            None => operation().await,
            Some(Fault::FailBefore | Fault::Conflict | Fault::Full) => Err(failed()),
            Some(Fault::FailAfter) => operation().await.and(Err(failed())),
            Some(Fault::Delay) => {
                tokio::time::sleep(Duration::from_millis(40)).await;
                operation().await
            }
            Some(Fault::Twice) => {
                operation().await?;
                operation().await
            }
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                let _ = operation().await;
                self.die().await
            }
        }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn create(&self, name: &str, content: Content) -> Result<Creation, StoreError> {
        if self.dead.load(Ordering::SeqCst) {
            return self.die().await;
        }
        let fault = self.faults.of(Kind::Create, name);
        if fault == Some(Fault::CrashBefore) {
            return self.die().await;
        }
        // In one piece, so that it can be created twice; a body that breaks off is the sender's failure and not ours.
        let content = match fault {
            Some(Fault::Twice) => Content::Whole(content.whole().await.map_err(StoreError::Content)?),
            _ => content,
        };
        let failed = || StoreError::Failed("on command".to_owned());
        match fault {
            None => self.inner.create(name, content).await,
            Some(Fault::FailBefore) => Err(failed()),
            Some(Fault::FailAfter) => self.inner.create(name, content).await.and(Err(failed())),
            Some(Fault::Conflict) => Ok(Creation::Exists),
            Some(Fault::Full) => Err(StoreError::NoSpace),
            Some(Fault::Delay) => {
                tokio::time::sleep(Duration::from_millis(40)).await;
                self.inner.create(name, content).await
            }
            Some(Fault::Twice) => {
                let bytes = content.whole().await.map_err(StoreError::Content)?;
                self.inner.create(name, bytes.clone().into()).await?;
                self.inner.create(name, bytes.into()).await
            }
            Some(Fault::CrashBefore | Fault::CrashAfter) => {
                let _ = self.inner.create(name, content).await;
                self.die().await
            }
        }
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        self.meet(Kind::Read, name, || self.inner.read(name, offset)).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.meet(Kind::List, prefix, || self.inner.list(prefix, before)).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        let name = names.first().map_or("", String::as_str);
        self.meet(Kind::Delete, name, || self.inner.delete(names)).await
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
