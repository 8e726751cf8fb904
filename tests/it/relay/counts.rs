//! Counts of create tokens on stores that fail, and the parts that they stand for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use share::relay::clock::Clock;
use share::relay::store::Store;
use share::relay::store::folder::{Folder, Sharing};
use share::relay::{AccountLimits, Allowance, Daily, Relay, RelayError, V1};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::quotas::{DAY, MIB, NOON, bytes, counted, deposit, is_quota, memory, rules, sample, shares};
use crate::support::{Fault, Faults, Faulty, Kind, TestClock};

#[tokio::test(start_paused = true)]
async fn a_share_is_announced_only_when_its_count_is_durable() {
    for fault in [Fault::FailBefore, Fault::FailAfter, Fault::Conflict, Fault::Twice, Fault::Full] {
        let (memory, clock) = memory();
        let faults = Arc::<Faults>::default();
        let store: Arc<dyn Store> = Arc::new(Faulty::new(memory.clone(), faults.clone()));
        let (node, other) = (rules(&store, &clock), rules(&memory, &clock));
        faults.plan(move |op| (op.kind == Kind::Create && op.name.starts_with("used/")).then_some(fault));
        let [first, second] = [(); 2].map(|()| sample(shares(1), 4096, None));
        let answer = deposit(&*node, &first).await;
        assert!(faults.clear() > 0, "{fault:?}");
        let announced = memory.list("v1/", None).await.unwrap().len();
        assert_eq!((answer.is_ok(), announced > 0), (fault == Fault::Twice, fault == Fault::Twice), "{fault:?}");
        // Only a count that exists takes something, for each node.
        let is_free = |answer: &Result<_, _>| !is_quota(answer, Daily::Shares);
        let exists = matches!(fault, Fault::FailAfter | Fault::Twice);
        assert_eq!(is_free(&node.create(&second.owner, &second.create).await), !exists, "{fault:?}");
        let third = sample(shares(1), 4096, None);
        assert!(!is_free(&other.create(&third.owner, &third.create).await), "{fault:?}");
        assert_eq!(deposit(&*node, &first).await.is_ok(), exists, "{fault:?}: the same request succeeds later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_failed_for_a_while_has_used_up_nothing() {
    let (memory, clock) = memory();
    let faults = Arc::<Faults>::default();
    let store: Arc<dyn Store> = Arc::new(Faulty::new(memory.clone(), faults.clone()));
    let node = rules(&store, &clock);
    deposit(&*node, &sample(shares(5), 4096, None)).await.unwrap();
    faults.plan(|op| (op.kind == Kind::Create && op.name.starts_with("used/")).then_some(Fault::FailBefore));
    for _ in 0..4 {
        let answer = deposit(&*node, &sample(shares(5), 4096, None)).await;
        assert!(matches!(answer, Err(RelayError::Busy { .. })), "{answer:?}");
    }
    faults.clear();
    for left in [3, 2, 1, 0] {
        let answer = deposit(&*node, &sample(shares(5), 4096, None)).await;
        assert_eq!(answer.unwrap().unwrap().shares, Some(left));
    }
    assert!(is_quota(&deposit(&*node, &sample(shares(5), 4096, None)).await, Daily::Shares));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_a_commit_does_not_list_are_deleted_before_its_share_takes_less() {
    let (store, clock) = memory();
    let relay = rules(&store, &clock);
    let stored = async || {
        let objects = store.list("v1/", None).await.unwrap();
        objects.iter().filter(|object| object.name.contains("/part/")).map(|object| object.len).sum::<u64>()
    };
    // Parts that the commit does not list, and another one of a number that it lists.
    let limits = bytes(40 * MIB);
    for number in 1..=3 {
        let share = sample(limits, 4096, None);
        let excess = sample(limits, 16 * MIB, None);
        relay.create(&share.owner, &share.create).await.unwrap();
        for number in 1..=3_u32 {
            let (crc, part) = (excess.commit.parts[number as usize], excess.parts[number as usize].clone());
            relay.put_part(&share.owner, number, crc, part.into()).await.unwrap();
        }
        let other = rules(&store, &clock);
        other.put_part(&share.owner, 0, share.commit.parts[0], share.parts[0].clone().into()).await.unwrap();
        assert!(stored().await > 12 << 20);
        let left = relay.commit(&share.owner, &share.commit).await.unwrap().left.unwrap();
        assert_eq!((stored().await, left.bytes), (number * 4096, Some((40 << 20) - number * 4096)));
    }
    // Without a limit of bytes too.
    let share = sample(shares(9), 4096, None);
    relay.create(&share.owner, &share.create).await.unwrap();
    share.put_all(&*relay).await;
    let excess = sample(shares(9), 4096, None);
    let put = rules(&store, &clock);
    put.put_part(&share.owner, 1, excess.commit.parts[0], excess.parts[0].clone().into()).await.unwrap();
    relay.commit(&share.owner, &share.commit).await.unwrap();
    assert_eq!(stored().await, 4 * 4096);
}

#[tokio::test(start_paused = true)]
async fn parts_that_cannot_be_deleted_still_count() {
    let (memory, clock) = memory();
    let faults = Arc::<Faults>::default();
    let store: Arc<dyn Store> = Arc::new(Faulty::new(memory.clone(), faults.clone()));
    let relay = rules(&store, &clock);
    let (share, excess) = (sample(bytes(40 * MIB), 4096, None), sample(bytes(40 * MIB), 8 * MIB, None));
    relay.create(&share.owner, &share.create).await.unwrap();
    relay.put_part(&share.owner, 1, excess.commit.parts[1], excess.parts[1].clone().into()).await.unwrap();
    share.put_all(&*relay).await;
    faults.plan(|op| (op.kind == Kind::Delete && op.name.contains("/part/")).then_some(Fault::FailBefore));
    let left = relay.commit(&share.owner, &share.commit).await.unwrap().left.unwrap();
    assert!(faults.clear() > 0);
    assert!(left.bytes.unwrap() <= (40 << 20) - (8 << 20), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_counts_nothing() {
    let directory = TempDir::new().unwrap();
    let store: Arc<dyn Store> = Arc::new(Folder::open(&directory.path().join("store"), Sharing::Alone).unwrap());
    // The dates of files are of this computer's clock.
    let node = rules(&store, &TestClock::at(NOON));
    node.check_clock().await.unwrap();
    assert!(node.clock_is_wrong());
    let answer = deposit(&*node, &sample(shares(1), 4096, None)).await;
    assert!(matches!(answer, Err(RelayError::Busy { .. })), "{answer:?}");
    assert_eq!(counted(&*store).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_across_midnight_counts_nothing() {
    // The sender repeats after midnight, or at a node whose clock is two minutes behind.
    for (first, second) in [(DAY / 2 - 1, DAY / 2 + 1), (DAY / 2 - 1, DAY / 2 + 3599), (DAY / 2 + 1, DAY / 2 - 119)] {
        let (store, clock) = memory();
        let at = |seconds: u64| rules(&store, &TestClock::at(clock.now() + seconds));
        let limits = AccountLimits { bytes_a_day: Some(40 << 20), shares_a_day: Some(9), max_size: None };
        let [created, deposited] = [(); 2].map(|()| sample(limits, 4096, None));
        for node in [at(first), at(second)] {
            node.create(&created.owner, &created.create).await.unwrap();
            deposit(&*node, &deposited).await.unwrap();
        }
        let counts = store.list("used/", None).await.unwrap();
        assert_eq!(counts.len(), 2, "{first} {second}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_a_token_cost_one_listing_each_few_seconds() {
    let (memory, clock) = memory();
    let (faults, listings) = (Arc::<Faults>::default(), Arc::<AtomicUsize>::default());
    let store: Arc<dyn Store> = Arc::new(Faulty::new(memory.clone(), faults.clone()));
    let node = rules(&store, &clock);
    let counter = listings.clone();
    faults.plan(move |op| {
        counter.fetch_add(usize::from(op.kind == Kind::List), Ordering::Relaxed);
        None
    });
    let ask = Allowance { v: V1, create_token: String::new(), account: sample(shares(5), 4096, None).create.account };
    for asked in 1..=2 {
        let mut questions = JoinSet::new();
        for _ in 0..50 {
            let (node, ask) = (node.clone(), ask.clone());
            questions.spawn(async move { node.allowance(&ask).await.unwrap().shares });
        }
        assert!(questions.join_all().await.into_iter().all(|left| left == Some(5)));
        assert_eq!(listings.load(Ordering::Relaxed), asked);
        clock.advance(3);
    }
}
