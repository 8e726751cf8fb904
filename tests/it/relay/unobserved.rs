//! The sender of a share must not see whether it was reported. Two relays with the same share live through the same
//! history, with and without a report: everything that a sender can ask has the same answers, and every request visits
//! the same objects of the store with the same results, so that its time shows nothing either.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use share::blob::PART_LEN;
use share::relay::clock::Clock;
use share::relay::rules::StoreRelay;
use share::relay::store::aside::SetAside;
use share::relay::store::bounded::Bounded;
use share::relay::store::memory::Memory;
use share::relay::store::{Created, Object, Space, Store, StoreError};
use share::relay::{Checksum, Commit, Content, Credential, HOLD, Relay, RelayError, Report, ShareState};
use share::secret::Token;

use crate::support::{START, Sample, TestClock, is_data, noise, operated, operated_for, upload};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
/// Longer than the difference between the clocks of nodes.
const GRACE: u64 = 121;
/// Bytes of the store, and those that are set aside for reported shares.
const CAPACITY: u64 = 64 << 20;
const MAX_REPORTED: u64 = 20 << 20;

/// Other bytes with the same checksum as `part`, of which anybody can make some.
fn forged(part: &[u8]) -> Bytes {
    let mut bytes = noise(part.len() / 2, 9);
    let start = crc32c::crc32c(&bytes);
    let with = |last: u32| crc32c::crc32c_append(start, &last.to_le_bytes());
    // The checksum is linear in the last four bytes: each bit of them changes the same bits of it.
    let mut basis = [(0, 0); 32];
    for bit in 0..32 {
        let mut row = (with(1 << bit) ^ with(0), 1_u32 << bit);
        while row.0 != 0 {
            let found = &mut basis[row.0.ilog2() as usize];
            if found.0 == 0 {
                *found = row;
                break;
            }
            row = (row.0 ^ found.0, row.1 ^ found.1);
        }
    }
    let mut rest = (crc32c::crc32c(part) ^ with(0), 0);
    while rest.0 != 0 {
        let row = basis[rest.0.ilog2() as usize];
        rest = (rest.0 ^ row.0, rest.1 ^ row.1);
    }
    bytes.extend(rest.1.to_le_bytes());
    assert!(bytes.len() != part.len() && Checksum::of(&bytes) == Checksum::of(part));
    bytes.into()
}

/// How a share ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finished,
    Revoked,
    Lapsed,
}

/// A moment of a history: while it is open, in its hold, or after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Open,
    Held,
    Closed,
}

/// The deeds of the recipient and of the operator, of which the sender must not see anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deeds {
    reported: At,
    /// When the operator deletes the report, if at all.
    deleted: Option<At>,
}

/// The kind of the store's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It counts the bytes of shares.
    Bounded,
    /// It has so many bytes, as a disk: also the record of a report takes some.
    Disk,
}

/// A store that notes each operation with its result.
struct Weighed {
    inner: Memory,
    notes: Mutex<Vec<String>>,
}

impl Weighed {
    fn note(&self, operation: &str, name: &str, result: impl Debug) {
        // The names of hints have times, and all else has the same names in both histories.
        let name = if name.starts_with("due/") { "hint" } else { name };
        self.notes.lock().unwrap().push(format!("{operation} {name}: {result:?}"));
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = std::mem::take(&mut *self.notes.lock().unwrap());
        notes.sort();
        notes
    }
}

#[async_trait]
impl Store for Weighed {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let created = self.inner.create(name, content).await;
        self.note("create", name, &created);
        created
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let read = self.inner.read(name, offset).await;
        self.note("read", name, read.as_ref().map(|content| content.as_ref().map(Content::known_len)));
        read
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let listed = self.inner.list(prefix, before).await;
        self.note("list", prefix, listed.as_ref().map(Vec::len));
        listed
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            let found = self.inner.read(name, 0).await?.is_some();
            self.note("delete", name, found);
        }
        self.inner.delete(names).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        self.inner.tidy().await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.inner.space().await
    }

    async fn keeps_versions(&self, name: &str) -> Result<Option<bool>, StoreError> {
        self.inner.keeps_versions(name).await
    }
}

/// A relay of several nodes, its clock, and what the sender has seen.
struct Side<'a> {
    share: &'a Sample,
    device: &'a Credential,
    /// Other bytes with the checksum of the first part.
    forged: Bytes,
    room: Room,
    clock: Arc<TestClock>,
    weighed: Arc<Weighed>,
    store: Arc<dyn Store>,
    nodes: [Arc<StoreRelay>; 2],
    answers: Vec<String>,
    visits: Vec<String>,
    /// The longest upload that the relay accepted at some moments, in bytes.
    rooms: Vec<u64>,
}

impl<'a> Side<'a> {
    fn new(share: &'a Sample, device: &'a Credential, room: Room) -> Self {
        let clock = TestClock::at(START);
        let capacity = if room == Room::Disk { CAPACITY } else { u64::MAX };
        let inner = Memory::new(clock.clone(), capacity);
        let weighed = Arc::new(Weighed { inner, notes: Mutex::default() });
        let store: Arc<dyn Store> = match room {
            Room::Disk => Arc::new(SetAside::new(weighed.clone(), None, MAX_REPORTED)),
            Room::Bounded => {
                let bounded = Arc::new(Bounded::new(weighed.clone(), CAPACITY));
                Arc::new(SetAside::new(bounded.clone(), Some(bounded), MAX_REPORTED))
            }
        };
        let nodes = [(); 2].map(|()| Arc::new(operated_for(store.clone(), clock.clone(), MAX_REPORTED)));
        let (answers, visits, rooms) = (Vec::new(), Vec::new(), Vec::new());
        let forged = forged(&share.parts[0]);
        Self { share, device, forged, room, clock, weighed, store, nodes, answers, visits, rooms }
    }

    /// A node that remembers nothing.
    fn node(&self) -> Arc<StoreRelay> {
        Arc::new(operated_for(self.store.clone(), self.clock.clone(), MAX_REPORTED))
    }

    fn note(&mut self, what: &str, answer: impl Debug) {
        self.answers.push(format!("{what}: {answer:?}"));
        self.visits.push(format!("{what}: {:?}", self.weighed.notes()));
    }

    /// Everything that a sender can ask with the owner token and the link, at both nodes and at a new one.
    async fn ask(&mut self, moment: &str, has_ended: bool) {
        let (share, link, proof) = (self.share, self.share.link(), self.share.proof());
        let (owner, part, crc) = (&share.owner, share.parts[0].clone(), share.commit.parts[0]);
        let surplus = Bytes::from_static(b"surplus");
        let other = Commit { manifest: Bytes::from_static(b"another"), ..share.commit.clone() };
        let forged = self.forged.clone();
        let forged_commit = Commit { blob_len: forged.len() as u64, parts: vec![crc], ..share.commit.clone() };
        let mut create = share.create.clone();
        create.ttl += 1;
        let token = Token::random();
        for (at, node) in [self.nodes[0].clone(), self.nodes[1].clone(), self.node()].into_iter().enumerate() {
            self.weighed.notes();
            macro_rules! ask {
                ($($what:literal: $request:expr;)*) => {
                    $(
                        let answer = $request.await;
                        self.note(&format!("{moment}, node {at}, {}", $what), answer);
                    )*
                };
            }
            if share.parts.len() == 1 {
                // Without an offer it announces the share again, so it comes first.
                ask! { "early deposit": node.deposit(owner, &share.create, &forged_commit, forged.clone().into()); }
            }
            ask! {
                "state": node.state(owner);
                "status": node.status(owner, &[], Duration::ZERO);
                "wait": node.status(owner, &ShareState::ALL, Duration::from_secs(3));
                "part": node.put_part(owner, 0, crc, part.clone().into());
                "other bytes": node.put_part(owner, 0, Checksum::of(&surplus), surplus.clone().into());
                "forged part": node.put_part(owner, 0, crc, forged.clone().into());
                "surplus part": node.put_part(owner, 7, Checksum::of(&surplus), surplus.clone().into());
                "commit": node.commit(owner, &share.commit);
                "other commit": node.commit(owner, &other);
                "create": node.create(owner, &share.create);
                "forged part after it": node.put_part(owner, 0, crc, forged.clone().into());
                "part after it": node.put_part(owner, 0, crc, part.clone().into());
                "other create": node.create(owner, &create);
                "forged deposit": node.deposit(owner, &share.create, &forged_commit, forged.clone().into());
                "deposit": node.deposit(owner, &share.create, &share.commit, part.clone().into());
                "notice": node.notice(&link);
                "manifest": node.manifest(&link, proof);
                "wrong proof": node.manifest(&link, &token);
                "claim": node.claim(&link, proof, &token);
            }
            if has_ended {
                ask! { "revoke": node.revoke(owner); }
            }
        }
    }

    /// The longest upload that the relay accepts.
    async fn measure(&mut self) {
        // A disk counts blocks.
        let exact = if self.room == Room::Disk { 1 << 12 } else { 1 };
        let (mut accepted, mut refused) = (0, CAPACITY + 1);
        while refused - accepted > exact {
            let len = accepted.midpoint(refused);
            let (owner, mut create) = upload();
            create.max_len = Some(len);
            match self.nodes[0].create(&owner, &create).await {
                Ok(()) => accepted = len,
                Err(RelayError::NoSpace { .. }) => refused = len,
                Err(error) => panic!("{error:?}"),
            }
        }
        self.rooms.push(accepted);
    }

    async fn pass(&mut self, seconds: u64) {
        self.clock.advance(seconds);
        for node in &self.nodes {
            node.sweep().await.unwrap();
        }
    }

    /// Does the deeds of a moment.
    async fn act(&self, at: At, deeds: Option<Deeds>) {
        let Some(Deeds { reported, deleted }) = deeds else { return };
        if reported == at {
            let report = Report::new(Bytes::from(vec![b'k'; 900]), None);
            assert!(self.nodes[1].report(self.device, &report).await.unwrap().is_new);
        }
        if deleted == Some(at) {
            self.node().review(&self.share.keys.id).await.unwrap();
        }
    }

    /// The whole history of a share, from its upload until nothing of it is left.
    async fn live(&mut self, end: End, deeds: Option<Deeds>) {
        let (share, device) = (self.share, self.device);
        share.send(&*self.nodes[0]).await;
        self.nodes[0].claim(&share.link(), share.proof(), &device.token).await.unwrap();
        let lapse = self.clock.now() + DAY;
        self.measure().await;
        self.ask("claimed", false).await;
        self.act(At::Open, deeds).await;
        self.pass(MINUTE).await;
        self.ask("open", false).await;
        self.measure().await;
        match end {
            End::Finished => {
                let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
                self.nodes[0].finish(device, &receipt).await.unwrap();
            }
            End::Revoked => assert_eq!(self.nodes[1].revoke(&share.owner).await, Ok(ShareState::Claimed)),
            End::Lapsed => {
                self.clock.advance(DAY);
                self.ask("lapsed by the clock", false).await;
            }
        }
        let ended = if end == End::Lapsed { lapse } else { self.clock.now() };
        for minute in 0..HOLD.as_secs() / MINUTE + 8 {
            let is_near = !(4..58).contains(&minute) || minute == 30;
            if minute == 30 {
                self.act(At::Held, deeds).await;
            }
            if is_near {
                self.ask(&format!("minute {minute}"), minute > 3).await;
                self.measure().await;
            }
            self.pass(MINUTE).await;
        }
        self.act(At::Closed, deeds).await;
        for seconds in [MINUTE, MINUTE, MINUTE, HOLD.as_secs(), DAY, 27 * DAY] {
            self.pass(seconds).await;
            self.ask(&format!("{seconds} s later"), true).await;
            self.measure().await;
        }
        // Around the deletion of the data, and of the records.
        let thirty_days = ended + 30 * DAY;
        for at in [0, GRACE, GRACE + MINUTE, HOLD.as_secs(), HOLD.as_secs() + GRACE, DAY, 2 * DAY] {
            let at = thirty_days + at;
            self.pass(at - self.clock.now()).await;
            self.ask(&format!("{} s after thirty days", at - thirty_days), true).await;
            self.measure().await;
        }
        let left = self.weighed.inner.list("reports/", None).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The histories: each end, with each deed.
fn histories() -> Vec<(End, Deeds)> {
    let deeds = [(At::Open, None), (At::Held, None), (At::Open, Some(At::Held)), (At::Held, Some(At::Closed))];
    let ends = [End::Finished, End::Revoked, End::Lapsed];
    let each = |end| deeds.map(|(reported, deleted)| (end, Deeds { reported, deleted }));
    ends.into_iter().flat_map(each).collect()
}

/// Compares what a sender sees with and without a report, in all histories. Those of a share of one part, which a
/// deposit may repeat, alternate with those of a longer one.
fn compare(room: Room, lens: [usize; 2], expect_equal: impl Fn(&Side<'_>, &Side<'_>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        for (turn, (end, deeds)) in histories().into_iter().enumerate() {
            let share = Sample::new(lens[turn % 2], false);
            let device = share.device();
            let (mut with, mut without) = (Side::new(&share, &device, room), Side::new(&share, &device, room));
            with.live(end, Some(deeds)).await;
            without.live(end, None).await;
            assert_eq!(with.answers.len(), without.answers.len());
            expect_equal(&with, &without);
        }
    });
}

/// Checks that two transcripts are equal, line by line.
fn expect_same(with: &[String], without: &[String]) {
    for (with, without) in with.iter().zip(without) {
        assert_eq!(with, without, "with a report, and without one");
    }
}

#[test]
fn the_sender_sees_the_same_with_and_without_a_report() {
    compare(Room::Bounded, [PART_LEN + 5000, 5000], |with, without| {
        expect_same(&with.answers, &without.answers);
        assert_eq!(with.rooms, without.rooms, "the longest uploads that are accepted");
    });
}

#[test]
fn the_requests_of_the_sender_visit_the_same_objects_with_and_without_a_report() {
    compare(Room::Disk, [5000, PART_LEN + 5000], |with, without| {
        expect_same(&with.visits, &without.visits);
        // On a disk, the small records of the report take some bytes.
        for (with, without) in with.rooms.iter().zip(&without.rooms) {
            assert!(with.abs_diff(*without) <= 2 << 12, "{with}, {without}");
        }
    });
}

/// Neither must a node that has seen only the beginning of the upload, whatever the clocks of the others show.
#[tokio::test]
async fn a_node_that_knew_the_upload_shows_no_report() {
    let mut seen = Vec::new();
    for is_reported in [false, true] {
        let store: Arc<dyn Store> = Arc::new(Memory::new(TestClock::at(START), u64::MAX));
        let clocks = [START, START - 115, START + 115].map(TestClock::at);
        let [here, behind, ahead] = clocks.each_ref().map(|clock| operated(store.clone(), clock.clone()));
        let share = Sample::new(5000, false);
        let (device, crc) = (share.device(), share.commit.parts[0]);
        here.create(&share.owner, &share.create).await.unwrap();
        share.put_all(&behind).await;
        behind.commit(&share.owner, &share.commit).await.unwrap();
        behind.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        if is_reported {
            behind.report(&device, &Report::new(Bytes::from_static(b"keys"), None)).await.unwrap();
        }
        assert_eq!(behind.revoke(&share.owner).await, Ok(ShareState::Claimed));
        // By the clock that is ahead, the hold has been over for longer than clocks differ.
        for clock in &clocks {
            clock.advance(HOLD.as_secs() - 105);
        }
        for _ in 0..2 {
            ahead.sweep().await.unwrap();
        }
        let left = store.list("v1/", None).await.unwrap();
        let left = left.iter().filter(|object| is_data(&object.name)).count();
        assert_eq!(left, if is_reported { 2 } else { 0 });
        seen.push((
            here.put_part(&share.owner, 0, crc, forged(&share.parts[0]).into()).await,
            here.put_part(&share.owner, 0, crc, share.parts[0].clone().into()).await,
            here.commit(&share.owner, &share.commit).await.map(|_| ()),
        ));
    }
    assert_eq!(seen[0], seen[1], "without a report, and with one");
}
