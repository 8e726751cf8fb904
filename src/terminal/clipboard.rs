//! The clipboard, without an entry in its history.
//!
//! On a desktop, the program that set a clipboard serves its content for as long as it runs. So a second process of
//! this program holds it: until something else is copied, or for ten minutes. It asks clipboard managers to keep no
//! copy. Elsewhere, for example over SSH, the terminal is asked to set the clipboard of its own machine (OSC 52).

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

/// Time for which the second process holds the clipboard.
const HELD: Duration = Duration::from_mins(10);
/// The line that the second process prints when it has the clipboard.
const READY: &str = "ready";
/// The only argument of the second process.
pub(crate) const HOLD: &str = "hold-clipboard";

/// The clipboard that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The desktop's: a second process of this program holds it.
    Held,
    /// The terminal's. A terminal does not confirm that it was set.
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

/// Starts the second process, and waits until it holds the clipboard. The text is not passed as an argument.
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
