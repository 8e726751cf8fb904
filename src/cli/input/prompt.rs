//! Questions to the person at the terminal. They go to the terminal itself, so that they work while standard input
//! and output are pipes.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::output::{columns_of, wrapped};
use crate::terminal::{keys, style};

/// The terminal, if there is one.
fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Whether anybody can be asked.
pub(crate) fn possible() -> bool {
    terminal().is_some()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(File, Termios);

impl Hidden {
    fn on(terminal: &File) -> io::Result<Self> {
        let (terminal, before) = (terminal.try_clone()?, tcgetattr(terminal)?);
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO;
        // The line's end is shown: the answer was taken.
        hidden.local_modes |= LocalModes::ECHONL;
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self(terminal, before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
    }
}

/// Asks, and returns one line. What was typed before the question is not an answer to it. Ctrl-C and Ctrl-D are no.
async fn line(question: &str, hide: bool, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let no_terminal = || Failure::usage("there is no terminal to ask at", "give it as --help says");
    let failed = |error: io::Error| Failure::local(format!("the terminal: {error}"), "nothing was done");
    let mut terminal = terminal().ok_or_else(no_terminal)?;
    tcflush(&terminal, QueueSelector::IFlush).map_err(|errno| failed(errno.into()))?;
    let _hidden = if hide { Some(Hidden::on(&terminal).map_err(failed)?) } else { None };
    let question = wrapped(&style::readable(question), columns_of(&terminal));
    write!(terminal, "{question} ").and_then(|()| terminal.flush()).map_err(failed)?;
    ASKING.store(true, Ordering::SeqCst);
    let answer = cx
        .unless_interrupted(move || {
            let mut line = Zeroizing::new(Vec::new());
            BufReader::new(terminal).read_until(b'\n', &mut line)?;
            // A terminal may answer an earlier question of ours as late as now.
            let typed = keys::typed(&line);
            let typed = std::str::from_utf8(&typed).map_err(|_| io::Error::other("the input is not UTF-8"))?;
            Ok(Zeroizing::new(typed.to_owned()))
        })
        .await?
        .map_err(failed)?;
    if answer.is_empty() {
        return Err(Failure::Interrupted(None));
    }
    ASKING.store(false, Ordering::SeqCst);
    Ok(answer)
}

/// Asks a question. An answer comes in small letters.
pub(crate) async fn ask(question: &str, cx: &Context) -> Result<String, Failure> {
    Ok(line(question, false, cx).await?.trim().to_lowercase())
}

/// Asks for something that is not shown while it is typed.
pub(crate) async fn ask_hidden(question: &str, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let answer = line(question, true, cx).await?;
    Ok(Zeroizing::new(answer.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether a question has been asked and not answered: its line is still open.
pub(crate) fn is_asking() -> bool {
    ASKING.load(Ordering::SeqCst)
}

static ASKING: AtomicBool = AtomicBool::new(false);

/// Takes what was typed or pasted after an answer off the terminal, so that no shell runs it. Returns whether there was
/// any.
pub(crate) fn discard_rest() -> bool {
    let Some(terminal) = terminal() else { return false };
    let more = rustix::io::ioctl_fionread(&terminal).unwrap_or(0) > 0;
    let _ = tcflush(&terminal, QueueSelector::IFlush);
    more
}
