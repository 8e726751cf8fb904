//! The part that Linux, macOS and the BSDs have in common.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode};

use rustix::process::{Pid, Signal, kill_process_group};

/// The first argument of the process that becomes or starts the program. The process identifier of its parent follows,
/// then the program and its arguments.
const RUN_DETACHED: &str = "run-detached";
/// The exit code of a program that could not be run: that of a shell.
const CANNOT_RUN: u8 = 126;

/// A group of processes.
pub(super) struct Group(Pid);

impl Group {
    #[expect(clippy::unnecessary_wraps, reason = "Windows has errors here")]
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        Ok(Self(Pid::from_child(child)))
    }

    /// `None`: it has ended.
    #[expect(clippy::unnecessary_wraps, reason = "Windows has errors here")]
    pub(super) fn of_task(child: &mut tokio::process::Child) -> io::Result<Option<Self>> {
        Ok(child.id().and_then(|id| Pid::from_raw(id.cast_signed())).map(Self))
    }

    /// Returns whether it may take a while.
    pub(super) fn ask_to_end(&self) -> bool {
        let _ = kill_process_group(self.0, Signal::TERM);
        true
    }

    #[expect(clippy::unused_self, reason = "the signature of all sides")]
    pub(super) fn release(self) {}

    pub(super) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// The command that runs this program, whose file is `own`, again for another one.
pub(super) fn again(own: &Path, program: &Path) -> Command {
    let mut command = Command::new(own);
    command.arg(RUN_DETACHED).arg(std::process::id().to_string()).arg(program);
    command
}

/// Calls `run` with the parent, the program and its arguments, if the arguments of this process are those of [`again`].
pub(super) fn if_again(
    arguments: &[OsString],
    run: impl FnOnce(Pid, &OsString, &[OsString]) -> ExitCode,
) -> Option<ExitCode> {
    let [_, word, rest @ ..] = arguments else { return None };
    if word != RUN_DETACHED {
        return None;
    }
    let [parent, program, arguments @ ..] = rest else { return Some(ExitCode::FAILURE) };
    let parent = parent.to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
    Some(parent.map_or(ExitCode::FAILURE, |parent| run(parent, program, arguments)))
}

/// Reports that the program cannot be run.
pub(super) fn cannot_run(program: &OsString, error: &io::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}: {error}", program.to_string_lossy());
    ExitCode::from(CANNOT_RUN)
}
