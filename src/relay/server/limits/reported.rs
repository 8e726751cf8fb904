//! Reports to the operator: their number in an hour, and the bytes of the reported shares for as long as they are kept.
//!
//! Only reports that succeed are remembered, so their number is bounded by that of claimed shares.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::rates::seconds;
use super::subject::{ADDRESSES_OF_NETWORK, Subject};
use crate::relay::{Limit, Limited, RelayError, TOMBSTONE_TIME};
use crate::secret::Claimant;

const HOUR: Duration = Duration::from_hours(1);
/// Time for which a reported share takes room, and its report is remembered.
const KEPT: Duration = TOMBSTONE_TIME;
/// The wait for a report that is being made: it may fail at once.
const PENDING: Duration = Duration::from_secs(1);

/// The reports of all subjects.
pub(super) struct Reports {
    /// Of an address in an hour.
    max: usize,
    /// Of the shares that an address has reported, in bytes.
    max_bytes: u64,
    made: Mutex<HashMap<Subject, VecDeque<Made>>>,
}

/// A report that was made, or is being made.
struct Made {
    since: Instant,
    /// The device that claimed the share. It has one report.
    claimant: Claimant,
    /// Bytes of the share.
    bytes: u64,
    is_pending: bool,
}

impl Reports {
    /// At most `max` an hour, and shares of `max_bytes` together, of each subject. Its only share may be longer.
    pub(super) fn new(max: Option<NonZeroU32>, max_bytes: Option<u64>) -> Self {
        let max = max.map_or(usize::MAX, |max| max.get() as usize);
        Self { max, max_bytes: max_bytes.unwrap_or(u64::MAX), made: Mutex::default() }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Subject, VecDeque<Made>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a report of `claimant`, of a share of so many bytes, for `subjects` until the turn ends without success,
    /// or as long as the share is kept.
    ///
    /// # Errors
    /// [`RelayError::SlowDown`] if one of them has reported too much.
    pub(super) fn begin(
        self: &Arc<Self>,
        claimant: Claimant,
        bytes: u64,
        subjects: Vec<Subject>,
    ) -> Result<Turn, RelayError> {
        let mut made = self.made();
        let is_known = subjects.iter().any(|subject| {
            made.get(subject).is_some_and(|earlier| earlier.iter().any(|report| report.claimant == claimant))
        });
        if is_known {
            return Ok(Turn { reports: self.clone(), claimant, subjects: Vec::new() });
        }
        for subject in &subjects {
            if let Some(wait) = made.get(subject).and_then(|earlier| self.wait(subject, earlier, bytes)) {
                let limit = Limit { what: Limited::Reports, of: subject.kind() };
                return Err(RelayError::SlowDown { after: seconds(wait), limit: Some(limit) });
            }
        }
        for subject in &subjects {
            let report = Made { since: Instant::now(), claimant, bytes, is_pending: true };
            made.entry(*subject).or_default().push_back(report);
        }
        Ok(Turn { reports: self.clone(), claimant, subjects })
    }

    /// The time until a subject with these earlier reports may report a share of so many bytes, if it may not now.
    fn wait(&self, subject: &Subject, earlier: &VecDeque<Made>, bytes: u64) -> Option<Duration> {
        let more = if let Subject::Network(_) = subject { ADDRESSES_OF_NETWORK.get() } else { 1 };
        let max = self.max.saturating_mul(more as usize);
        let max_bytes = self.max_bytes.saturating_mul(u64::from(more));
        let latest_first = |time: Duration| earlier.iter().rev().filter(move |made| made.since.elapsed() < time);
        // Each is the one that must be forgotten before there is room for another one.
        let of_the_hour = max.checked_sub(1).and_then(|before| latest_first(HOUR).nth(before));
        let with_all_later = latest_first(KEPT).scan(bytes, |sum, made| {
            *sum = sum.saturating_add(made.bytes);
            Some((*sum, made))
        });
        let of_all = with_all_later.into_iter().find(|(sum, _)| *sum > max_bytes).map(|(_, made)| made);
        let left = |made: Option<&Made>, time: Duration| {
            made.map(|made| if made.is_pending { PENDING } else { time.saturating_sub(made.since.elapsed()) })
        };
        left(of_the_hour, HOUR).max(left(of_all, KEPT))
    }

    /// Forgets the reports of shares that are not kept any more.
    pub(super) fn forget_old(&self) {
        self.made().retain(|_, reports| {
            reports.retain(|report| report.since.elapsed() < KEPT);
            !reports.is_empty()
        });
    }

    /// Notes that a report was made, or forgets one that was not.
    fn end(&self, turn: &Turn, is_made: bool) {
        let mut made = self.made();
        for subject in &turn.subjects {
            let Some(reports) = made.get_mut(subject) else { continue };
            if is_made {
                let own = reports.iter_mut().filter(|report| report.claimant == turn.claimant);
                own.for_each(|report| report.is_pending = false);
            } else {
                reports.retain(|report| report.claimant != turn.claimant);
            }
            if reports.is_empty() {
                made.remove(subject);
            }
        }
    }
}

/// A report that is being made. It counts for its client until the turn is dropped, and longer if it succeeds.
pub(in crate::relay::server) struct Turn {
    reports: Arc<Reports>,
    claimant: Claimant,
    /// Empty if it counted before.
    subjects: Vec<Subject>,
}

impl Turn {
    /// The report was made.
    pub(in crate::relay::server) fn counts(mut self) {
        self.reports.end(&self, true);
        self.subjects.clear();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.reports.end(self, false);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn subjects(ip: &str) -> Vec<Subject> {
        Subject::of_address(ip.parse().unwrap()).with_network().collect()
    }

    fn claimant(number: u8) -> Claimant {
        Claimant::from_bytes([number; 32])
    }

    /// Reports a share of this length. The seconds until it can be reported if that is too much.
    fn report(reports: &Arc<Reports>, ip: &str, number: u8, bytes: u64) -> Result<(), u64> {
        match reports.begin(claimant(number), bytes, subjects(ip)) {
            Ok(turn) => {
                turn.counts();
                Ok(())
            }
            Err(RelayError::SlowDown { after, limit }) => {
                assert_eq!(limit.map(|limit| limit.what), Some(Limited::Reports));
                Err(after)
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_makes_some_reports_an_hour_and_a_network_more() {
        let reports = Arc::new(Reports::new(NonZeroU32::new(2), None));
        report(&reports, "192.0.2.1", 1, 5).unwrap();
        advance(Duration::from_mins(20)).await;
        report(&reports, "192.0.2.1", 2, 5).unwrap();
        assert_eq!(report(&reports, "192.0.2.1", 3, 5), Err(2400));
        report(&reports, "192.0.2.1", 2, 5).expect("a repetition counts once");
        report(&reports, "192.0.2.2", 3, 5).unwrap();
        advance(Duration::from_mins(40)).await;
        report(&reports, "192.0.2.1", 3, 5).unwrap();
        assert_eq!(report(&reports, "192.0.2.1", 4, 5), Err(1200));
        for number in 0..8 {
            report(&reports, &format!("2001:db8:0:{number}::1"), number, 5).unwrap();
        }
        assert_eq!(report(&reports, "2001:db8:0:8::1", 8, 5), Err(3600));
        report(&reports, "2001:db8:1::1", 8, 5).unwrap();
        assert!(reports.begin(claimant(9), 5, Vec::new()).is_ok(), "this machine is not limited");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_a_part_of_the_room_or_one_share() {
        const DAY: u64 = 24 * 3600;
        let reports = Arc::new(Reports::new(None, Some(100)));
        report(&reports, "192.0.2.1", 1, 60).unwrap();
        advance(Duration::from_secs(DAY)).await;
        assert_eq!(report(&reports, "192.0.2.1", 2, 41), Err(29 * DAY));
        report(&reports, "192.0.2.1", 2, 40).unwrap();
        assert_eq!(report(&reports, "192.0.2.1", 3, 1), Err(29 * DAY));
        assert_eq!(report(&reports, "192.0.2.1", 3, 70), Err(30 * DAY), "it needs the room of both");
        advance(Duration::from_secs(29 * DAY)).await;
        report(&reports, "192.0.2.1", 3, 60).expect("40 are left");
        report(&reports, "192.0.2.2", 4, 1000).expect("its only share");
        assert_eq!(report(&reports, "192.0.2.2", 5, 1), Err(30 * DAY));
        // The addresses of a network together have four times as much.
        for number in 0..8 {
            report(&reports, &format!("2001:db8:0:{number}::1"), number, 50).unwrap();
        }
        assert_eq!(report(&reports, "2001:db8:0:8::1", 8, 1), Err(30 * DAY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_is_being_made_counts_and_may_fail() {
        for reports in [Reports::new(NonZeroU32::new(1), None), Reports::new(None, Some(9))] {
            let reports = Arc::new(reports);
            let turn = reports.begin(claimant(1), 5, subjects("192.0.2.1")).unwrap();
            advance(Duration::from_secs(7)).await;
            assert_eq!(report(&reports, "192.0.2.1", 2, 5), Err(1));
            drop(turn);
            report(&reports, "192.0.2.1", 2, 5).unwrap();
            advance(KEPT).await;
            reports.forget_old();
            assert!(reports.made().is_empty());
        }
    }
}
