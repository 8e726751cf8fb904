//! Notices about the ends of shares, for a sender who does something else meanwhile.

use clap::Args;

use crate::cli::output::errors::{Failure, Hint};
use crate::platform::tty::Tty;
use crate::relay::Status;
use crate::state::outbox::SentShare;

/// Whether the user wants a notice.
#[derive(Args)]
pub(super) struct NotifyArgs {
    /// Notify me when the share is opened (with --wait, or served from here)
    #[arg(long)]
    notify: bool,
}

/// Gives notice of the ends of shares.
pub(super) struct Notifier {
    is_asked: bool,
}

impl Notifier {
    /// `waits`: whether the command runs until the share ends.
    ///
    /// # Errors
    /// A notice is wanted from a command that does not wait.
    pub(super) fn of(args: &NotifyArgs, waits: bool, command: &str) -> Result<Self, Failure> {
        if args.notify && !waits {
            return Err(Failure::usage("--notify needs --wait", Hint::run(format!("share {command} --wait --notify"))));
        }
        Ok(Self { is_asked: args.notify })
    }

    /// Starts the notice of a share that has ended.
    pub(super) fn ended(&self, _entry: &SentShare, _status: &Status) {
        if self.is_asked
            && let Ok(mut terminal) = Tty::open_to_write()
        {
            let _ = std::io::Write::write_all(&mut terminal, b"\x07");
        }
    }
}
