//! `share revoke`: takes back what was sent.

use clap::Args;
use serde_json::json;

use super::failure::Trouble;
use super::outbox::{Entry, is_over};
use super::status::{Which, reach, told_by};
use super::{Context, prompt, words};
use crate::relay::State as Stand;

/// Take back what you sent: the link is dead, and the relay deletes what it holds
#[derive(Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    which: Which,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs the command.
pub(super) async fn run(args: RevokeArgs, cx: &Context) -> Result<(), Trouble> {
    let meant = args.which.find(cx)?;
    // Whoever named one by its link, its id or a name of its own has said it; a guess is asked about.
    let is_guess = !args.which.is_said() || meant.entries.len() > 1;
    if is_guess && !args.yes {
        confirm(&meant.entries).await?;
    }
    for entry in &meant.entries {
        if let Some(end) = &entry.end {
            tell(entry, end.state, &entry.story(end), cx);
            continue;
        }
        let (way, connected, owner) = reach(entry, cx).await?;
        let was = connected.relay.revoke(&owner).await.map_err(|error| told_by(&way, error))?;
        let status = connected.relay.status(&owner, None, std::time::Duration::ZERO).await;
        connected.sweep().await;
        match status {
            Ok(status) => {
                meant.note_end(entry, &status);
                tell(entry, was, &entry.story(&status), cx);
            }
            Err(_) => tell(entry, was, "taken back", cx),
        }
    }
    Ok(())
}

/// What it was before, and what it is now.
fn tell(entry: &Entry, was: Stand, now: &str, cx: &Context) {
    let now = if is_over(was) { format!("too late: {now}") } else { now.to_owned() };
    let facts =
        json!({ "id": entry.id().map(|id| id.hex()), "name": entry.name, "for": entry.recipient, "was": was.word() });
    let _ = cx.output.result("revoke", facts, &format!("{} · {now}", entry.title()));
}

async fn confirm(entries: &[Entry]) -> Result<(), Trouble> {
    if !prompt::possible() {
        return Err(Trouble::usage(
            match entries {
                [_] => "there is no terminal to ask whether the last one is meant".to_owned(),
                many => format!("{} shares are meant, and there is no terminal to ask", many.len()),
            },
            "name it by its id (share list), or say --yes",
        ));
    }
    let titles: Vec<_> = entries
        .iter()
        .map(|entry| format!("  {} · sent on {} · {}\n", entry.title(), words::time(entry.created), entry.short_id()))
        .collect();
    let question =
        format!("{}Take {} back? [y]es, [n]o", titles.concat(), if titles.len() == 1 { "it" } else { "them" });
    match prompt::ask_later(question).await?.as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Trouble::Interrupted(Some("nothing was taken back".to_owned()))),
    }
}
