//! `share status`: the states of shares that were sent from this device; and the arguments that select shares.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use futures_util::future::join_all;

use crate::cli::asking::Relays;
use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::input::link;
use crate::cli::notice::{Notifier, NotifyArgs};
use crate::cli::outcome::expect_opened;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{format, indented};
use crate::link::Link;
use crate::relay::Status;
use crate::safe_text::{printable, reason};
use crate::state::outbox::{Outbox, SentShare, read_receipts};

/// The selection of shares among those that were sent from this device.
#[derive(Args)]
pub(super) struct Which {
    /// Link, name, recipient or ID [default: the last share]
    #[arg(value_name = "LINK|NAME|ID", conflicts_with = "receipt", value_hint = ValueHint::Other)]
    which: Option<String>,
    /// Use a receipt that `share send` wrote, on any machine
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    receipt: Option<PathBuf>,
}

/// The selected shares, and the outbox unless they are from a receipt file.
pub(super) struct Selected {
    pub(super) entries: Vec<SentShare>,
    pub(super) outbox: Option<Outbox>,
}

impl Selected {
    /// The end of a share, if another process has noted it meanwhile.
    fn noted_end(&self, entry: &SentShare) -> Option<Status> {
        let again = self.outbox.as_ref()?.find(&entry.id()?).ok()?;
        again.into_iter().find_map(|entry| entry.end)
    }

    /// Notes the end of a share in the outbox, if there is one.
    pub(super) fn note_end(&self, entry: &SentShare, status: &Status) {
        if let Some(outbox) = &self.outbox {
            outbox.note_end(entry, status);
        }
    }
}

impl Which {
    /// Whether the user has selected shares.
    pub(super) fn is_given(&self) -> bool {
        self.which.is_some() || self.receipt.is_some()
    }

    /// Finds the selected shares: at least one.
    pub(super) async fn find(&self, cx: &Context) -> Result<Selected, Failure> {
        if let Some(path) = &self.receipt {
            let from = path.clone();
            let entries = cx.unless_interrupted(move || read_receipts(&from)).await?;
            let entries = entries.map_err(|error| {
                Failure::path(path, &error, Hint::line("specify the FILE that share send --receipt FILE wrote"))
            })?;
            return Selected { entries, outbox: None }.expect_some();
        }
        let failed = |error: &std::io::Error| {
            let hint = Hint::run("--state-dir DIR");
            Failure::local(format!("the records of sent shares cannot be read: {}", reason(error)), hint)
        };
        let outbox = cx.state().and_then(|state| Outbox::open(&state)).map_err(|error| failed(&error))?;
        let entries = match self.which.as_deref() {
            None => outbox.last(),
            Some("-") => outbox.find(&Link::parse(&link::link_text(Some("-"), cx).await?)?.link.secret.id()),
            Some(word) => match Link::parse(word) {
                Ok(found) => outbox.find(&found.link.secret.id()),
                Err(error) if Link::is_in(word) => return Err(error.into()),
                Err(_) => outbox.called(word),
            },
        };
        Selected { entries: entries.map_err(|error| failed(&error))?, outbox: Some(outbox) }.expect_some()
    }
}

impl Selected {
    fn expect_some(self) -> Result<Self, Failure> {
        if self.entries.is_empty() { Err(Failure::NotSentFromHere) } else { Ok(self) }
    }
}

/// Show whether a share was opened, when and by whom
///
/// "Opened by" is followed by two words that name the opener's device. The recipient sees the same words.
#[derive(Args)]
#[command(after_long_help = STATUS_EXAMPLES)]
#[command(mut_arg("notify", |notify| notify.help("Notify me when the share is opened (with --wait)")))]
pub(super) struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// Wait until the share is opened or ends
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    notify: NotifyArgs,
}

/// A share in three lines: its title, its state, and where it was sent.
pub(super) fn details(entry: &SentShare, state: &str) -> String {
    let sent = format::time(entry.created);
    let relay = entry.relay().map(|url| printable(&url.name()));
    let by = relay.map_or_else(|| "from this computer".to_owned(), |relay| format!("through {relay}"));
    let sent = format!("sent on {sent} {by}, id {}", entry.short_id());
    [entry.title(), indented(state), indented(&sent)].join("\n")
}

const STATUS_EXAMPLES: &str = "\
Examples:
  share status                            The last share that was sent
  share status photo.jpg --wait
  share status --receipt photo.receipt";

/// Runs the command.
pub(super) async fn run(args: StatusArgs, cx: &Context) -> Result<(), Failure> {
    let notifier = Notifier::of(&args.notify, args.wait, "status --wait --notify", cx)?;
    let selected = args.which.find(cx).await?;
    let relays = Relays::of(&selected.entries, selected.outbox.is_none(), cx.give_up, cx).await?;
    let asking = join_all(selected.entries.iter().map(async |entry| {
        if args.wait {
            relays.wait(entry, selected.entries.len() > 1, &notifier, cx).await
        } else {
            relays.status(entry).await
        }
    }));
    let answers = tokio::select! {
        answers = asking => answers,
        _ = cx.interrupted() => return Err(Failure::Interrupted(None)),
    };
    let mut ends = Vec::new();
    let mut failed = None;
    for (entry, answer) in selected.entries.iter().zip(answers) {
        // The process that served the share may have noted the end and exited a moment ago.
        let answer = answer.or_else(|failure| selected.noted_end(entry).ok_or(failure));
        match answer {
            Ok(status) => {
                selected.note_end(entry, &status);
                let text = details(entry, &entry.state_sentence(&status));
                cx.output.answer("status", entry.facts(Some(&status)), &text)?;
                ends.push((entry, status));
            }
            Err(failure) => {
                if selected.entries.len() > 1 {
                    cx.output.warn(&format!("{}: {}", entry.title(), failure.message().what));
                }
                failed.get_or_insert(failure);
            }
        }
    }
    relays.sweep().await;
    catch_up(cx).await;
    notifier.settle(cx).await;
    match failed {
        Some(failure) => Err(failure),
        None if args.wait => expect_opened(ends.iter().map(|(entry, status)| (*entry, status))),
        None => Ok(()),
    }
}
