//! `share list`: what was sent from here, and what became of it.

use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use serde_json::json;

use super::failure::{Trouble, reason};
use super::outbox::{Entry, Outbox};
use super::state::State;
use super::{Context, interrupted, opening, status, words};
use crate::relay::Status;

/// What one relay may take to answer: the others are listed all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// List what you sent, and what became of it
#[derive(Args)]
pub(super) struct ListArgs {
    /// Forget what has ended
    #[arg(long)]
    forget: bool,
}

/// Runs the command.
pub(super) async fn run(args: ListArgs, cx: &Context) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| {
        Trouble::local(format!("what was sent cannot be read: {}", reason(&error)), "--state-dir DIR")
    };
    let state = State::open(cx).map_err(failed)?;
    let outbox = Outbox::open(&state).map_err(failed)?;
    let entries = outbox.entries().map_err(failed)?;
    let told = tokio::select! {
        told = join_all(entries.iter().map(|entry| known(entry, cx))) => told,
        _ = interrupted() => return Err(Trouble::Interrupted(None)),
    };
    let mut forgotten = 0;
    for (entry, told) in entries.iter().zip(&told) {
        if let Ok(status) = told {
            outbox.note_end(entry, status);
            if args.forget && super::outbox::is_over(status.state) {
                outbox.forget(entry);
                forgotten += 1;
                continue;
            }
        }
        let (status, story) = match told {
            Ok(status) => (Some(status), entry.story(status)),
            Err(why) => (None, why.clone()),
        };
        let text = format!("{}  {} · {} · {story}", entry.short_id(), words::time(entry.created), entry.title());
        if cx.output.result("share", entry.facts(status), &text).is_err() {
            break;
        }
    }
    if args.forget {
        let text = format!("{forgotten} forgotten");
        cx.output.happens("forgotten", json!({ "count": forgotten }), &text);
    } else if entries.is_empty() {
        cx.output.say("Nothing was sent from here in the last weeks.");
    }
    opening::catch_up(cx, &state).await;
    Ok(())
}

/// What is known of a share, or why nothing is.
async fn known(entry: &Entry, cx: &Context) -> Result<Status, String> {
    if entry.end.is_none() && entry.relay().is_none() {
        return Err("served from here, by a program that can tell, or has been killed".to_owned());
    }
    match tokio::time::timeout(PATIENCE, status::ask(entry, cx)).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(trouble)) => Err(trouble.explain().what),
        Err(_) => Err("its relay does not answer".to_owned()),
    }
}
