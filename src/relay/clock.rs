//! Time and random numbers, passed in from outside: in a test fourteen days pass in a microsecond.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Source of the time and of chance for the rules and the stores.
pub trait Clock: Send + Sync {
    /// Unix seconds, UTC.
    fn now(&self) -> u64;

    /// A random number: spreads repeats and sweeps, decides nothing.
    fn chance(&self) -> u32;
}

/// The machine's own.
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
