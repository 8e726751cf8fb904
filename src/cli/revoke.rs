//! `share revoke`: revokes shares that were sent from this device.

use clap::Args;
use futures_util::future::join_all;
use serde_json::json;

use crate::cli::asking::Relays;
use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::cli::status::{Which, details};
use crate::relay::{ShareState, Status};
use crate::state::outbox::{SentShare, is_over};

/// Revoke a share, so that its link no longer works
///
/// The relay deletes the data. A share that was already opened cannot be revoked.
#[derive(Args)]
#[command(after_long_help = REVOKE_EXAMPLES)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    which: Which,
    /// Don't ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  share revoke                            The last share that was sent
  share revoke photo.jpg
  share revoke --receipt photo.receipt";

/// Runs the command.
pub(super) async fn run(args: RevokeArgs, cx: &Context) -> Result<(), Failure> {
    let selected = args.which.find(cx).await?;
    // Confirmed unless the arguments select exactly one share.
    let is_guess = !args.which.is_given() || selected.entries.len() > 1;
    let may_matter = selected.entries.iter().any(|entry| entry.end.is_none());
    if is_guess && may_matter && !args.yes {
        confirm(&selected.entries, cx).await?;
    }
    let relays = Relays::of(&selected.entries, selected.outbox.is_none(), cx.give_up, cx).await?;
    let revoking = join_all(selected.entries.iter().map(|entry| relays.revoke(entry)));
    let mut failed = None;
    let revoked = tokio::select! {
        revoked = revoking => revoked,
        _ = cx.interrupted() => {
            return Err(Failure::Interrupted(Some(Hint::line("to check which shares were revoked: share status"))));
        }
    };
    for (entry, answer) in selected.entries.iter().zip(revoked) {
        match answer {
            Ok((was, status)) => {
                if let Some(status) = &status {
                    selected.note_end(entry, status);
                }
                print(entry, was, status.as_ref(), cx);
            }
            Err(failure) => {
                if selected.entries.len() > 1 {
                    cx.output.warn(&format!("{} was NOT revoked: {}", entry.title(), failure.message().what));
                }
                failed.get_or_insert(failure);
            }
        }
    }
    relays.sweep().await;
    catch_up(cx).await;
    failed.map_or(Ok(()), Err)
}

/// Prints the state of a share after its revocation. `was`: its state before.
fn print(entry: &SentShare, was: ShareState, status: Option<&Status>, cx: &Context) {
    let now = status.map_or_else(|| "revoked".to_owned(), |status| entry.state_sentence(status));
    let now = if is_over(was) { format!("too late: {now}") } else { now };
    let facts =
        json!({ "id": entry.id().map(|id| id.hex()), "name": entry.name, "for": entry.recipient, "was": was.word() });
    let _ = cx.output.result("revoke", facts, &details(entry, &now));
}

async fn confirm(entries: &[SentShare], cx: &Context) -> Result<(), Failure> {
    if !prompt::possible() {
        return Err(Failure::usage(
            match entries {
                [_] => "there is no terminal to confirm revoking the last share".to_owned(),
                many => format!("there is no terminal to confirm revoking {} shares", many.len()),
            },
            Hint::line("use --yes, or specify the ID that share list shows"),
        ));
    }
    let titles: Vec<_> = entries
        .iter()
        .map(|entry| format!("  {}, sent on {}, id {}\n", entry.title(), format::time(entry.created), entry.short_id()))
        .collect();
    let what = if titles.len() == 1 { "this share".to_owned() } else { format!("these {} shares", titles.len()) };
    let question = format!("{}Revoke {what}? [y]es, [n]o", titles.concat());
    if prompt::confirm(&question, cx).await? {
        return Ok(());
    }
    Err(Failure::Interrupted(Some(Hint::outcome("nothing was revoked"))))
}
