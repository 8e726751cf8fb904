//! Memory for long JSON objects, those with long manifests: all connections share a limit of it, and no client gets
//! more than a part of that, since a slow client holds its memory for long.
//!
//! Short objects need no reservation. What strangers can make a relay hold in memory is bounded by the limit of
//! connections, and by this.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::{AtOnce, Client, Counted, Subject};
use crate::relay::RelayError;

/// Bytes of all long objects in memory at once. A decoded manifest is about as long again.
const LIMIT: usize = 64 << 20;
/// A permit stands for this many bytes.
const UNIT: usize = 1 << 10;

/// Answers that may be long and are being prepared at once. Their length is unknown until the store was read.
const PREPARED: usize = 32;

/// An address gets one of so many parts of a room.
const ADDRESSES: usize = 8;
/// An IPv6 /48 gets one of so many.
const NETWORKS: usize = 4;
/// The longest wait for a turn. One takes as long as the store.
const TURN_TIME: Duration = Duration::from_secs(30);

/// The memory that is left, and the turns.
#[derive(Clone)]
pub(super) struct Room {
    memory: Divided,
    turns: Divided,
}

/// A number of permits, of which each client gets no more than a part.
#[derive(Clone)]
struct Divided {
    all: Arc<Semaphore>,
    of_clients: AtOnce,
}

/// Permits of a room, until this is dropped: memory for one object, or a turn to prepare an answer.
pub(super) struct Reservation(
    #[expect(dead_code, reason = "dropping them frees the room")] (OwnedSemaphorePermit, Counted),
);

impl Divided {
    fn new(count: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), of_clients: AtOnce::new(count / ADDRESSES, count / NETWORKS) }
    }

    /// Takes permits for one of `subjects`' requests, when there are enough; waits for `time` at most.
    async fn take(&self, subjects: &[Subject], count: u32, time: Duration) -> Result<Reservation, RelayError> {
        let both = async {
            let counted = self.of_clients.wait(subjects, count as usize, time).await?;
            let permit = self.all.clone().acquire_many_owned(count).await.ok()?;
            Some(Reservation((permit, counted)))
        };
        timeout(time, both).await.ok().flatten().ok_or(RelayError::BUSY)
    }

    /// Takes permits now.
    fn take_now(&self, subjects: &[Subject], count: u32) -> Result<Reservation, RelayError> {
        let counted = self.of_clients.count(subjects, count as usize).ok_or(RelayError::BUSY)?;
        let permit = self.all.clone().try_acquire_many_owned(count).map_err(|_| RelayError::BUSY)?;
        Ok(Reservation((permit, counted)))
    }
}

impl Default for Room {
    fn default() -> Self {
        Self { memory: Divided::new(LIMIT / UNIT), turns: Divided::new(PREPARED) }
    }
}

impl Room {
    /// Waits for a turn of `client` to prepare an answer that may be long.
    ///
    /// # Errors
    /// [`RelayError::Busy`] after a while.
    pub(super) async fn turn(&self, client: &Client) -> Result<Reservation, RelayError> {
        self.turns.take(&client.to_vec(), 1, TURN_TIME).await
    }

    /// Waits for memory for `len` bytes, at most an eighth of [`LIMIT`]; for `time` at most.
    ///
    /// # Errors
    /// [`RelayError::Busy`] after that time.
    pub(super) async fn reserve(&self, client: &Client, len: usize, time: Duration) -> Result<Reservation, RelayError> {
        self.memory.take(&client.to_vec(), units(len), time).await
    }

    /// Memory for `len` bytes now.
    ///
    /// # Errors
    /// [`RelayError::Busy`] if there is none.
    pub(super) fn reserve_now(&self, client: &Client, len: usize) -> Result<Reservation, RelayError> {
        self.memory.take_now(&client.to_vec(), units(len))
    }
}

fn units(len: usize) -> u32 {
    u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(ip: &str) -> Client {
        Client::at(ip)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_gets_an_eighth_of_the_memory() {
        let room = Room::default();
        let eighth = LIMIT / ADDRESSES;
        let (here, other) = (client("192.0.2.1"), client("192.0.2.2"));
        let first = room.reserve(&here, eighth, Duration::ZERO).await.unwrap();
        for len in [1, eighth] {
            assert!(room.reserve(&here, len, Duration::from_secs(30)).await.is_err());
            assert!(room.reserve_now(&here, len).is_err());
        }
        drop(room.reserve(&other, eighth, Duration::ZERO).await.unwrap());
        drop(room.reserve_now(&other, eighth).unwrap());
        drop(first);
        room.reserve_now(&here, eighth).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_addresses_of_one_customer_get_a_quarter() {
        let room = Room::default();
        let take = |number: usize| room.reserve_now(&client(&format!("2001:db8:0:{number:x}::1")), LIMIT / ADDRESSES);
        let _held = [take(0).unwrap(), take(1).unwrap()];
        assert!(take(2).is_err());
        room.reserve_now(&client("2001:db8:1::1"), LIMIT / ADDRESSES).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_gets_an_eighth_of_the_turns() {
        let room = Room::default();
        let (here, mut held) = (client("192.0.2.1"), Vec::new());
        for _ in 0..PREPARED / ADDRESSES {
            held.push(room.turn(&here).await.unwrap());
        }
        assert!(room.turn(&here).await.is_err());
        room.turn(&client("192.0.2.2")).await.unwrap();
        held.pop();
        room.turn(&here).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn all_clients_together_get_no_more_than_there_is() {
        let (room, nobody) = (Room::default(), Client::default());
        let all = room.reserve_now(&nobody, LIMIT).unwrap();
        assert!(room.reserve_now(&client("192.0.2.1"), 1).is_err());
        assert!(room.reserve(&client("192.0.2.1"), 1, Duration::from_secs(30)).await.is_err());
        drop(all);
        room.reserve(&client("192.0.2.1"), 1, Duration::ZERO).await.unwrap();
    }
}
