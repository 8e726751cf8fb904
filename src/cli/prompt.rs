//! Questions to the person at the terminal. They go to the terminal itself, so that they work while standard input
//! and output are pipes.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};

use rustix::termios::{QueueSelector, tcflush};
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
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Asks for something that is not shown while it is typed.
pub(super) fn ask_hidden(question: &str) -> Result<Zeroizing<String>, Trouble> {
    match rpassword::prompt_password(format!("{question} ")) {
        Ok(answer) => Ok(Zeroizing::new(answer)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Trouble::Interrupted(None)),
        Err(_) => Err(Trouble::usage("there is no terminal to ask at", "give it as --help says")),
    }
}
