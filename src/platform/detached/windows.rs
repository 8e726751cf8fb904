//! The side of Windows.

use std::ffi::OsString;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};

use win32job::{ExtendedLimitInfo, Job};

/// `CREATE_NEW_PROCESS_GROUP` and `CREATE_NO_WINDOW`: Ctrl-C in our console does not reach it, and it gets another one,
/// which nobody sees.
const APART: u32 = 0x0000_0200 | 0x0800_0000;

/// A job, which ends when this is dropped or this process ends. A program that starts others at once may have started
/// some before it belonged to the job; those stay.
pub(super) struct Group(Option<Job>);

impl Group {
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        match job_with(child.as_raw_handle() as isize) {
            Ok(job) => Ok(Self(Some(job))),
            // A program that has ended belongs to no job.
            Err(_) if matches!(child.try_wait(), Ok(Some(_))) => Ok(Self(None)),
            Err(error) => {
                let _ = child.kill();
                Err(error)
            }
        }
    }

    pub(super) fn of_task(child: &mut tokio::process::Child) -> io::Result<Option<Self>> {
        let Some(process) = child.raw_handle() else { return Ok(None) };
        match job_with(process as isize) {
            Ok(job) => Ok(Some(Self(Some(job)))),
            Err(_) if matches!(child.try_wait(), Ok(Some(_))) => Ok(None),
            Err(error) => {
                let _ = child.start_kill();
                Err(error)
            }
        }
    }

    pub(super) fn release(self) {
        if let Some(job) = self.0 {
            let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
        }
    }

    /// Nothing reaches a program without a window.
    #[expect(clippy::unused_self, reason = "the signature of all sides")]
    pub(super) fn ask_to_end(&self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "the signature of all sides")]
    pub(super) fn kill(self) {}
}

/// A job with a process.
fn job_with(process: isize) -> io::Result<Job> {
    let job = Job::create_with_limit_info(ExtendedLimitInfo::new().limit_kill_on_job_close())?;
    job.assign_process(process)?;
    Ok(job)
}

pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.creation_flags(APART);
    command
}

pub(super) fn run_second(_: &[OsString]) -> Option<ExitCode> {
    None
}
