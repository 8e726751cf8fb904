//! The admin listener of a relay, and its log in the journal of systemd.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::raw::{Answer, PATIENCE};
use super::sandbox::{Run, SHARE, Sandbox};

/// The default socket of a relay whose home this is.
pub(crate) fn socket_in(home: &Path) -> PathBuf {
    home.join(".local/state/share/relay.sock")
}

/// Asks at a socket in the file system.
pub(crate) fn ask_admin(socket: &Path, path: &str) -> Answer {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::of(answer)
}

/// The JSON object at a path.
pub(crate) fn admin_json(socket: &Path, path: &str) -> Value {
    serde_json::from_slice(&ask_admin(socket, path).body).unwrap()
}

/// The value of a metric, a whole number, with its labels, as they are written.
pub(crate) fn metric(socket: &Path, name: &str) -> Option<u64> {
    let text = String::from_utf8(ask_admin(socket, "/metrics").body).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Waits until something holds, which the relay does soon.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

/// A run of the program for which `directory` is `/run/systemd/journal`.
pub(crate) fn with_journal(sandbox: &Sandbox, directory: &Path, args: &[&str]) -> Run {
    let mut shell = Command::new("unshare");
    let mount = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind \"$JOURNAL\" \
                 /run/systemd/journal && exec \"$@\"";
    shell.args(["--user", "--map-root-user", "--mount", "sh", "-ec", mount, "sh", SHARE]).args(args);
    sandbox.prepare(shell).env("JOURNAL", directory)
}
