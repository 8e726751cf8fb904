//! Rows of the table of faults about reports to an operator, at nodes of their own over the store of a world.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use share::relay::clock::Clock;
use share::relay::rules::StoreRelay;
use share::relay::store::Store;
use share::relay::{Credential, HOLD, Relay, RelayError, Report};
use tokio::runtime::{Builder, Runtime};

use super::rows::{ALL, Depth, each_operation, harm};
use crate::support::{
    Faults, Faulty, Kind, Line, LineFault, Sample, Slow, Tally, TestClock, Unreliable, World, is_data, operated,
};

const HOUR: u64 = HOLD.as_secs();
/// Longer than the difference between the clocks of nodes.
const GRACE: u64 = 121;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn report() -> Report {
    Report::new(Bytes::from_static(b"keys"), Some(Bytes::from_static(b"a note")))
}

/// The store of a world, and nodes with an operator over it.
struct Operated<'a> {
    world: &'a World,
    store: Arc<dyn Store>,
    runtime: Runtime,
}

impl<'a> Operated<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, store: world.store(), runtime: runtime() }
    }

    fn node(&self) -> StoreRelay {
        operated(self.store.clone(), TestClock::at(self.world.clock.now()))
    }

    /// Runs something at a node that may crash: then there is no result.
    fn at_a_faulty_node<T>(&self, faults: &Arc<Faults>, run: impl AsyncFnOnce(&StoreRelay) -> T) -> Option<T> {
        let store = Arc::new(Faulty::new(self.store.clone(), faults.clone()));
        let node = operated(store, TestClock::at(self.world.clock.now()));
        self.runtime.block_on(async {
            let mut run = pin!(run(&node));
            while !faults.has_crashed() {
                tokio::select! {
                    result = &mut run => return Some(result),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
            None
        })
    }

    /// A share that a device has claimed.
    fn claimed(&self) -> (Sample, Credential) {
        let share = Sample::new(5000, false);
        let device = share.device();
        let node = self.node();
        self.runtime.block_on(async {
            share.send(&node).await;
            node.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        });
        (share, device)
    }

    fn finish(&self, share: &Sample, device: &Credential) {
        let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
        self.runtime.block_on(self.node().finish(device, &receipt)).unwrap();
    }

    fn sweep_after(&self, seconds: u64) {
        self.world.clock.advance(seconds);
        self.runtime.block_on(self.node().sweep()).unwrap();
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let objects = self.runtime.block_on(self.store.list(prefix, None)).unwrap();
        objects.into_iter().map(|object| object.name).collect()
    }

    /// The number of objects with ciphertext of a share.
    fn data(&self, share: &Sample) -> usize {
        self.names(&format!("v1/{}/", share.keys.id.hex())).iter().filter(|name| is_data(name)).count()
    }

    fn index(&self, share: &Sample) -> Vec<String> {
        self.names(&format!("reports/{}-", share.keys.id.hex()))
    }

    /// E1: the operator can read all of a reported share.
    fn expect_evidence(&self, share: &Sample) {
        self.runtime.block_on(async {
            let mut evidence = self.node().evidence(&share.keys.id).await.unwrap();
            let mut bytes = Vec::new();
            while let Some(chunk) = evidence.blob.next().await {
                bytes.extend_from_slice(&chunk.unwrap());
            }
            assert!(bytes == share.parts.concat(), "{:?}: other bytes", self.world.over);
            assert_eq!(evidence.manifest, share.commit.manifest, "{:?}", self.world.over);
        });
    }
}

/// A share is reported while it is open or after its end, with a fault. Then the report is repeated.
pub(crate) fn while_reporting(world: &Arc<World>, depth: Depth) -> Tally {
    let (there, faults) = (Operated::new(world), Arc::new(Faults::default()));
    let mut turn = 0;
    let kinds = [Kind::Create, Kind::Read, Kind::List];
    let mut tally = each_operation(&faults, depth, &kinds, |arm| {
        let (share, device) = there.claimed();
        turn += 1;
        match turn % 3 {
            0 => there.finish(&share, &device),
            1 => drop(there.runtime.block_on(there.node().revoke(&share.owner)).unwrap()),
            _ => {}
        }
        arm();
        let answer = there.at_a_faulty_node(&faults, async |node| node.report(&device, &report()).await);
        let harm = harm(&faults);
        let answered = match answer {
            Some(Ok(reported)) => {
                there.expect_evidence(&share);
                Some(reported.at)
            }
            Some(Err(error)) => {
                let is_expected = error.is_transient() || matches!(error, RelayError::NoSpace { .. });
                assert!(is_expected, "{:?}: {error:?}", world.over);
                None
            }
            None => None,
        };
        let again = there.runtime.block_on(there.node().report(&device, &report())).unwrap();
        if let Some(at) = answered {
            assert_eq!((again.is_new, again.at), (false, at), "{:?}: it was answered", world.over);
        }
        there.expect_evidence(&share);
        assert_eq!(there.index(&share).len(), 1, "{:?}", world.over);
        if turn % 3 == 2 {
            there.finish(&share, &device);
        }
        // The hour of the hold, at nodes with an operator and without.
        there.sweep_after(GRACE);
        world.sweep();
        there.sweep_after(HOUR);
        there.expect_evidence(&share);
        assert_eq!(there.index(&share).len(), 2, "{:?}: it is kept", world.over);
        harm
    });
    tally.add(lost_answers(&there));
    world.settle();
    tally
}

/// The answer to a report is lost.
fn lost_answers(there: &Operated) -> Tally {
    let (share, device) = there.claimed();
    let line = Arc::new(Line::default());
    let relay = Unreliable { relay: Arc::new(there.node()), line: line.clone() };
    line.at(1, LineFault::Lose);
    there.runtime.block_on(async {
        assert_eq!(relay.report(&device, &report()).await, Err(RelayError::BUSY));
        assert!(!relay.report(&device, &report()).await.unwrap().is_new);
    });
    there.expect_evidence(&share);
    let (_, seen) = line.clear();
    Tally::made("answer lost", u64::from(seen == Some("report")))
}

/// A sweep with a fault closes held shares: one that was reported, one that was not, and one whose opener died between
/// the index and the record.
pub(crate) fn while_closing(world: &Arc<World>, depth: Depth) -> Tally {
    let (there, faults) = (Operated::new(world), Arc::new(Faults::default()));
    let tally = each_operation(&faults, depth, &ALL, |arm| {
        let [reported, unreported, begun] = [(); 3].map(|()| there.claimed());
        there.runtime.block_on(there.node().report(&reported.1, &report())).unwrap();
        let index = format!("reports/{}-5008", begun.0.keys.id.hex());
        there.runtime.block_on(there.store.create(&index, Bytes::new().into())).unwrap();
        for (share, device) in [&reported, &unreported, &begun] {
            there.finish(share, device);
        }
        there.sweep_after(GRACE);
        let sizes = [&reported, &unreported, &begun].map(|(share, _)| there.data(share));
        assert_eq!(sizes, [2; 3], "{:?}: all are held", world.over);
        world.clock.advance(HOUR);
        arm();
        let _ = there.at_a_faulty_node(&faults, async |node| node.sweep().await);
        let harm = harm(&faults);
        there.expect_evidence(&reported.0);
        world.clock.advance(GRACE);
        world.sweep();
        there.expect_evidence(&reported.0);
        assert_eq!(there.index(&reported.0).len(), 2, "{:?}: it is kept", world.over);
        for (share, device) in [&unreported, &begun] {
            assert_eq!(there.data(share), 0, "{:?}: nothing of it is left", world.over);
            assert!(there.index(share).is_empty(), "{:?}", world.over);
            let late = there.runtime.block_on(there.node().report(device, &report()));
            assert!(matches!(late, Err(RelayError::TooLate { .. })), "{late:?}");
        }
        harm
    });
    world.settle();
    tally
}

/// The operator deletes a report, and the relay what was reported, with a fault in one of both.
pub(crate) fn while_deleting(world: &Arc<World>, depth: Depth) -> Tally {
    let (there, faults) = (Operated::new(world), Arc::new(Faults::default()));
    let tally = each_operation(&faults, depth, &ALL, |arm| {
        let (share, device) = there.claimed();
        there.runtime.block_on(there.node().report(&device, &report())).unwrap();
        there.finish(&share, &device);
        there.sweep_after(GRACE);
        there.sweep_after(HOUR);
        arm();
        let deleted = there.at_a_faulty_node(&faults, async |node| node.review(&share.keys.id).await);
        if !matches!(deleted, Some(Ok(_))) {
            there.runtime.block_on(there.node().review(&share.keys.id)).unwrap();
        }
        assert!(there.runtime.block_on(there.node().reports()).unwrap().shares.is_empty(), "{:?}", world.over);
        assert_eq!(there.data(&share), 2, "{:?}: only the sweeper deletes", world.over);
        world.clock.advance(GRACE);
        let _ = there.at_a_faulty_node(&faults, async |node| node.sweep().await);
        let harm = harm(&faults);
        world.clock.advance(GRACE);
        world.sweep();
        assert_eq!((there.data(&share), there.index(&share).len()), (0, 0), "{:?}", world.over);
        harm
    });
    world.settle();
    tally
}

/// A report against a revocation, a finish, a lapse and a close, at slow nodes whose clocks differ by almost two
/// minutes.
pub(crate) fn races(world: &Arc<World>, depth: Depth) -> Tally {
    let there = Operated::new(world);
    let against = ["revoke", "finish", "lapse", "close"];
    let mut tally = Tally::expecting(against);
    for (round, against) in (0..).zip(against.into_iter().cycle()).take(if depth == Depth::Full { 80 } else { 8 }) {
        let (share, device) = there.claimed();
        match against {
            "lapse" => world.clock.advance(86_400 + 60),
            "close" => {
                there.finish(&share, &device);
                world.clock.advance(HOUR + 60);
            }
            _ => {}
        }
        let now = world.clock.now();
        let [opener, other] = [now - 59, now + 59]
            .map(|at| operated(Arc::new(Slow(Faulty::new(there.store.clone(), Arc::default()))), TestClock::at(at)));
        // The sweeper's clock is far enough ahead to close what the opener's node still takes a report of.
        let sweeper = {
            let store = Arc::new(Slow(Faulty::new(there.store.clone(), Arc::default())));
            operated(store, TestClock::at(now + 62))
        };
        let opener = if against == "close" {
            let store = Arc::new(Slow(Faulty::new(there.store.clone(), Arc::default())));
            operated(store, TestClock::at(now - 61))
        } else {
            opener
        };
        let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
        let reported = there.runtime.block_on(async {
            let words = report();
            let reporting = async {
                tokio::time::sleep(Duration::from_millis(round % 7)).await;
                opener.report(&device, &words).await
            };
            let (reported, ()) = tokio::join!(reporting, async {
                match against {
                    "revoke" => drop(other.revoke(&share.owner).await.unwrap()),
                    "finish" => other.finish(&device, &receipt).await.unwrap(),
                    _ => drop(sweeper.sweep().await.unwrap()),
                }
            });
            reported
        });
        match reported {
            Ok(_) => there.expect_evidence(&share),
            Err(RelayError::TooLate { .. }) if against == "close" => {
                assert_eq!((there.data(&share), there.index(&share).len()), (0, 0), "{:?}", world.over);
            }
            Err(error) => panic!("{:?}, {against}: {error:?}", world.over),
        }
        tally.saw(against);
        for _ in 0..3 {
            there.sweep_after(HOUR);
        }
        if reported.is_ok() {
            there.expect_evidence(&share);
        }
    }
    world.settle();
    tally
}
