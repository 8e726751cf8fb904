//! `share list`: what was sent from here, and what became of it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::cli::asking::Relays;
use crate::cli::context::Context;
use crate::cli::output::errors::{Exit, Failure};
use crate::cli::output::format;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::rules::UPLOAD_TIME;
use crate::safe_text::reason;
use crate::state::outbox::{Entry, Outbox, is_over};
use crate::state::{StateDir, journal};

/// What one relay may take to answer: the others are listed all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many questions are on their way at once: who sends much has thousands to ask.
const AT_ONCE: usize = 16;

/// List what you sent, and what became of it
#[derive(Args)]
pub(crate) struct ListArgs {
    /// Forget what has ended
    #[arg(long)]
    forget: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ListArgs, cx: &Context) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::local(format!("what was sent cannot be read: {}", reason(&error)), "--state-dir DIR")
    };
    let state = StateDir::open(cx).map_err(failed)?;
    let outbox = Outbox::open(&state).map_err(failed)?;
    let entries = outbox.entries().map_err(failed)?;
    let relays = Relays::of(&entries, false, PATIENCE, cx).await?;
    // One that did not answer is not waited for again.
    let silent = RefCell::new(HashSet::new());
    let ask = |entry| {
        let (relays, silent) = (&relays, &silent);
        async move {
            let relay = Entry::relay(entry).map(|url| url.to_string());
            if relay.as_ref().is_some_and(|relay| silent.borrow().contains(relay)) {
                return None;
            }
            let told = tokio::time::timeout(PATIENCE, relays.status(entry)).await.ok();
            let answered = |trouble: &Failure| trouble.explain().exit != Exit::Unreachable;
            if !told.as_ref().is_some_and(|told| told.as_ref().err().is_none_or(answered)) {
                silent.borrow_mut().extend(relay);
            }
            told
        }
    };
    let asking = stream::iter(&entries).map(ask).buffered(AT_ONCE).collect::<Vec<_>>();
    let told = tokio::select! {
        told = asking => told,
        _ = cx.interrupted() => return Err(Failure::Interrupted(None)),
    };
    match outbox.unreadable() {
        0 => {}
        some => cx.output.warn(&format!("what was noted of {some} more cannot be read: those files are damaged")),
    }
    let (mut forgotten, now) = (0, SystemClock.now());
    for (entry, told) in entries.iter().zip(told) {
        let (status, story, is_over) = match told {
            Some(Ok(status)) => {
                outbox.note_end(entry, &status);
                let (story, is_over) = (entry.story(&status), is_over(status.state));
                (Some(status), story, is_over)
            }
            // What was never sealed, and its relay does not know, did not arrive.
            Some(Err(Failure::NobodyKnows(_)))
                if entry.expires.is_none() && entry.created + UPLOAD_TIME.as_secs() < now =>
            {
                outbox.forget(entry);
                continue;
            }
            // Its sender was killed before there was a link.
            Some(Err(Failure::NobodyKnows(_))) if entry.expires.is_none() => {
                (None, "was never complete: no link was made".to_owned(), true)
            }
            Some(Err(trouble @ Failure::NobodyKnows(_))) => (None, trouble.explain().what, true),
            unanswered => {
                // By our clock: there is no other one to ask.
                let over = entry.expires.filter(|expires| *expires <= now).map(format::time);
                let over = over.map(|expired| format!("; it could be opened until {expired}")).unwrap_or_default();
                let why = unanswered.and_then(Result::err).map(|trouble| trouble.explain().what);
                (None, format!("{}{over}", why.as_deref().unwrap_or("its relay does not answer")), false)
            }
        };
        let text = format!("{}  {} · {} · {story}", entry.short_id(), format::time(entry.created), entry.title());
        cx.output.tell("share", entry.facts(status.as_ref()), &text)?;
        if args.forget && is_over {
            outbox.forget(entry);
            forgotten += 1;
        }
    }
    if args.forget {
        cx.output.happens("forgotten", json!({ "count": forgotten }), &format!("{forgotten} forgotten"));
    } else if entries.is_empty() {
        cx.output.say("Nothing was sent from here in the last weeks.");
    }
    relays.sweep().await;
    journal::catch_up(cx).await;
    Ok(())
}
