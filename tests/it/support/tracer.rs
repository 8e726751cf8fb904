//! Programs under `strace`, killed when they change a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::sandbox::{Run, SHARE, Sandbox};

/// System calls that create, change or remove files.
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

/// A run whose changes of files are logged.
pub(crate) struct Traced {
    pub(crate) run: Run,
    pub(crate) log: PathBuf,
}

/// A run under `strace`, and the path of its log.
pub(crate) fn traced(sandbox: &Sandbox, args: &[&str]) -> Traced {
    let log = sandbox.other_home("tracer").join("log");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qqq", "-o"]).arg(&log).arg("-e").arg(format!("trace={}", CHANGES.join(",")));
    traced.arg(SHARE).args(args);
    Traced { run: sandbox.prepare(traced).env("SHARE_GIVE_UP", "30s"), log }
}

/// The changes in a log, as calls at which [`killed_at`] can kill.
pub(crate) fn changes_in(log: &Path) -> Vec<&'static str> {
    let log = std::fs::read_to_string(log).unwrap();
    let made = CHANGES.into_iter().filter(|call| log.contains(&format!(" {call}(")));
    let made: Vec<&str> = made.collect();
    assert!(made.contains(&"write") && made.contains(&"fsync"), "{made:?}");
    made
}

/// The changes of a run, which must succeed.
pub(crate) fn changes(sandbox: &Sandbox, args: &[&str]) -> Vec<&'static str> {
    let Traced { run, log } = traced(sandbox, args);
    run.ok();
    changes_in(&log)
}

/// A run that is killed at the n-th system call of a kind in one of its threads.
pub(crate) fn killed_at(sandbox: &Sandbox, call: &str, number: u64, args: &[&str]) -> Run {
    let mut traced = Command::new("strace");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    traced.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject, SHARE]).args(args);
    sandbox.prepare(traced).env("SHARE_GIVE_UP", "30s")
}
