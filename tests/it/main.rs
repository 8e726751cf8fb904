//! All integration tests, in one binary: linking is what costs time.
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
#![expect(clippy::print_stderr, reason = "a test says what it has measured, and what it skips")]

mod cli;
mod faults;
mod host;
mod house;
mod media;
mod open;
mod page;
mod relay;
mod seal;
mod send;
mod support;
mod view;
