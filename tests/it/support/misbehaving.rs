//! A relay that misbehaves at one point.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use share::relay::{
    About, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, Left, Notice,
    Relay, RelayError, Report, Reported, ShareState, Status, Waiting,
};
use share::secret::{Receipt, Token};

/// The misbehavior. The defaults change nothing.
pub(crate) trait Misbehavior: Send + Sync {
    /// Changes the answer to a claim. `second` is part 1 as the relay holds it, if there is one.
    fn claimed(&self, _claimed: &mut ClaimResponse, _second: Option<Bytes>) {}

    /// The number of the part to send for a request.
    fn number(&self, number: u32) -> u32 {
        number
    }

    /// Changes a part.
    fn part(&self, _number: u32, bytes: Bytes) -> Bytes {
        bytes
    }

    /// Changes the status for a sender.
    fn status(&self, _status: &mut Status) {}

    /// Answers a commit.
    fn commit(&self, _commit: &Commit) -> Result<(), RelayError> {
        Ok(())
    }

    /// Answers a finish.
    fn finish(&self) -> Result<(), RelayError> {
        Ok(())
    }
}

/// `relay` with the misbehavior `M`.
pub(crate) struct Misbehaving<M> {
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) how: M,
}

#[async_trait]
impl<M: Misbehavior> Relay for Misbehaving<M> {
    async fn about(&self) -> Result<About, RelayError> {
        self.relay.about().await
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.relay.create(owner, offer).await
    }

    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError> {
        self.relay.allowance(ask).await
    }

    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        self.relay.put_part(owner, number, crc, part).await
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError> {
        self.how.commit(commit)?;
        self.relay.commit(owner, commit).await
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        self.relay.deposit(owner, offer, commit, part).await
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.relay.notice(link).await
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.relay.manifest(link, proof).await
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        let mut claimed = self.relay.claim(link, proof, claim_token).await?;
        let holder = Credential::new(link.id, claim_token.clone());
        let second = match self.relay.get_part(&holder, 1, 0).await {
            Ok(part) => Some(part.whole().await?),
            Err(_) => None,
        };
        self.how.claimed(&mut claimed, second);
        Ok(claimed)
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let number = self.how.number(number);
        let whole = self.relay.get_part(holder, number, 0).await?.whole().await?;
        let bytes = self.how.part(number, whole);
        Ok(Content::Whole(bytes.slice(usize::try_from(offset).unwrap().min(bytes.len())..)))
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.how.finish()?;
        self.relay.finish(holder, receipt).await
    }

    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        self.relay.report(holder, report).await
    }

    async fn reportable(&self, holder: &Credential) -> Result<u64, RelayError> {
        self.relay.reportable(holder).await
    }

    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError> {
        let mut status = self.relay.status(owner, known, wait).await?;
        self.how.status(&mut status);
        Ok(status)
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        self.relay.revoke(owner).await
    }
}
