//! Reports to the operator: their number in an hour, and the bytes of the reported shares in a day.
//!
//! Only reports that succeed are remembered, so their number is bounded by that of claimed shares.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::rates::seconds;
use super::subject::{ADDRESSES_OF_NETWORK, Subject};
use crate::relay::{Limit, Limited, RelayError};
use crate::secret::Claimant;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The reports of all subjects.
pub(super) struct Reports {
    /// Of an address in an hour.
    max: usize,
    /// Of an address in a day, in bytes.
    max_bytes: u64,
    made: Mutex<HashMap<Subject, VecDeque<Made>>>,
}

/// A report that was made, or is being made.
struct Made {
    since: Instant,
    /// The device that claimed the share. It has one report.
    claimant: Claimant,
    /// Bytes of the share. 0 until the report has succeeded.
    bytes: u64,
}

impl Reports {
    /// At most `max` an hour, and shares of `max_bytes` in a day, of each subject.
    pub(super) fn new(max: Option<NonZeroU32>, max_bytes: Option<u64>) -> Self {
        let max = max.map_or(usize::MAX, |max| max.get() as usize);
        Self { max, max_bytes: max_bytes.unwrap_or(u64::MAX), made: Mutex::default() }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Subject, VecDeque<Made>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a report of `claimant` for `subjects` until the turn ends without success, or for a day.
    ///
    /// # Errors
    /// [`RelayError::SlowDown`] if one of them has reported too much.
    pub(super) fn begin(self: &Arc<Self>, claimant: Claimant, subjects: Vec<Subject>) -> Result<Turn, RelayError> {
        let mut made = self.made();
        let is_known = subjects.iter().any(|subject| {
            made.get(subject).is_some_and(|earlier| earlier.iter().any(|report| report.claimant == claimant))
        });
        if is_known {
            return Ok(Turn { reports: self.clone(), claimant, subjects: Vec::new() });
        }
        for subject in &subjects {
            if let Some(wait) = made.get(subject).and_then(|earlier| self.wait(subject, earlier)) {
                let limit = Limit { what: Limited::Reports, of: subject.kind() };
                return Err(RelayError::SlowDown { after: seconds(wait), limit: Some(limit) });
            }
        }
        for subject in &subjects {
            made.entry(*subject).or_default().push_back(Made { since: Instant::now(), claimant, bytes: 0 });
        }
        Ok(Turn { reports: self.clone(), claimant, subjects })
    }

    /// The time until a subject with these earlier reports may make another one, if it may not now.
    fn wait(&self, subject: &Subject, earlier: &VecDeque<Made>) -> Option<Duration> {
        let more = if let Subject::Network(_) = subject { ADDRESSES_OF_NETWORK.get() } else { 1 };
        let max = self.max.saturating_mul(more as usize);
        let max_bytes = self.max_bytes.saturating_mul(u64::from(more));
        let latest_first = || earlier.iter().rev();
        // Each is as many reports, or as many bytes, before now as are allowed.
        let of_the_hour = max.checked_sub(1).and_then(|before| latest_first().nth(before));
        let of_the_day = latest_first().scan(0_u64, |sum, report| {
            *sum = sum.saturating_add(report.bytes);
            Some((*sum, report))
        });
        let of_the_day = of_the_day.into_iter().find(|(sum, _)| *sum >= max_bytes).map(|(_, report)| report);
        let left = |report: Option<&Made>, time: Duration| report.map(|made| time.saturating_sub(made.since.elapsed()));
        left(of_the_hour, HOUR).max(left(of_the_day, DAY)).filter(|wait| !wait.is_zero())
    }

    /// Forgets the reports of more than a day ago.
    pub(super) fn forget_old(&self) {
        self.made().retain(|_, reports| {
            reports.retain(|report| report.since.elapsed() < DAY);
            !reports.is_empty()
        });
    }

    /// Notes the bytes of a report that was made, or forgets one that was not.
    fn end(&self, turn: &Turn, bytes: Option<u64>) {
        let mut made = self.made();
        for subject in &turn.subjects {
            let Some(reports) = made.get_mut(subject) else { continue };
            match bytes {
                Some(bytes) => reports
                    .iter_mut()
                    .filter(|report| report.claimant == turn.claimant)
                    .for_each(|report| report.bytes = bytes),
                None => reports.retain(|report| report.claimant != turn.claimant),
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
    /// The report was made, of a share of this length in bytes.
    pub(in crate::relay::server) fn counts(mut self, bytes: u64) {
        self.reports.end(&self, Some(bytes));
        self.subjects.clear();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.reports.end(self, None);
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
        match reports.begin(claimant(number), subjects(ip)) {
            Ok(turn) => {
                turn.counts(bytes);
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
        assert!(reports.begin(claimant(9), Vec::new()).is_ok(), "this machine is not limited");
    }

    #[tokio::test(start_paused = true)]
    async fn the_report_that_exceeds_the_bytes_of_a_day_is_the_last_one() {
        let reports = Arc::new(Reports::new(None, Some(100)));
        report(&reports, "192.0.2.1", 1, 60).unwrap();
        advance(Duration::from_hours(1)).await;
        report(&reports, "192.0.2.1", 2, 90).unwrap();
        assert_eq!(report(&reports, "192.0.2.1", 3, 1), Err(23 * 3600));
        advance(Duration::from_hours(23)).await;
        report(&reports, "192.0.2.1", 3, 5).expect("90 are left of that day");
        assert_eq!(report(&reports, "192.0.2.1", 4, 5).err(), None);
        assert_eq!(report(&reports, "192.0.2.1", 5, 5), Err(3600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_fails_counts_only_while_it_is_made() {
        let reports = Arc::new(Reports::new(NonZeroU32::new(1), Some(1)));
        let turn = reports.begin(claimant(1), subjects("192.0.2.1")).unwrap();
        assert_eq!(report(&reports, "192.0.2.1", 2, 5), Err(3600));
        drop(turn);
        report(&reports, "192.0.2.1", 2, 5).unwrap();
        advance(DAY).await;
        reports.forget_old();
        assert!(reports.made().is_empty());
    }
}
