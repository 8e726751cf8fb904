//! `share revoke`: revokes shares that were sent from here.

use clap::Args;
use futures_util::future::join_all;
use serde_json::json;

use crate::cli::asking::Relays;
use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::cli::status::Which;
use crate::relay::ShareState;
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
    let meant = args.which.find(cx).await?;
    // A share that was named by its link, its id or a name of its own is meant; a guess is asked about.
    let is_guess = !args.which.is_given() || meant.entries.len() > 1;
    let may_matter = meant.entries.iter().any(|entry| entry.end.is_none());
    if is_guess && may_matter && !args.yes {
        confirm(&meant.entries, cx).await?;
    }
    let relays = Relays::of(&meant.entries, meant.outbox.is_none(), cx.give_up, cx).await?;
    let revoking = join_all(meant.entries.iter().map(|entry| relays.revoke(entry)));
    let mut failed = None;
    let revoked = tokio::select! {
        revoked = revoking => revoked,
        _ = cx.interrupted() => {
            let hint = Hint::line("it cannot be told what was taken back: share status asks");
            return Err(Failure::Interrupted(Some(hint)));
        }
    };
    for (entry, answer) in meant.entries.iter().zip(revoked) {
        match answer {
            Ok((was, status)) => {
                if let Some(status) = &status {
                    meant.note_end(entry, status);
                }
                report(entry, was, &status.map_or_else(|| "taken back".to_owned(), |status| entry.story(&status)), cx);
            }
            Err(failure) => {
                if meant.entries.len() > 1 {
                    cx.output.warn(&format!("{} was NOT taken back: {}", entry.title(), failure.message().what));
                }
                failed.get_or_insert(failure);
            }
        }
    }
    relays.sweep().await;
    catch_up(cx).await;
    failed.map_or(Ok(()), Err)
}

/// Reports the state before, and the one now.
fn report(entry: &SentShare, was: ShareState, now: &str, cx: &Context) {
    let now = if is_over(was) { format!("too late: {now}") } else { now.to_owned() };
    let facts =
        json!({ "id": entry.id().map(|id| id.hex()), "name": entry.name, "for": entry.recipient, "was": was.word() });
    let _ = cx.output.result("revoke", facts, &format!("{} · {now}", entry.title()));
}

async fn confirm(entries: &[SentShare], cx: &Context) -> Result<(), Failure> {
    if !prompt::possible() {
        return Err(Failure::usage(
            match entries {
                [_] => "there is no terminal to ask whether the last one is meant".to_owned(),
                many => format!("{} shares are meant, and there is no terminal to ask", many.len()),
            },
            Hint::line("name it by its id (share list), or say --yes"),
        ));
    }
    let titles: Vec<_> = entries
        .iter()
        .map(|entry| format!("  {} · sent on {} · {}\n", entry.title(), format::time(entry.created), entry.short_id()))
        .collect();
    let question =
        format!("{}Take {} back? [y]es, [n]o", titles.concat(), if titles.len() == 1 { "it" } else { "them" });
    if prompt::confirm(&question, cx).await? {
        return Ok(());
    }
    Err(Failure::Interrupted(Some("nothing was taken back".into())))
}
