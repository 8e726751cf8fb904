//! Real programs, killed at the n-th change that they make to a store: n counts up until a run is no longer harmed.
//!
//! A bucket kills the process that sends a request. A program that changes files is traced, and killed at the n-th
//! change. Afterwards nothing is lost, nothing was opened twice, and no file is left over.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use share::relay::clock::{Clock, SystemClock};
use share::relay::store::folder::{Folder, Sharing};

use crate::support::{
    BucketFault, Ended, Proxy, RelayProcess, Run, Sandbox, Tally, TestS3, Traced, changes, changes_in, files,
    killed_at, noise, relay_over_bucket, settle, settle_bucket, traced,
};

/// The distance between two tested deaths.
fn stride(quick: usize) -> usize {
    if std::env::var_os("SHARE_FAULTS_RESULTS").is_some() { 1 } else { quick }
}

fn printed(ended: &Ended) -> String {
    String::from_utf8(ended.stdout.clone()).unwrap().trim().to_owned()
}

/// The checks after a death: `send` and `open` make runs of the program; `harmed` executes one with a fault.
struct Trial<'a> {
    sandbox: &'a Sandbox,
    run: &'a dyn Fn(&[&str]) -> Run,
    content: Vec<u8>,
}

impl<'a> Trial<'a> {
    fn new(sandbox: &'a Sandbox, run: &'a dyn Fn(&[&str]) -> Run, size: usize) -> Self {
        let content = noise(size, 61);
        sandbox.write("film.bin", &content);
        Self { sandbox, run, content }
    }

    fn run(&self, args: &[&str]) -> Run {
        (self.run)(args).env("SHARE_GIVE_UP", "30s")
    }

    fn send(&self) -> String {
        self.run(&["send", "-q", "film.bin"]).ok()
    }

    fn expect_received(&self, ended: &Ended) {
        assert!(self.sandbox.read("got") == self.content, "{ended:?}");
        std::fs::remove_file(self.sandbox.path("got")).unwrap();
        assert_eq!(self.sandbox.names(), ["film.bin"], "{ended:?}");
    }

    fn args(sends: bool, link: &str) -> Vec<&str> {
        if sends { vec!["send", "-q", "film.bin"] } else { vec!["open", "-q", link, "-o", "got"] }
    }

    fn after(&self, sends: bool, ended: &Ended, link: &str) {
        if sends { self.after_sending(ended) } else { self.after_opening(ended, link) }
    }

    /// After the death of a sender or its relay: no link, or one that works.
    fn after_sending(&self, ended: &Ended) {
        let link = printed(ended);
        assert!(ended.code != 0 || !link.is_empty(), "{ended:?}");
        let link = if link.is_empty() { self.send() } else { link };
        self.run(&["open", "-q", &link, "-o", "got"]).ok();
        self.expect_received(ended);
    }

    /// After the death of an opener or its relay: the same command gets the share, and no other device does.
    fn after_opening(&self, ended: &Ended, link: &str) {
        if ended.code != 0 && !self.sandbox.path("got").exists() {
            assert_eq!(self.sandbox.names(), ["film.bin"], "{ended:?}");
            self.run(&["open", "-q", link, "-o", "got"]).ok();
        }
        // A share that was saved before the relay was informed is finished by the next command.
        self.run(&["list", "-q"]).ok();
        self.expect_received(ended);
        let there = self.sandbox.other_home("ben");
        let stolen = self.run(&["open", "-q", link, "-o", "stolen"]).env("HOME", there);
        stolen.env("SHARE_RELAY", link.split('#').next().unwrap()).fails(3, "on another device");
    }
}

/// The deaths that must be observed: of a sender and an opener, before and after a request is carried out.
const BUCKET_DEATHS: [&str; 4] = ["send, before", "send, after", "open, before", "open, after"];

fn bucket_death(sends: bool, after: bool) -> &'static str {
    BUCKET_DEATHS[usize::from(!sends) * 2 + usize::from(after)]
}

#[test]
#[ignore = "needs strace, and takes long: tests/all"]
fn a_user_of_a_bucket_dies_at_any_request() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let run = |args: &[&str]| sandbox.share(args).envs(s3.settings());
    run(&["relay", "use", "-q", &TestS3::url("team")]).ok();
    let stage = Trial::new(&sandbox, &run, 4_500_000);
    let dies_at = |number: u64, after: bool, args: &[&str]| {
        let pid = Arc::new(OnceLock::<u32>::new());
        let victim = pid.clone();
        s3.plan(move |asked| {
            let fault = if after { BucketFault::KillAfter } else { BucketFault::KillBefore };
            (asked.number == number).then(|| fault(*victim.wait()))
        });
        let program = stage.run(args).start();
        pid.set(program.0.id()).unwrap();
        let ended = program.wait();
        (ended, s3.clear() > 0)
    };
    let mut tally = Tally::expecting(BUCKET_DEATHS);
    for (sends, after) in [(true, false), (true, true), (false, false), (false, true)] {
        for number in (1..).step_by(stride(3)) {
            let link = if sends { String::new() } else { stage.send() };
            let (ended, harmed) = dies_at(number, after, &Trial::args(sends, &link));
            if ended.was_killed() {
                tally.saw(bucket_death(sends, after));
            }
            stage.after(sends, &ended, &link);
            if !harmed {
                break;
            }
        }
    }
    tally.expect_all("a user of a bucket dies");
    settle_bucket(&s3, "team");
}

fn file_death(call: &str, sends: bool) -> String {
    format!("{} dies at {call}", if sends { "send" } else { "open" })
}

#[test]
#[ignore = "needs strace, and takes long: tests/all"]
fn a_user_of_a_folder_dies_at_any_change_of_a_file() {
    let sandbox = Sandbox::new();
    let nas = sandbox.other_home("nas").join("team");
    let url = format!("file://{}", nas.display());
    let run = |args: &[&str]| sandbox.share(args);
    run(&["relay", "use", "-q", &url]).ok();
    let stage = Trial::new(&sandbox, &run, 4_500_000);
    // Only the first run of a device creates its secret.
    let link = stage.send();
    stage.run(&Trial::args(false, &link)).ok();
    std::fs::remove_file(sandbox.path("got")).unwrap();
    let mut tally = Tally::default();
    for sends in [true, false] {
        let link = if sends { String::new() } else { stage.send() };
        let changes = changes(&sandbox, &Trial::args(sends, &link));
        if !sends {
            std::fs::remove_file(sandbox.path("got")).unwrap();
        }
        tally.add(Tally::expecting(changes.iter().map(|call| file_death(call, sends))));
        for call in changes {
            for number in (1..).step_by(stride(7)) {
                let link = if sends { String::new() } else { stage.send() };
                let ended = killed_at(&sandbox, call, number, &Trial::args(sends, &link)).run();
                stage.after(sends, &ended, &link);
                if !ended.was_killed() {
                    assert_eq!(ended.code, 0, "{ended:?}");
                    break;
                }
                tally.saw(file_death(call, sends));
            }
        }
    }
    tally.expect_all("a user of a folder dies");
    settle_folder(&nas);
}

/// Sweeps a folder at ever later times, and checks that everything is deleted in time.
fn settle_folder(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(settle(Arc::new(Folder::open(path, Sharing::WithItsServer).unwrap()), SystemClock.now()));
}

/// Events while a relay may die.
enum Event {
    /// The n-th relay has died.
    Died(u64),
    Ended(Ended),
}

/// Successive relays at one address, over one store.
struct Relays<'a> {
    front: Proxy,
    sandbox: &'a Sandbox,
    start: &'a dyn Fn() -> Run,
    current: Option<RelayProcess>,
    started: u64,
    tell: Sender<Event>,
    events: Receiver<Event>,
}

impl<'a> Relays<'a> {
    fn new(sandbox: &'a Sandbox, start: &'a dyn Fn() -> Run) -> Self {
        let (tell, events) = channel();
        let mut relays = Self { front: Proxy::to("", None), sandbox, start, current: None, started: 0, tell, events };
        relays.renew();
        relays
    }

    /// Starts another relay in place of the running one. Returns whether it is ready.
    fn replace(&mut self, run: Run) -> bool {
        if let Some(mut relay) = self.current.take() {
            relay.kill();
        }
        self.started += 1;
        let (tell, number) = (self.tell.clone(), self.started);
        self.current = self.sandbox.start_killable_relay(run, move || drop(tell.send(Event::Died(number))));
        if let Some(relay) = &self.current {
            self.front.lead_to(&relay.address());
        }
        self.current.is_some()
    }

    /// Starts relays until one is ready. A relay that was killed under a tracer may hold its folder a moment longer
    /// than the tracer runs.
    fn renew(&mut self) {
        let begun = Instant::now();
        while !self.replace((self.start)()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "no relay is ready any more");
        }
    }

    /// Runs a command, and restarts the relay whenever it dies, also while it deletes what was opened. Returns whether
    /// it died.
    fn with_restarts(&mut self, command: Run) -> (Ended, bool) {
        let (program, tell, before) = (command.start(), self.tell.clone(), self.started);
        std::thread::spawn(move || tell.send(Event::Ended(program.wait())));
        loop {
            match self.events.recv().unwrap() {
                Event::Died(number) if number == self.started => self.renew(),
                Event::Died(_) => {}
                Event::Ended(ended) => {
                    let died = self.started > before;
                    let died = self.current.take().is_some_and(|mut relay| relay.stop()) || died;
                    self.renew();
                    return (ended, died);
                }
            }
        }
    }
}

#[test]
#[ignore = "needs strace, and takes long: tests/all"]
fn a_relay_over_a_bucket_dies_at_any_request() {
    let (sandbox, s3) = (Sandbox::new(), TestS3::start());
    let start = || relay_over_bucket(&sandbox, &s3);
    let mut relays = Relays::new(&sandbox, &start);
    let url = relays.front.url.clone();
    let run = |args: &[&str]| sandbox.share(args).env("SHARE_RELAY", &url);
    let stage = Trial::new(&sandbox, &run, 4_500_000);
    let mut tally = Tally::expecting(BUCKET_DEATHS);
    for (sends, after) in [(true, false), (true, true), (false, false), (false, true)] {
        for number in (1..).step_by(stride(5)) {
            let link = if sends { String::new() } else { stage.send() };
            let pid = relays.current.as_ref().unwrap().pid();
            let fault = if after { BucketFault::KillAfter(pid) } else { BucketFault::KillBefore(pid) };
            s3.plan(move |asked| (asked.number == number).then_some(fault));
            let (ended, died) = relays.with_restarts(stage.run(&Trial::args(sends, &link)));
            let harmed = s3.clear() > 0;
            if died {
                tally.saw(bucket_death(sends, after));
            }
            stage.after(sends, &ended, &link);
            if !harmed {
                break;
            }
        }
    }
    tally.expect_all("a relay over a bucket dies");
    drop(relays);
    settle_bucket(&s3, "relay");
}

#[test]
#[ignore = "needs strace, and takes long: tests/all"]
fn a_relay_over_a_folder_dies_at_any_change_of_a_file() {
    let sandbox = Sandbox::new();
    let store = sandbox.other_home("store").join("shares");
    let store_url = format!("file://{}", store.display());
    let args = ["relay", "--listen", "127.0.0.1:0", "--store", &store_url, "--reserve", "0"];
    let start = || sandbox.share(args);
    let mut relays = Relays::new(&sandbox, &start);
    let url = relays.front.url.clone();
    let run = |args: &[&str]| sandbox.share(args).env("SHARE_RELAY", &url);
    let stage = Trial::new(&sandbox, &run, 4_500_000);
    // The changes that a relay makes between its start and an unexpected end.
    let Traced { run: unharmed, log } = traced(&sandbox, &args);
    assert!(relays.replace(unharmed), "a relay under a tracer is not ready");
    let link = stage.send();
    stage.run(&Trial::args(false, &link)).ok();
    std::fs::remove_file(sandbox.path("got")).unwrap();
    relays.renew();
    let changes = changes_in(&log);
    let mut tally = Tally::expecting(changes.iter().copied());
    for (call, sends) in changes.into_iter().flat_map(|call| [(call, true), (call, false)]) {
        for number in (1..).step_by(stride(13)) {
            let link = if sends { String::new() } else { stage.send() };
            if !relays.replace(killed_at(&sandbox, call, number, &args)) {
                // It died before it was ready: the next one continues.
                tally.saw(call);
                relays.renew();
                continue;
            }
            let (ended, died) = relays.with_restarts(stage.run(&Trial::args(sends, &link)));
            stage.after(sends, &ended, &link);
            if !died {
                break;
            }
            tally.saw(call);
        }
    }
    tally.expect_all("a relay over a folder dies");
    relays.renew();
    let left = files(&store).into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("tmp")));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "no staging files");
    drop(relays);
    settle_folder(&store);
}
