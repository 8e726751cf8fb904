//! Network faults between a server and its clients.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use share::relay::{
    About, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, Left, Notice,
    Relay, RelayError, Report, Reported, ShareState, Status, Waiting,
};
use share::secret::{Receipt, Token};

/// The fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// The request is carried out, and its answer is lost.
    Lose,
    /// One bit of the request's part changes.
    Corrupt,
}

/// Chooses the request that a fault happens to.
#[derive(Default)]
pub(crate) struct Line(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    at: Option<(u64, LineFault)>,
    asked: u64,
    /// The request in which the fault was observed.
    seen: Option<&'static str>,
}

impl Line {
    /// Plans a fault for the request of this number, from 1 on: of those that carry a part, if the fault is about
    /// parts.
    pub(crate) fn at(&self, number: u64, fault: LineFault) {
        *self.0.lock().unwrap() = Plan { at: Some((number, fault)), ..Plan::default() };
    }

    /// Clears the plan. Returns whether there was a request of that number, and its name if the fault was observed.
    pub(crate) fn clear(&self) -> (bool, Option<&'static str>) {
        let Plan { at, asked, seen } = std::mem::take(&mut *self.0.lock().unwrap());
        (at.is_some_and(|(number, _)| asked >= number), seen)
    }

    fn does(&self, fault: LineFault) -> bool {
        let mut plan = self.0.lock().unwrap();
        let Some((number, kind)) = plan.at else { return false };
        if kind != fault {
            return false;
        }
        plan.asked += 1;
        plan.asked == number
    }

    fn saw(&self, request: &'static str) {
        self.0.lock().unwrap().seen = Some(request);
    }

    /// Passes an answer on, or loses it. The loss was observed if the client got another answer to a request that
    /// succeeded.
    fn pass<T>(&self, request: &'static str, answer: Result<T, RelayError>) -> Result<T, RelayError> {
        if !self.does(LineFault::Lose) {
            return answer;
        }
        let was_done = answer.is_ok();
        let passed = Err(RelayError::BUSY);
        if was_done && passed.is_err() {
            self.saw(request);
        }
        passed
    }

    /// Passes a part on, or corrupts it. The corruption was observed if its checksum differs.
    async fn carry(&self, request: &'static str, part: Content) -> Result<Content, RelayError> {
        if !self.does(LineFault::Corrupt) {
            return Ok(part);
        }
        let whole = part.whole().await?;
        let mut bytes = BytesMut::from(&*whole);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        if Checksum::of(&bytes) != Checksum::of(&whole) {
            self.saw(request);
        }
        Ok(Bytes::from(bytes).into())
    }
}

/// A relay behind a faulty network.
pub(crate) struct Unreliable {
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) line: Arc<Line>,
}

#[async_trait]
impl Relay for Unreliable {
    async fn about(&self) -> Result<About, RelayError> {
        self.line.pass("about", self.relay.about().await)
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.line.pass("create", self.relay.create(owner, offer).await)
    }

    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError> {
        self.line.pass("allowance", self.relay.allowance(ask).await)
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        let part = self.line.carry("put_part", part).await?;
        self.line.pass("put_part", self.relay.put_part(owner, number, crc, part).await)
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError> {
        self.line.pass("commit", self.relay.commit(owner, commit).await)
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        let part = self.line.carry("deposit", part).await?;
        self.line.pass("deposit", self.relay.deposit(owner, offer, commit, part).await)
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.line.pass("notice", self.relay.notice(link).await)
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.line.pass("manifest", self.relay.manifest(link, proof).await)
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        let mut claimed = self.relay.claim(link, proof, claim_token).await;
        if let Ok(ClaimResponse { part: Some(part), .. }) = &mut claimed {
            *part = self.line.carry("claim", part.clone().into()).await?.whole().await?;
        }
        self.line.pass("claim", claimed)
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let part = self.relay.get_part(holder, number, offset).await?;
        let part = self.line.carry("get_part", part).await;
        self.line.pass("get_part", part)
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.line.pass("finish", self.relay.finish(holder, receipt).await)
    }

    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        self.line.pass("report", self.relay.report(holder, report).await)
    }

    async fn reportable(&self, holder: &Credential) -> Result<u64, RelayError> {
        self.relay.reportable(holder).await
    }

    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError> {
        self.line.pass("status", self.relay.status(owner, known, wait).await)
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        self.line.pass("revoke", self.relay.revoke(owner).await)
    }
}
