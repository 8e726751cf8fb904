//! Programs that run in a session of their own, so that Ctrl-C in our terminal does not reach them and they cannot ask
//! there, and that end when this process does, however that ends.
//!
//! This program runs itself again for that, with [`RUN_DETACHED`]: the new process leaves the session, asks to be ended
//! with its parent, and becomes the program.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, kill_process_group, set_parent_process_death_signal, setsid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

/// The first argument of the process that becomes the program. The process identifier of its parent follows, then the
/// program and its arguments.
pub const RUN_DETACHED: &str = "run-detached";
/// Time to end, for a program that was asked to.
const END_TIME: Duration = Duration::from_secs(2);
/// The same when nobody can wait without blocking.
const SHORT_END_TIME: Duration = Duration::from_millis(300);
/// The exit code of a process that could not become the program: that of a shell for a program that it cannot run.
const CANNOT_RUN: u8 = 126;

/// The words of a command line, as a POSIX shell would separate them. `None` if a quote is not closed.
pub fn words(text: &str) -> Option<Vec<String>> {
    shlex::split(text)
}

/// A command that runs a program in a session and a group of its own, without variables of this one. It is asked to end
/// when the *thread* that starts it ends.
pub fn command(program: &Path, arguments: &[String]) -> Command {
    // The file of this process, also after another one has taken its place.
    let mut command = Command::new("/proc/self/exe");
    command.arg(RUN_DETACHED).arg(std::process::id().to_string()).arg(program).args(arguments);
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SHARE_")) {
        command.env_remove(name);
    }
    command
}

/// A running program. It and all processes of its group end when this is dropped.
pub struct Detached {
    child: Child,
    group: Option<Pid>,
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
    /// Starts a program, without variables of this one and with plain output. It ends when the *thread* that calls this
    /// does, so that must be one that lasts.
    ///
    /// # Errors
    /// No process can be started. A program that cannot be run says so on its standard error.
    pub fn start(program: &Path, arguments: &[String]) -> io::Result<(Self, Outputs)> {
        let mut command = command(program, arguments);
        command.env("TERM", "dumb").env("NO_COLOR", "1").env("SSH_ASKPASS_REQUIRE", "never");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let outputs = Outputs { stdout: child.stdout.take(), stderr: child.stderr.take() };
        let stdin = child.stdin.take();
        Ok((Self { child, group, _stdin: stdin }, outputs))
    }

    /// Waits until the program has ended. May be dropped and called again.
    pub async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Asks the program and its group to end, and ends them after two seconds.
    pub async fn end(mut self) {
        self.signal(Signal::TERM);
        let _ = timeout(END_TIME, self.child.wait()).await;
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        if self.group.is_none() {
            return;
        }
        self.signal(Signal::TERM);
        let begun = std::time::Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < SHORT_END_TIME {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        let _ = self.child.try_wait();
    }
}

/// Becomes the program in `arguments`, which begin with the process identifier of the parent. Returns only if that
/// fails.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let [parent, program, arguments @ ..] = arguments else { return ExitCode::FAILURE };
    let parent = parent.to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
    let _ = setsid();
    let is_bound = set_parent_process_death_signal(Some(Signal::TERM)).is_ok();
    // The parent may have ended before it was asked for.
    if !is_bound || parent.is_none() || getppid() != parent {
        return ExitCode::FAILURE;
    }
    let error = Command::new(program).args(arguments).exec();
    let _ = writeln!(io::stderr(), "{}: {error}", program.to_string_lossy());
    ExitCode::from(CANNOT_RUN)
}
