//! All integration tests, in one binary: linking is what costs time.
#![cfg_attr(
    not(system = "linux"),
    allow(dead_code, unused_imports, reason = "some tools serve tests that need Linux only")
)]
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
#![expect(clippy::print_stderr, reason = "a test says what it has measured, and what it skips")]

mod cli;
#[cfg(target_os = "linux")]
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
