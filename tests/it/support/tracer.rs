//! Programs under `strace`, which are killed when they change a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::sandbox::{Run, SHARE, Sandbox};

/// System calls by which a file comes to be, changes or goes.
pub(crate) const CHANGES: [&str; 14] = [
    "write",
    "fsync",
    "syncfs",
    "ftruncate",
    "rename",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "fchmod",
    "flock",
];

/// A program whose changes of files are written to a log, and which comes to no harm.
pub(crate) struct Traced {
    pub(crate) run: Run,
    pub(crate) log: PathBuf,
}

/// A program under a tracer, and where its log will be.
pub(crate) fn traced(sandbox: &Sandbox, args: &[&str]) -> Traced {
    let log = sandbox.other_home("tracer").join("log");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qqq", "-o"]).arg(&log).arg("-e").arg(format!("trace={}", CHANGES.join(",")));
    traced.arg(SHARE).args(args);
    Traced { run: sandbox.prepare(traced).env("SHARE_GIVE_UP", "30s"), log }
}

/// Which changes a traced program has made. These are the ones at which others like it are killed.
pub(crate) fn changes_in(log: &Path) -> Vec<&'static str> {
    let log = std::fs::read_to_string(log).unwrap();
    let made = CHANGES.into_iter().filter(|call| log.contains(&format!(" {call}(")));
    let made: Vec<&str> = made.collect();
    assert!(made.contains(&"write") && made.contains(&"fsync"), "{made:?}");
    made
}

/// The changes that a run makes which must succeed.
pub(crate) fn changes(sandbox: &Sandbox, args: &[&str]) -> Vec<&'static str> {
    let Traced { run, log } = traced(sandbox, args);
    run.ok();
    changes_in(&log)
}

/// A program that is killed when one of its threads makes a system call for the n-th time.
pub(crate) fn doomed(sandbox: &Sandbox, call: &str, number: u64, args: &[&str]) -> Run {
    let mut traced = Command::new("strace");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    traced.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject, SHARE]).args(args);
    sandbox.prepare(traced).env("SHARE_GIVE_UP", "30s")
}
