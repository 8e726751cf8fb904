//! All integration tests, in one binary: linking is what costs time.
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod bench;
mod contract;
mod noise;
mod vectors;
