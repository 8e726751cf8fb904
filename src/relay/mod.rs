//! Relays: the [`Relay`] trait, and everything that implements it.
//!
//! This floor has two traits. A [`store::Store`] has no rules: it creates an object if there is none of that name,
//! reads, lists and deletes. A [`Relay`] has the rules. [`rules::StoreRelay`] is the rules over a store; [`server`]
//! serves any relay over HTTP; [`client::HttpRelay`] is the client of such a server; [`client::retry::Retrying`]
//! repeats requests to any relay when a connection breaks; [`server::guests::Guests`] is the part of a sender's own
//! relay that is open to the network.
//!
//! A relay sees ciphertext, sizes and times. No key reaches this floor.
#![doc = include_str!("PROTOCOL.md")]

mod backoff;
mod base64url;
pub mod client;
pub mod clock;
mod content;
mod error;
mod http;
pub mod obstacle;
mod pinned;
pub mod rules;
pub mod server;
pub mod store;
mod types;
mod wire;

use std::time::Duration;

use async_trait::async_trait;

pub use self::content::{ByteStream, Content};
pub use self::error::RelayError;
pub use self::types::{
    About, Admission, Checksum, ClaimResponse, Commit, CommitResponse, Create, Credential, Gone, INLINE_LEN, LEASE,
    MAX_GUESSES, MAX_SEALED_MANIFEST, MAX_TTL, MAX_WAIT, MIN_TTL, Notice, ShareState, Status, TOMBSTONE_TIME, V1,
    Verifiers, Waiting,
};
use crate::secret::{Receipt, Token};

/// A place where shares wait, and its rules. Each method is one request of the protocol; each may be repeated after
/// an answer was lost. None has a default body, so that a wrapper cannot forget one.
///
/// # Errors
/// Each method may fail for each reason that is named beside it, and besides for those of the way there:
/// [`RelayError::is_transient`] separates the ones that may pass. A share that is unknown and a token that is not its
/// own are one answer, [`RelayError::Unknown`]; one that has ended is [`RelayError::Gone`].
#[async_trait]
pub trait Relay: Send + Sync {
    /// Describes the relay and its limits.
    async fn about(&self) -> Result<About, RelayError>;

    /// Announces a share. `owner` has the token of all later requests of the sender.
    ///
    /// # Errors
    /// `BadRequest`, `TooLongLived`, `TooLarge`, `NotAllowed`, `NoSpace`, or `IdTaken` by another share.
    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError>;

    /// Stores part `number`. When this returns, the part is durable.
    ///
    /// # Errors
    /// `BadChecksum`, `TooLarge`, `NoSpace`, `Timeout`, or `Committed` where the part cannot be another one any more.
    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError>;

    /// Commits the share: from now on, and not before, its link works.
    ///
    /// # Errors
    /// `BadRequest`, `TooLarge`, `PartsMissing`, or `Committed` with other content.
    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError>;

    /// All of the above at once, for a share of a single part.
    ///
    /// # Errors
    /// Those of all of the above.
    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError>;

    /// Describes a waiting share to a holder of its link who has no passphrase yet. Costs no guess.
    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError>;

    /// The manifest of a waiting share. Consumes nothing.
    ///
    /// # Errors
    /// `WrongPassphrase`.
    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError>;

    /// Claims the one opening. The holder of `claim_token` may repeat it until the lease ends; nobody else ever can.
    ///
    /// # Errors
    /// `WrongPassphrase`.
    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError>;

    /// The bytes of part `number` from `offset` on. `holder` has the claim token.
    ///
    /// # Errors
    /// `BadRequest` where there is no such part.
    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError>;

    /// Confirms that the content is safe with the opener, so that the relay deletes it.
    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError>;

    /// The status of a share. Waits up to `wait` for a state other than `known`.
    async fn status(&self, owner: &Credential, known: Option<ShareState>, wait: Duration)
    -> Result<Status, RelayError>;

    /// Revokes a share. Returns the state that it was in.
    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError>;
}
