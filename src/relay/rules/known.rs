//! The memory of a node, so that a part costs one write and one read of the store.
//!
//! It holds records that cannot change: the `offer`, a `seal`, the `claim` of an opener, and the parts of an upload
//! that this node has stored or listed. It never holds that something is absent, and nothing about how a share ended:
//! another node may write `seal`, `claim` or `end` at any moment, so each request reads the first of them that is not
//! remembered.
//!
//! The records of a share are deleted 30 days after its end. So they outlast this memory: it takes in only shares that
//! had not ended when their records were read, and drops them after [`REMEMBERED`].

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::blob::part_range;
use crate::relay::clock::after;
use crate::relay::rules::names;
use crate::relay::rules::records::{Claim, Offer, UploadEnd};
use crate::relay::store::Object;
use crate::relay::{Checksum, Commit};
use crate::secret::Id;

/// Time for which a share is remembered after its records were read. Less than the hold by much more than clocks
/// differ: when held data may go, no node remembers the upload any more, and each request reads first how it ended.
const REMEMBERED: Duration = Duration::from_mins(30);
/// Limit of remembered shares. The least recently used one is dropped for another.
const SHARES: usize = 4096;
/// Limit of the parts in all of them together: about 20 MiB.
const PARTS: usize = 1 << 20;
/// Limit of [`Known::note_landed`].
const LANDED: usize = 1 << 16;

/// The remembered records of a share.
#[derive(Clone, Default)]
pub(super) struct Remembered {
    /// The announcement.
    pub(super) offer: Option<Arc<Offer>>,
    /// The commit.
    pub(super) upload_end: Option<Arc<UploadEnd>>,
    /// The claim of an opener.
    pub(super) claim: Option<Claim>,
}

/// A stored part: its checksum and its length in bytes.
pub(super) type StoredPart = (Checksum, u64);

/// Knowledge of one part number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PartNumber {
    /// Nothing: the parts of the share must be listed.
    Unlisted,
    /// This node has stored or seen no part of this number.
    Free,
    /// A part is stored.
    Taken(StoredPart),
}

/// A remembered share.
struct Share {
    /// When its records were read, Unix seconds.
    since: u64,
    records: Remembered,
    /// The parts of an upload, if they were listed since the share is remembered.
    parts: Option<BTreeMap<u32, StoredPart>>,
}

impl Share {
    /// Whether it must be read again.
    fn is_outdated(&self, now: u64) -> bool {
        now >= after(self.since, REMEMBERED)
    }

    fn weight(&self) -> usize {
        let committed = match self.records.upload_end.as_deref() {
            Some(UploadEnd::Committed { parts, .. }) => parts.len(),
            _ => 0,
        };
        committed + self.parts.as_ref().map_or(0, BTreeMap::len)
    }
}

/// The shares that a node remembers.
pub(super) struct Known {
    memory: Mutex<Memory>,
    /// Whether it remembers any.
    is_on: bool,
}

struct Memory {
    shares: LruCache<Id, Share>,
    /// The weights of all shares together.
    weight: usize,
    landed: HashSet<Id>,
}

impl Memory {
    /// Changes a share, and keeps the limits.
    fn change<T>(&mut self, id: &Id, change: impl FnOnce(&mut Share) -> T) -> Option<T> {
        let share = self.shares.get_mut(id)?;
        let before = share.weight();
        let result = change(share);
        self.weight = self.weight - before + share.weight();
        while self.shares.len() > SHARES || self.weight > PARTS {
            let Some((_, dropped)) = self.shares.pop_lru() else { break };
            self.weight -= dropped.weight();
        }
        Some(result)
    }

    fn forget(&mut self, id: &Id) {
        if let Some(share) = self.shares.pop(id) {
            self.weight -= share.weight();
        }
    }

    /// The share, unless it must be dropped by now.
    fn fresh(&mut self, id: &Id, now: u64) -> Option<&mut Share> {
        // Also a clock that was set back must not lengthen the time.
        if self.shares.peek(id).is_some_and(|share| now < share.since || share.is_outdated(now)) {
            self.forget(id);
        }
        self.shares.get_mut(id)
    }
}

impl Known {
    /// An empty memory. One that is not `is_on` stays empty.
    pub(super) fn new(is_on: bool) -> Self {
        let memory = Memory { shares: LruCache::unbounded(), weight: 0, landed: HashSet::new() };
        Self { memory: Mutex::new(memory), is_on }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // No code panics while it holds the lock, so the memory is consistent.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records of a share that are remembered.
    pub(super) fn get(&self, id: &Id, now: u64) -> Remembered {
        self.memory().fresh(id, now).map(|share| share.records.clone()).unwrap_or_default()
    }

    /// Remembers records of a share that has not ended at `now`.
    pub(super) fn remember(&self, id: &Id, now: u64, records: Remembered) {
        if !self.is_on {
            return;
        }
        let mut memory = self.memory();
        // Requests run at the same time, so `now` may be earlier than the moment of what is remembered.
        if memory.shares.peek(id).is_none_or(|share| share.is_outdated(now)) {
            memory.forget(id);
            memory.shares.put(*id, Share { since: now, records: Remembered::default(), parts: None });
        }
        memory.change(id, |share| {
            share.since = share.since.max(now);
            let known = &mut share.records;
            known.offer = records.offer.or(known.offer.take());
            known.upload_end = records.upload_end.or(known.upload_end.take());
            known.claim = records.claim.or(known.claim.take());
            if known.upload_end.is_some() {
                // The commit lists the parts that count.
                share.parts = None;
            }
        });
    }

    /// Forgets a share.
    pub(super) fn forget(&self, id: &Id) {
        self.memory().forget(id);
    }

    /// Whether the share is remembered, and not as one whose upload has ended.
    pub(super) fn is_uploading(&self, id: &Id) -> bool {
        self.memory().shares.peek(id).is_some_and(|share| share.records.upload_end.is_none())
    }

    /// The part of this number of an upload, as far as it is known.
    pub(super) fn part(&self, id: &Id, number: u32) -> PartNumber {
        let memory = self.memory();
        match memory.shares.peek(id).and_then(|share| share.parts.as_ref()) {
            None => PartNumber::Unlisted,
            Some(parts) => parts.get(&number).map_or(PartNumber::Free, |part| PartNumber::Taken(*part)),
        }
    }

    /// Whether all parts of `commit` are known to be stored.
    pub(super) fn has_parts(&self, id: &Id, commit: &Commit) -> bool {
        let memory = self.memory();
        let Some(parts) = memory.shares.peek(id).and_then(|share| share.parts.as_ref()) else { return false };
        (0u32..).zip(&commit.parts).all(|(number, crc)| {
            let range = part_range(number, commit.blob_len);
            parts.get(&number) == Some(&(*crc, range.end - range.start))
        })
    }

    /// Notes a listing of all parts of an upload. It changes no number that is known: see [`Known::note_part`].
    pub(super) fn note_listing(&self, id: &Id, listed: &[Object]) {
        self.memory().change(id, |share| {
            if share.records.upload_end.is_none() {
                let parts = share.parts.get_or_insert_default();
                for object in listed {
                    if let Some((number, crc)) = names::parse_part(&object.name) {
                        parts.entry(number).or_insert((crc, object.len));
                    }
                }
            }
        });
    }

    /// Notes a part that is stored. Returns the one that counts for this number: the first, of those known here.
    pub(super) fn note_part(&self, id: &Id, number: u32, part: StoredPart) -> StoredPart {
        let first = self.memory().change(id, |share| match &mut share.parts {
            Some(parts) => *parts.entry(number).or_insert(part),
            None => part,
        });
        first.unwrap_or(part)
    }

    /// Notes that a part of this share was stored, and that `seal` was not read again since. Beyond a limit such shares
    /// are left to the sweeper's second look.
    pub(super) fn note_landed(&self, id: &Id) {
        let mut memory = self.memory();
        if memory.landed.len() < LANDED {
            memory.landed.insert(*id);
        }
    }

    /// Notes the same when what is returned is dropped: also if the request that stores the part is.
    pub(super) fn landing<'a>(&'a self, id: &'a Id) -> Landing<'a> {
        Landing { known: self, id, is_noted: true }
    }

    /// Clears that note: the end of the upload, which is about to be written or read, shows whether they came in time.
    pub(super) fn clear_landed(&self, id: &Id) {
        self.memory().landed.remove(id);
    }

    /// The shares of [`Known::note_landed`].
    pub(super) fn landed(&self) -> Vec<Id> {
        self.memory().landed.iter().copied().collect()
    }
}

/// A part on its way to the store, or a share whose landed parts are looked at.
pub(super) struct Landing<'a> {
    known: &'a Known,
    id: &'a Id,
    is_noted: bool,
}

impl Landing<'_> {
    /// Leaves the note out: nothing was stored, or it has been looked at.
    pub(super) fn call_off(mut self) {
        self.is_noted = false;
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if self.is_noted {
            self.known.note_landed(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{V1, Verifiers};

    fn id(number: u32) -> Id {
        Id::from_bytes(u128::from(number).to_be_bytes())
    }

    fn offer() -> Remembered {
        let verifier = || serde_json::from_value(serde_json::json!("A".repeat(43))).unwrap();
        let verifiers = Verifiers { link: verifier(), open: verifier(), own: verifier() };
        Remembered { offer: Some(Arc::new(Offer::new(0, 100, 10, verifiers))), ..Remembered::default() }
    }

    fn committed(parts: usize) -> Remembered {
        let parts = vec![Checksum::of(b""); parts];
        let upload_end = UploadEnd::Committed { v: V1, at: 5, blob_len: 4096, parts, manifest: None, hold: None };
        Remembered { upload_end: Some(Arc::new(upload_end)), ..offer() }
    }

    #[test]
    fn a_share_is_remembered_for_half_an_hour_after_it_was_read() {
        let known = Known::new(true);
        known.remember(&id(1), 100, offer());
        assert!(known.get(&id(1), 1899).offer.is_some());
        known.remember(&id(1), 1899, committed(1));
        assert!(known.get(&id(1), 3698).offer.is_some() && !known.is_uploading(&id(1)));
        assert!(known.get(&id(1), 3699).offer.is_none() && !known.is_uploading(&id(1)));
        known.remember(&id(1), 3699, offer());
        assert!(known.get(&id(1), 3698).offer.is_none(), "the clock was set back");
    }

    #[test]
    fn a_request_that_began_earlier_takes_nothing_away() {
        let known = Known::new(true);
        known.remember(&id(1), 101, committed(1));
        known.remember(&id(1), 100, offer());
        assert!(known.get(&id(1), 1900).upload_end.is_some());
        assert!(known.get(&id(1), 1901).offer.is_none(), "half an hour after the later one");
        known.remember(&id(2), 100, offer());
        known.note_listing(&id(2), &[]);
        known.remember(&id(2), 99, offer());
        assert_eq!(known.part(&id(2), 0), PartNumber::Free);
        known.remember(&id(2), 1900, offer());
        assert_eq!(known.part(&id(2), 0), PartNumber::Unlisted, "too old");
    }

    #[test]
    fn the_memory_has_limits_for_shares_and_for_their_parts() {
        let known = Known::new(true);
        for number in 0..5000 {
            known.remember(&id(number), 0, offer());
            known.get(&id(0), 1);
        }
        let size = || {
            let memory = known.memory();
            (memory.shares.len(), memory.weight)
        };
        assert_eq!(size(), (SHARES, 0));
        assert!(known.get(&id(0), 1).offer.is_some() && known.get(&id(1), 1).offer.is_none());
        known.remember(&id(7000), 0, committed(PARTS - 3));
        known.note_listing(&id(0), &[]);
        for number in 0..4 {
            known.note_part(&id(0), number, (Checksum::of(b"x"), 1));
        }
        assert_eq!(size(), (1, 4), "the commit of the other one was too long beside them");
        known.remember(&id(7001), 0, committed(2 * PARTS));
        assert_eq!(size(), (0, 0));
        for number in 0..70_000 {
            known.note_landed(&id(number));
        }
        assert_eq!(known.landed().len(), LANDED);
        known.clear_landed(&known.landed()[0]);
        assert_eq!(known.landed().len(), LANDED - 1);
    }

    #[test]
    fn parts_are_known_only_after_a_listing_and_the_first_of_a_number_stays() {
        let known = Known::new(true);
        known.remember(&id(1), 0, offer());
        known.note_part(&id(1), 0, (Checksum::of(b"a"), 1));
        assert_eq!(known.part(&id(1), 0), PartNumber::Unlisted, "another node may have stored one");
        let listed = Object { name: names::part(&id(1), 1, Checksum::of(b"b")), len: 1, written: 0 };
        known.note_listing(&id(1), &[listed]);
        known.note_part(&id(1), 1, (Checksum::of(b"c"), 1));
        let listed = Object { name: names::part(&id(1), 1, Checksum::of(b"c")), len: 1, written: 0 };
        known.note_listing(&id(1), &[listed]);
        assert_eq!(known.part(&id(1), 0), PartNumber::Free);
        assert_eq!(known.part(&id(1), 1), PartNumber::Taken((Checksum::of(b"b"), 1)));
        known.remember(&id(1), 0, committed(2));
        assert_eq!(known.part(&id(1), 1), PartNumber::Unlisted);
    }
}
