//! The side of Linux.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid};

use super::again::{again, cannot_run, if_again};
pub(super) use super::posix::Group;

pub(super) fn command(program: &Path) -> Command {
    // The file of this process, also after another one has taken its place.
    again(Path::new("/proc/self/exe"), program)
}

pub(super) fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    if_again(arguments, run)
}

fn run(parent: i32, program: &OsString, arguments: &[OsString]) -> ExitCode {
    let _ = setsid();
    let is_bound = set_parent_process_death_signal(Some(Signal::TERM)).is_ok();
    // The parent may have ended before it was asked for.
    if !is_bound || getppid() != Pid::from_raw(parent) {
        return ExitCode::FAILURE;
    }
    let error = Command::new(program).args(arguments).exec();
    cannot_run(program, &error)
}
