//! Whether a store is what the rules need it to be. A relay asks before it serves anybody.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::future::join_all;

use super::RelayError;
use super::cells::{CLOCK_TOLERANCE, failure};
use super::clock::Clock;
use super::keeper::Keeper;
use super::store::{Creation, Store};
use crate::secret::fill_random;

/// The object that says that a store may be used by anybody who can reach it, without a server.
pub const MARKER: &str = "share-store";
/// How many write one name at once.
const RACERS: usize = 16;

/// Why a relay must not run on a store.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    /// Two may win one race: a share would be opened twice.
    #[error("the store lets two writers create one object: a share could be opened twice")]
    NotExclusive,
    /// What was written is not there, or what was deleted is.
    #[error("the store does not show what was just written or deleted")]
    NotConsistent,
    /// Things would expire early or never.
    #[error("this machine's clock and the store's differ by {0} seconds")]
    Clock(u64),
    /// It cannot be asked.
    #[error("the store cannot be used: {0}")]
    Failed(#[from] RelayError),
}

impl Keeper {
    /// Tries out what the rules rely on: exclusive creation, reading and listing after writing, deletion, the clock.
    pub async fn probe(&self) -> Result<(), Unfit> {
        let name = probe_name();
        let result = exercise(&self.store, &name).await;
        let removed = self.store.delete(std::slice::from_ref(&name)).await.map_err(failure);
        result?;
        removed?;
        if self.store.read(&name, 0).await.map_err(failure)?.is_some() {
            return Err(Unfit::NotConsistent);
        }
        match clock_difference(&*self.store, &*self.clock).await? {
            difference if difference > CLOCK_TOLERANCE => Err(Unfit::Clock(difference)),
            _ => Ok(()),
        }
    }

    /// Makes the store one that is used without a server. It must have been probed.
    pub async fn adopt(&self) -> Result<(), RelayError> {
        self.store.create(MARKER, Bytes::from_static(b"1\n").into()).await.map(drop).map_err(failure)
    }

    /// Whether our clock and the store's are known to differ.
    pub fn clock_is_wrong(&self) -> bool {
        !self.clock_agrees.load(Ordering::Relaxed)
    }

    /// Compares our clock with the store's. While they disagree, nothing is claimed and nothing is swept.
    pub async fn check_clock(&self) -> Result<(), RelayError> {
        let difference = clock_difference(&*self.store, &*self.clock).await?;
        let agrees = difference <= CLOCK_TOLERANCE;
        if !agrees {
            tracing::error!(difference, "this machine's clock and the store's differ by seconds: no claims, no sweeps");
        }
        self.clock_agrees.store(agrees, Ordering::Relaxed);
        Ok(())
    }
}

fn probe_name() -> String {
    let mut random = [0; 16];
    fill_random(&mut random);
    format!("probe/{:032x}", u128::from_be_bytes(random))
}

async fn exercise(store: &Arc<dyn Store>, name: &str) -> Result<(), Unfit> {
    let race = (0..RACERS).map(|racer| async move {
        let content = Bytes::from(format!("{racer}"));
        store.create(name, content.into()).await.map(|creation| (racer, creation))
    });
    let mut winner = None;
    for result in join_all(race).await {
        if let (racer, Creation::New) = result.map_err(failure)?
            && winner.replace(racer).is_some()
        {
            return Err(Unfit::NotExclusive);
        }
    }
    let winner = winner.ok_or(Unfit::NotConsistent)?;
    if store.create(name, Bytes::from_static(b"late").into()).await.map_err(failure)? != Creation::Exists {
        return Err(Unfit::NotExclusive);
    }
    let listed = store.list("probe/", None).await.map_err(failure)?;
    let stored = super::cells::get(&**store, name).await?;
    let shown = listed.iter().any(|object| object.name == name);
    if stored.as_deref() == Some(winner.to_string().as_bytes()) && shown { Ok(()) } else { Err(Unfit::NotConsistent) }
}

/// Seconds between our clock and the time that the store gives to an object written now.
async fn clock_difference(store: &dyn Store, clock: &dyn Clock) -> Result<u64, RelayError> {
    let name = probe_name();
    store.create(&name, Bytes::from_static(b"clock").into()).await.map_err(failure)?;
    let now = clock.now();
    let written = store.list(&name, None).await.map_err(failure)?.first().map(|object| object.written);
    store.delete(&[name]).await.map_err(failure)?;
    written.map(|written| written.abs_diff(now)).ok_or(RelayError::BUSY)
}
