//! The clipboard, and how to stay out of its history.
//!
//! On a desktop a clipboard's content is handed out by the program that set it, for as long as that runs. So a second
//! process of this program holds it: until something else is copied, or ten minutes have passed. It asks clipboard
//! managers to keep no copy. Elsewhere, over SSH for one, the terminal is asked to set the clipboard of the machine
//! that it runs on (OSC 52).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use arboard::{Clipboard, SetExtLinux};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::platform::process;
use crate::platform::tty::Tty;
use crate::terminal::session::DesktopSession;

/// How long the second process holds the clipboard.
const HELD: Duration = Duration::from_mins(10);
/// The line that the second process prints when it has the clipboard.
const READY: &str = "ready";
/// The only argument of the second process.
pub(crate) const HOLD: &str = "hold-clipboard";

/// The clipboard into which something was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// This desktop's: a second process of this program holds it.
    Held,
    /// The terminal's, which never answers whether it took it.
    Terminal,
}

/// Copies `text`.
pub(crate) fn copy(text: &str) -> io::Result<Copied> {
    let session = DesktopSession::find();
    if session.is_desktop() {
        return hand_over(text, &session).map(|()| Copied::Held);
    }
    let mut terminal =
        Tty::open_to_write().map_err(|_| io::Error::other("there is neither a desktop nor a terminal"))?;
    let coded = Zeroizing::new(BASE64_STANDARD.encode(text));
    write!(terminal, "\x1b]52;c;{}\x07", coded.as_str())?;
    Ok(Copied::Terminal)
}

/// Starts the second process, and waits until it has the clipboard. The text is in no program's arguments.
fn hand_over(text: &str, session: &DesktopSession) -> io::Result<()> {
    let mut holder = Command::new(std::env::current_exe()?);
    session.apply(&mut holder);
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

/// Runs the second process.
pub(crate) fn hold() -> ExitCode {
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
            // Nobody listens to an error any more.
            let _ = clipboard.set().exclude_from_history().wait_until(Instant::now() + HELD).text(text.as_str());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(stdout, "{why}");
            ExitCode::FAILURE
        }
    }
}
