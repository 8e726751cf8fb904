//! The table of faults: each row has a fault, the properties that must hold, and the test that shows them. A row
//! lacking one of these does not compile. A row counts the runs in which its fault was observed, and lists the faults
//! that must be among them.
//!
//! The letters are promises. L1: a printed link leads to a share that is complete and durable. L2, L3: while a share
//! waits or is being opened, all of it is there. L4: a finished share is safe with its opener. O1: at most one claimant
//! gets it. O2: after its end nothing more is sent out. D1: one sweep after the end its content is gone. D2: an
//! incomplete upload is gone after a day. E1: a report that was answered shows all of the share for 30 days.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use share::blob::PART_LEN;
use share::relay::clock::Clock;
use share::relay::rules::StoreRelay;
use share::relay::{Checksum, ClaimResponse, Credential, Gone, Relay, RelayError, ShareState};
use share::secret::Token;

use super::reports;
use crate::support::{
    Counts, Ended, FAULTS, Fault, Faults, Faulty, Kind, LineFault, Op, Proxy, SHARE, Sample, Slow, Tally, TestClock,
    World, changes, kill, killed_at, node_over, noise, with_a_small_disk,
};

/// The number of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// A few of each kind.
    Quick,
    /// Every combination of operation and fault.
    Full,
}

impl Depth {
    /// The distance between two operations at which a program is killed.
    fn step(self) -> usize {
        self.of(7, 1)
    }

    fn of(self, quick: usize, full: usize) -> usize {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) holds: &'static str,
    pub(crate) promises: &'static str,
    /// The name of its test.
    pub(crate) name: &'static str,
    /// Causes the fault in a world, and counts how often it was observed.
    pub(crate) test: fn(&Arc<World>, Depth) -> Tally,
}

/// The rows, and a test for each.
macro_rules! rows {
    ($($name:ident: $what:expr, $holds:expr, $promises:expr;)*) => {
        pub(crate) const ROWS: &[Row] = &[$(
            Row { what: $what, holds: $holds, promises: $promises, name: stringify!($name), test: $name },
        )*];

        /// One test per row.
        mod each {
            $(
                #[test]
                #[ignore = "takes long: tests/all"]
                fn $name() {
                    super::super::run(stringify!($name));
                }
            )*
        }
    };
}

rows! {
    the_sender_dies:
        "the sender dies: before, in and after each request and each part, before the link is printed",
        "no link, or one that works; sending again works; the sweeper deletes the rest",
        "L1 D2";
    the_store_fails_while_sending:
        "an operation of the store fails, conflicts, happens twice, is slow or finds no room, or the relay dies \
         before or after it: while a share is sent",
        "no link, or one that works; sending again works; the sweeper deletes the rest",
        "L1 L2 D2";
    the_store_fails_while_sending_in_one_request:
        "the same, while a small share is sent in one request",
        "the same",
        "L1 L2 D2";
    the_store_fails_while_opening:
        "the same, while a share is opened",
        "the same device gets all of the share in the end, once; no other device does",
        "L3 L4 O1 D1";
    the_store_fails_while_revoking:
        "the same, while a share is revoked",
        "the share is revoked in the end, and nothing of it is left",
        "O2 D1";
    the_store_fails_while_sweeping:
        "the same, while the sweeper works",
        "the next sweep deletes the rest; shares that wait or are being opened are untouched",
        "L2 L3 D1 D2";
    an_end_cannot_be_written:
        "the record that ends a share cannot be written: when it is finished, revoked, aborted, expired or lapsed",
        "all of the share is still there; it ends when the store has recovered",
        "L2 L3 D1";
    answers_are_lost:
        "the answer to any request is lost",
        "the repeated request gets the same answer; a device never gets \"already opened\" for its own opening",
        "L1 L4 O1";
    a_part_is_corrupted_in_transit:
        "a part is corrupted in transit, on its way in or out",
        "the part is refused and sent again",
        "L1 L4";
    the_recipients_disk_is_full:
        "the recipient's disk is full, before or after the claim",
        "exit 8, no file under the final name; the same command works when there is room",
        "L3 L4";
    conflicting_requests_race:
        "sweeper against commit, claim against revocation, claim against expiry, lapse against reading, two \
               sweepers; clocks a minute apart",
        "one outcome, which the loser receives",
        "O1 O2 D1";
    many_claimants:
        "64 devices claim a share at three nodes",
        "exactly one of them gets the share",
        "O1";
    the_right_passphrase_is_repeated:
        "the right passphrase is retried for a long time on a bad connection, and the share previewed fifty times",
        "one guess is counted",
        "L2";
    wrong_passphrases_at_three_nodes:
        "200 wrong passphrases at three nodes at once",
        "at most 20 are compared; the share is locked and deleted",
        "O1 D1";
    two_programs_of_one_device:
        "two `share` processes of one device open one share",
        "one does, the other exits 3",
        "O1";
    a_long_upload:
        "an upload takes longer than the lifetime of the share",
        "the lifetime begins when the upload is complete",
        "L2";
    a_clock_a_month_ahead:
        "a node's clock is a month ahead",
        "the node does not start; a running one claims and sweeps nothing; nothing expires early",
        "L2";
    the_relay_dies_in_a_part:
        "the relay dies in the middle of a part, in or out",
        "sender and opener resume when it is back",
        "L1 L3 L4";
    the_connection_is_cut_often:
        "the connection is cut every 50 kB",
        "the opener resumes each time",
        "L4";
    the_lease_ends_in_the_middle:
        "the lease ends in the middle of an opening",
        "exit 4, and no file under the final name",
        "O2 D1";
    stored_parts_are_wrong:
        "a stored part is corrupted, missing, truncated, or replaced by another share's or an older version",
        "no file, no receipt; exit 7, or 6 where it is missing or cut short",
        "L4";
    the_recipient_dies:
        "the recipient dies: at each request, and at each change of a file",
        "the same command gets the share in the end; no plaintext is anywhere else",
        "L3 L4 O1";
    the_name_is_taken_meanwhile:
        "the file's name is taken after the claim",
        "the next free name; nothing is replaced",
        "L4";
    deleted_data_comes_back:
        "the relay dies between the end and the deletion, parts come late, or a disk brings deleted ones back",
        "unreadable at once, and deleted by the sweeper",
        "O2 D1 D2";
    the_store_fails_while_reporting:
        "an operation of the store fails, conflicts, happens twice, is slow or finds no room, or the relay dies \
         before or after it: while a share is reported to the operator; or the answer is lost",
        "an answered report shows all of the share; a repeated report succeeds",
        "E1";
    the_store_fails_while_closing:
        "the same, while the sweeper deletes what was kept for an hour after its end",
        "what was reported stays; the next sweep deletes the rest",
        "D1 E1";
    the_store_fails_while_a_report_is_deleted:
        "the same, while the operator deletes a report",
        "the report is gone once that is answered; the next sweep deletes what was reported",
        "D1";
    reports_race:
        "report against revocation, finish, lapse and the end of the hour; clocks two minutes apart",
        "an answered report shows all of the share; nothing is left of a share whose report came too late",
        "D1 E1";
    the_link_cannot_be_printed:
        "the link cannot be printed: standard output is closed or full",
        "the share is revoked",
        "L1 D1";
}

/// More than one part.
const LARGE: usize = PART_LEN + 300_000;
/// One part, in one request.
const SMALL: usize = 20_000;

fn printed(ended: &Ended) -> Option<String> {
    let text = String::from_utf8(ended.stdout.clone()).unwrap();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Sends a file without a fault.
fn sent(world: &World, content: &[u8]) -> String {
    world.sandbox.write("film.bin", content);
    world.share(&["send", "-q", "film.bin"]).ok()
}

/// Opens a link without a fault, and compares.
fn expect_opens(world: &World, link: &str, content: &[u8]) {
    world.share(&["open", "-q", link, "-o", "received"]).ok();
    assert!(world.sandbox.read("received") == content, "{:?}: other bytes", world.over);
    std::fs::remove_file(world.sandbox.path("received")).unwrap();
}

/// Whether the only share has a record of that name.
fn has_ended(world: &World) -> bool {
    world.objects().iter().any(|name| name.ends_with("/end"))
}

/// The result of a run with a fault.
pub(crate) struct Harm {
    /// Operations by kind.
    counts: Counts,
    /// Whether the fault was observed.
    seen: bool,
}

/// Clears the plan of `faults`, and returns the observations.
pub(crate) fn harm(faults: &Faults) -> Harm {
    let seen = faults.clear() > 0;
    Harm { counts: faults.counts(), seen }
}

/// Combines each operation of these kinds with each fault, until a run has no more operations of that kind: `run` calls
/// its argument at the moment from which faults may happen. A quick run combines each kind and each fault at a few
/// operations.
pub(crate) fn each_operation(
    faults: &Arc<Faults>,
    depth: Depth,
    kinds: &[Kind],
    mut run: impl FnMut(&dyn Fn()) -> Harm,
) -> Tally {
    let pairs = || kinds.iter().flat_map(|kind| FAULTS.map(|fault| (*kind, fault)));
    let mut tally = Tally::expecting(pairs().map(|(kind, fault)| format!("{kind:?}: {fault:?}")));
    // The number of operations of each kind in a run without faults.
    let unharmed = run(&|| faults.plan(|_| None)).counts;
    for (turn, (kind, fault)) in (0..).zip(pairs()) {
        let there_are = unharmed.asked(kind);
        assert!(there_are > 0, "no operation is a {kind:?}");
        let mut number = 1 + if depth == Depth::Full { 0 } else { turn % there_are };
        loop {
            let arm = || {
                faults.plan(move |op: &Op| (op.kind == kind && op.number_of_kind == number).then_some(fault));
            };
            let Harm { counts, seen } = run(&arm);
            if seen {
                tally.saw(format!("{kind:?}: {fault:?}"));
            }
            number += 1;
            // A run with a fault may repeat operations, and so have more of them.
            if depth == Depth::Quick || number > there_are.max(counts.asked(kind)) {
                break;
            }
        }
    }
    tally
}

/// Done, killed, or safe to repeat.
fn expect_code(ended: &Ended) {
    assert!([0, -1, 6].contains(&ended.code), "{ended:?}");
}

/// After a `send` with a fault: no link or one that works, and sending works again.
fn expect_sent_or_not(world: &World, ended: &Ended, content: &[u8]) {
    let link = match (ended.code, printed(ended)) {
        // A killed program may have printed its link.
        (0 | -1, Some(link)) => link,
        (0, None) => panic!("{:?}: success without a link: {ended:?}", world.over),
        // No link was printed: repeating succeeds.
        (_, None) => world.share(&["send", "-q", "film.bin"]).ok(),
        (_, Some(_)) => panic!("{:?}: a failure with a link: {ended:?}", world.over),
    };
    expect_code(ended);
    expect_opens(world, &link, content);
}

/// Kills a program at each operation of the store that it causes: in a quick run, at one of each kind. Counts the
/// programs that died.
fn killed_at_each_operation(
    world: &Arc<World>,
    depth: Depth,
    kinds: &[Kind],
    args: &[&str],
    mut before: impl FnMut() -> Option<String>,
    mut after: impl FnMut(&Ended, Option<&str>),
) -> Tally {
    let died = |kind: Kind| format!("{} dies at a {kind:?}", args[0]);
    let mut tally = Tally::expecting(kinds.iter().copied().map(died));
    for kind in kinds.iter().copied() {
        for number in 1.. {
            let link = before();
            let running = Arc::new(OnceLock::<u32>::new());
            let victim = running.clone();
            world.faults.plan(move |op: &Op| {
                if op.kind == kind && op.number_of_kind == number {
                    kill(*victim.wait());
                }
                None
            });
            let args: Vec<&str> = args.iter().copied().chain(link.as_deref()).collect();
            let program = world.share(&args).start();
            running.set(program.0.id()).unwrap();
            let ended = program.wait();
            world.faults.clear();
            let reached = world.faults.counts().asked(kind) >= number;
            if ended.was_killed() {
                assert!(reached, "{ended:?}");
                tally.saw(died(kind));
            }
            after(&ended, link.as_deref());
            if !reached || depth == Depth::Quick {
                break;
            }
        }
    }
    tally
}

fn the_sender_dies(world: &Arc<World>, depth: Depth) -> Tally {
    let mut tally = Tally::default();
    for size in [SMALL, LARGE] {
        let content = noise(size, 31);
        world.sandbox.write("film.bin", &content);
        let after = |ended: &Ended, _: Option<&str>| expect_sent_or_not(world, ended, &content);
        tally.add(killed_at_each_operation(world, depth, &SENDING, &["send", "-q", "film.bin"], || None, after));
    }
    world.settle();
    tally
}

/// The store's operations during an upload.
const SENDING: [Kind; 3] = [Kind::Create, Kind::Read, Kind::List];
/// Every kind of operation.
pub(crate) const ALL: [Kind; 4] = [Kind::Create, Kind::Read, Kind::List, Kind::Delete];

fn sending(world: &Arc<World>, depth: Depth, size: usize, kinds: &[Kind]) -> Tally {
    let content = noise(size, 32);
    world.sandbox.write("film.bin", &content);
    let tally = each_operation(&world.faults, depth, kinds, |arm| {
        arm();
        let ended = world.share(&["send", "-q", "film.bin"]).run();
        let harm = harm(&world.faults);
        expect_sent_or_not(world, &ended, &content);
        harm
    });
    world.settle();
    tally
}

fn the_store_fails_while_sending(world: &Arc<World>, depth: Depth) -> Tally {
    sending(world, depth, LARGE, &SENDING)
}

fn the_store_fails_while_sending_in_one_request(world: &Arc<World>, depth: Depth) -> Tally {
    // Nothing is read or listed for a new share that fits into one request.
    sending(world, depth, SMALL, &[Kind::Create])
}

/// After an `open` with a fault: the same command gets the share, and no other device does.
fn expect_opened_in_the_end(world: &World, ended: &Ended, link: &str, content: &[u8]) {
    expect_code(ended);
    if ended.code != 0 {
        assert_eq!(world.sandbox.names(), ["film.bin"], "{:?}: {ended:?}", world.over);
        world.share(&["open", "-q", link, "-o", "received"]).ok();
    }
    assert!(world.sandbox.read("received") == content, "{:?}: other bytes after {ended:?}", world.over);
    std::fs::remove_file(world.sandbox.path("received")).unwrap();
    world.stranger(&["open", "-q", link, "-o", "stolen"]).fails(3, "on another device");
    // The next command sends a finish that failed.
    world.share(&["list", "-q"]).ok();
    assert_eq!(world.sandbox.names(), ["film.bin"], "{:?}", world.over);
    let begun: Vec<_> =
        world.sandbox.kept().into_iter().filter(|path| path.to_string_lossy().contains("/opening/")).collect();
    assert!(begun.is_empty(), "{:?}: {begun:?} after {ended:?}", world.over);
}

fn the_store_fails_while_opening(world: &Arc<World>, depth: Depth) -> Tally {
    let mut tally = Tally::default();
    for size in [SMALL, LARGE] {
        let content = noise(size, 33);
        tally.add(each_operation(&world.faults, depth, &ALL, |arm| {
            let link = sent(world, &content);
            arm();
            let ended = world.share(&["open", "-q", &link, "-o", "received"]).run();
            let harm = harm(&world.faults);
            expect_opened_in_the_end(world, &ended, &link, &content);
            harm
        }));
    }
    world.expect_ended_shares_to_be_empty();
    assert!(world.data().is_empty(), "{:?}: {:?}", world.over, world.data());
    world.settle();
    tally
}

fn the_store_fails_while_revoking(world: &Arc<World>, depth: Depth) -> Tally {
    let content = noise(SMALL, 34);
    let tally = each_operation(&world.faults, depth, &ALL, |arm| {
        let link = sent(world, &content);
        arm();
        let ended = world.share(&["revoke", "-q", &link]).run();
        let harm = harm(&world.faults);
        expect_code(&ended);
        if ended.code != 0 {
            world.share(&["revoke", "-q", &link]).ok();
        }
        world.stranger(&["open", "-q", &link, "-o", "stolen"]).fails(4, "revoked this link");
        harm
    });
    world.clock.advance(121);
    world.sweep();
    assert!(world.data().is_empty(), "{:?}: {:?}", world.over, world.data());
    world.settle();
    tally
}

fn the_store_fails_while_sweeping(world: &Arc<World>, depth: Depth) -> Tally {
    // A separate node, which may crash unnoticed.
    let faults = Arc::new(Faults::default());
    let tally = each_operation(&faults, depth, &ALL, |arm| {
        // One of each kind: never complete, never opened, never finished, and one to keep.
        let here = world.node();
        let (rules, _) = here.parts();
        let (given_up, unopened, lapsed, waiting) = world.wait(async {
            let shares = [(); 4].map(|()| Sample::new(5000, false));
            rules.create(&shares[0].owner, &shares[0].create).await.unwrap();
            shares[0].put_all(rules).await;
            let mut short = shares[1].create.clone();
            short.ttl = 3600;
            rules.create(&shares[1].owner, &short).await.unwrap();
            shares[1].put_all(rules).await;
            rules.commit(&shares[1].owner, &shares[1].commit).await.unwrap();
            shares[2].send(rules).await;
            rules.claim(&shares[2].link(), shares[2].proof(), &Token::random()).await.unwrap();
            shares[3].send(rules).await;
            let [a, b, c, d] = shares;
            (a, b, c, d)
        });
        world.clock.advance(86_400 + 121);
        arm();
        // The next node repeats failed operations, and a crashed one never returns.
        let store = Arc::new(Faulty::new(world.store(), faults.clone()));
        let sweeper = node_over(store, TestClock::at(world.clock.now()));
        runtime().block_on(async {
            let mut sweep = std::pin::pin!(sweeper.sweep());
            while !faults.has_crashed() {
                tokio::select! {
                    _ = &mut sweep => break,
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
        });
        let harm = harm(&faults);
        world.clock.advance(121);
        world.sweep();
        let here = world.node();
        let (rules, store) = here.parts();
        world.wait(async {
            let mut left = Vec::new();
            for share in [&given_up, &unopened, &lapsed] {
                left.extend(store.list(&format!("v1/{}/part/", share.keys.id.hex()), None).await.unwrap());
            }
            assert!(left.is_empty(), "{left:?}");
            let device = waiting.device();
            let claimed = rules.claim(&waiting.link(), waiting.proof(), &device.token).await.unwrap();
            assert_eq!(claimed.part.as_ref(), Some(&waiting.parts[0]));
            let receipt = waiting.keys.receipt(&device.token.claimant(&waiting.keys.id));
            rules.finish(&device, &receipt).await.unwrap();
        });
        harm
    });
    world.settle();
    tally
}

fn an_end_cannot_be_written(world: &Arc<World>, _: Depth) -> Tally {
    let ends = ["finished", "taken back", "taken back while it is opened", "given up", "expired", "lapsed"];
    let mut tally = Tally::expecting(ends);
    for end in ends {
        let share = Sample::new(5000, false);
        let (device, link) = (share.device(), share.link());
        let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
        let (committed, claimed) =
            (end != "given up", ["finished", "taken back while it is opened", "lapsed"].contains(&end));
        let here = world.node();
        let (rules, store) = here.parts();
        world.wait(async {
            rules.create(&share.owner, &share.create).await.unwrap();
            share.put_all(rules).await;
            if committed {
                rules.commit(&share.owner, &share.commit).await.unwrap();
            }
            if claimed {
                rules.claim(&link, share.proof(), &device.token).await.unwrap();
            }
        });
        match end {
            "given up" | "lapsed" => world.clock.advance(86_400 + 121),
            "expired" => world.clock.advance(14 * 86_400 + 121),
            _ => {}
        }
        let ended = async || match end {
            "finished" => rules.finish(&device, &receipt).await.is_ok(),
            "taken back" | "taken back while it is opened" => rules.revoke(&share.owner).await.is_ok(),
            _ => {
                rules.sweep().await.unwrap();
                false
            }
        };
        let here_still = async || {
            let parts = store.list(&format!("v1/{}/part/", share.keys.id.hex()), None).await.unwrap();
            parts.len() == 1
        };
        world.faults.plan(|op| {
            let is_end = ["/seal", "/claim", "/end"].iter().any(|record| op.name.ends_with(record));
            (op.kind == Kind::Create && is_end).then_some(Fault::FailBefore)
        });
        world.wait(async {
            assert!(!ended().await, "{end}");
            assert!(here_still().await, "{:?}: {end}: gone before it has ended", world.over);
        });
        if world.faults.clear() > 0 {
            tally.saw(end);
        }
        world.wait(async {
            ended().await;
            assert!(!here_still().await, "{:?}: {end}: not gone after it has ended", world.over);
        });
    }
    world.settle();
    tally
}

fn answers_are_lost(world: &Arc<World>, _: Depth) -> Tally {
    let requests =
        ["create", "put_part", "commit", "deposit", "manifest", "claim", "get_part", "finish", "revoke", "status"];
    line_faults(world, LineFault::Lose, &requests)
}

fn a_part_is_corrupted_in_transit(world: &Arc<World>, _: Depth) -> Tally {
    line_faults(world, LineFault::Corrupt, &["put_part", "deposit", "claim", "get_part"])
}

/// Applies a network fault to each request of each command, until there are no more of them. It must have been observed
/// in each of these `requests`.
fn line_faults(world: &Arc<World>, fault: LineFault, requests: &[&'static str]) -> Tally {
    let mut tally = Tally::expecting(requests.iter().copied());
    for size in [SMALL, LARGE] {
        let content = noise(size, 35);
        world.sandbox.write("film.bin", &content);
        for command in ["send", "open", "revoke", "status"] {
            for number in 1.. {
                let link = if command == "send" { String::new() } else { sent(world, &content) };
                world.line.at(number, fault);
                let ended = match command {
                    "send" => world.share(&["send", "-q", "film.bin"]).run(),
                    "open" => world.share(&["open", "-q", &link, "-o", "received"]).run(),
                    _ => world.share(&[command, "-q", &link]).run(),
                };
                let (reached, seen) = world.line.clear();
                if let Some(request) = seen {
                    tally.saw(request);
                }
                assert_eq!(ended.code, 0, "{:?}, {command}: {ended:?}", world.over);
                match command {
                    "send" => expect_opens(world, &printed(&ended).unwrap(), &content),
                    "open" => expect_opened_in_the_end(world, &ended, &link, &content),
                    "revoke" => {
                        drop(world.stranger(&["open", "-q", &link, "-o", "stolen"]).fails(4, "revoked this link"));
                    }
                    _ => expect_opens(world, &link, &content),
                }
                if !reached {
                    break;
                }
            }
        }
    }
    world.settle();
    tally
}

fn the_recipients_disk_is_full(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(LARGE, 36);
    let link = sent(world, &content);
    let (url, keep) = (world.url(), "trap '' XFSZ");
    let script = format!(
        r#"
        export SHARE_RELAY={url} SHARE_LINK='{link}'
        head -c 6000000 /dev/zero >small/filler
        code=0; "$SHARE" open -o small 2>err || code=$?
        echo "code $code"; ls -A small; rm small/filler
        "$SHARE" peek -q >/dev/null && echo waiting
        code=0; ( ulimit -f 1000; {keep}; "$SHARE" open -o small ) 2>>err || code=$?
        echo "code $code"; ls -A small
        "$SHARE" peek -q >/dev/null 2>&1 || echo begun
        "$SHARE" open -q -o small
        ls -A small; cmp film.bin small/film.bin
        "#
    );
    let ended = with_a_small_disk(&world.sandbox, &script);
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!((ended.code, stdout.as_str()), (0, "code 8\nfiller\nwaiting\ncode 8\nbegun\nfilm.bin\n"), "{ended:?}");
    world.settle();
    let mut tally = Tally::made("full before the claim", 1);
    tally.add(Tally::made("full after the claim", 1));
    tally
}

/// Three slow nodes whose clocks are almost a minute apart.
fn nodes(world: &World) -> [(StoreRelay, Arc<TestClock>); 3] {
    let now = world.clock.now();
    [now - 55, now, now + 55].map(|at| {
        let clock = TestClock::at(at);
        let store = Arc::new(Slow(Faulty::new(world.store(), Arc::default())));
        (node_over(store, clock.clone()), clock)
    })
}

#[expect(clippy::too_many_lines, reason = "one race, in order")]
fn conflicting_requests_race(world: &Arc<World>, depth: Depth) -> Tally {
    let rounds = depth.of(4, 40);
    for round in 0..rounds {
        let nodes = nodes(world);
        let advance = |seconds| nodes.iter().for_each(|(_, clock)| clock.advance(seconds));
        let [(a, _), (b, _), (c, _)] = &nodes;
        let share = Sample::new(5000, false);
        let mut create = share.create.clone();
        create.ttl = 3600;
        runtime().block_on(async {
            // Committed at the very moment of its expiry as an incomplete upload, or well before.
            a.create(&share.owner, &create).await.unwrap();
            share.put_all(b).await;
            if round % 3 == 0 {
                advance(86_400 + 121);
                let (committed, swept) = tokio::join!(c.commit(&share.owner, &share.commit), b.sweep());
                swept.unwrap();
                let noticed = b.notice(&share.link()).await;
                match committed {
                    Ok(_) => drop(noticed.unwrap()),
                    Err(RelayError::Gone { how: Gone::Aborted, .. }) => assert!(noticed.is_err()),
                    other => panic!("{other:?}"),
                }
                if committed.is_err() {
                    return;
                }
            } else {
                b.commit(&share.owner, &share.commit).await.unwrap();
            }
            // Some share's expiry.
            if round % 2 == 0 {
                advance(3600 - 20);
            }
            let (link, devices) = (share.link(), [share.device(), share.device(), share.device()]);
            let (one, two, three, revoked, swept) = tokio::join!(
                a.claim(&link, share.proof(), &devices[0].token),
                b.claim(&link, share.proof(), &devices[1].token),
                c.claim(&link, share.proof(), &devices[2].token),
                c.revoke(&share.owner),
                async { (a.sweep().await, c.sweep().await) },
            );
            let claims = [one, two, three];
            assert!(matches!(swept, (Ok(_), Ok(_))), "{swept:?}");
            let winners: Vec<usize> = (0..3).filter(|at| claims[*at].is_ok()).collect();
            assert!(winners.len() <= 1, "{claims:?}");
            let status = b.status(&share.owner, &[], Duration::ZERO).await.unwrap();
            match (winners.first(), &revoked) {
                (Some(winner), Ok(ShareState::Claimed)) => {
                    assert_eq!(status.claimant, Some(devices[*winner].token.claimant(&share.keys.id)));
                    assert_eq!(status.state, ShareState::Revoked);
                    let read = b.get_part(&devices[*winner], 0, 0).await;
                    assert!(matches!(read, Err(RelayError::Gone { how: Gone::Revoked, .. })), "{read:?}");
                }
                (None, Ok(ShareState::Waiting | ShareState::Expired)) => assert_eq!(status.claimant, None),
                other => panic!("{other:?}, {claims:?}, {status:?}"),
            }
            for refused in claims.into_iter().filter_map(Result::err) {
                assert!(matches!(refused, RelayError::Gone { .. } | RelayError::Busy { .. }), "{refused:?}");
            }

            // The lease ends while its holder is still reading.
            let share = Sample::new(5000, false);
            share.send(b).await;
            let device = share.device();
            b.claim(&share.link(), share.proof(), &device.token).await.unwrap();
            advance(86_400 + 70);
            let receipt = share.keys.receipt(&device.token.claimant(&share.keys.id));
            let (_, finished, swept) = tokio::join!(a.get_part(&device, 0, 0), a.finish(&device, &receipt), async {
                (b.sweep().await, c.sweep().await)
            });
            assert!(matches!(swept, (Ok(_), Ok(_))), "{swept:?}");
            advance(200);
            let state = b.status(&share.owner, &[], Duration::ZERO).await.unwrap().state;
            match finished {
                Ok(()) => assert_eq!(state, ShareState::Finished),
                Err(_) => assert_eq!(state, ShareState::Lapsed),
            }
        });
        world.clock.advance(2 * 86_400);
    }
    world.expect_ended_shares_to_be_empty();
    world.settle();
    Tally::made("races", rounds as u64)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn many_claimants(world: &Arc<World>, depth: Depth) -> Tally {
    let nodes = nodes(world);
    let rounds = depth.of(3, 40);
    runtime().block_on(async {
        for _ in 0..rounds {
            let share = Sample::new(5000, false);
            share.send(&nodes[1].0).await;
            let (link, devices) = (share.link(), (0..64).map(|_| share.device()).collect::<Vec<_>>());
            let claims = devices.iter().enumerate().map(|(at, device)| {
                let (node, _) = &nodes[at % 3];
                node.claim(&link, share.proof(), &device.token)
            });
            let claims: Vec<Result<ClaimResponse, RelayError>> = join_all(claims).await;
            assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "{:?}", world.over);
            let at = claims.iter().position(Result::is_ok).unwrap();
            let receipt = share.keys.receipt(&devices[at].token.claimant(&share.keys.id));
            nodes[(at + 1) % 3].0.finish(&devices[at], &receipt).await.unwrap();
        }
    });
    drop(nodes);
    assert!(world.data().is_empty());
    world.settle();
    Tally::made("races", rounds as u64)
}

fn the_right_passphrase_is_repeated(world: &Arc<World>, _: Depth) -> Tally {
    let share = Sample::new(5000, true);
    let here = world.node();
    let (rules, _) = here.parts();
    world.wait(async { share.send(rules).await });
    world
        .faults
        .plan(|op| (op.number % 5 == 0).then_some([Fault::FailAfter, Fault::Twice][(op.number / 5 % 2) as usize]));
    let here = world.node();
    let (rules, _) = here.parts();
    let seen = world.wait(async {
        let link = share.link();
        let mut seen = 0;
        for _ in 0..50 {
            match rules.manifest(&link, share.proof()).await {
                Ok(_) => seen += 1,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
        seen
    });
    let harmed = world.faults.clear();
    assert!(harmed > 20 && seen > 10, "{harmed} failed, {seen} succeeded");
    let here = world.node();
    let (rules, _) = here.parts();
    world.wait(async {
        let status = rules.status(&share.owner, &[], Duration::ZERO).await.unwrap();
        assert_eq!((status.state, status.guesses), (ShareState::Waiting, 1));
    });
    world.settle();
    Tally::made("operations that fail or happen twice", harmed)
}

fn wrong_passphrases_at_three_nodes(world: &Arc<World>, depth: Depth) -> Tally {
    let rounds = depth.of(1, 10);
    let nodes = nodes(world);
    runtime().block_on(async {
        for _ in 0..rounds {
            let share = Sample::new(5000, true);
            share.send(&nodes[0].0).await;
            let (link, guesses) = (share.link(), (0..200).map(|_| Token::random()).collect::<Vec<_>>());
            let asked = guesses.iter().enumerate().map(|(at, guess)| nodes[at % 3].0.manifest(&link, guess));
            let answers = join_all(asked).await;
            let compared = answers.iter().filter(|answer| matches!(answer, Err(RelayError::WrongPassphrase { .. })));
            assert!(compared.count() <= 20, "{:?}", world.over);
            let right = nodes[1].0.manifest(&link, share.proof()).await;
            assert!(matches!(right, Err(RelayError::Gone { how: Gone::Locked, .. })), "{right:?}");
        }
    });
    drop(nodes);
    world.clock.advance(121);
    world.sweep();
    assert!(world.data().is_empty(), "{:?}", world.data());
    world.settle();
    Tally::made("wrong passphrases", 200 * rounds as u64)
}

fn two_programs_of_one_device(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(LARGE, 37);
    let link = sent(world, &content);
    let programs: Vec<_> = (0..6).map(|_| world.share(&["open", "-q", &link, "-o", "received"]).start()).collect();
    let mut codes: Vec<i32> = programs.into_iter().map(|program| program.wait().code).collect();
    codes.sort_unstable();
    // The last one finds the file there.
    assert_eq!(codes[0], 0, "{codes:?}");
    assert!(codes[1..].iter().all(|code| [3, 8].contains(code)), "{codes:?}");
    assert!(world.sandbox.read("received") == content);
    world.settle();
    Tally::made("programs that came second", codes.len() as u64 - 1)
}

fn a_long_upload(world: &Arc<World>, _: Depth) -> Tally {
    let here = world.node();
    let (rules, _) = here.parts();
    world.wait(async {
        let share = Sample::new(5000, false);
        let mut create = share.create.clone();
        create.ttl = 60;
        rules.create(&share.owner, &create).await.unwrap();
        world.clock.advance(7200);
        rules.sweep().await.unwrap();
        share.put_all(rules).await;
        let committed = rules.commit(&share.owner, &share.commit).await.unwrap();
        assert_eq!(committed.expires, world.clock.now() + 60);
        world.clock.advance(59);
        rules.notice(&share.link()).await.unwrap();
        let device = share.device();
        rules.claim(&share.link(), share.proof(), &device.token).await.unwrap();
        world.clock.advance(600);
        rules.sweep().await.unwrap();
        assert!(rules.get_part(&device, 0, 0).await.is_ok(), "who has claimed it has its time");
    });
    world.settle();
    Tally::made("uploads", 1)
}

fn a_clock_a_month_ahead(world: &Arc<World>, _: Depth) -> Tally {
    let share = Sample::new(5000, false);
    let here = world.node();
    let (rules, _) = here.parts();
    world.wait(async { share.send(rules).await });
    for wrong in [world.clock.now() + 30 * 86_400, world.clock.now() - 3600] {
        let node = node_over(world.store(), TestClock::at(wrong));
        runtime().block_on(async {
            assert!(node.probe().await.unwrap_err().to_string().contains("clock"));
            node.check_clock().await.unwrap();
            assert_eq!(node.sweep().await, Err(RelayError::BUSY));
            let claim = node.claim(&share.link(), share.proof(), &Token::random()).await;
            assert!(claim.is_err(), "{claim:?}");
        });
    }
    let here = world.node();
    let (rules, _) = here.parts();
    world.wait(async {
        rules.sweep().await.unwrap();
        rules.claim(&share.link(), share.proof(), &Token::random()).await.unwrap();
    });
    world.settle();
    Tally::made("wrong clocks", 2)
}

fn the_relay_dies_in_a_part(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(LARGE, 38);
    world.sandbox.write("film.bin", &content);
    let line = Proxy::to(&world.address.to_string(), None);
    line.stop_up_at(2_000_000);
    let sender = world.share(&["send", "-q", "film.bin", "--relay", &line.url]).start();
    line.wait_until_up_stopped();
    world.restart();
    line.mend();
    let ended = sender.wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    let link = printed(&ended).unwrap();
    line.stop_down_at(2_000_000);
    let opener = world.share(&["open", "-q", &link, "-o", "received"]).start();
    line.wait_until_down_stopped();
    world.restart();
    line.mend();
    expect_opened_in_the_end(world, &opener.wait(), &link.replace(&line.url, &world.url()), &content);
    world.settle();
    Tally::made("deaths", 2)
}

fn the_connection_is_cut_often(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(700_000, 39);
    let link = sent(world, &content);
    let line = Proxy::to(&world.address.to_string(), Some(50_000));
    let ended = world.share(&["open", "-q", &line.link(&link), "-o", "received"]).run();
    assert_eq!(ended.code, 0, "{ended:?}");
    let cuts = line.cuts();
    // The proxy copies up to 16 KiB at once, so a connection lives a little longer.
    assert!(cuts >= 700_000 / (50_000 + (16 << 10)), "{cuts}");
    expect_opened_in_the_end(world, &ended, &link, &content);
    world.settle();
    Tally::made("cuts", cuts)
}

fn the_lease_ends_in_the_middle(world: &Arc<World>, _: Depth) -> Tally {
    // More than fits into the buffers in transit.
    let content = noise(6 * PART_LEN, 40);
    let link = sent(world, &content);
    let line = Proxy::to(&world.address.to_string(), None);
    line.stop_down_at(1_000_000);
    let opener = world.share(&["open", "-q", &line.link(&link), "-o", "received"]).start();
    line.wait_until_down_stopped();
    world.clock.advance(86_400 + 121);
    world.sweep();
    assert!(world.data().is_empty());
    line.mend();
    let ended = opener.wait();
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(world.sandbox.names(), ["film.bin"]);
    world.settle();
    Tally::made("leases", 1)
}

fn stored_parts_are_wrong(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(LARGE, 41);
    let here = world.node();
    let (rules, _) = here.parts();
    let other = world.wait(async {
        let share = Sample::new(LARGE, false);
        share.send(rules).await;
        share.parts
    });
    let mut tally = Tally::default();
    for wrong in ["rotten", "missing", "truncated", "another share's", "an old one"] {
        let before: Vec<String> = world.data();
        let link = sent(world, &content);
        let here = world.node();
        let (_, store) = here.parts();
        world.wait(async {
            let ours: Vec<String> =
                store.list("v1/", None).await.unwrap().into_iter().map(|object| object.name).collect();
            let parts: Vec<&String> =
                ours.iter().filter(|name| name.contains("/part/") && !before.contains(name)).collect();
            let bytes = async |name: &str| store.read(name, 0).await.unwrap().unwrap().whole().await.unwrap();
            let (first, stored) = (bytes(parts[0]).await, bytes(parts[1]).await);
            let instead = match wrong {
                "rotten" => {
                    let mut rotten = stored.to_vec();
                    rotten[100_000] ^= 4;
                    Some(rotten.into())
                }
                "truncated" => Some(stored.slice(..stored.len() / 2)),
                "another share's" => Some(other[1].clone()),
                "an old one" => Some(first.slice(..stored.len())),
                _ => None,
            };
            store.delete(&[parts[1].clone()]).await.unwrap();
            if let Some(instead) = instead {
                store.create(parts[1], instead.into()).await.unwrap();
            }
        });
        let ended = world.share(&["open", "-q", &link, "-o", "received", "--give-up", "1s"]).run();
        let expected = if wrong == "missing" { 6 } else { 7 };
        assert_eq!(ended.code, expected, "{:?}, {wrong}: {ended:?}", world.over);
        assert_eq!(world.sandbox.names(), ["film.bin"], "{wrong}");
        assert!(!has_ended(world), "{wrong}: no receipt for what did not arrive");
        tally.saw(wrong);
    }
    world.clock.advance(2 * 86_400);
    world.settle();
    tally
}

fn the_recipient_dies(world: &Arc<World>, depth: Depth) -> Tally {
    let content = noise(LARGE, 42);
    let after = |ended: &Ended, link: Option<&str>| expect_goes_on(world, ended, link.unwrap(), &content);
    let args = ["open", "-q", "-o", "received"];
    let mut tally = killed_at_each_operation(world, depth, &ALL, &args, || Some(sent(world, &content)), after);
    // Deaths without a request: at the n-th system call that changes a file.
    let died = |call: &str| format!("open dies at {call}");
    let changes = changes(&world.sandbox, &["open", "-q", &sent(world, &content), "-o", "received"]);
    std::fs::remove_file(world.sandbox.path("received")).unwrap();
    tally.add(Tally::expecting(changes.iter().map(|call| died(call))));
    for call in changes {
        for number in (1..).step_by(depth.step()) {
            let link = sent(world, &content);
            let ended = killed_at(&world.sandbox, call, number, &["open", "-q", &link, "-o", "received"]).run();
            expect_goes_on(world, &ended, &link, &content);
            if !ended.was_killed() {
                assert_eq!(ended.code, 0, "{ended:?}");
                break;
            }
            tally.saw(died(call));
        }
    }
    world.expect_ended_shares_to_be_empty();
    world.settle();
    tally
}

/// After an opener was killed: no plaintext under another name, and the same command gets the share.
fn expect_goes_on(world: &World, ended: &Ended, link: &str, content: &[u8]) {
    if ended.code == 0 {
        return expect_opened_in_the_end(world, ended, link, content);
    }
    let again = world.share(&["open", "-q", link, "-o", "received"]).run();
    if again.code != 0 {
        // The file was saved and the relay informed: nothing is left to repeat.
        assert!([3, 8].contains(&again.code), "{again:?} after {ended:?}");
    }
    expect_opened_in_the_end(world, &Ended { code: 0, ..again }, link, content);
}

fn the_name_is_taken_meanwhile(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(SMALL, 43);
    let link = sent(world, &content);
    let inbox = world.sandbox.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let (taken, done) = (inbox.join("film.bin"), AtomicBool::new(false));
    world.faults.plan(move |op: &Op| {
        if op.kind == Kind::Create && op.name.ends_with("/claim") && !done.swap(true, Ordering::SeqCst) {
            std::fs::write(&taken, "mine").unwrap();
        }
        None
    });
    world.share(&["open", "-q", &link, "-o", "inbox"]).ok();
    world.faults.clear();
    assert_eq!(std::fs::read(inbox.join("film.bin")).unwrap(), b"mine");
    assert!(std::fs::read(inbox.join("film (1).bin")).unwrap() == content);
    world.settle();
    Tally::made("names", 1)
}

fn deleted_data_comes_back(world: &Arc<World>, _: Depth) -> Tally {
    let content = noise(SMALL, 44);
    // The relay dies after the end is written, and before anything is deleted.
    let link = sent(world, &content);
    world.faults.plan(|op| (op.kind == Kind::Create && op.name.ends_with("/end")).then_some(Fault::CrashAfter));
    let opener = world.share(&["open", "-q", &link, "-o", "received"]).start();
    let ended = opener.wait();
    let deaths = world.faults.clear();
    assert!(deaths > 0, "the relay did not die");
    expect_opened_in_the_end(world, &ended, &link, &content);
    world.expect_ended_shares_to_be_empty();

    let (opened, aborted) = (Sample::new(5000, false), Sample::new(5000, false));
    let device = opened.device();
    let here = world.node();
    let (rules, store) = here.parts();
    world.wait(async {
        opened.send(rules).await;
        rules.claim(&opened.link(), opened.proof(), &device.token).await.unwrap();
        rules.finish(&device, &opened.keys.receipt(&device.token.claimant(&opened.keys.id))).await.unwrap();
        rules.create(&aborted.owner, &aborted.create).await.unwrap();
        rules.revoke(&aborted.owner).await.unwrap();
        rules.sweep().await.unwrap();
        for share in [&opened, &aborted] {
            let name = format!("v1/{}/part/000000-{}", share.keys.id.hex(), Checksum::of(&share.parts[0]));
            store.create(&name, share.parts[0].clone().into()).await.unwrap();
        }
        let read = rules.get_part(&device, 0, 0).await;
        assert!(matches!(read, Err(RelayError::Gone { .. })), "{read:?}");
        let stranger = Credential::new(aborted.keys.id, Token::random());
        assert!(matches!(rules.get_part(&stranger, 0, 0).await, Err(RelayError::Unknown)));
    });
    assert_eq!(world.data().len(), 2);
    // D2: a day later.
    world.clock.advance(121);
    world.sweep();
    world.clock.advance(86_400);
    world.sweep();
    assert!(world.data().is_empty(), "{:?}", world.data());
    world.settle();
    let mut tally = Tally::made("deaths before the deletion", deaths);
    tally.add(Tally::made("parts that come back", 2));
    tally
}

fn the_store_fails_while_reporting(world: &Arc<World>, depth: Depth) -> Tally {
    reports::while_reporting(world, depth)
}

fn the_store_fails_while_closing(world: &Arc<World>, depth: Depth) -> Tally {
    reports::while_closing(world, depth)
}

fn the_store_fails_while_a_report_is_deleted(world: &Arc<World>, depth: Depth) -> Tally {
    reports::while_deleting(world, depth)
}

fn reports_race(world: &Arc<World>, depth: Depth) -> Tally {
    reports::races(world, depth)
}

fn the_link_cannot_be_printed(world: &Arc<World>, _: Depth) -> Tally {
    world.sandbox.write("film.bin", &noise(SMALL, 45));
    for redirection in [">&-", ">/dev/full"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("\"$0\" send -q film.bin {redirection}"), SHARE]);
        let ended = world.sandbox.prepare(shell).env("SHARE_RELAY", world.url()).run();
        assert_ne!(ended.code, 0, "{redirection}: {ended:?}");
        assert!(world.data().is_empty(), "{redirection}: {:?}", world.data());
    }
    world.settle();
    Tally::made("closed or full outputs", 2)
}
