//! Reports, by the rules, over each store: who can report a share, when, and what becomes of its data.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use share::blob::PART_LEN;
use share::relay::clock::Clock;
use share::relay::rules::StoreRelay;
use share::relay::store::Store;
use share::relay::store::memory::Memory;
use share::relay::{
    Checksum, Commit, Content, Credential, Gone, HOLD, MAX_REPORT_RECORD, Relay, RelayError, Report, ShareState,
};
use share::secret::{Id, LinkSecret, Receipt, Token};
use tokio::sync::mpsc;

use crate::support::{
    Fault, Faults, Faulty, Observed, START, Sample, Slow, TestClock, TestRelay, is_data, node_over, operated,
    operated_for,
};

const HOUR: u64 = HOLD.as_secs();
const DAY: u64 = 86_400;
/// Longer than the difference between the clocks of nodes.
const GRACE: u64 = 121;

/// A report with these bytes as its files.
fn report(text: &'static str) -> Report {
    Report::new(Bytes::from_static(text.as_bytes()), Some(Bytes::from_static(b"a note")))
}

/// A relay with an operator over one store.
struct Bench {
    test: TestRelay,
    rules: StoreRelay,
}

impl Bench {
    fn over(test: TestRelay) -> Self {
        let rules = operated(test.store.clone(), test.clock.clone());
        Self { test, rules }
    }

    /// One over each kind of store.
    fn all() -> [Self; 3] {
        [TestRelay::memory(), TestRelay::folder(), TestRelay::bucket()].map(Self::over)
    }

    /// Another node with an operator.
    fn node(&self) -> StoreRelay {
        operated(self.test.store.clone(), self.test.clock.clone())
    }

    /// A share of this length that a device has claimed.
    async fn claimed(&self, blob_len: usize) -> (Sample, Credential) {
        let share = Sample::new(blob_len, false);
        share.send(&self.rules).await;
        let device = share.device();
        self.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        (share, device)
    }

    async fn finish(&self, share: &Sample, device: &Credential) {
        self.rules.finish(device, &receipt(share, device)).await.unwrap();
    }

    async fn pass(&self, seconds: u64) {
        self.test.clock.advance(seconds);
        self.rules.sweep().await.unwrap();
    }

    async fn names(&self, prefix: &str) -> Vec<String> {
        let objects = self.test.store.list(prefix, None).await.unwrap();
        objects.into_iter().map(|object| object.name).collect()
    }

    /// The objects of a share with ciphertext or guesses.
    async fn data(&self, share: &Sample) -> usize {
        let names = self.names(&format!("v1/{}/", share.keys.id.hex())).await;
        names.iter().filter(|name| is_data(name)).count()
    }

    /// Checks that the operator can read all of a reported share.
    async fn expect_evidence(&self, share: &Sample) {
        let evidence = self.rules.evidence(&share.keys.id).await.unwrap();
        let mut blob = evidence.blob;
        let mut bytes = Vec::new();
        while let Some(chunk) = blob.next().await {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        assert!(bytes == share.parts.concat(), "{}: other bytes", self.test.name);
        assert_eq!(evidence.blob_len, bytes.len() as u64);
        assert_eq!(evidence.manifest, share.commit.manifest, "{}", self.test.name);
        for (record, word) in [(&evidence.offer, "verifiers"), (&evidence.seal, "hold"), (&evidence.claim, "claimant")]
        {
            assert!(record.get(word).is_some(), "{record}");
        }
        assert_eq!(evidence.report["state"], "reported");
    }
}

fn receipt(share: &Sample, device: &Credential) -> Receipt {
    share.keys.receipt(&device.token.claimant(&share.keys.id))
}

#[tokio::test]
async fn a_report_is_one_record_and_copies_nothing() {
    for bench in Bench::all() {
        let observed = Observed::new(bench.test.store.clone());
        let rules = operated(observed.clone(), bench.test.clock.clone());
        let (share, device) = bench.claimed(PART_LEN + 5000).await;
        // This node remembers the claim then, as the one that has served the recipient.
        rules.get_part(&device, 0, 0).await.unwrap();
        observed.visits();
        let before = bench.names("").await;
        let reported = rules.report(&device, &report("keys")).await.unwrap();
        assert!(reported.is_new && reported.at == bench.test.clock.now(), "{reported:?}");
        let visits =
            ["create index", "create report", "list index", "list manifest", "list part", "read end", "read report"];
        assert_eq!(observed.visits(), visits, "{}", bench.test.name);
        let hex = share.keys.id.hex();
        let mut expected = before;
        let bytes = PART_LEN + 5000 + share.commit.manifest.len();
        assert_eq!(rules.reportable(&device).await, Ok(bytes as u64));
        assert_eq!(observed.visits(), ["list manifest"], "{}", bench.test.name);
        expected.extend([format!("reports/{hex}-{bytes}"), format!("v1/{hex}/report")]);
        expected.sort();
        let mut after = bench.names("").await;
        after.sort();
        assert_eq!(after, expected, "{}", bench.test.name);
        bench.expect_evidence(&share).await;
        let listed = bench.rules.reports().await.unwrap().shares;
        let [listed] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!((listed.id, listed.at, listed.state), (share.keys.id, reported.at, ShareState::Claimed));
        assert_eq!(listed.claimant, device.token.claimant(&share.keys.id));
        assert_eq!((listed.ended, listed.deleted), (None, None));
    }
}

#[tokio::test]
async fn only_the_claimant_reports() {
    for bench in Bench::all() {
        let observed = Observed::new(bench.test.store.clone());
        let rules = operated(observed.clone(), bench.test.clock.clone());
        let (share, device) = bench.claimed(5000).await;
        let unknown = LinkSecret::random(share::secret::Flags::default()).keys(None).id;
        let waiting = Sample::new(5000, false);
        waiting.send(&bench.rules).await;
        let strangers = [
            share.owner.clone(),
            share.link(),
            Credential::new(share.keys.id, share.proof().clone()),
            share.device(),
            Credential::new(unknown, device.token.clone()),
            waiting.device(),
            waiting.owner.clone(),
        ];
        let before = bench.names("").await;
        for stranger in &strangers {
            assert_eq!(rules.report(stranger, &report("keys")).await, Err(RelayError::Unknown));
            assert_eq!(observed.visits(), ["read claim"], "{}", bench.test.name);
            assert_eq!(rules.reportable(stranger).await, Err(RelayError::Unknown));
            assert_eq!(observed.visits(), ["read claim"], "{}", bench.test.name);
        }
        let plain = node_over(bench.test.store.clone(), bench.test.clock.clone());
        assert_eq!(plain.report(&device, &report("keys")).await, Err(RelayError::Unknown));
        assert_eq!(plain.reportable(&device).await, Err(RelayError::Unknown));
        assert_eq!(bench.names("").await, before, "{}", bench.test.name);
        assert!(bench.rules.reports().await.unwrap().shares.is_empty());
        assert_eq!(bench.rules.evidence(&share.keys.id).await.err(), Some(RelayError::Unknown));
        assert_eq!(bench.rules.review(&share.keys.id).await, Err(RelayError::Unknown));
    }
}

#[tokio::test]
async fn a_repeated_report_is_the_first_one() {
    for bench in Bench::all() {
        let (share, device) = bench.claimed(5000).await;
        let first = bench.rules.report(&device, &report("first")).await.unwrap();
        assert!(first.is_new);
        for seconds in [1, 60, HOUR + GRACE, 10 * DAY] {
            bench.pass(seconds).await;
            if seconds == 60 {
                bench.finish(&share, &device).await;
            }
            let again = bench.node().report(&device, &report("second")).await.unwrap();
            assert_eq!((again.is_new, again.at), (false, first.at), "{}", bench.test.name);
        }
        let stored = bench.rules.evidence(&share.keys.id).await.unwrap().report;
        assert_eq!(stored["keys"], "Zmlyc3Q", "{stored}");
        assert_eq!(stored["note"], "YSBub3Rl", "{stored}");
    }
}

#[tokio::test]
async fn a_report_after_finish_revoke_and_lapse_is_taken_for_an_hour() {
    for bench in Bench::all() {
        for end in ["finished", "revoked", "lapsed"] {
            let (early, late) = (bench.claimed(5000).await, bench.claimed(5000).await);
            for (share, device) in [&early, &late] {
                match end {
                    "finished" => bench.finish(share, device).await,
                    "revoked" => drop(bench.rules.revoke(&share.owner).await.unwrap()),
                    _ => {}
                }
            }
            if end == "lapsed" {
                bench.test.clock.advance(DAY);
            }
            let ended = bench.test.clock.now();
            bench.test.clock.advance(HOUR - 1);
            let reported = bench.node().report(&early.1, &report("keys")).await.unwrap();
            assert!(reported.is_new, "{}: {end}", bench.test.name);
            bench.test.clock.advance(1);
            let refused = bench.node().report(&late.1, &report("keys")).await;
            let too_late = Err(RelayError::TooLate { at: ended + HOUR });
            assert_eq!(refused, too_late, "{}: {end}", bench.test.name);
            // The sweeper writes how they ended, and closes them.
            for _ in 0..3 {
                bench.pass(GRACE).await;
            }
            assert_eq!(bench.node().report(&late.1, &report("keys")).await, too_late, "{end}");
            assert_eq!((bench.data(&early.0).await, bench.data(&late.0).await), (2, 0), "{}: {end}", bench.test.name);
            bench.expect_evidence(&early.0).await;
            let read = bench.rules.get_part(&early.1, 0, 0).await;
            assert!(matches!(read, Err(RelayError::Gone { .. })), "nobody downloads it any more: {read:?}");
        }
        assert_eq!(bench.names("reports/").await.len(), 6, "each one, and that it is kept");
    }
}

/// The opener's node is behind by almost two minutes, and that of the sweeper ahead.
#[tokio::test]
async fn a_late_report_and_the_sweeper_race_for_one_record() {
    for bench in Bench::all() {
        let (mut taken, mut refused) = (0, 0);
        for round in 0..12 {
            let (share, device) = bench.claimed(5000).await;
            bench.finish(&share, &device).await;
            let now = bench.test.clock.now();
            let store = || Arc::new(Slow(Faulty::new(bench.test.store.clone(), Arc::default())));
            let at = now + HOUR + 60;
            let behind = operated(store(), TestClock::at(at - 115));
            let ahead = operated(store(), TestClock::at(at + 115));
            let turns = async |times: u32| {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let words = report("keys");
            let (reported, swept) = tokio::join!(
                async {
                    turns(round).await;
                    behind.report(&device, &words).await
                },
                async {
                    turns(12 - round).await;
                    ahead.sweep().await
                },
            );
            swept.unwrap();
            let data = bench.data(&share).await;
            match reported {
                Ok(_) => {
                    taken += 1;
                    assert_eq!(data, 2, "{}: an answered report can be shown", bench.test.name);
                    bench.expect_evidence(&share).await;
                }
                Err(RelayError::TooLate { at }) => {
                    refused += 1;
                    assert_eq!((at, data), (now + HOUR, 0), "{}", bench.test.name);
                    let index = bench.names(&format!("reports/{}", share.keys.id.hex())).await;
                    assert!(index.is_empty(), "{index:?}");
                }
                other => panic!("{other:?}"),
            }
            bench.test.clock.advance(HOUR + 300);
            // An index that came after the close is deleted at the latest with the second look.
            bench.pass(0).await;
        }
        eprintln!("{}: {taken} reports were first, and {refused} closes", bench.test.name);
        assert_eq!(taken + refused, 12);
    }
}

/// A part whose bytes come when the test sends them.
fn slow_part(len: usize) -> (mpsc::Sender<Bytes>, Content) {
    let (sender, receiver) = mpsc::channel(1);
    let chunks = stream::unfold(receiver, |mut receiver: mpsc::Receiver<Bytes>| async move {
        Some((Ok(receiver.recv().await?), receiver))
    });
    (sender, Content::Stream { len: len as u64, chunks: chunks.boxed() })
}

#[tokio::test]
async fn late_parts_and_commits_of_the_sender_destroy_no_evidence() {
    for bench in Bench::all() {
        let share = Sample::new(PART_LEN + 5000, false);
        let (device, former) = (share.device(), bench.node());
        let (rules, link) = (&bench.rules, share.link());
        rules.create(&share.owner, &share.create).await.unwrap();
        share.put_all(rules).await;
        // Another node still remembers the upload.
        let crc = share.commit.parts[0];
        former.put_part(&share.owner, 0, crc, share.parts[0].clone().into()).await.unwrap();
        let surplus = Bytes::from_static(b"surplus");
        let ((first, first_part), (second, second_part)) = (slow_part(surplus.len()), slow_part(surplus.len()));
        let landing = rules.put_part(&share.owner, 2, Checksum::of(&surplus), first_part);
        let dropped = rules.put_part(&share.owner, 3, Checksum::of(&surplus), second_part);
        let (landed, ()) = tokio::join!(landing, async {
            {
                let mut dropped = std::pin::pin!(dropped);
                tokio::select! {
                    _ = &mut dropped => panic!("its bytes have not come"),
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                }
                drop(second);
            }
            rules.commit(&share.owner, &share.commit).await.unwrap();
            rules.claim(&link, share.proof(), &device.token).await.unwrap();
            assert_eq!(rules.revoke(&share.owner).await, Ok(ShareState::Claimed));
            first.send(surplus.clone()).await.unwrap();
            drop(first);
        });
        let is_revoked = |refused: Option<RelayError>| {
            assert!(matches!(refused, Some(RelayError::Gone { how: Gone::Revoked, .. })), "{refused:?}");
        };
        is_revoked(landed.err());
        let parts = |data: Vec<String>| data.iter().filter(|name| name.contains("/part/")).count();
        let prefix = format!("v1/{}/", share.keys.id.hex());
        assert_eq!(parts(bench.names(&prefix).await), 2, "{}: the surplus part is deleted", bench.test.name);
        // The same parts again, at the node that remembers the upload, and other commits.
        is_revoked(former.put_part(&share.owner, 0, crc, share.parts[0].clone().into()).await.err());
        let other = Commit { manifest: Bytes::from_static(b"another"), ..share.commit.clone() };
        for node in [&former, rules] {
            is_revoked(node.commit(&share.owner, &other).await.err());
            is_revoked(node.commit(&share.owner, &share.commit).await.err());
            is_revoked(node.put_part(&share.owner, 3, Checksum::of(&surplus), surplus.clone().into()).await.err());
            node.sweep().await.unwrap();
        }
        // A part that another node stored while the share ended.
        let late = format!("{prefix}part/000004-{}", Checksum::of(&surplus));
        bench.test.store.create(&late, surplus.clone().into()).await.unwrap();
        bench.pass(GRACE).await;
        assert_eq!(parts(bench.names(&prefix).await), 2, "{}", bench.test.name);
        rules.report(&device, &report("keys")).await.unwrap();
        bench.expect_evidence(&share).await;
        for node in [&former, rules] {
            is_revoked(node.put_part(&share.owner, 0, crc, share.parts[0].clone().into()).await.err());
            is_revoked(node.commit(&share.owner, &other).await.err());
            node.sweep().await.unwrap();
        }
        bench.pass(HOUR + GRACE).await;
        bench.expect_evidence(&share).await;
    }
}

/// It would show whether the store still has the share.
#[tokio::test]
async fn a_part_that_takes_an_hour_is_refused_with_its_share() {
    for is_reported in [false, true] {
        let bench = Bench::over(TestRelay::memory());
        let share = Sample::new(5000, false);
        let (rules, device) = (&bench.rules, share.device());
        rules.create(&share.owner, &share.create).await.unwrap();
        let (sender, part) = slow_part(5000);
        let slow = rules.put_part(&share.owner, 0, share.commit.parts[0], part);
        let observed = async {
            tokio::task::yield_now().await;
            share.put_all(rules).await;
            rules.commit(&share.owner, &share.commit).await.unwrap();
            rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
            if is_reported {
                rules.report(&device, &report("keys")).await.unwrap();
            }
            bench.finish(&share, &device).await;
            bench.pass(HOUR + GRACE).await;
            let before = bench.names("").await;
            sender.send(share.parts[0].clone()).await.unwrap();
            drop(sender);
            before
        };
        let (refused, before) = tokio::join!(slow, observed);
        assert!(matches!(refused, Err(RelayError::Gone { .. })), "{refused:?}");
        assert_eq!(bench.names("").await, before, "nothing of it was stored");
    }
    // A slow part of a share that has not ended is accepted.
    let bench = Bench::over(TestRelay::memory());
    let share = Sample::new(5000, false);
    bench.rules.create(&share.owner, &share.create).await.unwrap();
    let (sender, part) = slow_part(5000);
    let (put, ()) = tokio::join!(bench.rules.put_part(&share.owner, 0, share.commit.parts[0], part), async {
        tokio::task::yield_now().await;
        bench.test.clock.advance(HOUR);
        sender.send(share.parts[0].clone()).await.unwrap();
        drop(sender);
    });
    put.unwrap();
    bench.rules.commit(&share.owner, &share.commit).await.unwrap();
}

#[tokio::test]
async fn a_share_committed_before_the_option_is_not_held() {
    for bench in Bench::all() {
        let plain = node_over(bench.test.store.clone(), bench.test.clock.clone());
        let share = Sample::new(5000, false);
        share.send(&plain).await;
        let device = share.device();
        let claimed = bench.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        assert_eq!(claimed.report, None);
        assert_eq!(bench.rules.report(&device, &report("keys")).await, Err(RelayError::Unknown));
        bench.finish(&share, &device).await;
        assert_eq!(bench.data(&share).await, 0, "{}", bench.test.name);
        let status = bench.rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!((status.kept_until, status.bytes_left), (None, 0));
    }
}

#[tokio::test]
async fn a_node_without_the_option_keeps_what_is_held() {
    for bench in Bench::all() {
        let (reported, reporter) = bench.claimed(5000).await;
        let (held, opener) = bench.claimed(5000).await;
        bench.rules.report(&reporter, &report("keys")).await.unwrap();
        // It knows neither of them.
        let plain = || node_over(bench.test.store.clone(), bench.test.clock.clone());
        plain().finish(&reporter, &receipt(&reported, &reporter)).await.unwrap();
        plain().finish(&opener, &receipt(&held, &opener)).await.unwrap();
        let status = plain().status(&held.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!((status.kept_until, status.bytes_left), (Some(bench.test.clock.now() + HOUR), 0));
        assert_eq!((bench.data(&reported).await, bench.data(&held).await), (2, 2), "{}", bench.test.name);
        let sweeper = plain();
        for seconds in [GRACE, HOUR] {
            bench.test.clock.advance(seconds);
            sweeper.sweep().await.unwrap();
        }
        assert_eq!((bench.data(&reported).await, bench.data(&held).await), (2, 0), "{}", bench.test.name);
        bench.expect_evidence(&reported).await;
    }
}

/// The record of the commit says whether a share is held: without it nothing is deleted.
#[tokio::test]
async fn a_finish_that_cannot_read_the_commit_deletes_nothing() {
    let bench = Bench::over(TestRelay::memory());
    for is_held in [true, false] {
        let share = Sample::new(5000, false);
        let plain = node_over(bench.test.store.clone(), bench.test.clock.clone());
        share.send(if is_held { &bench.rules } else { &plain }).await;
        let device = share.device();
        plain.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        let faults = Arc::new(Faults::default());
        faults.plan(|op| op.name.ends_with("/seal").then_some(Fault::FailBefore));
        let store = Arc::new(Faulty::new(bench.test.store.clone(), faults.clone()));
        let node = node_over(store, bench.test.clock.clone());
        node.finish(&device, &receipt(&share, &device)).await.unwrap();
        assert!(faults.clear() > 0);
        assert_eq!(bench.data(&share).await, 2, "held: {is_held}");
        bench.test.clock.advance(GRACE);
        node.sweep().await.unwrap();
        assert_eq!(bench.data(&share).await, if is_held { 2 } else { 0 });
    }
}

#[tokio::test]
async fn expired_locked_and_unclaimed_revoked_shares_are_deleted_at_once() {
    for bench in Bench::all() {
        let rules = &bench.rules;
        let revoked = Sample::new(5000, false);
        revoked.send(rules).await;
        rules.revoke(&revoked.owner).await.unwrap();
        let locked = Sample::new(5000, true);
        locked.send(rules).await;
        for _ in 0..21 {
            rules.manifest(&locked.link(), &Token::random()).await.unwrap_err();
        }
        let aborted = Sample::new(5000, false);
        rules.create(&aborted.owner, &aborted.create).await.unwrap();
        aborted.put_all(rules).await;
        rules.revoke(&aborted.owner).await.unwrap();
        for (share, expected) in
            [(&revoked, ShareState::Revoked), (&locked, ShareState::Locked), (&aborted, ShareState::Aborted)]
        {
            let status = rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
            assert_eq!((status.state, status.kept_until, status.bytes_left), (expected, None, 0));
            assert_eq!(bench.data(share).await, 0, "{}: {expected:?}", bench.test.name);
        }
        let expired = Sample::new(5000, false);
        expired.send(rules).await;
        bench.pass(expired.create.ttl + GRACE).await;
        assert_eq!(bench.data(&expired).await, 0, "{}", bench.test.name);
        assert!(!bench.names("v1/").await.iter().any(|name| name.ends_with("/report")));
    }
}

#[tokio::test]
async fn reported_shares_go_thirty_days_after_the_end() {
    for bench in Bench::all() {
        let (share, device) = bench.claimed(5000).await;
        bench.rules.report(&device, &report("keys")).await.unwrap();
        bench.pass(3 * HOUR).await;
        bench.finish(&share, &device).await;
        let ended = bench.test.clock.now();
        let listed = bench.rules.reports().await.unwrap().shares;
        assert_eq!((listed[0].ended, listed[0].deleted), (Some(ended), Some(ended + 30 * DAY)));
        for seconds in [GRACE, HOUR, DAY, 29 * DAY - HOUR - 2 * GRACE] {
            bench.pass(seconds).await;
            assert_eq!(bench.data(&share).await, 2, "{}: after {seconds} s", bench.test.name);
        }
        bench.expect_evidence(&share).await;
        bench.pass(2 * GRACE).await;
        assert_eq!((bench.data(&share).await, bench.names("reports/").await.len()), (0, 0), "{}", bench.test.name);
        assert!(bench.rules.reports().await.unwrap().shares.is_empty());
        // An hour later no record is left.
        let status = bench.rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!(status.state, ShareState::Finished);
        bench.pass(HOUR + GRACE).await;
        let left: Vec<String> = bench.names("").await.into_iter().filter(|name| name != "lock").collect();
        assert!(left.is_empty(), "{}: {left:?}", bench.test.name);
    }
}

#[tokio::test]
async fn reports_beyond_the_room_are_refused() {
    for bench in Bench::all() {
        let manifest = b"manifest".len() as u64;
        let node = |max| operated_for(bench.test.store.clone(), bench.test.clock.clone(), max);
        let [(one, first), (_, second), (_, third)] =
            [bench.claimed(5000).await, bench.claimed(5000).await, bench.claimed(5000).await];
        let room = 2 * (5000 + manifest + MAX_REPORT_RECORD);
        node(room).report(&first, &report("keys")).await.unwrap();
        assert_eq!(node(room - 1).report(&second, &report("keys")).await, Err(RelayError::NO_SPACE));
        let two = node(room);
        let words = report("keys");
        let (a, b) = tokio::join!(two.report(&second, &words), two.report(&third, &words));
        assert!(a.is_ok() ^ b.is_ok(), "{}: {a:?}, {b:?}", bench.test.name);
        assert!(!two.report(&first, &report("keys")).await.unwrap().is_new, "it is there already");
        // Once the operator has deleted one, there is room again.
        bench.finish(&one, &first).await;
        bench.pass(HOUR + GRACE).await;
        bench.rules.review(&one.keys.id).await.unwrap();
        bench.pass(GRACE).await;
        let refused = if a.is_ok() { &third } else { &second };
        assert!(two.report(refused, &report("keys")).await.unwrap().is_new, "{}", bench.test.name);
    }
}

#[tokio::test]
async fn a_deleted_report_frees_nothing_before_the_close() {
    for bench in Bench::all() {
        let (early, one) = bench.claimed(5000).await;
        let (late, other) = bench.claimed(5000).await;
        for (share, device) in [(&early, &one), (&late, &other)] {
            bench.rules.report(device, &report("keys")).await.unwrap();
            bench.finish(share, device).await;
        }
        let ended = bench.test.clock.now();
        assert_eq!(bench.rules.review(&early.keys.id).await, Ok(ended + HOUR));
        assert_eq!(bench.rules.review(&early.keys.id).await, Ok(ended + HOUR), "once more");
        let listed = bench.rules.reports().await.unwrap().shares;
        assert!(listed.len() == 1 && listed[0].id == late.keys.id, "{listed:?}");
        assert_eq!(bench.rules.evidence(&early.keys.id).await.err(), Some(RelayError::Unknown));
        bench.pass(GRACE).await;
        assert_eq!((bench.data(&early).await, bench.data(&late).await), (2, 2), "{}", bench.test.name);
        bench.pass(HOUR).await;
        assert_eq!((bench.data(&early).await, bench.data(&late).await), (0, 2), "{}", bench.test.name);
        // After the close, the next sweep deletes the other one too.
        bench.rules.review(&late.keys.id).await.unwrap();
        assert_eq!(bench.data(&late).await, 2, "the relay deletes, and not the operator's command");
        bench.pass(GRACE).await;
        assert_eq!(bench.data(&late).await, 0, "{}", bench.test.name);
        assert_eq!(bench.names("reports/").await, Vec::<String>::new(), "{}", bench.test.name);
        let records = bench.names(&format!("v1/{}/", late.keys.id.hex())).await;
        assert!(!records.iter().any(|name| name.ends_with("/report")), "the note is deleted too: {records:?}");
        let again = bench.rules.report(&other, &report("keys")).await;
        assert_eq!(again, Err(RelayError::TooLate { at: ended + HOUR }), "{}", bench.test.name);
        bench.pass(DAY).await;
        assert_eq!(bench.names("reports/").await, Vec::<String>::new(), "{}", bench.test.name);
    }
}

/// The node stood still for hours while it stored a part.
#[tokio::test]
async fn a_part_that_lands_after_the_close_is_deleted_by_the_next_sweep() {
    let clock = TestClock::at(START);
    let store: Arc<dyn Store> = Arc::new(Memory::new(clock.clone(), u64::MAX));
    for is_reported in [false, true] {
        let observed = Observed::new(store.clone());
        let (here, there) = (operated(observed.clone(), clock.clone()), operated(store.clone(), clock.clone()));
        let share = Sample::new(5000, false);
        let (crc, device) = (Checksum::of(b"late"), share.device());
        there.create(&share.owner, &share.create).await.unwrap();
        share.put_all(&there).await;
        here.put_part(&share.owner, 0, share.commit.parts[0], share.parts[0].clone().into()).await.unwrap();
        let gate = observed.hold("create part");
        let late = Bytes::from_static(b"late");
        let (_, ()) = tokio::join!(here.put_part(&share.owner, 1, crc, late.into()), async {
            gate.arrived().await;
            there.commit(&share.owner, &share.commit).await.unwrap();
            there.claim(&share.link(), share.proof(), &device.token).await.unwrap();
            if is_reported {
                there.report(&device, &report("keys")).await.unwrap();
            }
            there.finish(&device, &receipt(&share, &device)).await.unwrap();
            clock.advance(HOUR + GRACE);
            there.sweep().await.unwrap();
            gate.open();
        });
        here.sweep().await.unwrap();
        let prefix = format!("v1/{}/part/", share.keys.id.hex());
        let left = store.list(&prefix, None).await.unwrap().len();
        assert_eq!(left, usize::from(is_reported), "reported: {is_reported}");
    }
}

/// How long the deletion of held data takes depends on reports, so nothing that senders see waits for it.
#[tokio::test]
async fn a_sweep_writes_what_senders_see_before_it_deletes_held_data() {
    let bench = Bench::over(TestRelay::memory());
    let observed = Observed::new(bench.test.store.clone());
    let sweeper = operated(observed.clone(), bench.test.clock.clone());
    let before = async |earlier: &str, later: &str| {
        observed.visits();
        sweeper.sweep().await.unwrap();
        let visits: Vec<String> = observed.timed_visits().into_iter().map(|(visit, _)| visit).collect();
        let at = |visit: &str| visits.iter().position(|seen| seen == visit).expect(visit);
        assert!(at(earlier) < at(later), "{visits:?}");
    };
    let (deleted, device) = bench.claimed(5000).await;
    let (kept, keeper) = bench.claimed(5000).await;
    for (share, device) in [(&deleted, &device), (&kept, &keeper)] {
        bench.rules.report(device, &report("keys")).await.unwrap();
        bench.finish(share, device).await;
    }
    bench.rules.review(&deleted.keys.id).await.unwrap();
    bench.pass(GRACE).await;
    let mut expiring = Sample::new(5000, false);
    // Its hint comes after that of the end of the hold.
    expiring.create.ttl = HOUR;
    expiring.send(&bench.rules).await;
    bench.test.clock.advance(HOUR + GRACE);
    before("create claim", "delete index").await;
    bench.pass(GRACE).await;
    bench.pass(DAY).await;
    bench.pass(GRACE).await;
    bench.test.clock.advance(29 * DAY);
    before("list hint", "delete index").await;
    // The data of all goes before their records: a request that finds an offer finds the same data everywhere.
    assert_eq!((bench.names("reports/").await.len(), bench.data(&kept).await), (0, 0));
    let offers = async || bench.names("v1/").await.iter().filter(|name| name.ends_with("/offer")).count();
    assert_eq!(offers().await, 2);
    bench.pass(HOUR + GRACE).await;
    assert_eq!(offers().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_deletion_of_held_data_does_not_delay_the_next_sweep() {
    let bench = Bench::over(TestRelay::memory());
    let observed = Observed::new(bench.test.store.clone());
    let sweeper = Arc::new(operated(observed.clone(), bench.test.clock.clone()));
    let (share, device) = bench.claimed(5000).await;
    bench.finish(&share, &device).await;
    bench.pass(GRACE).await;
    let mut expiring = Sample::new(5000, false);
    expiring.create.ttl = 2 * HOUR;
    expiring.send(&bench.rules).await;
    bench.test.clock.advance(HOUR + GRACE);
    let gate = observed.hold("delete manifest");
    let sweeping = tokio::spawn(sweeper.keep_sweeping());
    gate.arrived().await;
    bench.test.clock.advance(HOUR);
    let claim = format!("v1/{}/claim", expiring.keys.id.hex());
    let expired = tokio::time::timeout(Duration::from_mins(5), async {
        while bench.names(&claim).await.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    expired.await.expect("the next sweep writes it");
    assert_eq!(bench.data(&share).await, 2, "its deletion still takes");
    gate.open();
    while bench.data(&share).await > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    sweeping.abort();
}

/// An older version of the relay deletes a share with all its records, and knows no index.
#[tokio::test]
async fn an_index_without_a_share_is_deleted_after_a_day() {
    let bench = Bench::over(TestRelay::memory());
    let (share, device) = bench.claimed(5000).await;
    bench.rules.report(&device, &report("keys")).await.unwrap();
    bench.finish(&share, &device).await;
    bench.pass(HOUR + 2 * GRACE).await;
    let own = bench.names("reports/").await;
    let id = Id::from_bytes([7; 16]).hex();
    for stray in [format!("reports/{id}-5000"), format!("reports/{id}-5000-kept")] {
        bench.test.store.create(&stray, Bytes::new().into()).await.unwrap();
    }
    bench.pass(DAY - 60).await;
    assert_eq!(bench.names("reports/").await.len(), own.len() + 2, "they may be new");
    for _ in 0..2 {
        bench.pass(DAY).await;
    }
    assert_eq!(bench.names("reports/").await, own);
}
