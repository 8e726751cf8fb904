//! A clock that tests control.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use share::relay::clock::Clock;

/// A clock that the test sets.
#[derive(Default)]
pub(crate) struct TestClock {
    now: AtomicU64,
    dice: AtomicU32,
}

impl TestClock {
    pub(crate) fn at(now: u64) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(now), dice: AtomicU32::new(7) })
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn chance(&self) -> u32 {
        self.dice.fetch_add(0x9e37_79b9, Ordering::Relaxed)
    }
}
