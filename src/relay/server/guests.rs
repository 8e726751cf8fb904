//! Guests: clients from the network, at a share that its sender's own computer serves. They may look and open. Requests
//! of the sender are refused, and the sender's program can watch what guests do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::blob::part_start;
use crate::relay::{
    About, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, Left, Notice,
    Relay, RelayError, Report, Reported, ShareState, Status, Waiting,
};
use crate::secret::{Claimant, Receipt, Token};

/// The activity of guests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Whether any guest has made a request.
    pub came: bool,
    /// How many times the notice or the manifest was read.
    pub looks: u64,
    /// The device that claimed it.
    pub claimant: Option<Claimant>,
    /// The bytes of the blob that the opener has downloaded.
    pub fetched: u64,
    /// Whether the opener has finished.
    pub finished: bool,
}

/// A relay that refuses the requests of senders.
pub struct Guests {
    relay: Arc<dyn Relay>,
    seen: watch::Sender<Activity>,
}

impl Guests {
    /// `relay` for guests, and a watcher of their activity.
    pub fn new(relay: Arc<dyn Relay>) -> (Self, watch::Receiver<Activity>) {
        let (seen, watcher) = watch::channel(Activity::default());
        (Self { relay, seen }, watcher)
    }

    fn note(&self, change: impl FnOnce(&mut Activity)) {
        self.seen.send_modify(|seen| {
            seen.came = true;
            change(seen);
        });
    }
}

#[async_trait]
impl Relay for Guests {
    async fn about(&self) -> Result<About, RelayError> {
        self.note(|_| {});
        self.relay.about().await
    }

    async fn create(&self, _owner: &Credential, _offer: &Create) -> Result<(), RelayError> {
        Err(RelayError::NotAllowed)
    }

    async fn allowance(&self, _ask: &Allowance) -> Result<Left, RelayError> {
        Err(RelayError::NotAllowed)
    }

    async fn put_part(&self, _: &Credential, _number: u32, _crc: Checksum, _part: Content) -> Result<(), RelayError> {
        Err(RelayError::Unknown)
    }

    async fn commit(&self, _owner: &Credential, _commit: &Commit) -> Result<CommitResponse, RelayError> {
        Err(RelayError::Unknown)
    }

    async fn deposit(
        &self,
        _: &Credential,
        _: &Create,
        _: &Commit,
        _part: Content,
    ) -> Result<CommitResponse, RelayError> {
        Err(RelayError::NotAllowed)
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.note(|_| {});
        let notice = self.relay.notice(link).await?;
        self.note(|seen| seen.looks += 1);
        Ok(notice)
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.note(|_| {});
        let waiting = self.relay.manifest(link, proof).await?;
        self.note(|seen| seen.looks += 1);
        Ok(waiting)
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        self.note(|_| {});
        let claimed = self.relay.claim(link, proof, claim_token).await?;
        let whole = claimed.part.as_ref().map_or(0, |part| part.len() as u64);
        self.note(|seen| {
            seen.claimant = Some(claim_token.claimant(&link.id));
            seen.fetched = seen.fetched.max(whole);
        });
        Ok(claimed)
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let content = self.relay.get_part(holder, number, offset).await?;
        let (len, seen) = (content.known_len().ok_or(RelayError::BUSY)?, self.seen.clone());
        let mut at = part_start(number) + offset;
        let chunks = content.into_chunks().inspect(move |chunk| {
            at += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            seen.send_if_modified(|seen| {
                let further = at > seen.fetched;
                seen.fetched = seen.fetched.max(at);
                further
            });
        });
        Ok(Content::Stream { len, chunks: chunks.boxed() })
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.relay.finish(holder, receipt).await?;
        self.note(|seen| seen.finished = true);
        Ok(())
    }

    async fn report(&self, _holder: &Credential, _report: &Report) -> Result<Reported, RelayError> {
        Err(RelayError::Unknown)
    }

    async fn status(&self, _owner: &Credential, _: &[ShareState], _wait: Duration) -> Result<Status, RelayError> {
        Err(RelayError::Unknown)
    }

    async fn revoke(&self, _owner: &Credential) -> Result<ShareState, RelayError> {
        Err(RelayError::Unknown)
    }
}
