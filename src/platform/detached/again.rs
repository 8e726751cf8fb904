//! This program, run again for another one.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

/// The first argument of the process that becomes or starts the program. The process identifier of its parent follows,
/// then the program and its arguments.
const RUN_DETACHED: &str = "run-detached";
/// The exit code of a program that could not be run: that of a shell.
const CANNOT_RUN: u8 = 126;

/// The command that runs this program, whose file is `own`, again for another one.
pub(super) fn again(own: &Path, program: &Path) -> Command {
    let mut command = Command::new(own);
    command.arg(RUN_DETACHED).arg(std::process::id().to_string()).arg(program);
    command
}

/// Calls `run` with the parent's identifier, the program and its arguments, if the arguments of this process are those
/// of [`again`].
pub(super) fn if_again(
    arguments: &[OsString],
    run: impl FnOnce(i32, &OsString, &[OsString]) -> ExitCode,
) -> Option<ExitCode> {
    let [_, word, rest @ ..] = arguments else { return None };
    if word != RUN_DETACHED {
        return None;
    }
    let [parent, program, arguments @ ..] = rest else { return Some(ExitCode::FAILURE) };
    let parent = parent.to_str().and_then(|id| id.parse().ok()).filter(|id| *id > 0);
    Some(parent.map_or(ExitCode::FAILURE, |parent| run(parent, program, arguments)))
}

/// Reports that the program cannot be run.
pub(super) fn cannot_run(program: &OsString, error: &io::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}: {error}", program.to_string_lossy());
    ExitCode::from(CANNOT_RUN)
}
