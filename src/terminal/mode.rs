//! Temporary terminal modes.

use std::io;

use crate::platform::tty::{Apply, Mode, Tty};

/// A terminal in another mode. Dropping this restores the previous mode.
pub(crate) struct ModeGuard {
    tty: Tty,
    before: Mode,
    meanwhile: Mode,
    apply: Apply,
}

impl ModeGuard {
    /// Changes the mode of `tty`. `apply`: when the change, and the change back, take effect.
    ///
    /// # Errors
    ///
    /// The terminal is gone, or this process may not change it.
    pub(crate) fn enter(tty: Tty, change: impl FnOnce(&Mode) -> Mode, apply: Apply) -> io::Result<Self> {
        let before = tty.mode()?;
        let meanwhile = change(&before);
        tty.set_mode(&meanwhile, apply)?;
        Ok(Self { tty, before, meanwhile, apply })
    }

    pub(crate) fn tty(&self) -> &Tty {
        &self.tty
    }

    pub(crate) fn tty_mut(&mut self) -> &mut Tty {
        &mut self.tty
    }

    /// Sets the mode again: a shell that stopped this program and continued it has changed the mode meanwhile.
    pub(crate) fn stay_raw(&self) {
        if !self.tty.mode().is_ok_and(|now| now.has_single_keys()) {
            let _ = self.tty.set_mode(&self.meanwhile, Apply::Now);
        }
    }
}

impl Drop for ModeGuard {
    fn drop(&mut self) {
        let _ = self.tty.set_mode(&self.before, self.apply);
    }
}
