//! When the next attempt to get a certificate may be. It is on the disk, so that a relay that starts again and again
//! asks no more often.

use serde::{Deserialize, Serialize};

use super::failure::Kind;
use crate::relay::clock::Clock;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The wait after the first failure, and the longest one, in seconds. Each further failure doubles it.
const SILENT: [u64; 2] = [10, HOUR];
/// Let's Encrypt allows five failed validations of a name each hour.
const REFUSED: [u64; 2] = [10 * MINUTE, 12 * HOUR];
const LIMITED: [u64; 2] = [HOUR, 12 * HOUR];
/// The longest wait that a server may ask for, in seconds.
const LONGEST: u64 = 8 * 24 * HOUR;
/// A certificate is never renewed sooner after it was got, whatever the clock shows, in seconds.
const REST: u64 = HOUR;

/// How long after a certificate, or after no answer, the server is asked for the time of the next renewal, in seconds.
const ASK_TIME: u64 = 6 * HOUR;
/// The shortest and the longest such time that a server may set.
const ASK_AGAIN: [u64; 2] = [HOUR, 24 * HOUR];

/// The attempts so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Attempts {
    /// The failures since the last success.
    pub(super) failures: u32,
    /// When the last attempt ended, in Unix seconds.
    at: u64,
    /// Before that time there is no other one, in Unix seconds.
    until: u64,
    /// Whether the server set that time.
    is_limited: bool,
    /// The reason of the last failure.
    pub(super) reason: Option<String>,
    /// The time that the server suggests for the next renewal (RFC 9773), in Unix seconds.
    pub(super) suggested: Option<u64>,
    /// When to ask for a suggestion again, in Unix seconds.
    ask: u64,
}

impl Attempts {
    /// The earliest time of the next attempt.
    pub(super) fn allowed(&self, now: u64) -> u64 {
        // A clock that was set back would make the wait as long as it had been wrong.
        if now < self.at { now } else { self.until }
    }

    /// Notes a certificate that is valid for `lifetime` seconds.
    pub(super) fn succeed(&mut self, now: u64, lifetime: u64) {
        let (until, ask) = (now + REST.min(lifetime / 4), now + ASK_TIME.min(lifetime / 4));
        *self = Self { at: now, until, ask, is_limited: true, ..Self::default() };
    }

    /// Notes a failure.
    pub(super) fn fail(&mut self, kind: Kind, reason: &str, clock: &dyn Clock) {
        let now = clock.now();
        let doubled = |[first, longest]: [u64; 2]| first.saturating_mul(1 << self.failures.min(20)).min(longest);
        let wait = match kind {
            Kind::Silent | Kind::NoAccount => doubled(SILENT),
            Kind::Refused => doubled(REFUSED),
            Kind::Limited(Some(wait)) => wait.clamp(MINUTE, LONGEST),
            Kind::Limited(None) => doubled(LIMITED),
        };
        let jitter = u64::from(clock.chance()) % (wait / 4 + 1);
        *self = Self {
            failures: self.failures.saturating_add(1),
            at: now,
            until: now + wait + jitter,
            is_limited: matches!(kind, Kind::Limited(_)),
            reason: Some(reason.to_owned()),
            ..self.clone()
        };
    }

    /// Whether the server may be asked for a suggestion.
    pub(super) fn may_ask(&self, now: u64) -> bool {
        now >= self.ask
    }

    /// Notes a window for the next renewal, of which a random time is taken, and the seconds after which to ask again.
    pub(super) fn suggest(&mut self, window: Option<[u64; 2]>, again: Option<u64>, clock: &dyn Clock) {
        let [shortest, longest] = ASK_AGAIN;
        self.ask = clock.now() + again.unwrap_or(ASK_TIME).clamp(shortest, longest);
        self.suggested = window.map(|[start, end]| match self.suggested {
            Some(before) if (start..=end).contains(&before) => before,
            _ => start + u64::from(clock.chance()) % (end.saturating_sub(start) + 1),
        });
    }

    /// Allows an attempt now, because the operator asks for it; unless the server set the time.
    pub(super) fn hurry(&mut self) {
        if !self.is_limited {
            self.until = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped(u64);

    impl Clock for Stopped {
        fn now(&self) -> u64 {
            self.0
        }

        fn chance(&self) -> u32 {
            0
        }
    }

    fn waits(kind: Kind, count: usize) -> Vec<u64> {
        let mut attempts = Attempts::default();
        let wait = |_| {
            attempts.fail(kind, "", &Stopped(1000));
            attempts.allowed(1000) - 1000
        };
        (0..count).map(wait).collect()
    }

    #[test]
    fn waits_double_up_to_a_longest_one() {
        assert_eq!(waits(Kind::Silent, 4), [10, 20, 40, 80]);
        assert_eq!(waits(Kind::Silent, 30).last(), Some(&HOUR));
        assert_eq!(waits(Kind::Refused, 3), [600, 1200, 2400]);
        assert_eq!(waits(Kind::Refused, 30).last(), Some(&(12 * HOUR)));
        assert_eq!(waits(Kind::Limited(Some(7200)), 2), [7200, 7200]);
        assert_eq!(waits(Kind::Limited(Some(0)), 1), [MINUTE]);
        assert_eq!(waits(Kind::Limited(Some(u64::MAX)), 1), [LONGEST]);
        assert_eq!(waits(Kind::Limited(None), 2), [HOUR, 2 * HOUR]);
    }

    #[test]
    fn five_validations_an_hour_do_not_fail() {
        let within: u64 = waits(Kind::Refused, 4).into_iter().sum();
        assert!(within > HOUR, "{within}");
    }

    #[test]
    fn a_suggested_time_stays_while_its_window_does() {
        let (mut attempts, clock) = (Attempts::default(), Stopped(1000));
        assert!(attempts.may_ask(0));
        attempts.suggest(Some([5000, 9000]), Some(1), &clock);
        assert_eq!((attempts.suggested, attempts.may_ask(1000 + HOUR - 1)), (Some(5000), false));
        attempts.suggest(Some([4000, 9000]), None, &clock);
        assert_eq!((attempts.suggested, attempts.may_ask(1000 + ASK_TIME)), (Some(5000), true));
        attempts.suggest(Some([1, 2]), Some(u64::MAX), &clock);
        assert_eq!((attempts.suggested, attempts.may_ask(1000 + 24 * HOUR)), (Some(1), true));
        attempts.fail(Kind::Silent, "", &clock);
        assert_eq!(attempts.suggested, Some(1), "a failure keeps it");
        attempts.suggest(None, None, &clock);
        assert_eq!(attempts.suggested, None);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lengthen_a_wait() {
        let mut attempts = Attempts::default();
        attempts.fail(Kind::Refused, "", &Stopped(1_000_000));
        assert_eq!(attempts.allowed(1_000_000), 1_000_600);
        assert_eq!(attempts.allowed(1000), 1000);
    }

    #[test]
    fn the_operator_may_ask_for_an_attempt_but_not_against_the_server() {
        let mut attempts = Attempts::default();
        attempts.fail(Kind::Refused, "", &Stopped(1000));
        attempts.hurry();
        assert_eq!(attempts.allowed(1000), 0);
        attempts.fail(Kind::Limited(Some(3600)), "", &Stopped(1000));
        attempts.hurry();
        assert_eq!(attempts.allowed(1000), 4600);
        attempts.succeed(5000, 90 * 24 * HOUR);
        attempts.hurry();
        assert_eq!(attempts.allowed(5000), 5000 + 3600);
    }
}
