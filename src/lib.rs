//! One-shot encrypted file sharing: a link that opens once.
//!
//! The product is the program `share`. This library is its inside, divided so that tests reach each room without a
//! process; it promises no stable interface to anybody else.
//!
//! # The plan of the house
//!
//! Each module uses only modules of the floors below its own, and files of one module do not import each other in
//! circles. `tests/it/house/layers.rs` holds the plan.
//!
//! | floor | modules | |
//! |---|---|---|
//! | 9 | [`cli`] | parses, asks, prints, exits; the only one with clap |
//! | 8 | [`view`], [`host`] | shows a share once; is the sender's own relay |
//! | 7 | [`send`], [`open`] | the two flows: chains of types in which each step consumes the one before; no printing |
//! | 6 | [`state`] | records and files that outlive a run: outbox, journal, tokens, device secret |
//! | 5 | [`relay`], [`seal`] | rules of a share, stores, both ends of HTTP: bytes, not keys; all encryption |
//! | 4 | [`link`], [`terminal`] | what a recipient pastes; the terminal and desktop of the person at it |
//! | 3 | [`relay_url`], [`manifest`], [`media`], [`wordlist`], [`durable_fs`] | words, and files that must not be lost |
//! | 2 | [`secret`], [`blob`], [`safe_text`] | keys and tokens; the geometry of a blob; texts that are safe to show |
//! | 1 | [`platform`], [`page`] | what is particular to Linux; the page for browsers, ready to serve |
//!
//! # A photo's bytes
//!
//! Down, when a photo is sent. Each module is entered once:
//!
//! 1. `cli::input` opens the file, and asks [`media`] for the edits that remove its metadata.
//! 2. [`send`] reads it once, through those edits, on a blocking thread; with several links, `send::tee` hands each
//!    piece to all of them.
//! 3. [`seal::Sealer`] encrypts it in the buffer that becomes a part.
//! 4. [`relay::client`] uploads the part: [`relay::client::retry::Retrying`] around [`relay::client::HttpRelay`].
//! 5. [`relay::server`] reads the request and asks its [`relay::Relay`].
//! 6. [`relay::rules`] check the part on its way, and
//! 7. a [`relay::store`] makes it durable.
//!
//! Up, when it is opened, the same modules in the other order:
//!
//! 1. A [`relay::store`] reads the part, [`relay::rules`] let the holder of the claim have it, [`relay::server`] writes
//!    it to the connection, and [`relay::client`] reads it from there.
//! 2. [`open`] checks the part's checksum; a part that was cut off is fetched from where it broke.
//! 3. [`seal::Unsealer`] decrypts it in place on a blocking thread, and
//! 4. writes the plaintext into what [`open`] was given for it: files without names ([`open::Staging`]), standard
//!    output, or the memory of [`view`]. The files get their names when all of them are durable and the journal has them.
//!
//! # A link's secret
//!
//! Out: [`secret::LinkSecret::random`] makes it for [`send::Draft`]. From there the keys go down to [`seal`] and to the
//! client, as tokens; the secret itself stays in the share until [`send::Committed`] lets the link out. The text of the
//! link is made in memory that is wiped, and `cli::output` writes it to standard output.
//!
//! In: `cli::input` reads a text into memory that is wiped, [`link::Link::parse`] finds the link in it,
//! [`secret::LinkSecret::keys`] derives the keys, with the passphrase, and [`open::Session`] takes those. Relays get
//! tokens, [`seal`] gets identities, and nobody else gets anything.

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
