//! The commands, as people and scripts use them.

mod commands;
mod direct;
mod leaks;
mod network;
mod outbox;
mod questions;
mod settings;
mod shells;
mod transcripts;
