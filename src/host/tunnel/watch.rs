//! Watching a tunnel while it is used: it is opened again when it is lost.
//!
//! Except on Windows, the clock of the runtime stands still while the computer is suspended, so a night does not use up
//! the time to give up. The clock of the system shows that there was one.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::host::tunnel::opened::Tunnel;
use crate::host::tunnel::running::{Running, Where};
use crate::platform::process::time_since_boot;
use crate::relay::RelayError;
use crate::relay::here::Answer;
use crate::relay_url::RelayUrl;

/// The time between two looks at the clock of the system.
const TICK: Duration = Duration::from_secs(10);
/// The time between two questions to the public address.
const QUESTION_TIME: Duration = Duration::from_mins(1);
/// A tick that took so much longer was interrupted by a suspension.
const SUSPENDED: Duration = Duration::from_secs(20);
/// Questions without a right answer after which a tunnel is lost, and the pause between them.
const FAILURES: usize = 3;
const FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// The first pause before the program is started again, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The time of one attempt to open the tunnel again.
const ATTEMPT: Duration = Duration::from_mins(1);

/// A change of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelEvent {
    /// It does not lead here any more, and is opened again.
    Lost,
    /// It leads here again, from the same address.
    Back,
}

/// The end of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// It was opened again at this other address.
    Moved(RelayUrl),
    /// It could not be opened again in time.
    GivenUp,
}

impl Tunnel {
    /// Watches the tunnel, and opens it again when it is lost. `is_busy`: bytes flow, so there is no need to ask.
    pub async fn watch(&mut self, is_busy: impl Fn() -> bool, report: impl Fn(TunnelEvent)) -> TunnelEnd {
        loop {
            if let Some(running) = &mut self.running {
                let ask = async |origin: &RelayUrl| self.asker.ask(origin).await;
                tokio::select! {
                    () = running.ended() => {}
                    () = until_silent(&self.origin, &ask, &is_busy, &time_since_boot) => {}
                }
            }
            if let Err(end) = self.restore(&report).await {
                return end;
            }
        }
    }

    /// Asks once more after a time in which the tunnel was not watched, and opens it again if it was lost.
    ///
    /// # Errors
    /// The end of the tunnel.
    pub async fn confirm(&mut self, report: impl Fn(TunnelEvent)) -> Result<(), TunnelEnd> {
        if let Some(running) = &mut self.running {
            let ask = async |origin: &RelayUrl| self.asker.ask(origin).await;
            tokio::select! {
                biased;
                () = running.ended() => {}
                answers = answers(&self.origin, &ask) => if answers { return Ok(()) },
            }
        }
        self.restore(&report).await
    }

    /// Opens the tunnel again after it was lost.
    async fn restore(&mut self, report: &impl Fn(TunnelEvent)) -> Result<(), TunnelEnd> {
        report(TunnelEvent::Lost);
        if let Some(running) = self.running.take() {
            running.end().await;
        }
        match timeout(self.give_up, self.open_again()).await {
            Ok((running, None)) => self.running = Some(running),
            Ok((_, Some(other))) => return Err(TunnelEnd::Moved(other)),
            Err(_) => return Err(TunnelEnd::GivenUp),
        }
        report(TunnelEvent::Back);
        Ok(())
    }

    /// Opens the tunnel again. Returns its address if that is another one.
    async fn open_again(&self) -> (Running, Option<RelayUrl>) {
        let ask = async |origin: &RelayUrl| self.asker.ask(origin).await;
        let place = if self.is_fixed { Where::At(&self.origin) } else { Where::PrintedOr(&self.origin) };
        let mut pause = PAUSE;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let opened = Running::open(&self.command, self.port, place, &ask, ATTEMPT).await;
            let Ok((running, origin)) = opened else { continue };
            // A tunnel may have several addresses, all of which lead here.
            let is_same = origin == self.origin || matches!(ask(&self.origin).await, Ok(Answer::Ours));
            return (running, (!is_same).then_some(origin));
        }
    }
}

/// Lasts until `origin` does not lead here any more.
pub(super) async fn until_silent(
    origin: &RelayUrl,
    ask: &impl AsyncFn(&RelayUrl) -> Result<Answer, RelayError>,
    is_busy: &impl Fn() -> bool,
    since_boot: &impl Fn() -> Duration,
) {
    let mut since_question = Duration::ZERO;
    loop {
        let before = since_boot();
        sleep(TICK).await;
        let was_suspended = since_boot().saturating_sub(before) > TICK + SUSPENDED;
        since_question += TICK;
        if was_suspended || (since_question >= QUESTION_TIME && !is_busy()) {
            since_question = Duration::ZERO;
            if !answers(origin, ask).await {
                return;
            }
        }
    }
}

/// Whether `origin` still leads here, as far as can be known: it is lost after three questions in a row that another
/// server or nobody answers. Without a network of our own there is no answer either, and a new tunnel would not help.
async fn answers(origin: &RelayUrl, ask: &impl AsyncFn(&RelayUrl) -> Result<Answer, RelayError>) -> bool {
    for number in 1..=FAILURES {
        if matches!(ask(origin).await, Ok(Answer::Ours) | Err(RelayError::Hindered(_))) {
            return true;
        }
        if number < FAILURES {
            sleep(FAILURE_PAUSE).await;
        }
    }
    false
}
