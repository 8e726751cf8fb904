//! Questions to the person at the terminal. They go to the terminal itself, so that they work while standard input
//! and output are pipes.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{QueueSelector, tcflush};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::failure::Trouble;

/// The terminal, if there is one.
fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Whether anybody can be asked.
pub(super) fn possible() -> bool {
    terminal().is_some()
}

/// Asks, and returns one line. What was typed before the question is not an answer to it.
pub(super) fn ask(question: &str) -> io::Result<String> {
    let mut terminal = terminal().ok_or(io::ErrorKind::NotFound)?;
    tcflush(&terminal, QueueSelector::IFlush)?;
    write!(terminal, "{question} ")?;
    terminal.flush()?;
    ASKING.store(true, Ordering::SeqCst);
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer)?;
    ASKING.store(false, Ordering::SeqCst);
    Ok(answer.trim().to_owned())
}

/// Asks without holding anything else up. No terminal is no answer; neither is an empty line.
pub(super) async fn ask_later(question: String) -> Result<String, Trouble> {
    let answer = spawn_blocking(move || ask(&question)).await.map_err(anyhow::Error::from)?;
    Ok(answer.unwrap_or_default().to_lowercase())
}

/// Whether a question has been asked and not answered: its line is still open.
pub(super) fn is_asking() -> bool {
    ASKING.load(Ordering::SeqCst)
}

static ASKING: AtomicBool = AtomicBool::new(false);

/// Takes what was typed or pasted after an answer off the terminal, so that no shell runs it. Returns whether there was
/// any.
pub(super) fn discard_rest() -> bool {
    let Some(terminal) = terminal() else { return false };
    let more = rustix::io::ioctl_fionread(&terminal).unwrap_or(0) > 0;
    let _ = tcflush(&terminal, QueueSelector::IFlush);
    more
}

/// Asks for something that is not shown while it is typed.
pub(super) fn ask_hidden(question: &str) -> Result<Zeroizing<String>, Trouble> {
    match rpassword::prompt_password(format!("{question} ")) {
        Ok(answer) => Ok(Zeroizing::new(answer)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Trouble::Interrupted(None)),
        Err(_) => Err(Trouble::usage("there is no terminal to ask at", "give it as --help says")),
    }
}
