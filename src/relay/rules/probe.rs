//! Tests of a store: whether it has what the rules rely on. A relay runs them at startup.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;

use crate::relay::backoff;
use crate::relay::clock::Clock;
use crate::relay::health::{Probe, StoreState};
use crate::relay::rules::{CLOCK_TOLERANCE, StoreRelay, names};
use crate::relay::store::layout::MARKER;
use crate::relay::store::{Created, Space, Store, StoreError};
use crate::secret::random_hex;

/// Suffixes of a name, not in the order of a listing.
const ORDER: [&str; 3] = ["-c", "-a", "-b"];
/// Suffix of the object that shows whether the bucket keeps versions.
const VERSION: &str = "-v";
/// The first pause before a repeated request.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Limit of a pause; each is shorter.
const PAUSE_LIMIT: Duration = Duration::from_secs(3);
/// Parallel creations of one name.
const RACERS: usize = 16;

/// Reasons why a relay must not run on a store.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Two creations of one name succeeded: a share could be opened twice.
    #[error("the store lets two writers create one object: a share could be opened twice")]
    NotExclusive,
    /// A written object is missing, or a deleted one is still there.
    #[error("the store does not return or list exactly what was written")]
    NotConsistent,
    /// The clocks differ: shares would expire early or late.
    #[error("the clocks of this machine and of the store differ by {} seconds", .0.as_secs())]
    Clock(Duration),
    /// An operation failed.
    #[error("the store cannot be used: {0}")]
    Failed(#[from] StoreError),
}

/// Findings about a store that is fit.
#[derive(Clone, Copy, Debug)]
pub struct ProbeResult {
    /// Difference between our clock and the store's, in whole seconds.
    pub clock: Duration,
    /// Its space, if the store reports that.
    pub space: Option<Space>,
    /// Whether it keeps versions of deleted objects, if the store reports that.
    pub keeps_versions: Option<bool>,
}

impl StoreRelay {
    /// Tests what the rules rely on: exclusive creation, reading and listing after writing, deletion, the clock.
    ///
    /// # Errors
    /// The first test that the store fails.
    pub async fn probe(&self) -> Result<ProbeResult, Unfit> {
        let name = probe_name();
        let result = exercise(&*self.store, &name).await;
        // A store that refuses this test counts as one that does not report it.
        let keeps_versions = self.store.keeps_versions(&format!("{name}{VERSION}")).await.unwrap_or(None);
        let suffixes = ORDER.into_iter().chain(["", VERSION]);
        let names: Vec<String> = suffixes.map(|suffix| format!("{name}{suffix}")).collect();
        // A store that lacks what is needed is named at once.
        let removed = match result {
            Err(Unfit::Failed(StoreError::Refused(_) | StoreError::Hindered(_) | StoreError::Unable(_))) => {
                self.store.delete(&names).await
            }
            _ => retry(|| self.store.delete(&names)).await,
        };
        result?;
        removed?;
        for name in &names {
            if self.store.read(name, 0).await?.is_some() {
                return Err(Unfit::NotConsistent);
            }
        }
        let difference = clock_difference(&*self.store, &*self.clock).await?;
        self.metrics.set_clock_difference(difference);
        match difference {
            difference if difference > CLOCK_TOLERANCE => Err(Unfit::Clock(difference)),
            clock => Ok(ProbeResult { clock, space: self.store.space().await?, keeps_versions }),
        }
    }

    /// Creates the marker of a store that is used without a server. The store must have passed [`StoreRelay::probe`].
    ///
    /// # Errors
    /// Those of the store.
    pub async fn adopt(&self) -> Result<(), StoreError> {
        self.store.create(MARKER, Bytes::from_static(b"1\n").into()).await.map(drop)
    }

    /// Whether the store has the marker of one that is used without a server.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn is_adopted(&self) -> Result<bool, StoreError> {
        Ok(self.store.read(MARKER, 0).await?.is_some())
    }

    /// Whether our clock and the store's are known to differ.
    pub fn clock_is_wrong(&self) -> bool {
        !self.clock_agrees.load(Ordering::Relaxed)
    }

    /// Compares our clock with the store's. While they disagree, the relay neither claims nor sweeps.
    ///
    /// # Errors
    /// Those of the store; the result of the last comparison stays in force.
    pub async fn check_clock(&self) -> Result<(), StoreError> {
        let difference = clock_difference(&*self.store, &*self.clock).await?;
        self.metrics.set_clock_difference(difference);
        let agrees = difference <= CLOCK_TOLERANCE;
        self.clock_agrees.store(agrees, Ordering::Relaxed);
        let seconds = difference.as_secs();
        // Health checks compare them every few seconds.
        let was_reported = self.clock_reported.swap(!agrees, Ordering::Relaxed);
        if !agrees && !was_reported {
            tracing::error!(seconds, "the clocks of this machine and the store differ: nothing is opened or deleted");
        } else if agrees && was_reported {
            tracing::warn!(seconds, "the clocks of this machine and the store agree again");
        }
        Ok(())
    }
}

#[async_trait]
impl Probe for StoreRelay {
    async fn probe_store(&self) -> StoreState {
        match self.check_clock().await {
            Ok(()) | Err(StoreError::NoSpace) if self.clock_is_wrong() => StoreState::ClockDiffers,
            Ok(()) => StoreState::Works,
            Err(StoreError::NoSpace) => StoreState::Full,
            Err(error) => StoreState::Fails(error.to_string()),
        }
    }
}

fn probe_name() -> String {
    format!("{}{}", names::probes(), random_hex::<16>())
}

/// Repeats a failed request a few times: some stores accept one write per name and second.
async fn retry<T, F: Future<Output = Result<T, StoreError>>>(ask: impl Fn() -> F) -> Result<T, StoreError> {
    let pauses = backoff::doubling(FIRST_PAUSE).take_while(|pause| *pause < PAUSE_LIMIT);
    let answer = backoff::retry(pauses, || async {
        match ask().await {
            Err(error @ StoreError::Failed(_)) => ControlFlow::Continue(error),
            answer => ControlFlow::Break(answer),
        }
    });
    match answer.await {
        ControlFlow::Break(answer) => answer,
        ControlFlow::Continue(error) => Err(error),
    }
}

async fn exercise(store: &dyn Store, name: &str) -> Result<(), Unfit> {
    let race = (0..RACERS).map(|racer| async move {
        let content = Bytes::from(format!("{racer}"));
        (racer, store.create(name, content.into()).await)
    });
    let mut winner = None;
    let mut failed = None;
    for (racer, result) in join_all(race).await {
        match result {
            Ok(Created::New) if winner.replace(racer).is_some() => return Err(Unfit::NotExclusive),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    // A store may fail some of the parallel creations, as long as one succeeds.
    let winner = match (winner, failed) {
        (Some(winner), _) => winner,
        (None, Some(error)) => return Err(error.into()),
        (None, None) => return Err(Unfit::NotConsistent),
    };
    if retry(|| store.create(name, Bytes::from_static(b"late").into())).await? != Created::Exists {
        return Err(Unfit::NotExclusive);
    }
    for suffix in ORDER {
        retry(|| async { store.create(&format!("{name}{suffix}"), Bytes::new().into()).await }).await?;
    }
    let listed: Vec<String> = store.list(name, None).await?.into_iter().map(|object| object.name).collect();
    let mut expected: Vec<String> = ORDER.iter().map(|suffix| format!("{name}{suffix}")).collect();
    expected.push(name.to_owned());
    expected.sort();
    let stored = match store.read(name, 0).await? {
        Some(content) => content.whole().await.map_err(StoreError::Content)?,
        None => return Err(Unfit::NotConsistent),
    };
    if *stored == *winner.to_string().as_bytes() && listed == expected { Ok(()) } else { Err(Unfit::NotConsistent) }
}

/// Difference between our clock and the time that the store gives to an object written now, in whole seconds.
async fn clock_difference(store: &dyn Store, clock: &dyn Clock) -> Result<Duration, StoreError> {
    let name = probe_name();
    store.create(&name, Bytes::from_static(b"clock").into()).await?;
    let now = clock.now();
    let written = store.list(&name, None).await?.first().map(|object| object.written);
    store.delete(&[name]).await?;
    let unseen = || StoreError::Failed("an object that was just written is not listed".to_owned());
    written.map(|written| Duration::from_secs(written.abs_diff(now))).ok_or_else(unseen)
}
