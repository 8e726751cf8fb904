//! The side of macOS and the BSDs.

use std::process::{Command, Stdio};

pub(super) fn hears_hangup(lasts: bool) -> bool {
    lasts && !ignores_hangup()
}

/// Whether this program was started with SIGHUP ignored. A child inherits that: a shell that sends SIGHUP to itself
/// ends by it, or not.
pub(super) fn ignores_hangup() -> bool {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -HUP $$"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}
