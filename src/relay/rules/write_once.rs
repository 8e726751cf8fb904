//! Creating a record or a hint once, on stores that fail in the middle.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::relay::backoff::retry;
use crate::relay::clock::Clock;
use crate::relay::rules::records::{Record, failure, get, load};
use crate::relay::store::{Created, Store, StoreError};
use crate::relay::{INLINE_LEN, RelayError};

/// Attempts to write a record or a hint.
const ATTEMPTS: u32 = 8;
/// The longest time for all of them together.
const TIME: Duration = Duration::from_secs(10);
/// Upper limit of the first pause, in milliseconds. It doubles for each further one.
const FIRST_PAUSE: u32 = 20;

/// Outcome of writing a record: the stored content, which is durable.
#[derive(Clone, Debug)]
pub(super) enum Written<R> {
    /// The stored record is ours: none existed.
    New(R),
    /// The stored record decides as ours does.
    Same(R),
    /// Another writer was first and decided otherwise.
    Theirs(R),
}

impl<R: Record> Written<R> {
    /// The outcome for a writer of `ours` who finds `stored`.
    pub(super) fn of(ours: &R, stored: R) -> Self {
        if ours.same(&stored) { Self::Same(stored) } else { Self::Theirs(stored) }
    }
}

impl<R> Written<R> {
    /// Whether the stored record decides as ours does.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::New(_) | Self::Same(_))
    }
}

/// Writes a record unless one exists, and returns the stored one.
///
/// A store may fail after it has written, report a conflict with our own repeated write, or fail for no reason. So an
/// error leads to another attempt, and an existing record is compared: one that decides the same as ours is ours.
///
/// # Errors
/// [`RelayError::Busy`] if the record may or may not exist, and the errors of [`failure`].
pub(super) async fn write_once<R: Record>(
    store: &dyn Store,
    clock: &dyn Clock,
    name: &str,
    record: R,
) -> Result<Written<R>, RelayError> {
    let bytes = Bytes::from(serde_json::to_vec(&record).map_err(|_| RelayError::BadRequest)?);
    let decided = |stored: R| Written::of(&record, stored);
    let written = persist(clock, || async {
        match store.create(name, bytes.clone().into()).await {
            Ok(Created::New) => ControlFlow::Break(Ok(None)),
            // Durable, by the contract of `Store`. Its content shows whether it is ours.
            Ok(Created::Exists) => match load(store, name).await {
                Ok(Some(stored)) => ControlFlow::Break(Ok(Some(decided(stored)))),
                Ok(None) | Err(_) => ControlFlow::Continue(()),
            },
            // The disk is full, but the record may exist.
            Err(error @ StoreError::NoSpace) => ControlFlow::Break(match load(store, name).await {
                Ok(Some(stored)) => Ok(Some(decided(stored))),
                Ok(None) => Err(failure(error)),
                // Nothing is known about it, so it must not be answered as one that was not written.
                Err(error) => Err(error),
            }),
            Err(error @ (StoreError::Refused(_) | StoreError::Hindered(_) | StoreError::Unable(_))) => {
                ControlFlow::Break(Err(failure(error)))
            }
            // It may exist without being durable: try again.
            Err(_) => ControlFlow::Continue(()),
        }
    });
    let written = written.await?;
    Ok(written.unwrap_or(Written::New(record)))
}

/// Writes a hint: an empty object.
///
/// # Errors
/// [`RelayError::Busy`] if the record may or may not exist, and the errors of [`failure`].
pub(super) async fn write_hint(store: &dyn Store, clock: &dyn Clock, name: &str) -> Result<(), RelayError> {
    persist(clock, || async {
        match store.create(name, Bytes::new().into()).await {
            Ok(Created::New) => ControlFlow::Break(Ok(())),
            Ok(Created::Exists) if matches!(get(store, name, INLINE_LEN).await, Ok(Some(_))) => {
                ControlFlow::Break(Ok(()))
            }
            Err(
                error
                @ (StoreError::NoSpace | StoreError::Refused(_) | StoreError::Hindered(_) | StoreError::Unable(_)),
            ) => ControlFlow::Break(Err(failure(error))),
            Ok(Created::Exists) | Err(_) => ControlFlow::Continue(()),
        }
    })
    .await
}

/// Repeats `attempt` until it decides, at most [`ATTEMPTS`] times within [`TIME`]. Pauses are random, so that several
/// writers of one name do not collide again.
async fn persist<T, F: Future<Output = ControlFlow<Result<T, RelayError>>>>(
    clock: &dyn Clock,
    attempt: impl FnMut() -> F,
) -> Result<T, RelayError> {
    let pauses = (0..ATTEMPTS - 1).map(|done| clock.chance() % (FIRST_PAUSE << done));
    let pauses = pauses.map(|pause| Duration::from_millis(u64::from(pause)));
    match timeout(TIME, retry(pauses, attempt)).await {
        Ok(ControlFlow::Break(decided)) => decided,
        Ok(ControlFlow::Continue(())) | Err(_) => Err(RelayError::BUSY),
    }
}
