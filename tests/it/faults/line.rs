//! What happens between a server and those who ask it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use share::relay::{
    About, Checksum, Claimed, Commit, Content, Create, Credential, Notice, Relay, RelayError, Sealed, State, Status,
    Waiting,
};
use share::secret::{Receipt, Token};

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mischief {
    /// It is carried out, and nobody hears of it.
    Lose,
    /// One bit of the part that it carries changes.
    Garble,
}

/// Decides to which request something is done.
#[derive(Default)]
pub(crate) struct Line(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    at: Option<(u64, Mischief)>,
    asked: u64,
    done: bool,
}

impl Line {
    /// Does something to the request of this number, from 1 on: of those that carry a part, if it is about parts.
    pub(crate) fn at(&self, number: u64, mischief: Mischief) {
        *self.0.lock().unwrap() = Plan { at: Some((number, mischief)), ..Plan::default() };
    }

    /// Does nothing any more. Returns whether something was done.
    pub(crate) fn calm(&self) -> bool {
        std::mem::take(&mut *self.0.lock().unwrap()).done
    }

    fn does(&self, mischief: Mischief) -> bool {
        let mut plan = self.0.lock().unwrap();
        let Some((number, kind)) = plan.at else { return false };
        if kind != mischief {
            return false;
        }
        plan.asked += 1;
        plan.done |= plan.asked == number;
        plan.asked == number
    }

    fn pass<T>(&self, answer: Result<T, RelayError>) -> Result<T, RelayError> {
        if self.does(Mischief::Lose) { Err(RelayError::BUSY) } else { answer }
    }

    async fn carry(&self, part: Content) -> Result<Content, RelayError> {
        if !self.does(Mischief::Garble) {
            return Ok(part);
        }
        let mut bytes = BytesMut::from(&*part.whole().await?);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        Ok(Bytes::from(bytes).into())
    }
}

/// A relay at the end of such a line.
pub(crate) struct Unreliable {
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) line: Arc<Line>,
}

#[async_trait]
impl Relay for Unreliable {
    async fn about(&self) -> Result<About, RelayError> {
        self.line.pass(self.relay.about().await)
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.line.pass(self.relay.create(owner, offer).await)
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        let part = self.line.carry(part).await?;
        self.line.pass(self.relay.put_part(owner, number, crc, part).await)
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<Sealed, RelayError> {
        self.line.pass(self.relay.commit(owner, commit).await)
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<Sealed, RelayError> {
        let part = self.line.carry(part).await?;
        self.line.pass(self.relay.deposit(owner, offer, commit, part).await)
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.line.pass(self.relay.notice(link).await)
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.line.pass(self.relay.manifest(link, proof).await)
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<Claimed, RelayError> {
        let mut claimed = self.relay.claim(link, proof, claim_token).await;
        if let Ok(Claimed { part: Some(part), .. }) = &mut claimed {
            *part = self.line.carry(part.clone().into()).await?.whole().await?;
        }
        self.line.pass(claimed)
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let part = self.relay.get_part(holder, number, offset).await?;
        let part = self.line.carry(part).await;
        self.line.pass(part)
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.line.pass(self.relay.finish(holder, receipt).await)
    }

    async fn status(&self, owner: &Credential, known: Option<State>, wait: Duration) -> Result<Status, RelayError> {
        self.line.pass(self.relay.status(owner, known, wait).await)
    }

    async fn revoke(&self, owner: &Credential) -> Result<State, RelayError> {
        self.line.pass(self.relay.revoke(owner).await)
    }
}
