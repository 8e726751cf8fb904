//! Queries to the tmux server, if this program runs in one of its panes.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::platform::process::find_program;

/// Time limit for an answer of tmux.
const BOUND: Duration = Duration::from_secs(2);
/// Bytes of one sequence that tmux buffers by default. It drops longer sequences without an error.
const INPUT: usize = 1 << 20;
/// Bytes below that limit that stay unused.
const SPARE: usize = 64;

/// Whether this program runs in tmux and can query it. `TMUX` is not set over SSH, `su` and `docker exec`.
pub(crate) fn is_around() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// The output of a tmux command. `None`: there is no tmux, it fails, or it does not answer.
fn ask(args: &[&str]) -> Option<String> {
    if !is_around() {
        return None;
    }
    let mut command = Command::new(find_program("tmux")?);
    command.args(args).env_remove("SHARE_LINK").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < BOUND => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut answer = String::new();
    child.stdout.take()?.take(1 << 16).read_to_string(&mut answer).ok()?;
    status.success().then_some(answer)
}

/// The environment of the client that attached last, as `show-environment` prints it: `NAME=value`, or `-NAME` for a
/// variable that this client does not have.
pub(crate) fn environment() -> Option<String> {
    ask(&["show-environment"])
}

/// The longest sequence that tmux passes on, in bytes. Newer versions have an option for it.
pub(crate) fn longest_sequence() -> usize {
    let answer = ask(&["show-options", "-sv", "input-buffer-size"]);
    let size = answer.and_then(|answer| answer.trim().parse::<usize>().ok()).filter(|size| *size > 0);
    size.unwrap_or(INPUT).saturating_sub(SPARE)
}

/// Whether tmux draws Sixel at the attached terminal. Otherwise it draws a box in place of the picture. `None`: tmux is
/// too old to answer.
pub(crate) fn draws_sixel() -> Option<bool> {
    let features = ask(&["display-message", "-p", "#{client_termfeatures}"])?;
    let features = features.trim();
    (!features.is_empty()).then(|| features.split(',').any(|feature| feature == "sixel"))
}
