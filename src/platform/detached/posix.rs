//! The part that Linux, macOS and the BSDs have in common.

use std::io;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process_group};

/// A group of processes.
pub(super) struct Group(Pid);

impl Group {
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        Ok(Self(Pid::from_child(child)))
    }

    /// `None`: it has ended.
    pub(super) fn of_task(child: &mut tokio::process::Child) -> io::Result<Option<Self>> {
        Ok(child.id().and_then(|id| Pid::from_raw(id.cast_signed())).map(Self))
    }

    /// Returns whether it may take a while.
    pub(super) fn ask_to_end(&self) -> bool {
        let _ = kill_process_group(self.0, Signal::TERM);
        true
    }

    pub(super) fn release(self) {}

    pub(super) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}
