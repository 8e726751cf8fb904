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

/// A job, which ends when this is dropped or this process ends.
pub(super) struct Group {
    _job: Job,
}

impl Group {
    pub(super) fn of(child: &mut Child) -> io::Result<Self> {
        let job = job()?;
        // A program that has ended belongs to no job.
        if let Err(error) = job.assign_process(child.as_raw_handle() as isize)
            && child.try_wait()?.is_none()
        {
            let _ = child.kill();
            return Err(error.into());
        }
        Ok(Self { _job: job })
    }

    pub(super) fn of_task(child: &mut tokio::process::Child) -> io::Result<Option<Self>> {
        let (job, Some(process)) = (job()?, child.raw_handle()) else { return Ok(None) };
        if let Err(error) = job.assign_process(process as isize)
            && child.try_wait()?.is_none()
        {
            let _ = child.start_kill();
            return Err(error.into());
        }
        Ok(Some(Self { _job: job }))
    }

    /// Nothing reaches a program without a window.
    #[expect(clippy::unused_self, reason = "the signature of all sides")]
    pub(super) fn ask_to_end(&self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "the signature of all sides")]
    pub(super) fn kill(self) {}
}

fn job() -> io::Result<Job> {
    Ok(Job::create_with_limit_info(ExtendedLimitInfo::new().limit_kill_on_job_close())?)
}

pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.creation_flags(APART);
    command
}

pub(super) fn run_second(_: &[OsString]) -> Option<ExitCode> {
    None
}
