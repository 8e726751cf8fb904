//! Time limits of tests. Nothing waits without one.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Time limit for one step, on a loaded machine.
pub(crate) const TIME_LIMIT: Duration = Duration::from_mins(3);
/// Time limit for a whole test. A full run of a table of faults has more.
const TEST: Duration = Duration::from_mins(10);
const FULL_TEST: Duration = Duration::from_mins(90);

/// Waits until a condition holds. Panics with `what` at the time limit.
pub(crate) fn wait_while<'a, T>(
    what: &str,
    changed: &Condvar,
    guard: MutexGuard<'a, T>,
    is_not_yet: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let (guard, waited) = changed.wait_timeout_while(guard, TIME_LIMIT, is_not_yet).unwrap();
    assert!(!waited.timed_out(), "{what}: it took longer than {TIME_LIMIT:?}");
    guard
}

/// A running test. If it blocks for too long, for example on a read, it ends the whole process: a thread cannot be
/// ended otherwise.
pub(crate) struct Watched(u64);

type Running = Mutex<BTreeMap<u64, (String, Instant)>>;

fn running() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    RUNNING.get_or_init(|| {
        thread::spawn(|| {
            let full = ["SHARE_FAULTS_RESULTS", "SHARE_SOAK_MINUTES"];
            let is_full = full.iter().any(|name| std::env::var_os(name).is_some());
            let longest = if is_full { FULL_TEST } else { TEST };
            loop {
                thread::sleep(Duration::from_secs(5));
                let all = running().lock().unwrap();
                if let Some((name, _)) = all.values().find(|(_, since)| since.elapsed() > longest) {
                    eprintln!("{name} took longer than {longest:?}");
                    std::process::abort();
                }
            }
        });
        Running::default()
    })
}

impl Watched {
    /// Watches the test of this thread from now on.
    pub(crate) fn begin() -> Self {
        let name = thread::current().name().unwrap_or("a test").to_owned();
        let mut all = running().lock().unwrap();
        let number = all.last_key_value().map_or(0, |(last, _)| last + 1);
        all.insert(number, (name, Instant::now()));
        Self(number)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        running().lock().unwrap().remove(&self.0);
    }
}

/// Notes that a test cannot run on this machine; `tests/all` lists these at its end. Panics in the checks, where
/// nothing may be skipped.
pub(crate) fn skip(why: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none(), "{test} cannot run: {why}");
    eprintln!("skipped: {test}: {why}");
    if let Some(path) = std::env::var_os("SHARE_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{test}: {why}"));
    }
}
