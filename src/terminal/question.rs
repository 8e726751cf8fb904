//! Questions at the terminal itself, so that they work while standard input and output are pipes.

use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::platform::tty::{Apply, Mode, Tty};
use crate::terminal::keys;
use crate::terminal::mode::ModeGuard;

/// Whether a question has been asked and not answered.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Whether there is a terminal for questions.
pub(crate) fn is_possible() -> bool {
    Tty::open().is_ok()
}

/// Whether a question has been asked and not answered: its line is still open.
pub(crate) fn is_open() -> bool {
    IS_OPEN.load(Ordering::SeqCst)
}

/// An open question. Dropping this turns the terminal's echo on again.
pub(crate) struct Question {
    tty: Tty,
    _hidden: Option<ModeGuard>,
}

impl Question {
    /// Asks. Input that was typed before the question is discarded. `hide`: the answer is not echoed.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub(crate) fn ask(mut tty: Tty, text: &str, hide: bool) -> io::Result<Self> {
        tty.forget_input()?;
        let hidden = if hide { Some(ModeGuard::enter(tty.try_clone()?, Mode::hidden, Apply::Now)?) } else { None };
        write!(tty, "{text} ").and_then(|()| tty.flush())?;
        IS_OPEN.store(true, Ordering::SeqCst);
        Ok(Self { tty, _hidden: hidden })
    }

    /// Reads the answer, as a function that blocks.
    ///
    /// # Errors
    ///
    /// The process has too many open files; within the function, the terminal is gone, or the answer is not UTF-8.
    pub(crate) fn reader(&self) -> io::Result<impl FnOnce() -> io::Result<Zeroizing<String>> + Send + 'static> {
        let tty = self.tty.try_clone()?;
        Ok(move || {
            let mut line = Zeroizing::new(Vec::new());
            BufReader::new(tty).read_until(b'\n', &mut line)?;
            // A terminal may reply to an earlier query as late as now.
            let typed = keys::typed(&line);
            let typed = std::str::from_utf8(&typed).map_err(|_| io::Error::other("the input is not UTF-8"))?;
            Ok(Zeroizing::new(typed.to_owned()))
        })
    }

    /// Closes the question after its answer.
    pub(crate) fn close(self) {
        IS_OPEN.store(false, Ordering::SeqCst);
        drop(self);
    }
}

/// Discards input that was typed or pasted after an answer, so that no shell runs it. Returns whether there was any.
pub(crate) fn discard_rest() -> bool {
    let Ok(tty) = Tty::open() else { return false };
    let more = tty.has_input();
    let _ = tty.forget_input();
    more
}
