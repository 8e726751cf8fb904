//! The side of macOS: a script in `AppleScript`. It is passed by standard input, since every user of this computer can
//! read arguments.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::message::Notification;
use crate::platform::detached::remove_own_variables;

/// The interpreter of the system.
const INTERPRETER: &str = "/usr/bin/osascript";
/// The pause between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

pub(super) fn show(_: Option<OsString>, notification: &Notification<'_>, within: Duration) -> io::Result<()> {
    let mut command = Command::new(INTERPRETER);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    remove_own_variables(&mut command);
    let mut child = command.spawn()?;
    let shown = run(&mut child, &script(notification), within);
    if shown.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    shown
}

/// Passes the script to the interpreter, and waits for its end.
fn run(child: &mut Child, script: &str, within: Duration) -> io::Result<()> {
    // A script is shorter than what a pipe holds.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes())?;
    }
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => return Err(io::Error::other("the desktop refuses notifications")),
            None if begun.elapsed() < within => thread::sleep(LOOK),
            None => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

fn script(notification: &Notification<'_>) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let (body, summary, app) = (text(notification.body), text(notification.summary), text(notification.app));
    format!("display notification {body} with title {app} subtitle {summary}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_quotes() {
        let notification = Notification { app: "share", summary: r#"a "b" \"#, body: "one\ntwo\\\"", category: "" };
        let expected = r#"display notification "one
two\\\"" with title "share" subtitle "a \"b\" \\"
"#;
        assert_eq!(script(&notification), expected);
    }
}
