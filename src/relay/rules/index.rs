//! The room for reported shares, and what a node remembers of the index of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::relay::MAX_REPORT_RECORD;
use crate::relay::clock::after;
use crate::secret::Id;

/// Time for which a sum that leaves no room is not read again: reports that are refused must not keep the store busy.
const FULL_TIME: Duration = Duration::from_secs(5);
/// The shortest time between two lines in the log about refused reports.
const WARN_EVERY: Duration = Duration::from_hours(1);
/// Time between two searches for entries of the index whose share is gone, and their least age.
pub(super) const STRAYS_EVERY: Duration = Duration::from_hours(24);

/// The reported shares, and their bytes.
pub(super) type ReportedBytes = BTreeMap<Id, u64>;

/// The last findings about the index. Times are Unix seconds.
#[derive(Default)]
pub(super) struct Index {
    /// The room that the reported shares took when a report was refused, and until when that counts.
    full: Option<(u64, u64)>,
    /// When a refusal was logged.
    logged: u64,
    /// When entries without a share were searched for.
    searched: u64,
}

impl Index {
    /// The room that the reported shares take, if it was too much a moment ago.
    pub(super) fn full(&self, now: u64) -> Option<u64> {
        self.full.filter(|(_, until)| now < *until).map(|(taken, _)| taken)
    }

    /// Remembers that they take too much room for a further report. Returns whether that should be logged.
    pub(super) fn refuse(&mut self, taken: u64, now: u64) -> bool {
        self.full = Some((taken, after(now, FULL_TIME)));
        let is_due = now >= after(self.logged, WARN_EVERY);
        if is_due {
            self.logged = now;
        }
        is_due
    }

    /// Whether it is time to search for entries without a share.
    pub(super) fn must_search(&self, now: u64) -> bool {
        now >= after(self.searched, STRAYS_EVERY)
    }

    /// Remembers that they were searched for.
    pub(super) fn searched(&mut self, now: u64) {
        self.searched = now;
    }
}

/// The bytes that a reported share takes of the room for all of them: with the most that the record of its report has.
pub(super) fn room_of(bytes: u64) -> u64 {
    bytes.saturating_add(MAX_REPORT_RECORD)
}

/// The room that these shares take.
pub(super) fn taken(reported: &ReportedBytes) -> u64 {
    sum(reported.values().map(|bytes| room_of(*bytes)))
}

/// The sum of some lengths, saturating.
pub(super) fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}
