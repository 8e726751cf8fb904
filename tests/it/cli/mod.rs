//! Tests of the commands.

#[cfg(target_os = "linux")]
mod addresses;
#[cfg(target_os = "linux")]
mod anywhere;
mod commands;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(unix)]
mod direct;
mod help;
#[cfg(system = "linux")]
mod leaks;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod notices;
mod operator;
mod outbox;
mod overdue;
#[cfg(target_os = "linux")]
mod packets;
mod proxies;
#[cfg(target_os = "linux")]
mod questions;
mod reports;
mod rewritten;
mod serving;
mod settings;
mod shells;
#[cfg(target_os = "linux")]
mod styling;
#[cfg(unix)]
mod tokens;
mod transcripts;
mod trees;
#[cfg(unix)]
mod tunnels;
mod words;
