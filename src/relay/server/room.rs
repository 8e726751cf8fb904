//! Memory for long JSON objects, those with long manifests: all connections share a limit of it.
//!
//! Short objects need no reservation. What strangers can make a relay hold in memory is bounded by the limit of
//! connections, and by this.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::relay::RelayError;

/// Bytes of all long objects in memory at once. A decoded manifest is about as long again.
const LIMIT: usize = 64 << 20;
/// A permit stands for this many bytes.
const UNIT: usize = 1 << 10;

/// The memory that is left.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// Memory for one object, until this is dropped.
pub(super) struct Reservation(#[expect(dead_code, reason = "dropping it frees the memory")] OwnedSemaphorePermit);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LIMIT / UNIT)))
    }
}

impl Room {
    /// Waits for memory for `len` bytes, at most [`LIMIT`]; for `time` at most.
    ///
    /// # Errors
    /// [`RelayError::Busy`] after that time.
    pub(super) async fn reserve(&self, len: usize, time: Duration) -> Result<Reservation, RelayError> {
        let permit = timeout(time, self.0.clone().acquire_many_owned(units(len))).await;
        permit.ok().and_then(Result::ok).map(Reservation).ok_or(RelayError::BUSY)
    }

    /// Memory for `len` bytes now.
    ///
    /// # Errors
    /// [`RelayError::Busy`] if there is none.
    pub(super) fn reserve_now(&self, len: usize) -> Result<Reservation, RelayError> {
        self.0.clone().try_acquire_many_owned(units(len)).map(Reservation).map_err(|_| RelayError::BUSY)
    }
}

fn units(len: usize) -> u32 {
    u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
