//! Notices about the ends of shares, for a sender who does something else meanwhile, and the command `on_open`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::output::errors::{Failure, Hint};
use crate::relay::{ShareState, Status};
use crate::state::outbox::SentShare;
use crate::terminal::notice;
use crate::wordlist::openers_words;

/// Whether the user wants notices.
#[derive(Args)]
pub(super) struct NotifyArgs {
    /// Notify me when the share is opened (with --wait, or served from here)
    #[arg(long)]
    notify: bool,
}

/// Gives notice of the ends of shares.
pub(super) struct Notifier {
    is_asked: bool,
    output: Output,
    /// Whether the warning was printed that there is no way to give notice.
    has_warned: Arc<AtomicBool>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Notifier {
    /// `waits`: whether the command runs until the share ends. `instead`: the command that does.
    ///
    /// # Errors
    /// Notices are wanted from a command that does not wait.
    pub(super) fn of(args: &NotifyArgs, waits: bool, instead: &str, cx: &Context) -> Result<Self, Failure> {
        if args.notify && !waits {
            return Err(Failure::usage("--notify needs --wait", Hint::run(format!("share {instead}"))));
        }
        let (output, has_warned, running) = (cx.output.clone(), Arc::default(), Mutex::default());
        Ok(Self { is_asked: args.notify, output, has_warned, running })
    }

    /// Gives notice of the end of a share. Returns at once: [`Notifier::settle`] waits for it.
    pub(super) fn ended(&self, entry: &SentShare, status: &Status) {
        let (summary, body) = words(entry, status);
        self.tell(summary, body);
    }

    /// Gives notice of an event, if the user wants notices.
    fn tell(&self, summary: String, body: String) {
        if !self.is_asked {
            return;
        }
        let (output, has_warned) = (self.output.clone(), self.has_warned.clone());
        self.run(move || {
            if let Err(error) = notice::give(&summary, &body)
                && !has_warned.swap(true, Ordering::SeqCst)
            {
                output.warn(&format!("there is no way to notify you here: {error}"));
            }
        });
    }

    fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(spawn_blocking(work));
    }

    /// Waits for the notices that have begun, unless a signal to stop comes first.
    pub(super) async fn settle(&self, cx: &Context) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for notice in running {
            if cx.or_interrupted(notice).await.is_err() {
                return;
            }
        }
    }
}

/// A notice about the end of a share: its title and its text. They may stay on a locked screen, so they have neither
/// the link nor the names of files.
fn words(entry: &SentShare, status: &Status) -> (String, String) {
    let whose = entry.recipient.as_ref().map(|recipient| format!(" for {recipient}")).unwrap_or_default();
    let share = format!("Your share{whose}");
    match (status.state, status.claimant) {
        (ShareState::Finished, Some(claimant)) if entry.is_opened(status) => {
            (format!("{share} was opened"), format!("by: {}", openers_words(&claimant)))
        }
        // The opener may have received it.
        (ShareState::Finished | ShareState::Lapsed | ShareState::Revoked, Some(_)) => {
            (format!("{share} has ended:"), entry.state_words(status))
        }
        _ => (format!("{share} was not opened:"), entry.state_words(status)),
    }
}
