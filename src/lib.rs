//! One-shot encrypted file sharing: a link that opens once.
//!
//! The product is the program `share`. This library contains its parts, so that tests can use each module without a
//! process. It has no stable interface.
//!
//! # Layers
//!
//! Each module uses only modules of the layers below its own, and files do not import each other in cycles.
//! `tests/it/house/layers.rs` checks both.
//!
//! | layer | modules | |
//! |---|---|---|
//! | 9 | [`cli`] | arguments, prompts, output, exit codes; the only module with clap |
//! | 8 | [`view`], [`host`] | viewing a share once; direct mode, in which the sender's own process is the relay |
//! | 7 | [`send`], [`open`] | the two flows: chains of types in which each step consumes the one before; no printing |
//! | 6 | [`state`], [`report`] | files that persist between runs; reports of a share to the operator of its relay |
//! | 5 | [`relay`], [`seal`] | rules of a share, stores, client and server, without keys; all encryption |
//! | 4 | [`link`], [`terminal`] | parsing of pasted links; the user's terminal and desktop |
//! | 3 | [`relay_url`], [`manifest`], [`media`], [`wordlist`], [`durable_fs`] | formats, metadata removal, durable files |
//! | 2 | [`secret`], [`blob`], [`safe_text`] | keys and tokens; lengths and offsets of a blob; text that is safe to print |
//! | 1 | [`platform`], [`page`] | platform-specific code; the page for browsers, ready to serve |
//!
//! # The path of a photo's bytes
//!
//! Sending:
//!
//! 1. `cli::input` opens the file, and [`media`] computes the edits that remove its metadata.
//! 2. [`send`] reads the file once, through those edits, on a blocking thread; with several links, `send::tee` copies
//!    each piece to all uploads.
//! 3. [`seal::Sealer`] encrypts the bytes in the buffer that becomes a part.
//! 4. [`relay::client`] uploads the part: [`relay::client::retry::Retrying`] around [`relay::client::HttpRelay`].
//! 5. [`relay::server`] reads the request and calls its [`relay::Relay`].
//! 6. [`relay::rules`] verify the part while it passes.
//! 7. A [`relay::store`] makes the part durable.
//!
//! Opening, in the opposite direction:
//!
//! 1. A [`relay::store`] reads the part, [`relay::rules`] release it to the holder of the claim, [`relay::server`]
//!    writes it to the connection, and [`relay::client`] reads it there.
//! 2. [`open`] verifies the part's checksum; an interrupted part is resumed where it broke.
//! 3. [`seal::Unsealer`] decrypts it in place on a blocking thread.
//! 4. The plaintext is written to the sink of [`open`]: files without names ([`open::Staging`]), standard output, or
//!    the memory of [`view`]. The files get their names when all of them are durable and the journal lists them.
//!
//! # The path of a link's secret
//!
//! Sending: [`secret::LinkSecret::random`] creates it for [`send::Draft`]. The keys derived from it are passed to
//! [`seal`], and the tokens to the client; the secret itself stays in the share until [`send::Committed`] releases the
//! link. The link's text is in memory that is wiped, and `cli::output` writes it to standard output.
//!
//! Opening: `cli::input` reads a text into memory that is wiped, [`link::Link::parse`] finds the link in it,
//! [`secret::LinkSecret::keys`] derives the keys, with the passphrase, and [`open::Session`] takes those. Relays get
//! tokens only, and [`seal`] gets identities only.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic fails the test"))]

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
pub mod report;
pub mod safe_text;
pub mod seal;
pub mod secret;
pub mod send;
pub mod state;
pub mod terminal;
pub mod view;
pub mod wordlist;
