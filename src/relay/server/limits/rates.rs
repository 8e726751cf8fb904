//! Rates of each subject: requests, new shares, and bytes.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::subject::{ADDRESSES_OF_NETWORK, Subject};
use crate::relay::{Limit, Limited, RelayError};

/// The unit in which bytes are counted. A quota is a number of 32 bits.
const UNIT: u64 = 1 << 10;
/// Questions about one create token in a minute. Each may cost a listing of the store.
pub(super) const QUESTIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The time since a server began, by the clock of its runtime.
#[derive(Clone, Copy, Debug)]
struct Elapsed(Instant);

impl Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Keyed = RateLimiter<Subject, HashMapStateStore<Subject>, Elapsed, NoOpMiddleware<Duration>>;

/// One rate. A subject may use all of it at once.
struct Rate {
    what: Limited,
    /// Of addresses and tokens.
    keyed: Option<(Keyed, Elapsed)>,
    /// Of networks.
    of_networks: Option<(Keyed, Elapsed)>,
}

impl Rate {
    /// `most` in each `period`; `None` for no limit.
    fn new(what: Limited, most: Option<NonZeroU32>, period: Duration) -> Self {
        let clock = Elapsed(Instant::now());
        let keyed = |most: NonZeroU32| {
            let quota = Quota::with_period(period / most.get())?.allow_burst(most);
            Some((Keyed::hashmap_with_clock(quota, clock), clock))
        };
        let of_networks = most.map(|most| most.saturating_mul(ADDRESSES_OF_NETWORK));
        Self { what, keyed: most.and_then(keyed), of_networks: of_networks.and_then(keyed) }
    }

    /// Counts `count` for `subject`, or nothing at all.
    fn take(&self, subject: &Subject, count: u64) -> Result<(), RelayError> {
        let count = NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX));
        let keyed = if let Subject::Network(_) = subject { &self.of_networks } else { &self.keyed };
        let (Some((keyed, clock)), Some(count)) = (keyed, count) else { return Ok(()) };
        let wait = match keyed.check_key_n(subject, count) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_until)) => not_until.wait_time_from(clock.now()),
            // More than a whole period allows: the options exclude this for every body and answer.
            Err(_) => HOUR,
        };
        Err(RelayError::SlowDown { after: seconds(wait), limit: Some(Limit { what: self.what, of: subject.kind() }) })
    }

    fn forget_idle(&self) {
        for (keyed, _) in [&self.keyed, &self.of_networks].into_iter().flatten() {
            keyed.retain_recent();
            keyed.shrink_to_fit();
        }
    }
}

/// Whole seconds, at least one, so that the same request succeeds after them.
pub(super) fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The rates of all subjects.
pub(super) struct Rates {
    requests: Rate,
    questions: Rate,
    shares: Rate,
    traffic: Rate,
}

impl Rates {
    /// `requests` a minute, `shares` and bytes of `traffic` an hour, for each subject.
    pub(super) fn new(requests: Option<NonZeroU32>, shares: Option<NonZeroU32>, traffic: Option<u64>) -> Self {
        let units = |bytes: u64| NonZeroU32::new(u32::try_from(bytes / UNIT).unwrap_or(u32::MAX));
        Self {
            requests: Rate::new(Limited::Requests, requests, MINUTE),
            questions: Rate::new(Limited::Requests, requests.map(|most| most.min(QUESTIONS)), MINUTE),
            shares: Rate::new(Limited::Shares, shares, HOUR),
            traffic: Rate::new(Limited::Traffic, traffic.and_then(units), HOUR),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`RelayError::SlowDown`], as of the other methods.
    pub(super) fn take_request(&self, subject: &Subject) -> Result<(), RelayError> {
        self.requests.take(subject, 1)
    }

    /// Counts a question about a create token.
    pub(super) fn take_question(&self, subject: &Subject) -> Result<(), RelayError> {
        self.questions.take(subject, 1)
    }

    /// Counts a new share.
    pub(super) fn take_share(&self, subject: &Subject) -> Result<(), RelayError> {
        self.shares.take(subject, 1)
    }

    /// Counts bytes, rounded up to [`UNIT`].
    pub(super) fn take_bytes(&self, subject: &Subject, bytes: u64) -> Result<(), RelayError> {
        self.traffic.take(subject, bytes.div_ceil(UNIT))
    }

    /// Forgets subjects that may use a whole rate again, which bounds the memory.
    pub(super) fn forget_idle(&self) {
        for rate in [&self.requests, &self.questions, &self.shares, &self.traffic] {
            rate.forget_idle();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn rates() -> Rates {
        Rates::new(NonZeroU32::new(60), NonZeroU32::new(2), Some(16 << 20))
    }

    fn address(ip: &str) -> Subject {
        Subject::of_address(ip.parse().unwrap())
    }

    fn after(answer: Result<(), RelayError>) -> (u64, Limited) {
        match answer {
            Err(RelayError::SlowDown { after, limit: Some(limit) }) => (after, limit.what),
            answer => panic!("{answer:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_states_when_the_same_request_succeeds() {
        let (rates, here) = (rates(), address("192.0.2.1"));
        for _ in 0..60 {
            rates.take_request(&here).unwrap();
        }
        assert_eq!(after(rates.take_request(&here)), (1, Limited::Requests));
        advance(Duration::from_secs(1)).await;
        rates.take_request(&here).unwrap();
        for (bytes, wait) in [(16 << 20, None), (4 << 20, Some(900)), (1, Some(1))] {
            let taken = rates.take_bytes(&here, bytes);
            assert_eq!(taken.is_ok(), wait.is_none());
            if let Some(wait) = wait {
                assert_eq!(after(taken), (wait, Limited::Traffic));
            }
        }
        advance(Duration::from_secs(899)).await;
        assert_eq!(after(rates.take_bytes(&here, 4 << 20)), (1, Limited::Traffic));
        advance(Duration::from_secs(1)).await;
        rates.take_bytes(&here, 4 << 20).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn subjects_do_not_share_a_rate() {
        let rates = rates();
        let tokens = [Subject::Token([1; 32]), Subject::Token([2; 32])];
        for subject in tokens.iter().chain(&[address("192.0.2.1"), address("2001:db8::1")]) {
            rates.take_share(subject).unwrap();
            rates.take_share(subject).unwrap();
            assert_eq!(after(rates.take_share(subject)), (1800, Limited::Shares));
        }
        assert!(rates.take_share(&address("2001:db8::ffff")).is_err(), "it is the same network");
        rates.take_share(&address("2001:db8:0:1::1")).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_addresses_of_one_customer_share_a_greater_rate() {
        let rates = rates();
        let take = |number: u32| {
            let mut subjects = address(&format!("2001:db8:0:{number:x}::1")).with_network();
            subjects.try_for_each(|subject| rates.take_share(&subject))
        };
        // Two an hour of each address, and eight of the network.
        for number in 0..4 {
            take(number).unwrap();
            take(number).unwrap();
        }
        assert_eq!(after(take(4)), (450, Limited::Shares));
        rates.take_share(&address("2001:db8:1::1")).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn idle_subjects_are_forgotten() {
        let rates = rates();
        for last in 0..=255 {
            rates.take_request(&address(&format!("192.0.2.{last}"))).unwrap();
        }
        let count = || rates.requests.keyed.as_ref().map_or(0, |(keyed, _)| keyed.len());
        rates.forget_idle();
        assert_eq!(count(), 256, "each has used some of its rate");
        advance(Duration::from_secs(2)).await;
        rates.forget_idle();
        assert_eq!(count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_refuses_nothing() {
        let rates = Rates::new(None, None, None);
        for _ in 0..10_000 {
            rates.take_request(&address("192.0.2.1")).unwrap();
            rates.take_share(&address("192.0.2.1")).unwrap();
            rates.take_bytes(&address("192.0.2.1"), u64::MAX).unwrap();
        }
    }
}
