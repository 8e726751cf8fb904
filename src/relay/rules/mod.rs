//! The rules of a share, over any store. No other module has any.
//!
//! Two rules are essential. *Durable first:* an acknowledged part is on disk, a share is committed only when all its
//! parts are, and data is deleted only after a record that makes it unreadable. *One decision:* the opener, the
//! sender, a sweeper and the attempt that locks a share all create the same `claim`, and the first one decides.
//!
//! This file has the relay itself and the steps that its rules share. Each group of requests has a file: `upload`,
//! `commit`, `open`, `owner`. `sweep` does what time makes due, `count` counts the stored shares, and [`probe`] tests a
//! store. They use `records` (the decisions about a share), `phase` (the state that follows from them), `known` (what a
//! node remembers of them), `ending` (the last decision, and the deletion after it), `used` and `ledger` (what create
//! tokens have used), `incoming` (a part on its way), `names` and `write_once`.
//!
//! Of reports, `report` takes them, `hold` keeps what can be reported, `index` counts the room, and [`review`] is for
//! the operator.

mod commit;
mod count;
mod ending;
mod hold;
mod incoming;
mod index;
mod known;
mod ledger;
mod names;
mod open;
mod owner;
mod phase;
pub mod probe;
mod records;
mod report;
pub mod review;
mod sweep;
mod upload;
mod used;
mod write_once;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use self::index::Index;
use self::known::{Known, Remembered};
use self::ledger::Ledger;
use self::phase::Records;
use self::records::{Decision, Offer, get, load};
use self::write_once::write_hint;
use crate::relay::clock::Clock;
use crate::relay::metrics::Metrics;
use crate::relay::store::Store;
use crate::relay::{
    About, Admission, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, HOLD,
    LEASE, Left, MAX_SEALED_MANIFEST, MAX_TTL, Notice, Relay, RelayError, Report, Reported, ShareState, Status, V1,
    Waiting,
};
use crate::secret::{Claimant, Id, Receipt, Role, Token};

/// An upload that is not committed after this time is aborted.
pub const UPLOAD_TIME: Duration = Duration::from_hours(24);
/// Default time from a share's end by the clock to its end by a record. Covers the difference between nodes' clocks.
const GRACE: Duration = Duration::from_mins(2);
/// The greatest accepted difference between our clock and the store's.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(2);

/// Limits that an operator sets.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The largest blob, in bytes.
    pub max_bytes: u64,
    /// The longest time from the commit to expiry.
    pub max_ttl: Duration,
    /// Time from the claim to the end of the lease.
    pub lease: Duration,
    /// Time from a share's end by the clock to its end by a record. Other nodes' clocks may differ by as much.
    pub grace: Duration,
    /// Bytes of the store that stay free. With less free space the relay refuses uploads; stored shares can still be
    /// opened. `None`: a twentieth of the store, and at least 1 GiB.
    pub reserve: Option<u64>,
    /// Whether this is a sender's own computer, whose links have the flag of a direct one. Elsewhere that flag is
    /// refused: such a link would lead to no relay. Nothing is remembered there, since reading is quick and the store
    /// ends with its share.
    pub direct: bool,
    /// The operator to whom recipients can report what they were sent. `None`, as on a sender's own computer and in a
    /// store without a server: shares are deleted at once when they have ended.
    pub operator: Option<Operator>,
}

/// The operator of a relay, to whom recipients can report what they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The age recipient.
    pub recipient: String,
    /// How to reach the operator.
    pub contact: String,
    /// The limit of all that is reported at once, in bytes.
    pub max_reported: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 30,
            max_ttl: MAX_TTL,
            lease: LEASE,
            grace: GRACE,
            reserve: None,
            direct: false,
            operator: None,
        }
    }
}

/// A relay over a store.
pub struct StoreRelay {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    known: Known,
    ledger: Ledger,
    metrics: Arc<Metrics>,
    /// Locked while a report is entered into the index: reports at the same time must see each other's bytes.
    index: Mutex<Index>,
    /// Whether our clock agrees with the store's. While it does not, the relay neither claims nor sweeps.
    clock_agrees: AtomicBool,
    /// Whether it was logged that they differ.
    clock_reported: AtomicBool,
    /// Deletions that go on after an answer; `None`: the answers wait for them.
    deletions: Option<TaskTracker>,
}

impl StoreRelay {
    /// The rules over `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, policy: Policy) -> Self {
        // The folder of a direct share is removed with the program that serves it, also under a program that waits.
        let known = Known::new(!policy.direct);
        let (clock_agrees, clock_reported) = (AtomicBool::new(true), AtomicBool::new(false));
        let (metrics, ledger, index) = (Arc::default(), Ledger::default(), Mutex::default());
        Self { store, clock, policy, known, ledger, metrics, index, clock_agrees, clock_reported, deletions: None }
    }

    /// These rules, with `metrics` counting what they decide.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Unix seconds.
    fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The offer of a share and what is remembered of its other records, for a credential whose token has the verifier
    /// of `role`. Nothing else is read before the token is compared.
    ///
    /// # Errors
    /// [`RelayError::Unknown`] for an unknown share and for a wrong token, after the same read of the store: that of a
    /// remembered share is read too if the token is wrong, so that the time of the answer reveals no share.
    async fn admit(&self, credential: &Credential, role: Role) -> Result<(Arc<Offer>, Remembered), RelayError> {
        let id = &credential.id;
        let presented = credential.token.verifier(role, id);
        let is_right = |offer: &Offer| {
            let verifiers = &offer.verifiers;
            presented
                == match role {
                    Role::Link => verifiers.link,
                    Role::Open => verifiers.open,
                    Role::Owner => verifiers.own,
                }
        };
        let known = self.known.get(id, self.now());
        if let Some(offer) = known.offer.clone().filter(|offer| is_right(offer)) {
            return Ok((offer, known));
        }
        let offer = load(&*self.store, &Offer::name(id)).await?.filter(is_right).ok_or(RelayError::Unknown)?;
        let known = if known.offer.is_some() { self.forget_former(id) } else { known };
        Ok((Arc::new(offer), known))
    }

    /// Forgets a former share of this id. There is one only if the store was emptied or restored under this node.
    fn forget_former(&self, id: &Id) -> Remembered {
        self.known.forget(id);
        Remembered::default()
    }

    /// The records of a share, for a credential whose token has the verifier of `role`. An unknown share and a wrong
    /// token are both [`RelayError::Unknown`].
    async fn records(&self, credential: &Credential, role: Role) -> Result<Records, RelayError> {
        let (offer, known) = self.admit(credential, role).await?;
        self.complete(&credential.id, offer, known).await
    }

    /// Reads the records of a share that are not remembered, and remembers them unless it has ended.
    async fn complete(&self, id: &Id, offer: Arc<Offer>, known: Remembered) -> Result<Records, RelayError> {
        // Of this moment: another node may end the share while its records are read.
        let now = self.now();
        let records = Records::complete(&*self.store, id, offer, known).await?;
        match records.remembered(now) {
            Some(remembered) => self.known.remember(id, now, remembered),
            None => self.known.forget(id),
        }
        Ok(records)
    }

    /// The error for `asker` now: see [`Records::refusal`].
    fn refusal(&self, records: &Records, asker: Option<&Claimant>) -> RelayError {
        records.refusal(records.phase(self.now()), asker)
    }

    /// The encrypted manifest.
    async fn manifest_of(&self, id: &Id) -> Result<Bytes, RelayError> {
        // Absent means deleted since the records were read. The client's next request reads them again.
        get(&*self.store, &names::manifest(id), MAX_SEALED_MANIFEST as u64).await?.ok_or(RelayError::BUSY)
    }

    /// Writes a hint for the sweeper to look at `id` at `due`. Must precede the record that makes something due then.
    async fn mark_due(&self, id: &Id, due: u64) -> Result<(), RelayError> {
        write_hint(&*self.store, &*self.clock, &names::due(id, due)).await
    }
}

#[async_trait]
impl Relay for StoreRelay {
    async fn about(&self) -> Result<About, RelayError> {
        let operator = self.policy.operator.as_ref();
        Ok(About {
            v: V1,
            max_bytes: self.policy.max_bytes,
            max_ttl: self.policy.max_ttl.as_secs(),
            lease: self.policy.lease.as_secs(),
            create: Admission::Open,
            public_url: None,
            contact: operator.map(|operator| operator.contact.clone()),
            operator_recipient: operator.map(|operator| operator.recipient.clone()),
            hold: operator.map(|_| HOLD.as_secs()),
            send: false,
        })
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.announce(owner, offer, None).await.map(drop)
    }

    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError> {
        self.left_of(ask.account.as_ref().ok_or(RelayError::NotAllowed)?).await
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        self.store_part(owner, number, crc, part).await
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError> {
        self.commit_upload(owner, commit).await
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        self.deposit_share(owner, offer, commit, part).await
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.show_notice(link).await
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.show_manifest(link, proof).await
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        self.claim_share(link, proof, claim_token).await
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        self.read_part(holder, number, offset).await
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.finish_claim(holder, receipt).await
    }

    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        self.report_share(holder, report).await
    }

    async fn reportable(&self, holder: &Credential) -> Result<u64, RelayError> {
        self.reportable_bytes(holder).await
    }

    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError> {
        self.await_status(owner, known, wait).await
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        self.revoke_share(owner).await
    }
}
