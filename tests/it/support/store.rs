//! A store with planned faults.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use share::relay::Content;
use share::relay::store::{Created, Object, Space, Store, StoreError};

/// A fault of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The operation fails and has no effect.
    FailBefore,
    /// The operation is carried out, and fails.
    FailAfter,
    /// The operation has no effect, and fails because of another writer: a creation as if the object existed, any other
    /// operation as a bucket answers a conflict (409).
    Conflict,
    /// The operation takes long.
    Delay,
    /// The operation is carried out twice; the second result is returned.
    Twice,
    /// There is no room for it.
    Full,
    /// The node crashes before the operation has an effect.
    CrashBefore,
    /// The operation is carried out, and the node crashes.
    CrashAfter,
}

/// All faults.
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

/// The duration of [`Fault::Delay`].
const DELAY: Duration = Duration::from_millis(40);

/// The error of an operation that conflicts with another one, as a bucket returns it.
const CONFLICT: &str = "it answers with status 409";

/// The kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Create,
    Read,
    List,
    Delete,
}

/// An operation, for the plan that chooses its fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op<'a> {
    /// Its number among all operations since the plan was made, from 1 on.
    pub(crate) number: u64,
    /// Its number among those of its kind, from 1 on.
    pub(crate) number_of_kind: u64,
    pub(crate) kind: Kind,
    /// The object's name, or the prefix of a listing.
    pub(crate) name: &'a str,
}

type Plan = Arc<dyn Fn(&Op) -> Option<Fault> + Send + Sync>;

/// The planned faults of a store.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Mutex<Option<Plan>>,
    counts: Mutex<Counts>,
    crash: Mutex<Crash>,
    crashed: Condvar,
}

/// Counts since the plan was made.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Operations by kind.
    asked: [u64; 4],
    /// Faults that were observed.
    seen: u64,
}

impl Counts {
    /// The number of operations of a kind.
    pub(crate) fn asked(&self, kind: Kind) -> u64 {
        self.asked[kind as usize]
    }

    /// The number of operations.
    pub(crate) fn asked_in_all(&self) -> u64 {
        self.asked.iter().sum()
    }
}

/// The observed effects of an operation: executions, duration and result.
struct Observed {
    carried_out: u64,
    took: Duration,
    outcome: Outcome,
}

/// The result for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    Conflict,
    NoSpace,
    /// None, because the node crashed.
    Silence,
}

impl Outcome {
    fn of<T>(answer: Option<&Result<T, StoreError>>, carried_out: u64) -> Self {
        match answer {
            None => Self::Silence,
            Some(Err(StoreError::NoSpace)) => Self::NoSpace,
            Some(Err(StoreError::Failed(why))) if why == CONFLICT => Self::Conflict,
            Some(Err(_)) => Self::Failed,
            // The only result of an operation without effect: the object is reported as existing.
            Some(Ok(_)) if carried_out == 0 => Self::Conflict,
            Some(Ok(_)) => Self::Done,
        }
    }
}

impl Observed {
    /// Whether these effects are those of the planned fault.
    fn is(&self, fault: Fault) -> bool {
        let Self { carried_out, took, outcome } = *self;
        match fault {
            Fault::FailBefore => (carried_out, outcome) == (0, Outcome::Failed),
            Fault::FailAfter => (carried_out, outcome) == (1, Outcome::Failed),
            Fault::Conflict => (carried_out, outcome) == (0, Outcome::Conflict),
            Fault::Delay => carried_out == 1 && took >= DELAY,
            Fault::Twice => carried_out == 2,
            Fault::Full => (carried_out, outcome) == (0, Outcome::NoSpace),
            Fault::CrashBefore => (carried_out, outcome) == (0, Outcome::Silence),
            Fault::CrashAfter => (carried_out, outcome) == (1, Outcome::Silence),
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Crash {
    #[default]
    None,
    Now,
    Over,
}

impl Faults {
    /// Plans faults for later operations, and restarts their counts.
    pub(crate) fn plan(&self, plan: impl Fn(&Op) -> Option<Fault> + Send + Sync + 'static) {
        *self.counts.lock().unwrap() = Counts::default();
        *self.plan.lock().unwrap() = Some(Arc::new(plan));
    }

    /// Clears the plan. Returns how many faults were observed.
    pub(crate) fn clear(&self) -> u64 {
        *self.plan.lock().unwrap() = None;
        self.counts().seen
    }

    /// Counts since the plan was made.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }

    /// Waits until the node has crashed. `false`: the world has ended.
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

    /// Whether a node has crashed since the last call.
    pub(crate) fn has_crashed(&self) -> bool {
        std::mem::take(&mut *self.crash.lock().unwrap()) == Crash::Now
    }

    /// Ends [`Faults::wait_for_crash`].
    pub(crate) fn close(&self) {
        *self.crash.lock().unwrap() = Crash::Over;
        self.crashed.notify_all();
    }

    fn of(&self, kind: Kind, name: &str) -> Option<Fault> {
        let plan = self.plan.lock().unwrap().clone()?;
        let mut counts = self.counts.lock().unwrap();
        counts.asked[kind as usize] += 1;
        let (number, number_of_kind) = (counts.asked_in_all(), counts.asked(kind));
        drop(counts);
        plan(&Op { number, number_of_kind, kind, name })
    }

    /// Counts a fault if its effects were observed.
    fn observe(&self, fault: Fault, observed: &Observed) {
        if observed.is(fault) {
            self.counts.lock().unwrap().seen += 1;
        }
    }
}

/// The store of one node, with faults.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    faults: Arc<Faults>,
    dead: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Store>, faults: Arc<Faults>) -> Self {
        Self { inner, faults, dead: AtomicBool::new(false) }
    }

    /// Stops this node forever.
    async fn die<T>(&self) -> T {
        if !self.dead.swap(true, Ordering::SeqCst) {
            let mut crash = self.faults.crash.lock().unwrap();
            if *crash == Crash::None {
                *crash = Crash::Now;
            }
            self.faults.crashed.notify_all();
        }
        pending().await
    }

    /// The fault of an operation. A crashed node never answers.
    async fn fault(&self, kind: Kind, name: &str) -> Option<Fault> {
        if self.dead.load(Ordering::SeqCst) {
            return self.die().await;
        }
        self.faults.of(kind, name)
    }

    /// Carries an operation out, with its fault. `conflict` is the answer to a conflict.
    async fn meet<T, F>(
        &self,
        fault: Option<Fault>,
        conflict: Result<T, StoreError>,
        mut operation: impl FnMut() -> F + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let Some(fault) = fault else { return operation().await };
        let (begun, carried_out) = (Instant::now(), AtomicU64::new(0));
        let mut carry_out = || {
            carried_out.fetch_add(1, Ordering::SeqCst);
            operation()
        };
        let failed = || Err(StoreError::Failed("on command".to_owned()));
        let answer = match fault {
            Fault::FailBefore => Some(failed()),
            Fault::FailAfter => Some(carry_out().await.and(failed())),
            Fault::Conflict => Some(conflict),
            Fault::Full => Some(Err(StoreError::NoSpace)),
            Fault::Delay => {
                tokio::time::sleep(DELAY).await;
                Some(carry_out().await)
            }
            Fault::Twice => {
                carry_out().await?;
                Some(carry_out().await)
            }
            Fault::CrashBefore => None,
            Fault::CrashAfter => {
                let _ = carry_out().await;
                None
            }
        };
        let carried_out = carried_out.into_inner();
        let outcome = Outcome::of(answer.as_ref(), carried_out);
        self.faults.observe(fault, &Observed { carried_out, took: begun.elapsed(), outcome });
        match answer {
            Some(answer) => answer,
            None => self.die().await,
        }
    }
}

fn conflicts<T>() -> Result<T, StoreError> {
    Err(StoreError::Failed(CONFLICT.to_owned()))
}

#[async_trait]
impl Store for Faulty {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let fault = self.fault(Kind::Create, name).await;
        // Collected first, so that it can be created twice; a body that breaks off is the sender's failure.
        let content = match fault {
            Some(Fault::Twice) => Content::Whole(content.whole().await.map_err(StoreError::Content)?),
            _ => content,
        };
        let mut content = Some(content);
        let operation = || {
            let this_time = match &content {
                Some(Content::Whole(bytes)) => bytes.clone().into(),
                _ => content.take().unwrap(),
            };
            self.inner.create(name, this_time)
        };
        self.meet(fault, Ok(Created::Exists), operation).await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let fault = self.fault(Kind::Read, name).await;
        self.meet(fault, conflicts(), || self.inner.read(name, offset)).await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let fault = self.fault(Kind::List, prefix).await;
        self.meet(fault, conflicts(), || self.inner.list(prefix, before)).await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        let fault = self.fault(Kind::Delete, names.first().map_or("", String::as_str)).await;
        self.meet(fault, conflicts(), || self.inner.delete(names)).await
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
