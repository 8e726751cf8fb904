//! Programs that run apart from our terminal, so that Ctrl-C in it does not reach them and they cannot ask there, and
//! that end when this process does, however that ends.
//!
//! This program runs itself again for that. On Linux the new process leaves the session, asks to be ended with its
//! parent, and becomes the program. macOS and the BSDs have no such request, so there the new process starts the
//! program, and ends it when the parent has gone. On Windows the new process waits until it belongs to a job that ends
//! with our last handle of it, and starts the program in that job.

mod again;
#[cfg(system = "linux")]
mod linux;
#[cfg(unix)]
mod posix;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

#[cfg(system = "linux")]
use linux as side;
#[cfg(system = "unix")]
use unix as side;
#[cfg(system = "windows")]
use windows as side;

/// Time to end, for a program that was asked to.
const END_TIME: Duration = Duration::from_secs(2);
/// The same when nobody can wait without blocking.
const SHORT_END_TIME: Duration = Duration::from_millis(300);

/// The words of a command line, as a POSIX shell would separate them, on Windows too: quotes protect backslashes there.
/// `None` if a quote is not closed.
pub fn words(text: &str) -> Option<Vec<String>> {
    shlex::split(text)
}

/// A command that runs a program apart from our terminal, without variables of this process. On Linux it is asked to
/// end when the *thread* that starts it ends. On Windows it waits for [`Group::of`].
pub fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = side::command(program);
    command.args(arguments);
    remove_own_variables(&mut command);
    command
}

/// Lets a command run without the variables of this program, which may hold secrets.
pub fn remove_own_variables(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| is_own(name.as_encoded_bytes())) {
        command.env_remove(name);
    }
}

/// Whether a variable is one of this program. Case does not count in their names on Windows.
fn is_own(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"SHARE_";
    name.get(..PREFIX.len())
        .is_some_and(|start| if cfg!(windows) { start.eq_ignore_ascii_case(PREFIX) } else { start == PREFIX })
}

/// A started [`command`] and the processes that it has started.
pub struct Group(side::Group);

impl Group {
    /// The group of a [`command`] that was just started with a pipe as its standard input. On Windows it ends when this
    /// is dropped.
    ///
    /// # Errors
    /// Windows refuses a job. Then the program is killed.
    pub fn of(child: &mut std::process::Child) -> io::Result<Self> {
        side::Group::of(child).map(Self)
    }

    /// Ends all of it at once.
    pub fn kill(self) {
        self.0.kill();
    }

    /// Lets the processes go on that the program has left behind when it ended.
    pub fn release(self) {
        self.0.release();
    }
}

/// A running program. It and all processes of its group end when this is dropped.
pub struct Detached {
    child: Child,
    group: Option<side::Group>,
    /// Kept open: some programs end at the end of their input.
    _stdin: Option<ChildStdin>,
}

/// The outputs of a program.
pub struct Outputs {
    /// Standard output.
    pub stdout: Option<ChildStdout>,
    /// Standard error.
    pub stderr: Option<ChildStderr>,
}

impl Detached {
    /// Starts a program, without variables of this one and with plain output. On Linux it ends when the *thread* that
    /// calls this does, so that must be one that lasts.
    ///
    /// # Errors
    /// No process can be started. For a program that cannot be run, its standard error shows why.
    pub fn start(program: &Path, arguments: &[String]) -> io::Result<(Self, Outputs)> {
        let mut command = command(program, arguments);
        command.env("TERM", "dumb").env("NO_COLOR", "1").env("SSH_ASKPASS_REQUIRE", "never");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn()?;
        let group = side::Group::of_task(&mut child)?;
        let outputs = Outputs { stdout: child.stdout.take(), stderr: child.stderr.take() };
        let stdin = child.stdin.take();
        Ok((Self { child, group, _stdin: stdin }, outputs))
    }

    /// Waits until the program has ended. May be dropped and called again.
    pub async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Asks the program and its group to end, and ends them after two seconds. Windows ends them at once.
    pub async fn end(mut self) {
        if self.group.as_ref().is_some_and(side::Group::ask_to_end) {
            let _ = timeout(END_TIME, self.child.wait()).await;
        }
        self.kill();
        let _ = self.child.wait().await;
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            group.kill();
        }
        // A process that has just started has not made its group yet.
        let _ = self.child.start_kill();
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        if self.group.as_ref().is_some_and(side::Group::ask_to_end) {
            let begun = std::time::Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < SHORT_END_TIME {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.kill();
        let _ = self.child.try_wait();
    }
}

/// Becomes or starts a program, if the arguments of this process ask for that. Returns the exit code of a failure, or
/// of a program that was started.
pub fn run_second(arguments: &[OsString]) -> Option<ExitCode> {
    side::run_second(arguments)
}
