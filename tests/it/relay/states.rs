//! Random operations on a share, in any order and in parallel, at three nodes with different clocks, over a slow store
//! with faults: all answers must be consistent. Time is virtual.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use share::relay::clock::Clock;
use share::relay::rules::StoreRelay;
use share::relay::store::memory::Memory;
use share::relay::{Checksum, Credential, Gone, Relay, RelayError, Report, ShareState};
use share::secret::{Receipt, Token};

use crate::support::{Fault, Faults, Faulty, START, Sample, TestClock, node_over, operated, settle};

/// The clock error of two of the nodes, in seconds.
const SKEW: u64 = 55;
/// The lifetime of the shares, in seconds.
const TTL: u64 = 3600;

/// One operation of a participant.
#[derive(Clone, Copy, Debug)]
enum Move {
    Put,
    Commit,
    Peek,
    Claim { device: usize },
    Read { device: usize },
    Finish { device: usize },
    Report { device: usize },
    Guess { which: usize },
    Status,
    Revoke,
    Sweep,
}

/// Operations that happen at once, each at some node; then time passes.
#[derive(Clone, Debug)]
struct Turn {
    moves: Vec<(usize, Move)>,
    pass: u64,
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        2 => Just(Move::Put),
        2 => Just(Move::Commit),
        2 => Just(Move::Peek),
        5 => (0..3usize).prop_map(|device| Move::Claim { device }),
        3 => (0..3usize).prop_map(|device| Move::Read { device }),
        3 => (0..3usize).prop_map(|device| Move::Finish { device }),
        2 => (0..3usize).prop_map(|device| Move::Report { device }),
        2 => (0..30usize).prop_map(|which| Move::Guess { which }),
        3 => Just(Move::Status),
        1 => Just(Move::Revoke),
        3 => Just(Move::Sweep),
    ]
}

fn a_turn() -> impl Strategy<Value = Turn> {
    // Mostly none; otherwise up to the limits of the protocol's times.
    let pass = prop_oneof![
        6 => Just(0u64),
        2 => 1..200u64,
        1 => (TTL - 300)..(TTL + 300),
        1 => (86_400 - 300)..(86_400 + 300u64),
    ];
    (vec((0..3usize, a_move()), 1..5), pass).prop_map(|(moves, pass)| Turn { moves, pass })
}

/// Facts that follow from earlier answers.
#[derive(Default)]
struct Known {
    committed: bool,
    winner: Option<usize>,
    finished: bool,
    /// When it was reported.
    reported: Option<u64>,
    /// The final state that an owner's answer had.
    ended: Option<ShareState>,
    compared: BTreeSet<usize>,
}

impl Known {
    fn won(&mut self, device: usize) {
        assert!(self.winner.is_none_or(|winner| winner == device), "two devices have it");
        assert!(
            !matches!(self.ended, Some(ShareState::Expired | ShareState::Locked | ShareState::Aborted)),
            "won after {:?}",
            self.ended
        );
        self.winner = Some(device);
    }

    fn observe(&mut self, state: ShareState) {
        if self.finished {
            assert_eq!(state, ShareState::Finished, "what was finished is not any more");
        }
        match (self.ended, state) {
            // A node whose clock is behind may not see it yet, but nothing can change it any more.
            (Some(ShareState::Expired), ShareState::Waiting) | (Some(ShareState::Lapsed), ShareState::Claimed) => {
                return;
            }
            (Some(ended), state) => assert_eq!(state, ended, "an end changed"),
            (None, _) => {}
        }
        match state {
            ShareState::Uploading => assert!(!self.committed, "complete, and then not"),
            ShareState::Waiting => assert!(self.winner.is_none(), "claimed, and then not"),
            ShareState::Claimed => {}
            ended => self.ended = Some(ended),
        }
        if matches!(state, ShareState::Expired | ShareState::Locked | ShareState::Aborted) {
            assert!(self.winner.is_none(), "{state:?} after it was claimed");
        }
    }
}

/// One share, its three nodes, and three devices.
struct Table {
    share: Sample,
    passphrase: bool,
    nodes: Vec<StoreRelay>,
    clocks: Vec<Arc<TestClock>>,
    devices: Vec<Credential>,
    guesses: Vec<Token>,
    known: Mutex<Known>,
}

impl Table {
    fn receipt(&self, device: usize) -> Receipt {
        self.share.keys.receipt(&self.devices[device].token.claimant(&self.share.keys.id))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each move")]
    async fn make(&self, node: usize, what: Move) {
        let (relay, share, link) = (&self.nodes[node], &self.share, self.share.link());
        // Facts that were certain before this operation are certain at its end.
        let known = || {
            let known = self.known.lock().unwrap();
            (known.finished, known.ended, known.winner, known.committed)
        };
        let before = known();
        let (finished, ended, winner, _) = before;
        match what {
            Move::Put => {
                let part = share.parts[0].clone();
                let put = relay.put_part(&share.owner, 0, Checksum::of(&part), part.into()).await;
                fits(&put, |error| matches!(error, RelayError::Gone { .. }));
            }
            Move::Commit => {
                let committed = relay.commit(&share.owner, &share.commit).await;
                fits(&committed, |error| matches!(error, RelayError::Gone { .. } | RelayError::PartsMissing));
                if committed.is_ok() {
                    let mut known = self.known.lock().unwrap();
                    assert_ne!(known.ended, Some(ShareState::Aborted), "complete after it was given up");
                    known.committed = true;
                }
            }
            Move::Peek => {
                let seen = relay.manifest(&link, share.proof()).await;
                fits(&seen, |error| matches!(error, RelayError::Gone { .. } | RelayError::Unknown));
                if let Ok(waiting) = seen {
                    assert_eq!(waiting.manifest, share.commit.manifest);
                    assert!(winner.is_none() && ended.is_none(), "shown after {winner:?}, {ended:?}");
                }
            }
            Move::Claim { device } => {
                let claimed = relay.claim(&link, share.proof(), &self.devices[device].token).await;
                fits(&claimed, |error| matches!(error, RelayError::Gone { .. } | RelayError::Unknown));
                if let Ok(claimed) = claimed {
                    assert!(!finished && ended.is_none(), "claimed after its end");
                    assert!(claimed.part.as_ref() == Some(&share.parts[0]), "not all of it is there");
                    self.known.lock().unwrap().won(device);
                }
            }
            Move::Read { device } => {
                let read = match relay.get_part(&self.devices[device], 0, 0).await {
                    Ok(part) => part.whole().await,
                    Err(error) => Err(error),
                };
                fits(&read, |error| matches!(error, RelayError::Gone { .. } | RelayError::Unknown));
                if let Ok(bytes) = read {
                    assert!(bytes == share.parts[0], "other bytes");
                    assert!(!finished && ended.is_none(), "read after its end");
                    self.known.lock().unwrap().won(device);
                }
            }
            Move::Finish { device } => {
                let done = relay.finish(&self.devices[device], &self.receipt(device)).await;
                fits(&done, |error| matches!(error, RelayError::Gone { .. } | RelayError::Unknown));
                if done.is_ok() {
                    assert!(matches!(ended, None | Some(ShareState::Finished)), "finished after {ended:?}");
                    let mut known = self.known.lock().unwrap();
                    known.won(device);
                    known.finished = true;
                }
            }
            Move::Report { device } => {
                let report = Report::new(Bytes::from_static(b"keys"), None);
                let reported = relay.report(&self.devices[device], &report).await;
                fits(&reported, |error| matches!(error, RelayError::TooLate { .. } | RelayError::Unknown));
                if let Ok(reported) = reported {
                    let mut known = self.known.lock().unwrap();
                    known.won(device);
                    let at = *known.reported.get_or_insert(reported.at);
                    assert_eq!(at, reported.at, "another report is kept");
                }
            }
            Move::Guess { which } => {
                let seen = relay.manifest(&link, &self.guesses[which]).await;
                match seen {
                    Ok(_) => panic!("a wrong passphrase is right"),
                    Err(RelayError::WrongPassphrase { .. }) => {
                        assert!(self.passphrase && ended.is_none(), "compared after {ended:?}");
                        let mut known = self.known.lock().unwrap();
                        known.compared.insert(which);
                        assert!(known.compared.len() <= 20, "{} guesses", known.compared.len());
                    }
                    other => fits(&other, |error| matches!(error, RelayError::Gone { .. } | RelayError::Unknown)),
                }
            }
            Move::Status => {
                let status = relay.status(&share.owner, &[], Duration::ZERO).await;
                fits(&status, |_| false);
                if let Ok(status) = status {
                    self.expect_not_early(&status);
                    // Answers to parallel operations may arrive in any order.
                    if known() == before {
                        self.known.lock().unwrap().observe(status.state);
                    }
                }
            }
            Move::Revoke => {
                let was = relay.revoke(&share.owner).await;
                fits(&was, |_| false);
                if let Ok(ShareState::Uploading | ShareState::Waiting | ShareState::Claimed) = was {
                    assert!(
                        !finished
                            && ended.is_none_or(|ended| ended == ShareState::Revoked || ended == ShareState::Aborted)
                    );
                }
            }
            Move::Sweep => fits(&relay.sweep().await, |_| false),
        }
    }

    /// No state ends before its time by any node's clock.
    fn expect_not_early(&self, status: &share::relay::Status) {
        let latest = self.clocks.iter().map(|clock| clock.now()).max().unwrap();
        match status.state {
            ShareState::Expired => assert!(latest >= status.expires.unwrap(), "expired early"),
            ShareState::Lapsed => assert!(latest >= status.until.unwrap(), "lapsed early"),
            _ => {}
        }
    }
}

/// Checks that an answer is a success, one of the expected errors, or a request to retry.
fn fits<T: std::fmt::Debug>(answer: &Result<T, RelayError>, may_be: impl Fn(&RelayError) -> bool) {
    if let Err(error) = answer {
        let again = error.is_transient() || matches!(error, RelayError::NoSpace { .. });
        assert!(again || may_be(error), "{error:?}");
    }
}

/// The fault of the n-th operation.
fn planned_fault(seed: u64, number: u64, often: u64) -> Option<Fault> {
    let mut dice = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    dice = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    dice = (dice ^ (dice >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    dice ^= dice >> 31;
    match dice % 1000 {
        roll if roll < often => {
            let kinds = [Fault::FailBefore, Fault::FailAfter, Fault::Conflict, Fault::Twice, Fault::Full];
            Some(kinds[(dice >> 32) as usize % kinds.len()])
        }
        // A delay lets other operations go first.
        roll if roll < 600 => Some(Fault::Delay),
        _ => None,
    }
}

#[expect(clippy::too_many_lines, reason = "one scenario, in order")]
fn play(turns: &[Turn], passphrase: bool, seed: u64, often: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let truth = TestClock::at(START);
        let memory = Arc::new(Memory::new(truth.clone(), u64::MAX));
        let faults = Arc::new(Faults::default());
        let clocks = [START - SKEW, START, START + SKEW].map(TestClock::at).to_vec();
        let node = |clock: &Arc<TestClock>| {
            let store = Arc::new(Faulty::new(memory.clone(), faults.clone()));
            if seed.is_multiple_of(3) { node_over(store, clock.clone()) } else { operated(store, clock.clone()) }
        };
        let mut share = Sample::new(5000, passphrase);
        share.create.ttl = TTL;
        let table = Table {
            nodes: clocks.iter().map(node).collect(),
            devices: (0..3).map(|_| share.device()).collect(),
            guesses: (0..30).map(|_| Token::random()).collect(),
            known: Mutex::default(),
            clocks,
            passphrase,
            share,
        };
        table.nodes[1].create(&table.share.owner, &table.share.create).await.unwrap();
        // Most runs begin with a waiting share.
        if !seed.is_multiple_of(4) {
            table.share.put_all(&table.nodes[1]).await;
            table.make(1, Move::Commit).await;
            assert!(table.known.lock().unwrap().committed);
        }
        faults.plan(move |op| planned_fault(seed, op.number, often));
        let mut now = START;
        for turn in turns {
            join_all(turn.moves.iter().map(|(node, what)| table.make(*node, *what))).await;
            now += turn.pass;
            table.clocks.iter().chain([&truth]).for_each(|clock| clock.advance(turn.pass));
        }
        faults.clear();
        // In the end, all nodes agree, and no earlier answer is contradicted.
        table.clocks.iter().chain([&truth]).for_each(|clock| clock.advance(300));
        for node in 0..3 {
            table.make(node, Move::Sweep).await;
            table.make(node, Move::Status).await;
        }
        let status = table.nodes[0].status(&table.share.owner, &[], Duration::ZERO).await.unwrap();
        {
            let known = table.known.lock().unwrap();
            if let Some(winner) = known.winner {
                assert_eq!(status.claimant, Some(table.devices[winner].token.claimant(&table.share.keys.id)));
            }
            if known.finished {
                assert_eq!(status.receipt, Some(table.receipt(known.winner.unwrap())));
            }
        }
        // E1: a report shows all of the share.
        let is_reported = table.known.lock().unwrap().reported.is_some();
        if is_reported {
            let evidence = table.nodes[2].evidence(&table.share.keys.id).await.unwrap();
            let blob: Vec<_> = evidence.blob.collect().await;
            assert!(blob == [Ok(table.share.parts[0].clone())], "not all of it is there");
            assert_eq!(evidence.manifest, table.share.commit.manifest);
        }
        // L2, L3: a share that has not ended is complete.
        if status.state == ShareState::Waiting {
            table.make(1, Move::Peek).await;
            let claimed = table.nodes[1].claim(&table.share.link(), table.share.proof(), &Token::random()).await;
            match claimed {
                Ok(claimed) => assert!(claimed.part.as_ref() == Some(&table.share.parts[0]), "not all of it is there"),
                // It has expired, but not by every node's clock.
                Err(RelayError::Gone { how: Gone::Expired, .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        if let (ShareState::Claimed, Some(claimant)) = (status.state, status.claimant) {
            let holder = table.devices.iter().find(|device| device.token.claimant(&table.share.keys.id) == claimant);
            let read = table.nodes[1].get_part(holder.expect("one of ours"), 0, 0).await;
            let is_late = matches!(&read, Err(RelayError::Gone { how: Gone::Lapsed, .. }));
            let is_whole = match read {
                Ok(part) => part.whole().await.is_ok_and(|part| part == table.share.parts[0]),
                Err(_) => false,
            };
            assert!(is_late || is_whole, "it is being opened, and not all there");
        }
        settle(memory, now + 400 + SKEW).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn operations_in_any_order_get_consistent_answers(
        turns in vec(a_turn(), 1..25),
        passphrase in any::<bool>(),
        seed in any::<u64>(),
        often in prop_oneof![Just(0u64), Just(30), Just(150)],
    ) {
        play(&turns, passphrase, seed, often);
    }
}
