//! Linux and the BSDs: a second process of this program holds the clipboard.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use arboard::{Clipboard, SetExtLinux};
use zeroize::Zeroizing;

use crate::platform::process;

/// The first argument of the second process.
const HOLD: &str = "hold-clipboard";
/// Time for which the second process holds the clipboard.
const HELD: Duration = Duration::from_mins(10);
/// The line that the second process prints when it has the clipboard.
const READY: &str = "ready";

pub(super) const IS_HELD: bool = true;

/// Starts the second process, and waits until it holds the clipboard. The text is not passed as an argument.
pub(super) fn set(text: &str, prepare: impl FnOnce(&mut Command)) -> io::Result<()> {
    let mut holder = Command::new(std::env::current_exe()?);
    prepare(&mut holder);
    let mut child = holder
        .arg(HOLD)
        .env_remove("SHARE_LINK")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let mut answer = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut answer)?;
    }
    match answer.trim() {
        READY => Ok(()),
        "" => Err(io::Error::other("there is no clipboard")),
        why => Err(io::Error::other(why.to_owned())),
    }
}

pub(super) fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    arguments.get(1).is_some_and(|argument| argument == HOLD).then(hold)
}

fn hold() -> ExitCode {
    process::leave_session();
    let mut text = Zeroizing::new(String::new());
    let set = io::stdin().lock().read_to_string(&mut text).map_err(|error| error.to_string()).and_then(|_| {
        let mut clipboard = Clipboard::new().map_err(|error| error.to_string())?;
        let set = clipboard.set().exclude_from_history().text(text.as_str());
        set.map(|()| clipboard).map_err(|error| error.to_string())
    });
    let mut stdout = io::stdout().lock();
    match set {
        Ok(mut clipboard) => {
            if writeln!(stdout, "{READY}").is_err() {
                return ExitCode::FAILURE;
            }
            // The parent has stopped reading, so the error is dropped.
            let _ = clipboard.set().exclude_from_history().wait_until(Instant::now() + HELD).text(text.as_str());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(stdout, "{why}");
            ExitCode::FAILURE
        }
    }
}
