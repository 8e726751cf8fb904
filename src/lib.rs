//! One-shot encrypted file sharing: a link that opens once.
//!
//! The house has five floors, and each module uses only the floors below its own:
//!
//! | floor | modules | |
//! |---|---|---|
//! | the command line | [`cli`] | prints, prompts, exits |
//! | the flows | [`send`], [`open`] | what happens to a file on its way; no printing |
//! | the relay | [`relay`] | the rules of a share, where they are kept, and the way there; knows bytes, not keys |
//! | sealing | [`seal`] | the only place that encrypts |
//! | words | [`secret`], [`link`], [`manifest`], [`media`], [`spoken`], [`plain`], [`files`] | functions, types |
//!
//! A photo that is sent goes through `cli::send` (opens and names it), [`send`] (one pass: read, seal, upload),
//! [`seal`] (plaintext to parts), [`relay::http`] (parts to the relay), [`relay::server`], the rules in
//! [`relay::rules`], and ends in a [`relay::store`]. An opened one comes back the same way through [`open`].

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

pub mod blob;
pub mod cli;
pub mod durable_fs;
pub mod host;
pub mod link;
pub mod manifest;
pub mod media;
pub mod open;
pub mod page;
pub mod platform;
pub mod relay;
pub mod relay_url;
pub mod safe_text;
pub mod seal;
pub mod secret;
pub mod send;
pub mod state;
pub mod terminal;
pub mod view;
pub mod wordlist;
