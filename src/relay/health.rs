//! Whether a relay can do its work: its store, its clock and its certificate.
//!
//! The store is tested when a report is asked for, and the result serves all reports of the next ten seconds. A test
//! writes, lists and deletes an object, since a folder that was unmounted still reads like an empty one. One test runs
//! at a time: a store that hangs holds one thread, and not one more with each report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::relay::clock::{Clock, SystemClock};
use crate::relay::metrics::{Certificate, Metrics};

/// How long the result of a test holds.
pub const FRESH: Duration = Duration::from_secs(10);
/// The longest time of a test.
pub const PROBE_TIME: Duration = Duration::from_secs(5);

/// The state of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It works.
    Works,
    /// It has no room for uploads. Shares can be opened.
    Full,
    /// Its clock and ours differ: nothing is opened or deleted.
    ClockDiffers,
    /// It fails, for this reason.
    Fails(String),
}

/// A store that can be tested.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Tests the store.
    async fn probe_store(&self) -> StoreState;
}

/// A reason why a relay cannot do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `store`, `clock`, `certificate` or `stopping`.
    pub what: &'static str,
    /// A sentence for people.
    pub detail: String,
}

/// The health of a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it should get requests.
    pub ready: bool,
    /// The reasons against it.
    pub problems: Vec<Problem>,
    /// Whether the store has no room for uploads. Shares can still be opened, so the relay stays ready.
    pub full: bool,
}

/// Reports the health of a relay.
pub struct Health {
    store: Arc<dyn Probe>,
    metrics: Arc<Metrics>,
    stopping: AtomicBool,
    tests: Mutex<Tests>,
}

/// The tests of a store.
#[derive(Default)]
struct Tests {
    /// When the last result was found, and the result.
    last: Option<(Instant, StoreState)>,
    /// When the running test began, and the test.
    running: Option<(Instant, JoinHandle<StoreState>)>,
}

impl Health {
    /// The health of the relay over `store`.
    pub fn new(store: Arc<dyn Probe>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, stopping: AtomicBool::new(false), tests: Mutex::default() }
    }

    /// Notes that the relay stops: it is not ready any more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The health now. The metrics show it too.
    pub async fn report(&self) -> Report {
        let report = self.find().await;
        self.metrics.set_ready(report.ready);
        report
    }

    async fn find(&self) -> Report {
        if self.stopping.load(Ordering::Relaxed) {
            let problem = Problem { what: "stopping", detail: "the relay is stopping".to_owned() };
            return Report { ready: false, problems: vec![problem], full: false };
        }
        let store = self.store().await;
        let full = store == StoreState::Full;
        let problems: Vec<_> = store_problem(store).into_iter().chain(self.certificate_problem()).collect();
        Report { ready: problems.is_empty(), problems, full }
    }

    /// The state of the store: tested now, or a moment ago.
    async fn store(&self) -> StoreState {
        let mut tests = self.tests.lock().await;
        if let Some((at, state)) = &tests.last
            && at.elapsed() < FRESH
        {
            return state.clone();
        }
        let state = self.test(&mut tests.running).await;
        tests.last = Some((Instant::now(), state.clone()));
        state
    }

    /// Tests the store, or waits for the test that runs already.
    async fn test(&self, running: &mut Option<(Instant, JoinHandle<StoreState>)>) -> StoreState {
        // An answer after too long a time does not show that the store works now.
        let (begun, test) = match running.take_if(|(_, test)| !test.is_finished()) {
            Some(test) => running.insert(test),
            None => {
                let store = self.store.clone();
                running.insert((Instant::now(), tokio::spawn(async move { store.probe_store().await })))
            }
        };
        match timeout_at(*begun + PROBE_TIME, test).await {
            Ok(ended) => {
                *running = None;
                ended.unwrap_or_else(|_| StoreState::Fails("the test broke off".to_owned()))
            }
            Err(_) => StoreState::Fails(format!("no answer for {} seconds", begun.elapsed().as_secs())),
        }
    }

    fn certificate_problem(&self) -> Option<Problem> {
        let detail = match self.metrics.certificate() {
            Certificate::Unused => return None,
            Certificate::Missing => "there is no certificate yet",
            Certificate::Until(end) if end > SystemClock.now() => return None,
            Certificate::Until(_) => "the certificate has expired",
        };
        Some(Problem { what: "certificate", detail: detail.to_owned() })
    }
}

fn store_problem(state: StoreState) -> Option<Problem> {
    match state {
        StoreState::Works | StoreState::Full => None,
        StoreState::ClockDiffers => {
            let detail = "the clocks of this machine and of the store differ".to_owned();
            Some(Problem { what: "clock", detail })
        }
        StoreState::Fails(why) => Some(Problem { what: "store", detail: format!("the store does not work: {why}") }),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::AtomicU32;

    use tokio::time::advance;

    use super::*;

    /// A store in some state, which counts its tests. Without a state it never answers.
    struct Fake(Option<StoreState>, AtomicU32);

    #[async_trait]
    impl Probe for Fake {
        async fn probe_store(&self) -> StoreState {
            self.1.fetch_add(1, Ordering::Relaxed);
            match &self.0 {
                Some(state) => state.clone(),
                None => pending().await,
            }
        }
    }

    fn health(state: Option<StoreState>) -> (Arc<Fake>, Health) {
        let fake = Arc::new(Fake(state, AtomicU32::new(0)));
        (fake.clone(), Health::new(fake, Arc::default()))
    }

    async fn problems(health: &Health) -> Vec<&'static str> {
        health.report().await.problems.iter().map(|problem| problem.what).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_is_tested_once_in_ten_seconds() {
        let (fake, health) = health(Some(StoreState::Works));
        for _ in 0..3 {
            assert!(health.report().await.ready);
        }
        assert_eq!(fake.1.load(Ordering::Relaxed), 1);
        advance(FRESH).await;
        assert!(health.report().await.ready);
        assert_eq!(fake.1.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_named_in_time() {
        let start = Instant::now();
        assert_eq!(problems(&health(None).1).await, ["store"]);
        assert_eq!(start.elapsed(), PROBE_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_not_tested_again() {
        let (fake, health) = health(None);
        for waited in ["5 seconds", "15 seconds", "25 seconds"] {
            let report = health.report().await;
            assert!(
                !report.ready && report.problems[0].detail.ends_with(&format!("no answer for {waited}")),
                "{report:?}"
            );
            assert!(health.metrics.text().contains("\nshare_ready 0\n"));
            advance(FRESH).await;
        }
        assert_eq!(fake.1.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn each_problem_is_named() {
        for (state, expected) in [
            (StoreState::Works, vec![]),
            (StoreState::Full, vec![]),
            (StoreState::ClockDiffers, vec!["clock"]),
            (StoreState::Fails("x".to_owned()), vec!["store"]),
        ] {
            let is_full = state == StoreState::Full;
            let (_, health) = health(Some(state));
            assert_eq!(problems(&health).await, expected);
            assert_eq!(health.report().await.full, is_full);
            for certificate in [Certificate::Missing, Certificate::Until(SystemClock.now() - 1)] {
                health.metrics.set_certificate(certificate);
                assert_eq!(problems(&health).await, [&expected[..], &["certificate"]].concat());
            }
            health.metrics.set_certificate(Certificate::Until(SystemClock.now() + 60));
            assert_eq!(problems(&health).await, expected);
            health.stop();
            assert_eq!(problems(&health).await, ["stopping"]);
        }
    }
}
