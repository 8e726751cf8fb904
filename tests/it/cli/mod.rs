//! Tests of the commands.

mod addresses;
mod anywhere;
mod commands;
mod desktop;
mod direct;
mod help;
mod leaks;
mod network;
mod notices;
mod operator;
mod outbox;
mod overdue;
mod packets;
mod proxies;
mod questions;
mod reports;
mod rewritten;
mod settings;
mod shells;
mod styling;
mod tokens;
mod transcripts;
mod trees;
mod tunnels;
mod words;
