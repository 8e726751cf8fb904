//! One share that is served, from the opening of its links to its end, as events.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval, sleep_until};

use crate::relay::rules::StoreRelay;
use crate::relay::server::guests::Activity;
use crate::relay::{Credential, Relay, Status};
use crate::secret::Claimant;
use crate::state::outbox::is_over;

/// The pause between two looks at the folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this long without a visitor, the network may be to blame.
const LONELY: Duration = Duration::from_secs(30);

/// Something that happened to a share that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nobody has visited the link for a while.
    Lonely,
    /// Someone with the link requested its envelope.
    LookedAt,
    /// A device opens the share, and has fetched `fetched` bytes of the blob.
    Opening {
        /// The opener.
        claimant: Claimant,
        /// Bytes of the blob.
        fetched: u64,
    },
    /// Bytes of the blob that the opener has fetched.
    Fetched(u64),
    /// It has ended.
    Ended(Box<Status>),
}

/// Follows one share.
pub(super) struct Watcher<'a> {
    rules: &'a StoreRelay,
    owner: &'a Credential,
    activity: watch::Receiver<Activity>,
    /// The activity that was reported.
    known: Activity,
    look: Interval,
    lonely: Instant,
    waits_alone: bool,
}

impl<'a> Watcher<'a> {
    /// Of the share of `owner`, whose guests do what `activity` shows.
    pub(super) fn new(rules: &'a StoreRelay, owner: &'a Credential, activity: watch::Receiver<Activity>) -> Self {
        let (look, lonely) = (interval(LOOK_EVERY), Instant::now() + LONELY);
        Self { rules, owner, activity, known: Activity::default(), look, lonely, waits_alone: true }
    }

    /// Calls `report` with everything that happens until the share has ended. Returns its end, which is not reported.
    pub(super) async fn until_ended(mut self, report: impl Fn(Event)) -> Status {
        loop {
            let is_time = self.next(&report).await;
            let now = *self.activity.borrow_and_update();
            for event in news(self.known, now) {
                report(event);
            }
            let may_be_over = is_time || now.finished != self.known.finished;
            self.known = now;
            if may_be_over && let Some(status) = self.end().await {
                return status;
            }
        }
    }

    /// Waits for activity or for the time to look. Returns whether it is that time.
    async fn next(&mut self, report: &impl Fn(Event)) -> bool {
        tokio::select! {
            Ok(()) = self.activity.changed() => false,
            _ = self.look.tick() => true,
            () = sleep_until(self.lonely), if self.waits_alone => {
                self.waits_alone = false;
                if !self.known.came {
                    report(Event::Lonely);
                }
                false
            }
        }
    }

    /// The end of the share, if it has ended.
    async fn end(&self) -> Option<Status> {
        if !self.rules.state(self.owner).await.is_ok_and(is_over) {
            return None;
        }
        // The clock alone decides nothing before a record does: an opening may be on its way.
        let settled = self.rules.settle_now(self.owner).await;
        match settled.and(self.rules.status(self.owner, &[], Duration::ZERO).await) {
            Ok(status) => Some(status).filter(|status| is_over(status.state)),
            Err(error) => {
                tracing::warn!(%error, "the folder cannot be read");
                None
            }
        }
    }
}

/// The events between two states of activity.
fn news(known: Activity, now: Activity) -> Vec<Event> {
    let mut events = Vec::new();
    if now.looks > known.looks && now.claimant.is_none() {
        events.push(Event::LookedAt);
    }
    if let (Some(claimant), None) = (now.claimant, known.claimant) {
        events.push(Event::Opening { claimant, fetched: now.fetched });
    }
    if now.fetched != known.fetched {
        events.push(Event::Fetched(now.fetched));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_becomes_events_in_their_order() {
        let idle = Activity::default();
        assert_eq!(news(idle, idle), []);
        let looked = Activity { came: true, looks: 2, ..idle };
        assert_eq!(news(idle, looked), [Event::LookedAt], "two looks between two wakes are one event");
        let claimant = Claimant::from_bytes([7; 32]);
        let opening = Activity { claimant: Some(claimant), fetched: 10, ..looked };
        assert_eq!(news(looked, opening), [Event::Opening { claimant, fetched: 10 }, Event::Fetched(10)]);
        assert_eq!(news(opening, Activity { looks: 3, ..opening }), [], "who looks while it is opened");
    }
}
