//! A small disk.

use std::fs;
use std::process::Command;

use super::sandbox::{Ended, SHARE, Sandbox};

/// Runs a script with `$SHARE` and a disk of 8 MiB at `small`.
pub(crate) fn with_a_small_disk(sandbox: &Sandbox, script: &str) -> Ended {
    fs::create_dir(sandbox.path("small")).unwrap();
    let mut shell = Command::new("unshare");
    let mount = "mount -t tmpfs -o size=8m,mode=700 small small && cd . && ";
    // The mount's namespace ends with the script.
    shell.args(["--user", "--map-root-user", "--mount", "bash", "-ec", &format!("{mount}\n{script}")]);
    sandbox.prepare(shell).env("SHARE", SHARE).run()
}
