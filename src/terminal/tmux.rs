//! Queries to the tmux server, if this program runs in one of its panes.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::platform::process::find_program;
use crate::platform::tty;

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

/// The outer terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outer {
    /// Its name and version, as it reported them to tmux.
    pub(crate) name: String,
    /// Whether all terminals that show this session draw pictures in the place of Kitty's placeholders.
    pub(crate) has_placeholders: bool,
    /// Whether tmux passes sequences on to it.
    pub(crate) may_pass: bool,
}

/// The outer terminal. `None`: there is no tmux, no terminal shows the session, tmux is too old, or this program
/// runs at another terminal than that of the pane: editors and screen open terminals of their own in it, whose programs
/// inherit `TMUX`.
pub(crate) fn outer() -> Option<Outer> {
    let pane = std::env::var("TMUX_PANE").ok()?;
    let format = "#{pane_tty} #{session_id} #{window_id} #{allow-passthrough} #{client_termtype}";
    let here = ask(&["display-message", "-p", "-t", &pane, format])?;
    let (tty, here) = here.trim_end_matches('\n').split_once(' ')?;
    if !tty::is_controlled_by(Path::new(tty)) {
        return None;
    }
    let clients = ask(&["list-clients", "-F", "#{session_id} #{window_id} #{client_termtype}"])?;
    Outer::read(here, &clients)
}

impl Outer {
    /// `here`: the session, the window, the option and the name. `clients`: the same of each client, but the option.
    fn read(here: &str, clients: &str) -> Option<Self> {
        let mut here = here.splitn(4, ' ');
        let (session, window, passes, name) = (here.next()?, here.next()?, here.next()?, here.next()?);
        // A client of another session may show the same window.
        let names = clients.lines().filter_map(|client| {
            let mut client = client.splitn(3, ' ');
            let (of_session, of_window) = (client.next()?, client.next()?);
            client.next().filter(|_| of_session == session || of_window == window)
        });
        let names: Vec<_> = names.collect();
        let has_placeholders = !names.is_empty() && names.iter().all(|name| draws_placeholders(name));
        Some(Self { name: name.to_owned(), has_placeholders, may_pass: matches!(passes, "1" | "on" | "2" | "all") })
    }
}

/// Whether a terminal of this name has Kitty's placeholders: Kitty since 0.28, and Ghostty.
fn draws_placeholders(name: &str) -> bool {
    let Some(version) = name.strip_prefix("kitty(") else { return name.starts_with("ghostty") };
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 28)
}

/// Whether tmux passes sequences on now: the option is on and this pane is on a screen. False if tmux does not answer.
pub(crate) fn passes_now() -> bool {
    let ask_pane = || {
        let pane = std::env::var("TMUX_PANE").ok()?;
        ask(&["display-message", "-p", "-t", &pane, STATE])
    };
    ask_pane().is_some_and(|state| passes(&state))
}

/// The facts on which that depends.
const STATE: &str =
    "#{session_attached} #{window_active_clients} #{window_zoomed_flag} #{pane_active} #{allow-passthrough}";

/// Whether tmux passes sequences on, by its answer to [`STATE`].
fn passes(state: &str) -> bool {
    let [attached, active, is_zoomed, is_active, option] = state.split_whitespace().collect::<Vec<_>>()[..] else {
        return false;
    };
    match option {
        "all" | "2" => attached != "0",
        "on" | "1" => active != "0" && (is_zoomed == "0" || is_active == "1"),
        _ => false,
    }
}

/// A sequence in the form that tmux passes on to the terminal around it, if the option `allow-passthrough` is on.
pub(crate) fn passed_on(sequence: &[u8]) -> Vec<u8> {
    let mut passed = b"\x1bPtmux;".to_vec();
    for byte in sequence {
        if *byte == 0x1b {
            passed.push(0x1b);
        }
        passed.push(*byte);
    }
    passed.extend_from_slice(b"\x1b\\");
    passed
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_need_a_terminal_with_placeholders_at_every_client() {
        let has = |clients: &str| Outer::read("$0 @3 1 kitty(0.35.2)", clients).unwrap().has_placeholders;
        assert!(has("$0 @3 kitty(0.35.2)\n$0 @1 ghostty 1.0.1\n$2 @9 XTerm(390)\n"));
        assert!(has("$0 @3 kitty(1.2)\n"));
        for other in ["", "$0 @3 kitty(0.27.1)\n", "$0 @3 kitty(0.35.2)\n$0 @1 XTerm(390)\n", "$0 @3 \n"] {
            assert!(!has(other), "{other:?}");
        }
        // Another session shows the window.
        assert!(!has("$0 @3 kitty(0.35.2)\n$1 @3 foot(1.16.2)\n"));
    }

    #[test]
    fn passthrough_is_on_in_each_spelling() {
        let may = |passes: &str| Outer::read(&format!("$0 @0 {passes} x"), "").unwrap().may_pass;
        assert!(may("1") && may("on") && may("all"));
        assert!(!may("0") && !may("off") && !may(""));
    }

    #[test]
    fn sequences_pass_while_the_option_is_on_and_the_pane_is_shown() {
        for state in ["1 1 0 1 on", "1 1 0 0 1", "1 1 1 1 1", "1 0 0 1 all", "1 0 1 0 2"] {
            assert!(passes(state), "{state}");
        }
        for state in ["1 1 0 1 off", "1 1 0 1 0", "1 0 0 1 1", "1 1 1 0 1", "0 0 0 1 all", "1 1 0 1", ""] {
            assert!(!passes(state), "{state}");
        }
    }

    #[test]
    fn escapes_are_doubled_for_tmux() {
        assert_eq!(passed_on(b"\x1b_Ga\x1b\\"), b"\x1bPtmux;\x1b\x1b_Ga\x1b\x1b\\\x1b\\");
    }
}
