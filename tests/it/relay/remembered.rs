//! The memory of a node never makes an answer wrong: other nodes end shares, sweep and delete meanwhile.

use std::time::Duration;

use share::blob::PART_LEN;
use share::relay::rules::{Policy, StoreRelay};
use share::relay::store::Store;
use share::relay::{Checksum, Gone, Relay, RelayError, ShareState};
use share::secret::{Receipt, Token};

use super::visits::{Node, Nodes};
use crate::support::Sample;

const DAY: u64 = 86_400;

/// The end of a share in an error.
fn gone<T>(answer: Result<T, RelayError>) -> Option<Gone> {
    match answer.err() {
        Some(RelayError::Gone { how, .. }) => Some(how),
        _ => None,
    }
}

async fn deposit(node: &Node, share: &Sample) -> Result<(), RelayError> {
    let part = share.parts[0].clone();
    node.rules.deposit(&share.owner, &share.create, &share.commit, part.into()).await.map(drop)
}

/// The ends of all requests of a sender at `node`.
async fn ends_of_sending(node: &Node, share: &Sample) -> [Option<Gone>; 4] {
    [
        gone(node.rules.create(&share.owner, &share.create).await),
        gone(node.put(share, 0).await),
        gone(node.rules.commit(&share.owner, &share.commit).await),
        gone(deposit(node, share).await),
    ]
}

#[tokio::test]
async fn an_upload_that_another_node_aborted_has_ended_on_each_node() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    for stored in [false, true] {
        let share = Sample::new(5000, false);
        here.rules.create(&share.owner, &share.create).await.unwrap();
        if stored {
            here.put(&share, 0).await.unwrap();
        }
        assert_eq!(there.rules.revoke(&share.owner).await, Ok(ShareState::Uploading));
        assert_eq!(ends_of_sending(&here, &share).await, [Some(Gone::Aborted); 4]);
        assert_eq!(ends_of_sending(&there, &share).await, [Some(Gone::Aborted); 4]);
        assert_eq!(nodes.data().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_commit_on_a_node_that_remembers_all_parts_finds_the_abort_of_another() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    here.put(&share, 0).await.unwrap();
    there.rules.revoke(&share.owner).await.unwrap();
    assert_eq!(gone(here.rules.commit(&share.owner, &share.commit).await), Some(Gone::Aborted));
    assert_eq!(nodes.data().await, Vec::<String>::new(), "its manifest was stored after the abort");
    // Between the listing of the parts and the record.
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    here.put(&share, 0).await.unwrap();
    let gate = here.observed.hold("create seal");
    let (commit, ()) = tokio::join!(here.rules.commit(&share.owner, &share.commit), async {
        gate.arrived().await;
        there.rules.revoke(&share.owner).await.unwrap();
        gate.open();
    });
    assert_eq!(gone(commit), Some(Gone::Aborted));
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_part_that_lands_after_the_abort_of_this_node_is_deleted_at_once() {
    let nodes = Nodes::new();
    let node = nodes.node();
    let share = Sample::new(5000, false);
    node.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = node.observed.hold("create part");
    let (put, ()) = tokio::join!(node.put(&share, 0), async {
        gate.arrived().await;
        node.rules.revoke(&share.owner).await.unwrap();
        gate.open();
    });
    assert_eq!(gone(put), Some(Gone::Aborted));
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_part_that_lands_after_the_abort_of_another_node_is_deleted_by_the_next_request_or_sweep() {
    for sweeps in [false, true] {
        let nodes = Nodes::new();
        let (here, there) = (nodes.node(), nodes.node());
        let share = Sample::new(2 * PART_LEN, false);
        here.rules.create(&share.owner, &share.create).await.unwrap();
        let gate = here.observed.hold("create part");
        let (put, ()) = tokio::join!(here.put(&share, 0), async {
            gate.arrived().await;
            there.rules.revoke(&share.owner).await.unwrap();
            gate.open();
        });
        assert_eq!(put, Ok(()), "it waited when the request came");
        assert_eq!(nodes.data().await.len(), 1, "the race was not lost");
        if sweeps {
            here.rules.sweep().await.unwrap();
        } else {
            assert_eq!(gone(here.put(&share, 1).await), Some(Gone::Aborted));
        }
        assert_eq!(nodes.data().await, Vec::<String>::new(), "swept: {sweeps}");
    }
}

#[tokio::test]
async fn a_new_part_of_a_share_that_was_committed_and_finished_meanwhile_is_deleted() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = here.observed.hold("create part");
    let device = share.device();
    let (put, ()) = tokio::join!(here.put(&share, 0), async {
        gate.arrived().await;
        there.put(&share, 0).await.unwrap();
        there.rules.commit(&share.owner, &share.commit).await.unwrap();
        there.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        there.rules.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
        gate.open();
    });
    assert_eq!(put, Ok(()), "it waited when the request came");
    assert_eq!(nodes.data().await.len(), 1, "the race was not lost");
    here.rules.sweep().await.unwrap();
    assert_eq!(nodes.data().await, Vec::<String>::new());
    assert_eq!(ends_of_sending(&here, &share).await, [Some(Gone::AlreadyOpened); 4]);
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_sent_after_another_node_ended_the_claim() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(2 * PART_LEN, false);
    share.send(&here.rules).await;
    let device = share.device();
    here.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
    here.rules.get_part(&device, 0, 0).await.unwrap();
    // The part is read before the end is written, and the end is read after that.
    let gate = here.observed.hold("read end");
    let (part, ()) = tokio::join!(here.rules.get_part(&device, 0, 0), async {
        gate.arrived().await;
        there.rules.revoke(&share.owner).await.unwrap();
        gate.open();
    });
    assert_eq!(gone(part), Some(Gone::Revoked));
    assert_eq!(gone(here.rules.get_part(&device, 1, 0).await), Some(Gone::Revoked));
    assert_eq!(gone(here.rules.get_part(&device, 1, u64::MAX).await), Some(Gone::Revoked));
    assert_eq!(gone(here.rules.finish(&device, &Receipt::from_bytes([0; 32])).await), Some(Gone::Revoked));
    assert_eq!(gone(here.rules.claim(&share.link(), share.proof(), &device.token).await), Some(Gone::Revoked));
    assert_eq!(gone(here.rules.notice(&share.link()).await), Some(Gone::AlreadyOpened));
}

#[tokio::test]
async fn a_waiting_share_that_another_node_ended_is_not_shown() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    for ends in [Gone::AlreadyOpened, Gone::Revoked] {
        let share = Sample::new(5000, false);
        share.send(&here.rules).await;
        let link = share.link();
        here.rules.manifest(&link, share.proof()).await.unwrap();
        if ends == Gone::Revoked {
            there.rules.revoke(&share.owner).await.unwrap();
        } else {
            there.rules.claim(&link, share.proof(), &Token::random()).await.unwrap();
        }
        assert_eq!(gone(here.rules.manifest(&link, share.proof()).await), Some(ends));
        assert_eq!(gone(here.rules.notice(&link).await), Some(ends));
        assert_eq!(gone(here.rules.claim(&link, share.proof(), &Token::random()).await), Some(ends));
    }
}

/// The records of an ended share are deleted after 30 days, here by another node.
#[tokio::test]
async fn a_share_whose_records_are_deleted_is_unknown_on_each_node() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let uploading = Sample::new(5000, false);
    here.rules.create(&uploading.owner, &uploading.create).await.unwrap();
    let claimed = Sample::new(5000, false);
    claimed.send(&here.rules).await;
    let device = claimed.device();
    here.rules.claim(&claimed.link(), claimed.proof(), &device.token).await.unwrap();
    for days in [2, 2, 31] {
        nodes.clock.advance(days * DAY);
        there.rules.sweep().await.unwrap();
    }
    assert_eq!(nodes.store.list("v1/", None).await.unwrap(), []);
    assert_eq!(here.put(&uploading, 0).await, Err(RelayError::Unknown));
    assert_eq!(here.rules.commit(&uploading.owner, &uploading.commit).await, Err(RelayError::Unknown));
    assert_eq!(here.rules.get_part(&device, 0, 0).await.err(), Some(RelayError::Unknown));
    assert_eq!(here.rules.notice(&claimed.link()).await, Err(RelayError::Unknown));
    assert_eq!(here.rules.status(&claimed.owner, &[], Duration::ZERO).await, Err(RelayError::Unknown));
    assert_eq!(nodes.store.list("", None).await.unwrap(), [], "nothing was written for them");
}

/// The sweeper of a node that was down for long writes the end of a share and deletes its records in one go. No node
/// may remember such a share: by the clock it has ended.
#[tokio::test]
async fn a_share_that_only_the_clock_has_ended_is_not_remembered() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    share.send(&there.rules).await;
    nodes.clock.advance(60 * DAY);
    for _ in 0..2 {
        assert_eq!(gone(here.rules.notice(&share.link()).await), Some(Gone::Expired));
    }
    for _ in 0..4 {
        there.rules.sweep().await.unwrap();
        nodes.clock.advance(121);
    }
    assert_eq!(nodes.store.list("v1/", None).await.unwrap(), []);
    assert_eq!(here.rules.notice(&share.link()).await, Err(RelayError::Unknown));
}

#[tokio::test]
async fn a_lost_part_can_be_uploaded_again_after_the_commit_has_missed_it() {
    let nodes = Nodes::new();
    let node = nodes.node();
    let share = Sample::new(5000, false);
    node.rules.create(&share.owner, &share.create).await.unwrap();
    node.put(&share, 0).await.unwrap();
    nodes.store.delete(&nodes.data().await).await.unwrap();
    assert_eq!(node.rules.commit(&share.owner, &share.commit).await, Err(RelayError::PartsMissing));
    node.put(&share, 0).await.unwrap();
    node.rules.commit(&share.owner, &share.commit).await.unwrap();
}

#[tokio::test]
async fn two_parts_of_one_number_at_the_same_time_have_one_that_counts() {
    let nodes = Nodes::new();
    let node = nodes.node();
    let (share, other) = (Sample::new(5000, false), Sample::new(5001, false));
    node.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = node.observed.hold("create part");
    let theirs = other.parts[0].clone();
    let (late, first) = tokio::join!(node.put(&share, 0), async {
        gate.arrived().await;
        let put = node.rules.put_part(&share.owner, 0, Checksum::of(&theirs), theirs.clone().into()).await;
        gate.open();
        put
    });
    assert_eq!((late, first), (Err(RelayError::PartDiffers), Ok(())));
    assert_eq!(node.put(&share, 0).await, Err(RelayError::PartDiffers));
}

/// The folder of a direct share is removed with its program, and `share status` of another program may be waiting.
#[tokio::test]
async fn a_senders_own_computer_remembers_nothing() {
    let nodes = Nodes::new();
    let policy = Policy { reserve: Some(0), direct: true, ..Policy::default() };
    let host = StoreRelay::new(nodes.store.clone(), nodes.clock.clone(), policy);
    let (share, other) = (Sample::new(5000, false), Sample::new(5001, false));
    share.send(&host).await;
    let theirs = other.parts[0].clone();
    let late = host.put_part(&share.owner, 0, Checksum::of(&theirs), theirs.clone().into()).await;
    assert_eq!(late, Err(RelayError::Committed));
    host.create(&other.owner, &other.create).await.unwrap();
    other.put_all(&host).await;
    let ours = share.parts[0].clone();
    let differs = host.put_part(&other.owner, 0, Checksum::of(&ours), ours.into()).await;
    assert_eq!(differs, Err(RelayError::PartDiffers));
    assert_eq!(host.state(&share.owner).await, Ok(ShareState::Waiting));
    let all = nodes.store.list("", None).await.unwrap().into_iter().map(|object| object.name);
    nodes.store.delete(&all.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(host.state(&share.owner).await, Err(RelayError::Unknown));
}
