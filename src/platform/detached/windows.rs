//! The side of Windows: a process of this program belongs to the job first, and then starts the program in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus};

use win32job::{ExtendedLimitInfo, Job};

use super::again::{again, cannot_run, if_again};

/// `CREATE_NEW_PROCESS_GROUP` and `CREATE_NO_WINDOW`: Ctrl-C in our console does not reach it, and it gets another one,
/// which nobody sees.
const APART: u32 = 0x0000_0200 | 0x0800_0000;
/// The first byte of standard input, which is not for the program: the process belongs to the job.
const BELONGS: &[u8; 1] = b"\n";

/// A job, which ends when this is dropped or this process ends.
pub(super) struct Group(Job);

impl Group {
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let begin = |child: &mut Child| {
            let job = job_with(child.as_raw_handle() as isize)?;
            child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(BELONGS)?;
            Ok(Self(job))
        };
        begin(child).inspect_err(|_| drop(child.kill()))
    }

    /// `None`: it has ended.
    pub(super) fn of_task(child: &mut tokio::process::Child) -> io::Result<Option<Self>> {
        let Some(process) = child.raw_handle().map(|handle| handle as isize) else { return Ok(None) };
        let begin = |child: &mut tokio::process::Child| {
            let job = job_with(process)?;
            let stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
            let mut stdin = ChildStdin::from(stdin.into_owned_handle()?);
            stdin.write_all(BELONGS)?;
            child.stdin = Some(tokio::process::ChildStdin::from_std(stdin)?);
            Ok(Some(Self(job)))
        };
        begin(child).inspect_err(|_| drop(child.start_kill()))
    }

    pub(super) fn release(self) {
        let _ = self.0.set_extended_limit_info(&ExtendedLimitInfo::new());
    }

    /// Nothing reaches a program without a window.
    pub(super) fn ask_to_end(&self) -> bool {
        false
    }

    pub(super) fn kill(self) {}
}

/// A job with a process.
fn job_with(process: isize) -> io::Result<Job> {
    let job = Job::create_with_limit_info(ExtendedLimitInfo::new().limit_kill_on_job_close())?;
    job.assign_process(process)?;
    Ok(job)
}

pub(super) fn command(program: &Path) -> Command {
    let mut command = again(&std::env::current_exe().unwrap_or_else(|_| "share.exe".into()), program);
    command.creation_flags(APART);
    command
}

pub(super) fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    if_again(arguments, |_, program, arguments| run(program, arguments))
}

fn run(program: &OsString, arguments: &[OsString]) -> ExitCode {
    // The parent has ended, or could not make a job.
    if until_in_job().is_err() {
        return ExitCode::FAILURE;
    }
    let ended = Command::new(program).args(arguments).status();
    ended.map_or_else(|error| cannot_run(program, &error), as_own)
}

/// Takes one byte of standard input, and leaves the rest to the program.
fn until_in_job() -> io::Result<()> {
    File::from(io::stdin().as_handle().try_clone_to_owned()?).read_exact(&mut [0])
}

/// Ends this process as the program has ended. Codes beyond 255 become 1.
fn as_own(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
