//! Hours of use in minutes: three relays over one bucket, which die every few seconds, a store with a fault in one of a
//! hundred requests, and users who send, look, revoke, open, and are killed meanwhile.
//!
//! A few seconds of it run with all other tests; `tests/soak MINUTES` runs longer.

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use share::relay::clock::{Clock, SystemClock};

use crate::support::{
    BucketFault, Ended, Proxy, RelayProcess, Run, SHARE, Sandbox, TestS3, noise, relay_over_bucket, settle_bucket,
};

/// Counts of events.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    opened: AtomicU64,
    revoked: AtomicU64,
    lost: AtomicU64,
    wrong: AtomicU64,
    double: AtomicU64,
    refused: AtomicU64,
    killed_relays: AtomicU64,
    killed_people: AtomicU64,
}

fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// A random number.
fn random() -> u64 {
    u64::from(SystemClock.chance())
}

/// The duration.
fn length() -> Duration {
    let minutes = std::env::var("SHARE_SOAK_MINUTES").ok().and_then(|minutes| minutes.parse::<u64>().ok());
    minutes.map_or(Duration::from_secs(12), |minutes| Duration::from_secs(60 * minutes))
}

/// A relay that may be replaced at any moment, at a stable address.
struct Node {
    front: Proxy,
    relay: Mutex<RelayProcess>,
}

/// A pair of users: one sends, the other opens or does not.
struct Person<'a> {
    sandbox: Sandbox,
    nodes: &'a [Node],
    tally: &'a Tally,
}

impl Person<'_> {
    fn run(&self, args: &[&str]) -> Run {
        // Any relay: they share one store.
        let node = &self.nodes[usize::try_from(random()).unwrap() % self.nodes.len()];
        let args: Vec<String> = args.iter().map(|arg| arg.replace("http://relay/", &node.front.url)).collect();
        self.sandbox.share(args).env("SHARE_RELAY", &node.front.url).env("SHARE_GIVE_UP", "2m")
    }

    /// The same, killed after so many milliseconds if it is still running.
    fn killed_at(&self, args: &[&str], after: u64) -> Run {
        let node = &self.nodes[0];
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", &format!("0.{after:03}"), SHARE]);
        command.args(args.iter().map(|arg| arg.replace("http://relay/", &node.front.url)));
        self.sandbox.prepare(command).env("SHARE_RELAY", &node.front.url).env("SHARE_GIVE_UP", "2m")
    }

    /// Runs a command until it succeeds, and sometimes kills it.
    fn run_until(&self, args: &[&str], good: &[i32]) -> Ended {
        loop {
            let ended = match random() % 4 {
                0 => self.killed_at(args, random() % 300).run(),
                _ => self.run(args).run(),
            };
            // A killed program closes its standard output before it releases its lock.
            let is_dying = ended.code == 3 && ended.stderr.contains("being opened here");
            if good.contains(&ended.code) && !is_dying {
                return ended;
            }
            // Killed, or given up: safe to repeat.
            assert!(is_dying || [-1, 6].contains(&ended.code), "{args:?}: {ended:?}");
            one_more(if ended.code == -1 { &self.tally.killed_people } else { &self.tally.refused });
        }
    }

    /// One share, from sending to its end.
    fn share(&self) {
        let sizes = [100, 5000, 300_000, 4_194_304, 9_000_000];
        let content = noise(sizes[usize::try_from(random()).unwrap() % sizes.len()], random());
        self.sandbox.write("film.bin", &content);
        let link = loop {
            // Only a complete line is a link.
            let ended = self.run_until(&["send", "-q", "film.bin"], &[0]);
            let printed = String::from_utf8(ended.stdout).unwrap();
            if printed.ends_with('\n') {
                break printed.trim().to_owned();
            }
        };
        one_more(&self.tally.sent);
        let link = format!("http://relay/#{}", link.split_once('#').unwrap().1);
        if random().is_multiple_of(3) {
            self.run_until(&["peek", "-q", &link], &[0]);
        }
        if random().is_multiple_of(8) {
            self.run_until(&["revoke", "-q", &link], &[0]);
            let late = self.run_until(&["open", "-q", &link, "-o", "got"], &[0, 3, 4]);
            if late.code != 4 {
                eprintln!("opened after it was taken back: {late:?}");
                one_more(&self.tally.double);
            }
            one_more(&self.tally.revoked);
            return;
        }
        // 3 and 8: an earlier run was killed after it had saved the file, and the relay was informed.
        let opened = self.run_until(&["open", "-q", &link, "-o", "got"], &[0, 3, 8]);
        match fs::read(self.sandbox.path("got")) {
            Ok(got) if got == content => one_more(&self.tally.opened),
            Ok(_) => one_more(&self.tally.wrong),
            Err(_) => {
                eprintln!("lost: {opened:?}");
                one_more(&self.tally.lost);
            }
        }
        let _ = fs::remove_file(self.sandbox.path("got"));
        let thief = self.sandbox.other_home("thief");
        loop {
            let stolen = self.run(&["open", "-q", &link, "-o", "stolen"]).env("HOME", &thief).run();
            match stolen.code {
                3 => break,
                6 => {}
                _ => {
                    eprintln!("opened twice: {stolen:?}");
                    one_more(&self.tally.double);
                    let _ = fs::remove_file(self.sandbox.path("stolen"));
                    break;
                }
            }
        }
        assert_eq!(self.sandbox.names(), ["film.bin"], "plaintext lies about");
    }
}

/// Memory in KiB, and open descriptors.
fn weight(pid: u32) -> (u64, usize) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    (memory.trim().trim_end_matches(" kB").parse().unwrap(), descriptors)
}

#[test]
#[ignore = "takes long: tests/all"]
#[expect(clippy::too_many_lines, reason = "one scenario, in order")]
fn nothing_is_lost_doubled_corrupted_or_left_over() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let nodes: Vec<Node> = (0..3)
        .map(|_| {
            let relay = sandbox.start_as_relay(relay_over_bucket(&sandbox, &s3));
            Node { front: Proxy::to(&relay.address(), None), relay: Mutex::new(relay) }
        })
        .collect();
    s3.plan(|_| {
        let mishaps = [
            BucketFault::Refused(500),
            BucketFault::Refused(409),
            BucketFault::Denied(503),
            BucketFault::CutBefore,
            BucketFault::CutAfter,
            BucketFault::Twice,
        ];
        (random().is_multiple_of(100)).then(|| mishaps[usize::try_from(random()).unwrap() % mishaps.len()])
    });
    let (tally, over) = (Tally::default(), AtomicBool::new(false));
    let ends = Instant::now() + length();
    let weights = thread::scope(|scope| {
        let people: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let person = Person { sandbox: Sandbox::new(), nodes: &nodes, tally: &tally };
                    while Instant::now() < ends {
                        person.share();
                    }
                    // The next command informs the relay.
                    person.run_until(&["list", "-q"], &[0]);
                    let begun =
                        person.sandbox.kept().into_iter().filter(|path| path.to_string_lossy().contains("/opening/"));
                    begun.count()
                })
            })
            .collect();
        // The first relay lives, and its resources are watched; the others die.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1000 + random() % 3000));
                let node = &nodes[1 + usize::try_from(random()).unwrap() % 2];
                let mut relay = node.relay.lock().unwrap();
                relay.kill();
                one_more(&tally.killed_relays);
                // A relay that meets a fault at its start is started again.
                *relay = loop {
                    let next = sandbox.start_killable_relay(relay_over_bucket(&sandbox, &s3), || {});
                    if let Some(next) = next {
                        break next;
                    }
                };
                node.front.lead_to(&relay.address());
            }
        });
        let watched = nodes[0].relay.lock().unwrap().pid();
        let mut weights = Vec::new();
        while Instant::now() < ends {
            thread::sleep(Duration::from_secs(2));
            weights.push(weight(watched));
        }
        let people: Vec<_> = people.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        let unfinished: usize = people.into_iter().map(Result::unwrap).sum();
        assert_eq!(unfinished, 0, "openings without a finish at the relay");
        weights
    });
    let harmed = s3.clear();
    drop(nodes);
    // Nothing is left over after the last sweep.
    settle_bucket(&s3, "relay");
    let third = |from: usize| {
        let mut some: Vec<(u64, usize)> = weights[from..from + weights.len() / 3].to_vec();
        some.sort_unstable();
        some[some.len() / 2]
    };
    let (early, late) = (third(weights.len() / 3), third(weights.len() - weights.len() / 3));
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    eprintln!(
        "{:?}: {} sent, {} opened, {} revoked; lost {}, double {}, wrong bytes {}, left over 0; \
         {} relays and {} users killed, {} given up, {harmed} of {} requests to the store failed; \
         surviving relay: {} KiB and {} descriptors in the second third, {} KiB and {} in the last",
        length(),
        count(&tally.sent),
        count(&tally.opened),
        count(&tally.revoked),
        count(&tally.lost),
        count(&tally.double),
        count(&tally.wrong),
        count(&tally.killed_relays),
        count(&tally.killed_people),
        count(&tally.refused),
        s3.asked(),
        early.0,
        early.1,
        late.0,
        late.1,
    );
    assert!(count(&tally.opened) > 0 && harmed > 0);
    assert_eq!(count(&tally.lost) + count(&tally.double) + count(&tally.wrong), 0);
    assert!(late.0 < early.0 + early.0 / 4 + 4096, "memory grows: {weights:?}");
    assert!(late.1 < early.1 + 64, "descriptors grow: {weights:?}");
}
