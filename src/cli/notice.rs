//! Notifications about the ends of shares, for a sender who is busy elsewhere, and the command `on_open`.

use std::io::{self, Write};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, event};
use crate::platform::detached::Group;
use crate::platform::{detached, process};
use crate::relay::{ShareState, Status};
use crate::safe_text::{printable, reason};
use crate::state::outbox::SentShare;
use crate::terminal::notice::{self, Occasion};
use crate::wordlist::openers_words;

/// Time for the command `on_open`.
const COMMAND_TIME: Duration = Duration::from_secs(30);
/// The pause between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Whether the user wants notifications.
#[derive(Args)]
pub(super) struct NotifyArgs {
    /// Notify me when the share is opened (with --wait, or served from here)
    #[arg(long)]
    notify: bool,
}

/// Notifies the user when shares end.
pub(super) struct Notifier {
    is_asked: bool,
    /// The words of the command `on_open`.
    command: Option<Vec<String>>,
    output: Output,
    /// Whether the warning was printed that there is no way to notify the user.
    has_warned: Arc<AtomicBool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Notifier {
    /// `waits`: whether the command runs until the share ends. `instead`: the command that does.
    ///
    /// # Errors
    /// Notifications are wanted from a command that does not wait; or the setting `on_open` has an open quote.
    pub(super) fn of(args: &NotifyArgs, waits: bool, instead: &str, cx: &Context) -> Result<Self, Failure> {
        if args.notify && !waits {
            return Err(Failure::usage("--notify needs --wait", Hint::run(format!("share {instead}"))));
        }
        let setting = cx.config.on_open.as_deref().filter(|command| waits && !command.trim().is_empty());
        let words = setting.map(|command| {
            let quote = || Failure::usage("the setting on_open: a quote is not closed", "fix it in config.toml");
            detached::words(command).ok_or_else(quote)
        });
        let (command, output) = (words.transpose()?, cx.output.clone());
        Ok(Self { is_asked: args.notify, command, output, has_warned: Arc::default(), running: Mutex::default() })
    }

    /// Notifies the user of the end of a share, and runs the command `on_open`. Returns at once: [`Notifier::settle`]
    /// waits.
    pub(super) fn ended(&self, entry: &SentShare, status: &Status) {
        if let Some(words) = self.command.clone()
            && entry.is_opened(status)
        {
            let event = format!("{}\n", event("ended", entry.facts(Some(status))));
            let output = self.output.clone();
            self.run(move || {
                if let Err(why) = run_command(&words, &event) {
                    let program = words.first().map(|word| printable(word)).unwrap_or_default();
                    output.warn(&format!("on_open: {program} {why}"));
                }
            });
        }
        let (summary, body) = words(entry, status);
        self.tell(summary, body);
    }

    /// Shows that nobody can reach the share any more, because its tunnel has closed.
    pub(super) fn tunnel_closed(&self) {
        self.tell("The tunnel closed".to_owned(), "The link no longer works.".to_owned());
    }

    /// Shows a notification, if the user wants them.
    fn tell(&self, summary: String, body: String) {
        if !self.is_asked {
            return;
        }
        let (output, has_warned) = (self.output.clone(), self.has_warned.clone());
        self.run(move || {
            if let Err(error) = notice::give(Occasion::Done, &summary, &body)
                && !has_warned.swap(true, Ordering::SeqCst)
            {
                output.warn(&format!("there is no way to notify you here: {error}"));
            }
        });
    }

    fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(spawn_blocking(work));
    }

    /// Waits for the notifications and commands that have begun, unless a signal to stop comes first.
    pub(super) async fn settle(&self, cx: &Context) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for notice in running {
            if cx.or_interrupted(notice).await.is_err() {
                return;
            }
        }
    }
}

/// Runs a command with an event on its standard input, in a session of its own: it has no terminal. It gets no variable
/// of this program, which may hold secrets, and is killed with its group after 30 seconds.
fn run_command(words: &[String], event: &str) -> Result<(), String> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let program = process::find_program(program).ok_or("was not found")?;
    let failed = |error: io::Error| format!("could not be run: {}", reason(&error));
    let mut command = detached::command(&program, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let group = Group::of(&mut child).map_err(failed)?;
    // An event is shorter than what a pipe holds. A command that does not read it has done nothing wrong.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(event.as_bytes());
    }
    let begun = Instant::now();
    loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => {
                group.release();
                return ended(status);
            }
            None if begun.elapsed() < COMMAND_TIME => std::thread::sleep(LOOK),
            None => {
                group.kill();
                let _ = child.wait();
                return Err(format!("was killed after {} seconds", COMMAND_TIME.as_secs()));
            }
        }
    }
}

/// The result of a command by its exit status.
fn ended(status: ExitStatus) -> Result<(), String> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("exited with code {code}")),
        None => Err("was killed by a signal".to_owned()),
    }
}

/// A notification about the end of a share: its title and its text. They may be visible on a locked screen, so they
/// have neither the link nor the names of files.
fn words(entry: &SentShare, status: &Status) -> (String, String) {
    let whose = entry.recipient.as_ref().map(|recipient| format!(" for {recipient}")).unwrap_or_default();
    let share = format!("Your share{whose}");
    match (status.state, status.claimant) {
        (ShareState::Finished, Some(claimant)) if entry.is_opened(status) => {
            (format!("{share} was opened"), format!("by {}", openers_words(&claimant)))
        }
        // The opener may have received it.
        (ShareState::Finished | ShareState::Lapsed | ShareState::Revoked, Some(_)) => {
            (format!("{share} has ended"), entry.state_words(status))
        }
        _ => (format!("{share} was not opened"), entry.state_words(status)),
    }
}
