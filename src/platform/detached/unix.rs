//! The side of macOS and the BSDs: a process of this program stays between the parent and the program.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, getppid, kill_process, kill_process_group, setsid};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, timeout};

use super::again::{again, cannot_run, if_again};
pub(super) use super::posix::Group;

/// The pause between two looks whether the parent has gone.
const LOOK: Duration = Duration::from_millis(300);
/// Time to end, for a program that was asked to.
const END_TIME: Duration = Duration::from_secs(2);

pub(super) fn command(program: &Path) -> Command {
    // OpenBSD does not report the file of a process.
    again(&std::env::current_exe().unwrap_or_else(|_| "share".into()), program)
}

pub(super) fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    if_again(arguments, run)
}

fn run(parent: i32, program: &OsString, arguments: &[OsString]) -> ExitCode {
    let _ = setsid();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        // The program gets the same signal, and may take its time to end.
        let Ok(_ignored) = signal(SignalKind::terminate()) else { return ExitCode::FAILURE };
        match tokio::process::Command::new(program).args(arguments).spawn() {
            Ok(child) => watch(child, parent).await,
            Err(error) => cannot_run(program, &error),
        }
    })
}

/// Waits for the end of the program, or ends all of its group if the parent has gone.
async fn watch(mut child: Child, parent: i32) -> ExitCode {
    tokio::select! {
        ended = child.wait() => return ended.map_or(ExitCode::FAILURE, as_own),
        () = gone(parent) => {}
    }
    // This process has the group's number, and belongs to it.
    let _ = kill_process_group(getpid(), Signal::TERM);
    let _ = timeout(END_TIME, child.wait()).await;
    let _ = kill_process_group(getpid(), Signal::KILL);
    ExitCode::FAILURE
}

/// Lasts until this process has another parent.
async fn gone(parent: i32) {
    let mut look = interval(LOOK);
    while getppid() == Pid::from_raw(parent) {
        look.tick().await;
    }
}

/// Ends this process as the program has ended.
fn as_own(status: ExitStatus) -> ExitCode {
    let Some(code) = status.code() else {
        let _ = kill_process(getpid(), Signal::KILL);
        return ExitCode::FAILURE;
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
