//! How often each request visits the store: exact numbers, on the node that has handled the share before and on one
//! that has not. On a bucket each visit is a round trip.
//!
//! | request | visits before nodes remembered anything | now | on another node |
//! |---|---|---|---|
//! | create | 2 | 2 | |
//! | part upload | 6 | 2 | 4, then 2 |
//! | commit | 7 | 4 | 6 |
//! | deposit | 15 | 6 | |
//! | look without a passphrase | 3 | 1 | 3 |
//! | look | 4 | 2 | 4 |
//! | claim | 6 | 4 | 6 |
//! | part download | 5 | 2 | 4, then 2 |
//! | finish | 10 | 4 | 7 |
//! | status of a waiting share | 5 | 2 | 4 |
//! | revoke of a waiting share | 9 | 5 | 7 |
//! | an unknown id or a wrong token | 1 to 5 | 1 | 1 |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use share::blob::PART_LEN;
use share::relay::rules::StoreRelay;
use share::relay::store::Store;
use share::relay::store::memory::Memory;
use share::relay::{Checksum, Credential, Relay, RelayError};
use share::secret::{LinkSecret, Receipt, Token};

use crate::support::{Observed, START, Sample, TestClock, node_over};

/// Nodes over one store.
pub(super) struct Nodes {
    pub(super) clock: Arc<TestClock>,
    pub(super) store: Arc<Memory>,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let clock = TestClock::at(START);
        Self { store: Arc::new(Memory::new(clock.clone(), u64::MAX)), clock }
    }

    /// A node that has handled no share yet.
    pub(super) fn node(&self) -> Node {
        let observed = Observed::new(self.store.clone());
        Node { rules: node_over(observed.clone(), self.clock.clone()), observed }
    }

    /// The objects with ciphertext or guesses.
    pub(super) async fn data(&self) -> Vec<String> {
        let objects = self.store.list("v1/", None).await.unwrap();
        objects.into_iter().map(|object| object.name).filter(|name| crate::support::is_data(name)).collect()
    }
}

/// A node, and its visits to the store.
pub(super) struct Node {
    pub(super) rules: StoreRelay,
    pub(super) observed: Arc<Observed>,
}

impl Node {
    /// Checks the visits since the last call.
    #[track_caller]
    fn expect(&self, visits: &[&str]) {
        assert_eq!(self.observed.visits(), visits);
    }

    pub(super) async fn put(&self, share: &Sample, number: u32) -> Result<(), RelayError> {
        let part = share.parts[number as usize].clone();
        self.rules.put_part(&share.owner, number, Checksum::of(&part), part.into()).await
    }
}

#[tokio::test]
async fn visits_of_an_upload() {
    let nodes = Nodes::new();
    let (node, other) = (nodes.node(), nodes.node());
    let share = Sample::new(4 * PART_LEN, false);
    node.rules.create(&share.owner, &share.create).await.unwrap();
    node.expect(&["create hint", "create offer"]);
    for number in 0..2 {
        node.put(&share, number).await.unwrap();
        node.expect(&["create part", "read seal"]);
    }
    node.put(&share, 1).await.unwrap();
    node.expect(&["read seal"]);
    other.put(&share, 2).await.unwrap();
    other.expect(&["create part", "list part", "read offer", "read seal"]);
    other.put(&share, 3).await.unwrap();
    other.expect(&["create part", "read seal"]);
    for number in 2..4 {
        node.put(&share, number).await.unwrap();
        node.expect(&["create part", "list part", "read seal"]);
    }
    let third = nodes.node();
    node.rules.commit(&share.owner, &share.commit).await.unwrap();
    node.expect(&["create hint", "create manifest", "create seal", "list part"]);
    node.rules.commit(&share.owner, &share.commit).await.unwrap();
    node.expect(&["read claim"]);
    third.rules.commit(&share.owner, &share.commit).await.unwrap();
    third.expect(&["list part", "read claim", "read offer", "read seal"]);

    let share = Sample::new(PART_LEN, false);
    node.rules.create(&share.owner, &share.create).await.unwrap();
    node.put(&share, 0).await.unwrap();
    other.rules.commit(&share.owner, &share.commit).await.unwrap();
    other.expect(&["create hint", "create manifest", "create seal", "list part", "read offer", "read seal"]);
}

#[tokio::test]
async fn visits_of_a_deposit() {
    let nodes = Nodes::new();
    let (node, other) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    let deposit = async |node: &Node| {
        let part = share.parts[0].clone();
        node.rules.deposit(&share.owner, &share.create, &share.commit, part.into()).await.unwrap();
    };
    deposit(&node).await;
    node.expect(&["create hint", "create hint", "create manifest", "create offer", "create part", "create seal"]);
    nodes.clock.advance(10);
    deposit(&other).await;
    other.expect(&["create hint", "create offer", "read claim", "read offer", "read seal"]);
}

#[tokio::test]
async fn visits_of_an_opening() {
    let nodes = Nodes::new();
    let (node, other) = (nodes.node(), nodes.node());
    let share = Sample::new(2 * PART_LEN, false);
    share.send(&node.rules).await;
    // The hints of different times have different names.
    nodes.clock.advance(10);
    let (link, device) = (share.link(), share.device());
    node.observed.visits();

    node.rules.notice(&link).await.unwrap();
    node.expect(&["read claim"]);
    nodes.node().rules.notice(&link).await.unwrap();
    let third = nodes.node();
    third.rules.manifest(&link, share.proof()).await.unwrap();
    third.expect(&["read claim", "read manifest", "read offer", "read seal"]);
    node.rules.manifest(&link, share.proof()).await.unwrap();
    node.expect(&["read claim", "read manifest"]);
    node.rules.claim(&link, share.proof(), &device.token).await.unwrap();
    node.expect(&["create claim", "create hint", "read claim", "read manifest"]);
    for offset in [0, 5] {
        node.rules.get_part(&device, 1, offset).await.unwrap();
        node.expect(&["read end", "read part"]);
    }
    other.rules.get_part(&device, 0, 0).await.unwrap();
    other.expect(&["read claim", "read end", "read part", "read seal"]);
    other.rules.get_part(&device, 1, 0).await.unwrap();
    other.expect(&["read end", "read part"]);
    let late = node.rules.claim(&link, share.proof(), &Token::random()).await;
    assert!(matches!(late, Err(RelayError::Gone { .. })));
    node.expect(&["read end"]);
    node.rules.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
    node.expect(&["create end", "create hint", "delete manifest", "list part"]);
    let share = Sample::new(2 * PART_LEN, true);
    share.send(&node.rules).await;
    let device = share.device();
    node.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
    other.rules.get_part(&device, 0, 0).await.unwrap();
    other.observed.visits();
    other.rules.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
    let with_a_slot = ["create end", "create hint", "delete manifest", "delete try", "list part", "list try"];
    other.expect(&with_a_slot);
}

#[tokio::test]
async fn visits_of_a_claim_that_brings_the_part_along() {
    let nodes = Nodes::new();
    let (node, other) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    share.send(&node.rules).await;
    nodes.clock.advance(10);
    other.rules.claim(&share.link(), share.proof(), &Token::random()).await.unwrap();
    let first = ["create claim", "create hint", "read claim", "read manifest", "read offer", "read part", "read seal"];
    other.expect(&first);
}

#[tokio::test]
async fn visits_of_a_guess() {
    let nodes = Nodes::new();
    let node = nodes.node();
    let share = Sample::new(5000, true);
    share.send(&node.rules).await;
    let link = share.link();
    node.observed.visits();
    let wrong = Token::random();
    node.rules.manifest(&link, &wrong).await.unwrap_err();
    node.expect(&["create try", "list try", "read claim", "read claim"]);
    node.rules.manifest(&link, &wrong).await.unwrap_err();
    node.expect(&["list try", "read claim", "read claim", "read try"]);
    node.rules.manifest(&link, share.proof()).await.unwrap();
    node.expect(&["create try", "list try", "read claim", "read claim", "read manifest", "read try"]);
}

#[tokio::test]
async fn visits_of_the_sender() {
    let nodes = Nodes::new();
    let (node, other) = (nodes.node(), nodes.node());
    let share = Sample::new(5000, false);
    share.send(&node.rules).await;
    node.observed.visits();
    node.rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
    node.expect(&["list part", "read claim"]);
    other.rules.state(&share.owner).await.unwrap();
    other.expect(&["read claim", "read offer", "read seal"]);
    other.rules.state(&share.owner).await.unwrap();
    other.expect(&["read claim"]);
    node.rules.revoke(&share.owner).await.unwrap();
    let revoke = ["create claim", "create hint", "delete manifest", "list part", "read claim"];
    node.expect(&revoke);
}

/// A relay without an operator, on which nothing is held: each request and each sweep visits the same objects as before
/// there were reports, and the data is gone when the last answer of a share is. Only a finish at a node that does not
/// know the commit reads it, as the deletion depends on it.
#[expect(clippy::too_many_lines, reason = "one history, in order")]
#[tokio::test]
async fn without_an_operator_every_visit_is_as_before() {
    let nodes = Nodes::new();
    let (node, sweeper) = (nodes.node(), nodes.node());
    // Visits of one kind are counted.
    let swept = async |expected: &str| {
        sweeper.rules.sweep().await.unwrap();
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        for visit in sweeper.observed.visits() {
            *counted.entry(visit).or_default() += 1;
        }
        let counted: Vec<String> = counted.into_iter().map(|(visit, times)| format!("{times} {visit}")).collect();
        assert_eq!(counted.join(", "), expected);
    };
    let [finished, revoked, lapsed] = [(); 3].map(|()| Sample::new(2 * PART_LEN, true));
    for share in [&finished, &revoked, &lapsed] {
        share.send(&node.rules).await;
        let device = share.device();
        node.rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        node.observed.visits();
        if share.keys.id == finished.keys.id {
            node.rules.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
            node.expect(&["create end", "create hint", "delete manifest", "delete try", "list part", "list try"]);
            node.rules.finish(&device, &Receipt::from_bytes([0; 32])).await.unwrap();
            node.expect(&[
                "create end",
                "create hint",
                "delete manifest",
                "list part",
                "list try",
                "read claim",
                "read end",
                "read hint",
                "read seal",
            ]);
        } else if share.keys.id == revoked.keys.id {
            node.rules.revoke(&share.owner).await.unwrap();
            node.expect(&[
                "create end",
                "create hint",
                "delete manifest",
                "delete try",
                "list part",
                "list try",
                "read end",
            ]);
        }
    }
    assert_eq!(nodes.data().await.len(), 4, "parts, manifest and slot of the one that is open");
    for share in [&finished, &revoked] {
        node.rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        node.expect(&["list part", "list try", "read claim", "read end", "read offer", "read seal"]);
        node.put(share, 0).await.unwrap_err();
        node.expect(&["list part", "read claim", "read end", "read offer", "read seal"]);
        node.rules.commit(&share.owner, &share.commit).await.unwrap_err();
        node.expect(&["list part", "read claim", "read end", "read offer", "read seal"]);
        node.rules.manifest(&share.link(), share.proof()).await.unwrap_err();
        node.expect(&["read claim", "read end", "read offer", "read seal"]);
        node.rules.claim(&share.link(), share.proof(), &Token::random()).await.unwrap_err();
        node.expect(&["read claim", "read end", "read offer", "read seal"]);
    }
    swept("1 list hint, 2 list probe").await;
    for (seconds, expected) in [
        (
            121,
            "2 create hint, 2 delete hint, 2 delete manifest, 1 list hint, 2 list part, 2 list probe, 2 list try, \
             2 read claim, 2 read end, 2 read hint, 2 read offer, 2 read seal",
        ),
        (
            86_400,
            "1 create end, 4 create hint, 3 delete hint, 3 delete manifest, 1 delete part, 1 delete try, 1 list \
             hint, 3 list part, 2 list probe, 3 list try, 3 read claim, 3 read end, 1 read hint, 3 read offer, 3 \
             read seal",
        ),
        (
            121,
            "1 create hint, 1 delete hint, 1 delete manifest, 1 list hint, 1 list part, 2 list probe, 1 list try, \
             1 read claim, 1 read end, 1 read offer, 1 read seal",
        ),
        (
            86_400,
            "1 create hint, 1 delete hint, 1 delete manifest, 1 list hint, 1 list part, 2 list probe, 1 list try, \
             1 read claim, 1 read end, 1 read offer, 1 read seal",
        ),
        (
            29 * 86_400,
            "3 delete claim, 6 delete hint, 3 delete offer, 6 list , 1 list hint, 3 list offer, 2 list probe, 3 \
             read claim, 3 read end, 6 read offer, 3 read seal",
        ),
    ] {
        nodes.clock.advance(seconds);
        swept(expected).await;
    }
    assert_eq!(nodes.store.list("", None).await.unwrap(), []);
}

/// The time of an answer, and the load of the store, show neither whether a share exists nor what became of it.
#[tokio::test]
async fn an_unknown_id_and_a_wrong_token_read_one_object() {
    let nodes = Nodes::new();
    let (node, stranger) = (nodes.node(), nodes.node());
    let waiting = Sample::new(5000, true);
    waiting.send(&node.rules).await;
    let claimed = Sample::new(5000, false);
    claimed.send(&node.rules).await;
    node.rules.claim(&claimed.link(), claimed.proof(), &Token::random()).await.unwrap();
    let revoked = Sample::new(5000, false);
    revoked.send(&node.rules).await;
    node.rules.revoke(&revoked.owner).await.unwrap();
    let uploading = Sample::new(5000, false);
    node.rules.create(&uploading.owner, &uploading.create).await.unwrap();
    node.observed.visits();
    let unknown = LinkSecret::random(share::secret::Flags::default()).keys(None).id;
    let ids = [unknown, waiting.keys.id, claimed.keys.id, revoked.keys.id, uploading.keys.id];
    let part = waiting.parts[0].clone();
    let proof = Token::random();
    for node in [&node, &stranger] {
        for id in ids {
            let wrong = Credential::new(id, Token::random());
            let crc = Checksum::of(&part);
            let expect = |refused: Option<RelayError>, visit: &str| {
                assert_eq!(refused, Some(RelayError::Unknown));
                node.expect(&[visit]);
            };
            expect(node.rules.put_part(&wrong, 0, crc, part.clone().into()).await.err(), "read offer");
            expect(node.rules.commit(&wrong, &waiting.commit).await.err(), "read offer");
            expect(node.rules.status(&wrong, &[], Duration::ZERO).await.err(), "read offer");
            expect(node.rules.revoke(&wrong).await.err(), "read offer");
            expect(node.rules.notice(&wrong).await.err(), "read offer");
            expect(node.rules.manifest(&wrong, &proof).await.err(), "read offer");
            expect(node.rules.claim(&wrong, &proof, &proof).await.err(), "read offer");
            expect(node.rules.get_part(&wrong, 0, 0).await.err(), "read claim");
            expect(node.rules.finish(&wrong, &Receipt::from_bytes([0; 32])).await.err(), "read claim");
        }
    }
}
