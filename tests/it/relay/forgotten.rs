//! Memory and notes of a node whose store loses objects or is full, or whose shares end or are announced while requests
//! and sweeps run.

use std::sync::Arc;

use bytes::Bytes;
use share::blob::PART_LEN;
use share::relay::rules::{Policy, StoreRelay};
use share::relay::store::Store;
use share::relay::{Create, Credential, Gone, Relay, RelayError, ShareState, Verifiers};
use share::secret::Token;

use super::remembered::{DAY, deposit, gone};
use super::visits::{Node, Nodes};
use crate::support::{Fault, Faults, Faulty, Kind, POLICY, Sample, node_over};

/// A node whose store has no room for hints.
fn without_hints(nodes: &Nodes) -> (StoreRelay, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let rules = node_over(Arc::new(Faulty::new(nodes.store.clone(), faults.clone())), nodes.clock.clone());
    (rules, faults)
}

fn fill(faults: &Faults) {
    faults.plan(|op| (op.kind == Kind::Create && op.name.starts_with("due/")).then_some(Fault::Full));
}

#[tokio::test]
async fn a_part_that_a_listing_of_the_commit_has_missed_is_stored_again() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(2 * PART_LEN, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    here.put(&share, 0).await.unwrap();
    nodes.store.delete(&nodes.data().await).await.unwrap();
    there.put(&share, 1).await.unwrap();
    assert_eq!(here.rules.commit(&share.owner, &share.commit).await, Err(RelayError::PartsMissing));
    here.put(&share, 0).await.unwrap();
    here.rules.commit(&share.owner, &share.commit).await.unwrap();
}

#[tokio::test]
async fn a_commit_tells_an_end_that_came_while_the_parts_were_listed() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    there.rules.create(&share.owner, &share.create).await.unwrap();
    there.put(&share, 0).await.unwrap();
    let gate = here.observed.hold("list part");
    let (commit, ()) = tokio::join!(here.rules.commit(&share.owner, &share.commit), async {
        gate.arrived().await;
        there.rules.revoke(&share.owner).await.unwrap();
        gate.open();
    });
    assert_eq!(gone(commit), Some(Gone::Aborted));
}

#[tokio::test]
async fn a_commit_that_is_in_force_succeeds_on_a_full_store() {
    let nodes = Nodes::new();
    let there = nodes.node();
    let (here, faults) = without_hints(&nodes);
    for committed in [false, true] {
        let share = Sample::new(5000, false);
        here.create(&share.owner, &share.create).await.unwrap();
        share.put_all(&here).await;
        if committed {
            there.rules.commit(&share.owner, &share.commit).await.unwrap();
        }
        fill(&faults);
        let commit = here.commit(&share.owner, &share.commit).await.map(drop);
        let expected = if committed { Ok(()) } else { Err(RelayError::NoSpace { after: 60 }) };
        assert_eq!(commit, expected);
        assert_eq!(faults.clear(), 1);
    }
}

#[tokio::test]
async fn a_deposit_that_is_in_force_succeeds_on_a_full_store() {
    let nodes = Nodes::new();
    let there = nodes.node();
    let (here, faults) = without_hints(&nodes);
    let policy = Policy { reserve: Some(u64::MAX), ..POLICY };
    let full = StoreRelay::new(nodes.store.clone(), nodes.clock.clone(), policy);
    let no_space = Err(RelayError::NoSpace { after: 60 });
    let share = Sample::new(5000, false);
    let other = Create { ttl: DAY, ..share.create.clone() };
    // The policy leaves no room once anything is stored.
    Sample::new(5000, false).send(&there.rules).await;
    let stored = nodes.store.list("", None).await.unwrap();
    fill(&faults);
    for node in [&here, &full] {
        assert_eq!(deposit(node, &share).await, no_space);
    }
    assert_eq!(nodes.store.list("", None).await.unwrap(), stored, "something was written");
    deposit(&there.rules, &share).await.unwrap();
    // Another second has another hint.
    nodes.clock.advance(1);
    for node in [&here, &full] {
        assert_eq!(deposit(node, &share).await, Ok(()));
        assert_eq!(node.create(&share.owner, &share.create).await, Ok(()));
        assert_eq!(node.create(&share.owner, &other).await, Err(RelayError::IdTaken));
    }
    there.rules.revoke(&share.owner).await.unwrap();
    assert_eq!(gone(deposit(&full, &share).await), Some(Gone::Revoked));
}

#[tokio::test]
async fn a_repeated_part_that_was_cut_is_changed_bytes_and_no_other_part() {
    let nodes = Nodes::new();
    let node = nodes.node();
    let share = Sample::new(5000, false);
    let (part, crc) = (share.parts[0].clone(), share.commit.parts[0]);
    node.rules.create(&share.owner, &share.create).await.unwrap();
    for stored in [false, true] {
        let cut = node.rules.put_part(&share.owner, 0, crc, part.slice(..4000).into()).await;
        assert_eq!(cut, Err(RelayError::BadChecksum), "stored: {stored}");
        node.put(&share, 0).await.unwrap();
    }
}

/// Aborts an upload at `node`, which deletes all of it a month later.
async fn abort_and_delete(nodes: &Nodes, node: &Node, share: &Sample) {
    node.rules.revoke(&share.owner).await.unwrap();
    for days in [2, 2, 31] {
        nodes.clock.advance(days * DAY);
        node.rules.sweep().await.unwrap();
    }
    assert_eq!(nodes.store.list("", None).await.unwrap(), []);
}

/// The node stood still for a month while it stored a part.
#[tokio::test]
async fn a_part_that_lands_after_the_records_were_deleted_is_deleted_too() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = here.observed.hold("create part");
    let (put, ()) = tokio::join!(here.put(&share, 0), async {
        gate.arrived().await;
        abort_and_delete(&nodes, &there, &share).await;
        gate.open();
    });
    assert_eq!((put, nodes.data().await.len()), (Ok(()), 1), "it waited when the request came");
    here.rules.sweep().await.unwrap();
    nodes.clock.advance(121);
    there.rules.sweep().await.unwrap();
    assert_eq!(nodes.store.list("", None).await.unwrap(), []);
}

/// The same for the manifest of a commit.
#[tokio::test]
async fn a_manifest_that_lands_after_the_records_were_deleted_is_deleted_too() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    share.put_all(&here.rules).await;
    let gates = ["create manifest", "list part"].map(|visit| here.observed.hold(visit));
    let (commit, ()) = tokio::join!(here.rules.commit(&share.owner, &share.commit), async {
        for gate in &gates {
            gate.arrived().await;
        }
        abort_and_delete(&nodes, &there, &share).await;
        for gate in &gates {
            gate.open();
        }
    });
    assert_eq!(commit, Err(RelayError::PartsMissing));
    let left = nodes.data().await;
    assert!(left.len() == 1 && left[0].ends_with("/manifest"), "{left:?}");
    here.rules.sweep().await.unwrap();
    nodes.clock.advance(121);
    there.rules.sweep().await.unwrap();
    assert_eq!(nodes.store.list("", None).await.unwrap(), []);
}

/// A share with the id of `new`, as before someone emptied the store.
fn former(new: &Sample) -> Sample {
    let mut former = Sample::new(5000, false);
    let id = new.keys.id;
    former.keys.id = id;
    former.owner = Credential::new(id, Token::random());
    let (link, proof) = (&former.keys.link_token, &former.keys.open_token);
    former.create.verifiers = Verifiers::of(&id, link, proof, &former.owner.token);
    former
}

async fn empty(nodes: &Nodes) {
    let all = nodes.store.list("", None).await.unwrap().into_iter().map(|object| object.name);
    nodes.store.delete(&all.collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test]
async fn the_memory_of_a_former_share_does_not_serve_another_one_with_its_id() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let new = Sample::new(6000, false);
    former(&new).send(&here.rules).await;
    empty(&nodes).await;
    there.rules.create(&new.owner, &new.create).await.unwrap();
    assert_eq!(here.rules.state(&new.owner).await, Ok(ShareState::Uploading));

    let new = Sample::new(6000, false);
    let old = former(&new);
    old.send(&here.rules).await;
    let (old_device, device) = (old.device(), new.device());
    here.rules.claim(&old.link(), old.proof(), &old_device.token).await.unwrap();
    here.rules.get_part(&old_device, 0, 0).await.unwrap();
    empty(&nodes).await;
    new.send(&there.rules).await;
    there.rules.claim(&new.link(), new.proof(), &device.token).await.unwrap();
    let part = here.rules.get_part(&device, 0, 0).await.unwrap();
    assert_eq!(part.known_len(), Some(6000));
}

/// Without a server, the failure of one part drops the request that uploads the next.
#[tokio::test]
async fn a_part_that_lands_after_its_request_was_dropped_is_deleted_by_the_next_sweep() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = here.observed.hold("create part");
    tokio::select! {
        put = here.put(&share, 0) => unreachable!("it is held up, and not {put:?}"),
        () = gate.arrived() => {}
    }
    there.rules.revoke(&share.owner).await.unwrap();
    let name = format!("v1/{}/part/000000-{}", share.keys.id.hex(), share.commit.parts[0]);
    nodes.store.create(&name, share.parts[0].clone().into()).await.unwrap();
    here.rules.sweep().await.unwrap();
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

/// Has a part that landed after the abort of another node.
async fn late_part(here: &Node, there: &Node) {
    let share = Sample::new(5000, false);
    here.rules.create(&share.owner, &share.create).await.unwrap();
    let gate = here.observed.hold("create part");
    let (put, ()) = tokio::join!(here.put(&share, 0), async {
        gate.arrived().await;
        there.rules.revoke(&share.owner).await.unwrap();
        gate.open();
    });
    assert_eq!(put, Ok(()));
}

#[tokio::test]
async fn a_sweep_that_is_dropped_forgets_no_late_part() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    for _ in 0..20 {
        late_part(&here, &there).await;
    }
    assert_eq!(nodes.data().await.len(), 20);
    // Eight are looked at at once.
    let gates = [(); 8].map(|()| here.observed.hold("read seal"));
    tokio::select! {
        swept = here.rules.sweep() => unreachable!("it is held up, and not {swept:?}"),
        () = gates[7].arrived() => {}
    }
    here.rules.sweep().await.unwrap();
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sweep_ends_what_is_due_before_it_looks_at_late_parts() {
    let nodes = Nodes::new();
    let (here, there) = (nodes.node(), nodes.node());
    let due = Sample::new(5000, false);
    there.rules.create(&due.owner, &due.create).await.unwrap();
    nodes.clock.advance(2 * DAY);
    late_part(&here, &there).await;
    here.observed.visits();
    here.rules.sweep().await.unwrap();
    let visits: Vec<String> = here.observed.timed_visits().into_iter().map(|(visit, _)| visit).collect();
    let ended = visits.iter().position(|visit| visit == "create seal");
    let looked_at = visits.iter().rposition(|visit| visit == "read offer");
    assert!(ended.is_some() && ended < looked_at, "{visits:?}");
    assert_eq!(nodes.data().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_share_that_is_announced_during_the_sweep_of_its_old_hint_stays() {
    for visit in ["list ", "list offer", "delete try"] {
        let nodes = Nodes::new();
        let (here, there) = (nodes.node(), nodes.node());
        let share = Sample::new(5000, false);
        // A create that failed before its offer left this hint, and a node that died a slot.
        there.rules.create(&share.owner, &share.create).await.unwrap();
        let id = share.keys.id.hex();
        nodes.store.delete(&[format!("v1/{id}/offer")]).await.unwrap();
        nodes.store.create(&format!("v1/{id}/try/00"), Bytes::new().into()).await.unwrap();
        nodes.clock.advance(2 * DAY);
        let gate = there.observed.hold(visit);
        let (swept, ()) = tokio::join!(there.rules.sweep(), async {
            gate.arrived().await;
            deposit(&here.rules, &share).await.unwrap();
            gate.open();
        });
        swept.unwrap();
        let opener = nodes.node();
        opener.rules.notice(&share.link()).await.unwrap();
        let claimed = opener.rules.claim(&share.link(), share.proof(), &Token::random()).await.unwrap();
        assert!(claimed.part.as_ref() == Some(&share.parts[0]), "{visit}");
    }
}

#[tokio::test]
async fn a_recipient_is_answered_before_the_data_is_deleted_and_the_end_of_the_node_waits_for_it() {
    let nodes = Nodes::new();
    let Node { rules, observed } = nodes.node();
    let node = Node { rules: rules.deleting_after_answers(), observed };
    let share = Sample::new(5000, false);
    deposit(&node.rules, &share).await.unwrap();
    let holder = share.device();
    node.rules.claim(&share.link(), share.proof(), &holder.token).await.unwrap();
    let receipt = share.keys.receipt(&holder.token.claimant(&share.keys.id));
    let deletion = node.observed.hold("delete manifest");
    node.rules.finish(&holder, &receipt).await.unwrap();
    deletion.arrived().await;
    assert!(!nodes.data().await.is_empty(), "the answer came before");
    assert_eq!(gone(node.rules.get_part(&holder, 0, 0).await), Some(Gone::AlreadyOpened), "nobody can read it");
    let mut end = std::pin::pin!(node.rules.end_deletions());
    assert!(futures_util::poll!(end.as_mut()).is_pending());
    deletion.open();
    end.await;
    assert_eq!(nodes.data().await, Vec::<String>::new());
}
