//! All integration tests, in one binary: linking is what costs time.
#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
#![expect(clippy::print_stderr, reason = "a test says what it has measured, and what it skips")]

mod bench;
mod browser;
mod browsers;
mod buckets;
mod cli;
mod contract;
mod deaths;
mod direct;
mod disk;
mod engines;
mod faults;
mod folders;
mod hostile;
mod interop;
mod kill;
mod layers;
mod leaks;
mod meddler;
mod metadata;
mod network;
mod noise;
mod page_seen;
mod page_tabs;
mod proxy;
mod races;
mod readme;
mod s3;
mod sandbox;
mod sender;
mod server;
mod settings;
mod shells;
mod soak;
mod states;
mod terminal;
mod transcripts;
mod tty;
mod vectors;
mod viewing;
mod words;
