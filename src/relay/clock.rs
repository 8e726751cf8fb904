//! The clock and random numbers as a trait, so that tests control the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Source of time and random numbers for the rules and the stores.
pub trait Clock: Send + Sync {
    /// Unix seconds, UTC.
    fn now(&self) -> u64;

    /// A random number that spreads retries and sweeps. Never used for a secret.
    fn chance(&self) -> u32;
}

/// The clock and generator of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn chance(&self) -> u32 {
        let mut bytes = [0; 4];
        crate::secret::fill_random(&mut bytes);
        u32::from_be_bytes(bytes)
    }
}

/// The time `duration` after `at`, in Unix seconds.
pub(super) fn after(at: u64, duration: Duration) -> u64 {
    at.saturating_add(duration.as_secs())
}
