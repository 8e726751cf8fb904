//! Memory for long JSON objects, those with long manifests: all connections share a limit of it, and each client has a
//! part of that.
//!
//! Short objects need no reservation. What strangers can make a relay hold in memory is bounded by the limit of
//! connections, and by this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::{Client, Subject};
use crate::relay::RelayError;

/// Bytes of all long objects in memory at once. A decoded manifest is about as long again.
const LIMIT: usize = 64 << 20;
/// Bytes of those of one client. Its slow connections would otherwise take the memory of all others.
const SHARE: usize = LIMIT / 8;
/// A permit stands for this many bytes.
const UNIT: usize = 1 << 10;

/// Answers that may be long and are being prepared at once. Their length is unknown until the store was read.
const PREPARED: usize = 32;

/// The memory that is left.
#[derive(Clone)]
pub(super) struct Room {
    memory: Arc<Semaphore>,
    /// The rest of the share of each client that has some of it.
    shares: Arc<Mutex<HashMap<Subject, Weak<Semaphore>>>>,
    turns: Arc<Semaphore>,
}

/// A turn to prepare an answer, until this is dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "dropping it lets the next one in")] OwnedSemaphorePermit);

/// Memory for one object, until this is dropped.
#[expect(dead_code, reason = "dropping it frees the memory")]
pub(super) struct Reservation(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

impl Default for Room {
    fn default() -> Self {
        Self {
            memory: Arc::new(Semaphore::new(LIMIT / UNIT)),
            shares: Arc::default(),
            turns: Arc::new(Semaphore::new(PREPARED)),
        }
    }
}

impl Room {
    /// Waits for a turn to prepare an answer that may be long.
    ///
    /// # Errors
    /// None in practice: [`RelayError::Busy`] at the end of the server.
    pub(super) async fn turn(&self) -> Result<Turn, RelayError> {
        self.turns.clone().acquire_owned().await.map(Turn).map_err(|_| RelayError::BUSY)
    }

    /// Waits for memory for `len` bytes, at most [`SHARE`]; for `time` at most.
    ///
    /// # Errors
    /// [`RelayError::Busy`] after that time.
    pub(super) async fn reserve(&self, client: &Client, len: usize, time: Duration) -> Result<Reservation, RelayError> {
        let reserved = async {
            // Its own share first, so that it waits for that without a part of the others' memory.
            let of_share = match self.share(client) {
                Some(share) => Some(share.acquire_many_owned(units(len)).await?),
                None => None,
            };
            self.memory.clone().acquire_many_owned(units(len)).await.map(|permit| Reservation(permit, of_share))
        };
        timeout(time, reserved).await.ok().and_then(Result::ok).ok_or(RelayError::BUSY)
    }

    /// Memory for `len` bytes now.
    ///
    /// # Errors
    /// [`RelayError::Busy`] if there is none.
    pub(super) fn reserve_now(&self, client: &Client, len: usize) -> Result<Reservation, RelayError> {
        let of_share = self.share(client).map(|share| share.try_acquire_many_owned(units(len))).transpose();
        let of_share = of_share.map_err(|_| RelayError::BUSY)?;
        let permit = self.memory.clone().try_acquire_many_owned(units(len)).map_err(|_| RelayError::BUSY)?;
        Ok(Reservation(permit, of_share))
    }

    /// The rest of the share of a client, unless it is not limited.
    fn share(&self, client: &Client) -> Option<Arc<Semaphore>> {
        let subject = client.subject()?;
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&subject).and_then(Weak::upgrade) {
            return Some(share);
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(SHARE / UNIT));
        shares.insert(subject, Arc::downgrade(&share));
        Some(share)
    }
}

fn units(len: usize) -> u32 {
    u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 2 << 20;

    #[tokio::test(start_paused = true)]
    async fn one_client_gets_no_more_than_its_share_of_the_memory() {
        let (room, one, other) = (Room::default(), Client::at("192.0.2.1"), Client::at("192.0.2.2"));
        let mut held: Vec<_> = (0..SHARE / LEN).map(|_| room.reserve_now(&one, LEN).unwrap()).collect();
        assert!(room.reserve_now(&one, LEN).is_err());
        assert!(room.reserve(&one, LEN, Duration::from_secs(30)).await.is_err());
        let _others = room.reserve_now(&other, LEN).unwrap();
        held.pop();
        assert!(room.reserve(&one, LEN, Duration::ZERO).await.is_ok());
        drop(held);
        let _third = room.reserve_now(&Client::at("192.0.2.3"), LEN).unwrap();
        assert_eq!(room.shares.lock().unwrap().len(), 2, "a client that holds nothing takes no memory");
    }

    #[tokio::test]
    async fn clients_of_this_machine_share_all_of_the_memory() {
        let (room, here) = (Room::default(), Client::default());
        let held: Vec<_> = (0..LIMIT / LEN).map(|_| room.reserve_now(&here, LEN).unwrap()).collect();
        assert!(room.reserve_now(&here, 1).is_err());
        drop(held);
        assert!(room.reserve_now(&here, 1).is_ok());
    }
}
