//! Backoff: asking again when the line breaks or the relay is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::relay::clock::{Clock, SystemClock};
use crate::relay::{
    About, Checksum, Claimed, Commit, Committed, Content, Create, Credential, Notice, Relay, RelayError, ShareState,
    Status, Waiting,
};
use crate::secret::{Receipt, Token};

/// The first pause; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Pauses that pass without a word: about a second.
const TOLD_AFTER: u32 = 3;

/// How long to go on trying without any progress.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    give_up: Duration,
    since: Option<Instant>,
    pauses: u32,
}

impl Backoff {
    /// Gives up when nothing has moved for `give_up`.
    pub fn new(give_up: Duration) -> Self {
        Self { give_up, since: None, pauses: 0 }
    }

    /// The same, from now on: the time runs although nothing has failed yet.
    #[must_use]
    pub fn started(self) -> Self {
        Self { since: Some(Instant::now()), ..self }
    }

    /// Something moved: the time runs anew.
    pub fn progress(&mut self) {
        self.since = None;
        self.pauses = 0;
    }

    /// Waits before another attempt, or returns the error: when it will not get better, or patience is at its end.
    pub async fn pause(&mut self, error: RelayError) -> Result<(), RelayError> {
        if !error.is_transient() {
            return Err(error);
        }
        let pause = self.next_pause(error)?;
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// How long to wait before another attempt, or the error when patience is at its end.
    fn next_pause(&mut self, error: RelayError) -> Result<Duration, RelayError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let backoff = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
        let asked = match error {
            // A relay can ask for patience, but not for more than an hour of it.
            RelayError::SlowDown { after } => Duration::from_secs(after.min(3600)),
            _ => Duration::ZERO,
        };
        // Between half of it and all of it, so that many clients of one relay don't come back together.
        let jittered = backoff / 2 + backoff.mul_f64(f64::from(SystemClock.chance() % 1000) / 2000.0);
        let pause = jittered.max(asked);
        if since.elapsed() + pause > self.give_up {
            return Err(error);
        }
        self.pauses += 1;
        tracing::debug!(%error, ?pause, "trying again");
        Ok(pause)
    }
}

/// A relay that is asked again until it answers or patience ends.
pub struct Retrying {
    relay: Arc<dyn Relay>,
    patience: Backoff,
    /// Whether it has answered before: then whatever answers in its place is one more way of not being there.
    has_answered: AtomicBool,
    /// Told when it takes longer than a moment: a person should know why nothing happens.
    waiter: Waiter,
}

/// Somebody who is told how the waiting for a relay goes.
pub type Waiter = Box<dyn Fn(Wait<'_>) + Send + Sync>;

/// How the waiting for a relay goes.
#[derive(Clone, Copy, Debug)]
pub enum Wait<'a> {
    /// It will be asked again.
    Again {
        /// Why.
        error: &'a RelayError,
        /// After how long.
        pause: Duration,
    },
    /// It has answered, or is not waited for any more.
    Over,
}

impl Retrying {
    /// `relay`, with `patience` for each single call. `waiter` is told when that takes longer than a moment.
    pub fn new(relay: Arc<dyn Relay>, patience: Backoff, waiter: Waiter) -> Self {
        Self { relay, patience, has_answered: AtomicBool::new(false), waiter }
    }

    /// Whether somebody else answers where the relay did: another network, which wants a login first.
    fn is_diverted(&self, error: &RelayError) -> bool {
        let is_foreign = matches!(error, RelayError::Diverted | RelayError::NotTrusted(_));
        is_foreign && self.has_answered.load(Ordering::Relaxed)
    }

    /// Repeats a short call: the time runs from its beginning.
    async fn repeat<T, F>(&self, call: impl FnMut() -> F) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, RelayError>>,
    {
        self.repeat_with(self.patience.started(), call).await
    }

    /// Repeats a call that moves bytes: the time runs from when it first fails.
    async fn repeat_with<T, F>(&self, mut patience: Backoff, mut call: impl FnMut() -> F) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, RelayError>>,
    {
        let mut was_connected = false;
        loop {
            let answer = call().await;
            let has_told = patience.pauses > TOLD_AFTER;
            match answer {
                Err(error) if error.is_transient() || self.is_diverted(&error) => {
                    // Whether nothing was asked is said of all attempts together.
                    let error = match error {
                        RelayError::NoConnection(why) if was_connected => RelayError::Unreachable(why),
                        RelayError::Hindered(why) if was_connected => RelayError::Unreachable(why.to_string()),
                        error => error,
                    };
                    was_connected |= !error.is_unasked();
                    let pause = patience.next_pause(error.clone()).inspect_err(|_| {
                        if has_told {
                            (self.waiter)(Wait::Over);
                        }
                    })?;
                    if patience.pauses > TOLD_AFTER {
                        (self.waiter)(Wait::Again { error: &error, pause });
                    }
                    tokio::time::sleep(pause).await;
                }
                answer => {
                    let is_foreign = matches!(answer, Err(RelayError::Diverted | RelayError::NotTrusted(_)));
                    self.has_answered.fetch_or(!is_foreign, Ordering::Relaxed);
                    if has_told {
                        (self.waiter)(Wait::Over);
                    }
                    return answer;
                }
            }
        }
    }
}

#[async_trait]
impl Relay for Retrying {
    async fn about(&self) -> Result<About, RelayError> {
        self.repeat(|| self.relay.about()).await
    }

    async fn create(&self, owner: &Credential, offer: &Create) -> Result<(), RelayError> {
        self.repeat(|| self.relay.create(owner, offer)).await
    }

    /// Only a part that is in memory can be sent again.
    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        match part {
            Content::Whole(bytes) => {
                let put = || self.relay.put_part(owner, number, crc, Content::Whole(bytes.clone()));
                self.repeat_with(self.patience, put).await
            }
            stream @ Content::Stream { .. } => self.relay.put_part(owner, number, crc, stream).await,
        }
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<Committed, RelayError> {
        self.repeat(|| self.relay.commit(owner, commit)).await
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<Committed, RelayError> {
        match part {
            Content::Whole(bytes) => {
                let deposit = || self.relay.deposit(owner, offer, commit, Content::Whole(bytes.clone()));
                self.repeat_with(self.patience, deposit).await
            }
            stream @ Content::Stream { .. } => self.relay.deposit(owner, offer, commit, stream).await,
        }
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.repeat(|| self.relay.notice(link)).await
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.repeat(|| self.relay.manifest(link, proof)).await
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<Claimed, RelayError> {
        self.repeat(|| self.relay.claim(link, proof, claim_token)).await
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        self.repeat(|| self.relay.get_part(holder, number, offset)).await
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.repeat(|| self.relay.finish(holder, receipt)).await
    }

    async fn status(
        &self,
        owner: &Credential,
        known: Option<ShareState>,
        wait: Duration,
    ) -> Result<Status, RelayError> {
        // While an answer is held back, patience is not used up.
        let patience = if wait.is_zero() { self.patience.started() } else { self.patience };
        self.repeat_with(patience, || self.relay.status(owner, known, wait)).await
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        self.repeat(|| self.relay.revoke(owner)).await
    }
}
