//! The memory of a node for daily use of create tokens: see `used`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::relay::account::DAY;
use crate::relay::rules::names;
use crate::relay::store::Object;
use crate::relay::{Account, AccountKey, AccountLimits, Daily, Left, RelayError};
use crate::secret::Id;

/// The least by which an upload of unknown length is granted more at once, in bytes.
const STEP: u64 = 16 << 20;
/// Time after the end of a day for which its objects are kept, in seconds: uploads that began then may run for a day
/// and a grace, and a clock that was ahead for a while has deleted nothing that counts.
const KEPT: u64 = 7 * DAY;

/// Time for which a listing answers questions about an account, in seconds.
const FRESH: u64 = 3;

/// Use of accounts, as far as a node knows it. All of it is in the store too, or is being written there.
#[derive(Default)]
pub(super) struct Ledger(Mutex<HashMap<(u64, AccountKey), Uses>>);

/// The shares of one account on one day.
#[derive(Default)]
pub(super) struct Uses {
    shares: HashMap<Id, Use>,
    /// Bytes of all of them.
    bytes: u64,
    /// How many writes of objects have failed.
    failures: u64,
    /// The last listing that was noted.
    listed: Option<Listing>,
    /// Held by the question that lists for those that come meanwhile.
    turn: Arc<Turn>,
}

/// See [`Uses::turn`].
pub(super) type Turn = tokio::sync::Mutex<()>;

/// The moment at which a listing began.
#[derive(Clone, Copy)]
pub(super) struct Listing {
    /// Unix seconds.
    at: u64,
    /// Failed writes before it.
    failures: u64,
}

/// Use by one share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    bytes: u64,
    /// Whether the share is committed, so that it cannot take more.
    is_committed: bool,
    /// Whether the object is known to exist.
    is_stored: bool,
    /// Running writes of its objects.
    writes: u32,
    /// The number of the last failed one. Its object may exist or not.
    failure: u64,
}

/// A running write of the object of a use. Dropped, it has failed unless it is [`Writing::done`].
pub(super) struct Writing<'a> {
    ledger: &'a Ledger,
    day: u64,
    key: AccountKey,
    share: Id,
    bytes: u64,
    is_done: bool,
}

impl Writing<'_> {
    /// The name of the object.
    pub(super) fn name(&self) -> String {
        names::used(self.day, &self.key, &self.share, self.bytes, false)
    }

    /// Notes that the object exists.
    pub(super) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.ledger.with(self.day, self.key, |uses| uses.written(self.share, self.bytes, self.is_done));
    }
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, HashMap<(u64, AccountKey), Uses>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the uses of one account on one day.
    pub(super) fn with<T>(&self, day: u64, key: AccountKey, change: impl FnOnce(&mut Uses) -> T) -> T {
        change(self.lock().entry((day, key)).or_default())
    }

    /// Grants `share` at least `bytes` after a [listing](Uses::begin_listing). Returns the object that must be written,
    /// if one must.
    ///
    /// # Errors
    /// [`RelayError::Quota`].
    pub(super) fn grant(
        &self,
        day: u64,
        account: &Account,
        share: Id,
        bytes: u64,
    ) -> Result<Option<Writing<'_>>, RelayError> {
        let Account { key, limits } = *account;
        let granted = self.with(day, key, |uses| uses.grant(share, bytes, &limits, end_of(day)))?;
        Ok(granted.map(|bytes| Writing { ledger: self, day, key, share, bytes, is_done: false }))
    }

    /// Forgets the days whose shares are all committed or aborted by `now`.
    pub(super) fn forget(&self, now: u64) {
        self.lock().retain(|(day, _), _| *day >= first_kept(now));
    }
}

impl Uses {
    /// Sets what an object says.
    fn set(&mut self, share: Id, bytes: u64, is_committed: bool) {
        let known = self.shares.entry(share).or_default();
        self.bytes = self.bytes - known.bytes + bytes;
        *known = Use { bytes, is_committed, is_stored: true, ..*known };
    }

    /// Adds what an object says, unless more is known.
    fn add(&mut self, share: Id, bytes: u64, is_committed: bool) {
        let known = self.shares.get(&share);
        if known.is_none_or(|known| is_committed || (!known.is_committed && bytes >= known.bytes)) {
            self.set(share, bytes, is_committed);
        }
    }

    /// A listing that begins `at`, for [`Uses::note`].
    pub(super) fn begin_listing(&self, at: u64) -> Listing {
        Listing { at, failures: self.failures }
    }

    /// Whether a listing began not long before `now`.
    pub(super) fn are_fresh(&self, now: u64) -> bool {
        self.listed.is_some_and(|listing| now.abs_diff(listing.at) < FRESH)
    }

    /// The turn to list.
    pub(super) fn turn(&self) -> Arc<Turn> {
        self.turn.clone()
    }

    /// Adds what a listing shows, and drops what was not written although it had been tried before it began.
    pub(super) fn note(&mut self, listing: Listing, listed: &[Object]) {
        self.listed = Some(listing);
        let bytes = &mut self.bytes;
        self.shares.retain(|_, known| {
            let may_exist = known.is_stored || known.writes > 0 || known.failure > listing.failures;
            *bytes -= if may_exist { 0 } else { known.bytes };
            may_exist
        });
        for (share, bytes, is_committed) in listed.iter().filter_map(|object| names::parse_use(&object.name)) {
            self.add(share, bytes, is_committed);
        }
    }

    /// Whether `share` is known to take more than `bytes`.
    pub(super) fn exceeds(&self, share: &Id, bytes: u64) -> bool {
        self.shares.get(share).is_some_and(|known| known.bytes > bytes)
    }

    /// Notes that `share` is committed with `bytes`, and that an object says so.
    pub(super) fn settle(&mut self, share: Id, bytes: u64) {
        self.set(share, bytes, true);
    }

    /// Whether `share` may take `bytes` without another object.
    pub(super) fn covers(&self, share: &Id, bytes: u64) -> bool {
        self.shares.get(share).is_some_and(|known| known.is_stored && (known.is_committed || known.bytes >= bytes))
    }

    /// Grants `share` at least `bytes`. Returns of how many an object must be written, if one must.
    ///
    /// # Errors
    /// [`RelayError::Quota`], which comes back at `until`.
    fn grant(&mut self, share: Id, bytes: u64, limits: &AccountLimits, until: u64) -> Result<Option<u64>, RelayError> {
        let known = self.shares.get(&share).copied();
        if self.covers(&share, bytes) {
            return Ok(None);
        }
        if let Some(known) = self.shares.get_mut(&share).filter(|known| known.bytes >= bytes) {
            known.writes += 1;
            return Ok(Some(known.bytes));
        }
        let quota = |what, max| Err(RelayError::Quota { what: Some(what), max, until: Some(until) });
        if let Some(max) = limits.shares_a_day.filter(|max| known.is_none() && self.shares.len() as u64 >= *max) {
            return quota(Daily::Shares, max);
        }
        let others = self.bytes - known.map_or(0, |known| known.bytes);
        let free = limits.bytes_a_day.map_or(u64::MAX, |max| max.saturating_sub(others));
        if let Some(max) = limits.bytes_a_day.filter(|_| bytes > free) {
            return quota(Daily::Bytes, max);
        }
        // An upload that grows needs few objects.
        let ample = known.map_or(0, |known| known.bytes + (known.bytes / 4).max(STEP));
        let granted = bytes.max(ample.min(free).min(limits.longest(u64::MAX)));
        let used = self.shares.entry(share).or_default();
        self.bytes = others + granted;
        *used = Use { bytes: granted, is_stored: false, writes: used.writes + 1, ..*used };
        Ok(Some(granted))
    }

    /// Notes the end of a write. After a failure the next listing shows what is stored.
    fn written(&mut self, share: Id, bytes: u64, is_stored: bool) {
        self.failures += u64::from(!is_stored);
        let failures = self.failures;
        if let Some(known) = self.shares.get_mut(&share) {
            known.writes = known.writes.saturating_sub(1);
            known.failure = if is_stored { known.failure } else { failures };
        }
        if is_stored {
            self.add(share, bytes, false);
        }
    }

    pub(super) fn left(&self, limits: &AccountLimits, day: u64) -> Left {
        let left = |max: Option<u64>, used: u64| max.map(|max| max.saturating_sub(used));
        Left {
            shares: left(limits.shares_a_day, self.shares.len() as u64),
            shares_a_day: limits.shares_a_day,
            bytes: left(limits.bytes_a_day, self.bytes),
            bytes_a_day: limits.bytes_a_day,
            max_size: limits.max_size,
            resets: end_of(day),
            until: None,
        }
    }
}

/// The end of a day, Unix seconds.
pub(super) fn end_of(day: u64) -> u64 {
    (day + 1).saturating_mul(DAY)
}

/// The first day that is needed at `now`.
pub(super) fn first_kept(now: u64) -> u64 {
    now.saturating_sub(KEPT) / DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::MIN_LEN;

    const FIRST: Listing = Listing { at: 0, failures: 0 };

    fn share(number: u8) -> Id {
        Id::from_bytes([number; 16])
    }

    #[test]
    fn numbers_of_the_ledger_are_those_of_the_documents() {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (text, security) = (words(include_str!("../PROTOCOL.md")), words(include_str!("../../../SECURITY.md")));
        let step = format!("{} {:03} {:03}", STEP / 1_000_000, STEP / 1000 % 1000, STEP % 1000);
        for sentence in [
            format!("at least a quarter and {step} bytes more"),
            format!("A listing answers for {FRESH} seconds"),
            format!("takes `max_len`, or {MIN_LEN} bytes if that is unknown"),
        ] {
            assert!(text.contains(&sentence), "{sentence}");
        }
        let kept = format!("deletes the objects of a day {} days after its end", KEPT / DAY);
        assert!(text.contains(&kept) && security.contains(&kept), "{kept}");
    }

    #[test]
    fn a_day_is_needed_until_its_uploads_have_ended() {
        assert_eq!((first_kept(0), first_kept(10 * DAY), end_of(5)), (0, 3, 6 * DAY));
        assert_eq!((first_kept(11 * DAY - 1), first_kept(11 * DAY)), (3, 4));
    }

    #[test]
    fn a_listing_adds_to_what_is_known_and_takes_nothing_back() {
        let key = AccountKey::of(&[7; 32]);
        let listed = |share: Id, bytes, is_committed| Object {
            name: names::used(9, &key, &share, bytes, is_committed),
            len: 0,
            written: 0,
        };
        let limits = AccountLimits { bytes_a_day: Some(100), shares_a_day: Some(3), max_size: None };
        let mut uses = Uses::default();
        assert_eq!(uses.grant(share(1), 40, &limits, 0), Ok(Some(40)));
        assert!(!uses.covers(&share(1), 40), "its object is not written");
        uses.written(share(1), 40, true);
        assert!(uses.covers(&share(1), 40) && !uses.covers(&share(1), 41));
        // An older listing, which lacks it; and the objects of another share in any order.
        uses.note(FIRST, &[listed(share(2), 50, false), listed(share(2), 20, false)]);
        assert_eq!(uses.bytes, 90);
        assert!(uses.grant(share(3), 11, &limits, 0).is_err());
        uses.note(FIRST, &[listed(share(2), 30, true), listed(share(2), 50, false)]);
        assert_eq!(uses.bytes, 70);
        uses.note(FIRST, &[listed(share(2), 50, false)]);
        assert_eq!(uses.bytes, 70, "a committed share takes no more");
        uses.grant(share(3), 30, &limits, 0).unwrap();
        let full = RelayError::Quota { what: Some(Daily::Shares), max: 3, until: Some(5) };
        assert_eq!(uses.grant(share(4), 1, &limits, 5), Err(full));
    }

    #[test]
    fn a_failed_write_counts_until_a_later_listing_shows_that_its_object_is_missing() {
        let key = AccountKey::of(&[7; 32]);
        let small = Object { name: names::used(9, &key, &share(1), 4096, false), len: 0, written: 0 };
        let limits = AccountLimits { bytes_a_day: Some(100 << 20), ..AccountLimits::default() };
        let mut uses = Uses::default();
        uses.note(FIRST, std::slice::from_ref(&small));
        let granted = uses.grant(share(1), 5000, &limits, 0).unwrap().unwrap();
        assert_eq!(uses.grant(share(1), 6000, &limits, 0), Ok(Some(granted)), "two requests write it");
        let during = uses.begin_listing(0);
        uses.written(share(1), granted, false);
        for began in [during, uses.begin_listing(0)] {
            uses.note(began, std::slice::from_ref(&small));
            assert_eq!(uses.bytes, granted, "the other request may have written it");
        }
        uses.written(share(1), granted, false);
        let after = uses.begin_listing(0);
        uses.note(during, std::slice::from_ref(&small));
        assert_eq!(uses.bytes, granted, "the listing began before");
        uses.note(after, std::slice::from_ref(&small));
        assert_eq!((uses.bytes, uses.covers(&share(1), 4096)), (4096, true), "what was stored before stays");
        assert_eq!(uses.grant(share(2), 4096, &limits, 0), Ok(Some(4096)));
        uses.written(share(2), 4096, false);
        uses.note(uses.begin_listing(0), &[]);
        assert_eq!((uses.bytes, uses.shares.len()), (4096, 1));
    }
}
