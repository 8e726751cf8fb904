//! Relays: the [`Relay`] trait, and everything that implements it.
//!
//! This layer has two traits. A [`store::Store`] has no rules: it creates an object if there is none of that name,
//! reads, lists and deletes. A [`Relay`] has the rules. [`rules::StoreRelay`] is the rules over a store; [`server`]
//! serves any relay over HTTP; [`client::HttpRelay`] is the client of such a server; [`client::retry::Retrying`]
//! repeats requests to any relay when a connection breaks; [`server::guests::Guests`] limits a
//! sender's own relay to the requests of recipients.
//!
//! A relay has ciphertext, sizes and times. No key reaches this layer.
#![doc = include_str!("PROTOCOL.md")]

mod about;
pub mod account;
mod backoff;
pub(crate) mod base64url;
pub mod certificate;
pub mod client;
pub mod clock;
mod content;
mod error;
pub mod front;
mod head;
pub mod health;
pub mod here;
mod http;
pub mod metrics;
pub mod obstacle;
mod pinned;
mod problem;
mod report;
pub mod rules;
pub mod server;
pub mod store;
mod types;
mod version;
mod wire;

use std::time::Duration;

use async_trait::async_trait;

pub use self::about::{About, Admission, ReportTo};
pub use self::account::{Account, AccountKey, AccountLimits, Left};
pub use self::content::{ByteStream, Content};
pub use self::error::{Daily, Limit, LimitOf, Limited, RelayError};
pub use self::http::proxies::{Proxies, ProxyError};
pub use self::http::proxy::{BadProxy, Proxy, Source};
pub use self::http::{Access, CertificatesError, Identity, Network};
pub use self::report::{HOLD, MAX_REPORT, MAX_REPORT_KEYS, MAX_REPORT_NOTE, MAX_REPORT_RECORD, Report, Reported};
pub use self::types::{
    Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Create, Credential, Gone, INLINE_LEN, LEASE,
    MAX_DEPOSIT_MANIFEST, MAX_GUESSES, MAX_SEALED_MANIFEST, MAX_TTL, MAX_WAIT, MIN_TTL, Notice, ShareState, Status,
    TOMBSTONE_TIME, Verifiers, Waiting,
};
pub use self::version::V1;
use crate::secret::{Receipt, Token};

/// A relay. Each method is one request of the protocol, and may be repeated after its answer was lost. No method has a
/// default body, so that a wrapper cannot omit one.
///
/// # Errors
/// Each method returns the errors listed beside it, and those of the connection. [`RelayError::is_transient`] holds for
/// errors that a repeated request may not meet. An unknown share and a wrong token are both [`RelayError::Unknown`]; a
/// share that has ended is [`RelayError::Gone`].
#[async_trait]
pub trait Relay: Send + Sync {
    /// Describes the relay and its limits.
    async fn about(&self) -> Result<About, RelayError>;

    /// Announces a share. `owner` has the owner token, as in all requests of the sender.
    ///
    /// # Errors
    /// `BadRequest`, `TooLongLived`, `TooLarge`, `NotAllowed`, `Quota`, `NoSpace`, or `IdTaken` by another share.
    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError>;

    /// The rest of the limits of a create token.
    ///
    /// # Errors
    /// `NotAllowed`.
    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError>;

    /// Stores part `number`. When this returns, the part is durable.
    ///
    /// # Errors
    /// `EmptyPart`, `BadChecksum`, `TooLarge`, `Quota`, `NoSpace`, `Timeout`; if other bytes have this number,
    /// `PartDiffers` before the commit and `Committed` after it.
    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError>;

    /// Commits the share. Its link works from now on.
    ///
    /// # Errors
    /// `BadRequest`, `TooLarge`, `Quota`, `PartsMissing`, or `Committed` with other content.
    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError>;

    /// Create, put the only part, and commit, in one request.
    ///
    /// # Errors
    /// Those of the three requests.
    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError>;

    /// Describes a waiting share without its manifest. Takes no slot.
    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError>;

    /// The manifest of a waiting share. Does not claim it.
    ///
    /// # Errors
    /// `WrongPassphrase`.
    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError>;

    /// Claims the share. Only the holder of `claim_token` may repeat the claim, until the lease ends.
    ///
    /// # Errors
    /// `WrongPassphrase`.
    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError>;

    /// The bytes of part `number` from `offset` on. `holder` has the claim token.
    ///
    /// # Errors
    /// `BadRequest` if there is no such part, `OutOfRange` if no byte of it is at `offset`.
    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError>;

    /// Confirms that the opener has stored or shown everything. The relay deletes the data, or keeps it unreadable for
    /// [`HOLD`] if it has an operator.
    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError>;

    /// Reports the share to the operator. `holder` has the claim token. Of several reports of a share the first one is
    /// kept.
    ///
    /// # Errors
    /// `TooLate`, `NoSpace`; `Unknown` also if the relay has no operator or does not keep this share after its end.
    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError>;

    /// The bytes of the share that `holder` may report, for the limits of a server. A client knows no such bytes.
    ///
    /// # Errors
    /// `Unknown`, as of [`Relay::report`].
    async fn reportable(&self, _holder: &Credential) -> Result<u64, RelayError> {
        Err(RelayError::Unknown)
    }

    /// The status of a share. Waits up to `wait` for a state that is not among `known`.
    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError>;

    /// Revokes a share. Returns its state before that.
    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError>;
}
