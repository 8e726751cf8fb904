//! Retries after broken connections and while a relay is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::relay::clock::{Clock, SystemClock};
use crate::relay::obstacle::Obstacle;
use crate::relay::{
    About, Allowance, Checksum, ClaimResponse, Commit, CommitResponse, Content, Create, Credential, Left, Notice,
    Relay, RelayError, Report, Reported, ShareState, Status, Waiting,
};
use crate::secret::{Receipt, Token};

/// The first pause. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Pauses before the first call of [`OnRetry`]: together about a second.
const UNREPORTED_PAUSES: u32 = 3;
/// A longer pause, which the relay asked for, is reported at once.
const UNREPORTED_TIME: Duration = Duration::from_secs(1);

/// State of the pauses between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    give_up: Duration,
    /// When the attempts began to fail. `None` after progress.
    since: Option<Instant>,
    /// Pauses since then.
    pauses: u32,
}

impl Backoff {
    /// Gives up after `give_up` without progress.
    pub fn new(give_up: Duration) -> Self {
        Self { give_up, since: None, pauses: 0 }
    }

    /// The same, with the time running from now on.
    #[must_use]
    pub fn started(self) -> Self {
        Self { since: Some(Instant::now()), ..self }
    }

    /// Notes progress, which resets the time.
    pub fn progress(&mut self) {
        self.since = None;
        self.pauses = 0;
    }

    /// Waits before another attempt.
    ///
    /// # Errors
    /// `error`, if it is not transient or the time limit is reached.
    pub async fn pause(&mut self, error: RelayError) -> Result<(), RelayError> {
        if !error.is_transient() {
            return Err(error);
        }
        let pause = self.next_pause(error)?;
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// The pause before another attempt, or the error when the time limit is reached.
    fn next_pause(&mut self, error: RelayError) -> Result<Duration, RelayError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let usual = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
        let asked = match error {
            // The `Retry-After` of the relay or of a proxy, at most an hour.
            RelayError::SlowDown { after, .. } | RelayError::ByProxy { after: Some(after), .. } => {
                Duration::from_secs(after.min(3600))
            }
            _ => Duration::ZERO,
        };
        // Jitter: 50 % to 100 % of the pause, so that many clients do not retry at the same time.
        let jittered = usual / 2 + usual.mul_f64(f64::from(SystemClock.chance() % 1000) / 2000.0);
        let pause = jittered.max(asked);
        if since.elapsed() + pause > self.give_up {
            return Err(error);
        }
        self.pauses += 1;
        tracing::debug!(%error, ?pause, "trying again");
        Ok(pause)
    }
}

/// A relay whose requests are repeated until they succeed or the [`Backoff`] ends.
pub struct Retrying {
    relay: Arc<dyn Relay>,
    backoff: Backoff,
    /// Whether the relay has answered before. Then a foreign answer is a transient failure.
    has_answered: AtomicBool,
    /// Called if retries take longer than about a second, so that the user learns the reason.
    on_retry: OnRetry,
}

/// A callback for retries.
pub type OnRetry = Box<dyn Fn(RetryEvent<'_>) + Send + Sync>;

/// Events of retries.
#[derive(Clone, Copy, Debug)]
pub enum RetryEvent<'a> {
    /// The request will be repeated.
    Paused {
        /// The error of the last attempt.
        error: &'a RelayError,
        /// The time until the next attempt.
        pause: Duration,
    },
    /// The request succeeded, failed for good, or was given up.
    Ended,
}

impl Retrying {
    /// `relay`, with a `backoff` for each call. `on_retry` is called if retries take longer than about a second.
    pub fn new(relay: Arc<dyn Relay>, backoff: Backoff, on_retry: OnRetry) -> Self {
        Self { relay, backoff, has_answered: AtomicBool::new(false), on_retry }
    }

    /// Whether a foreign answer came in place of the relay's, as from a captive portal, or another network does not
    /// know its name, or its proxy refuses the connection.
    fn is_diverted(&self, error: &RelayError) -> bool {
        is_foreign(error) && self.has_answered.load(Ordering::Relaxed)
    }

    /// Repeats a short call. The time runs from its beginning.
    async fn repeat<T, F>(&self, call: impl FnMut() -> F) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, RelayError>>,
    {
        self.repeat_with(self.backoff.started(), call).await
    }

    /// Repeats a call that transfers content. The time runs from its first failure.
    async fn repeat_with<T, F>(&self, mut backoff: Backoff, mut call: impl FnMut() -> F) -> Result<T, RelayError>
    where
        F: Future<Output = Result<T, RelayError>>,
    {
        let (mut was_connected, mut is_reported) = (false, false);
        loop {
            let answer = call().await;
            match answer {
                Err(error) if error.is_transient() || self.is_diverted(&error) => {
                    // The error covers all attempts: "no request was sent" must hold for each of them.
                    let error = match error {
                        RelayError::NoConnection(why) if was_connected => RelayError::Unreachable(why),
                        RelayError::Hindered(why) if was_connected => RelayError::Unreachable(why.to_string()),
                        error => error,
                    };
                    was_connected |= !error.is_unasked();
                    let pause = backoff.next_pause(error.clone()).inspect_err(|_| {
                        if is_reported {
                            (self.on_retry)(RetryEvent::Ended);
                        }
                    })?;
                    is_reported |= backoff.pauses > UNREPORTED_PAUSES || pause > UNREPORTED_TIME;
                    if is_reported {
                        (self.on_retry)(RetryEvent::Paused { error: &error, pause });
                    }
                    tokio::time::sleep(pause).await;
                }
                answer => {
                    self.has_answered.fetch_or(!answer.as_ref().is_err_and(is_foreign), Ordering::Relaxed);
                    if is_reported {
                        (self.on_retry)(RetryEvent::Ended);
                    }
                    return answer;
                }
            }
        }
    }
}

/// Whether an error shows that something else was reached, or nothing.
fn is_foreign(error: &RelayError) -> bool {
    match error {
        RelayError::Diverted
        | RelayError::NotTrusted(_)
        | RelayError::Hindered(Obstacle::UnknownName | Obstacle::ProxyRefuses(_)) => true,
        RelayError::Fronted { front, .. } => front.may_pass(),
        _ => false,
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

    async fn allowance(&self, ask: &Allowance) -> Result<Left, RelayError> {
        self.repeat(|| self.relay.allowance(ask)).await
    }

    /// Repeats only a part in memory: a stream can be read once.
    async fn put_part(&self, owner: &Credential, number: u32, crc: Checksum, part: Content) -> Result<(), RelayError> {
        match part {
            Content::Whole(bytes) => {
                let put = || self.relay.put_part(owner, number, crc, Content::Whole(bytes.clone()));
                self.repeat_with(self.backoff, put).await
            }
            stream @ (Content::Stream { .. } | Content::Unsized(_)) => {
                self.relay.put_part(owner, number, crc, stream).await
            }
        }
    }

    async fn commit(&self, owner: &Credential, commit: &Commit) -> Result<CommitResponse, RelayError> {
        self.repeat(|| self.relay.commit(owner, commit)).await
    }

    async fn deposit(
        &self,
        owner: &Credential,
        offer: &Create,
        commit: &Commit,
        part: Content,
    ) -> Result<CommitResponse, RelayError> {
        match part {
            Content::Whole(bytes) => {
                let deposit = || self.relay.deposit(owner, offer, commit, Content::Whole(bytes.clone()));
                self.repeat_with(self.backoff, deposit).await
            }
            stream @ (Content::Stream { .. } | Content::Unsized(_)) => {
                self.relay.deposit(owner, offer, commit, stream).await
            }
        }
    }

    async fn notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.repeat(|| self.relay.notice(link)).await
    }

    async fn manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        self.repeat(|| self.relay.manifest(link, proof)).await
    }

    async fn claim(&self, link: &Credential, proof: &Token, claim_token: &Token) -> Result<ClaimResponse, RelayError> {
        self.repeat(|| self.relay.claim(link, proof, claim_token)).await
    }

    async fn get_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        self.repeat(|| self.relay.get_part(holder, number, offset)).await
    }

    async fn finish(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        self.repeat(|| self.relay.finish(holder, receipt)).await
    }

    async fn report(&self, holder: &Credential, report: &Report) -> Result<Reported, RelayError> {
        self.repeat(|| self.relay.report(holder, report)).await
    }

    async fn status(&self, owner: &Credential, known: &[ShareState], wait: Duration) -> Result<Status, RelayError> {
        // The time does not run while the relay waits for a change.
        let backoff = if wait.is_zero() { self.backoff.started() } else { self.backoff };
        self.repeat_with(backoff, || self.relay.status(owner, known, wait)).await
    }

    async fn revoke(&self, owner: &Credential) -> Result<ShareState, RelayError> {
        self.repeat(|| self.relay.revoke(owner)).await
    }
}
