//! `share list`: the shares that were sent from here, and their ends.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::cli::asking::Relays;
use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::relay::Status;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::rules::UPLOAD_TIME;
use crate::safe_text::reason;
use crate::state::outbox::{Outbox, SentShare, is_over};

/// The longest time for the answer of one relay: shares at other relays are listed all the same.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The number of questions that are on their way at once: a busy sender has thousands to ask.
const AT_ONCE: usize = 16;

/// List the shares that were sent from this device
#[derive(Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(super) struct ListArgs {
    /// Remove shares from the list once they have ended
    #[arg(long)]
    forget: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  share list
  share list --json     One object per share, for scripts
  share list --forget";

/// Runs the command.
pub(super) async fn run(args: ListArgs, cx: &Context) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::local(format!("what was sent cannot be read: {}", reason(&error)), Hint::run("--state-dir DIR"))
    };
    let state = cx.state().map_err(failed)?;
    let outbox = Outbox::open(&state).map_err(failed)?;
    let entries = outbox.entries().map_err(failed)?;
    let relays = Relays::of(&entries, false, ANSWER_TIME, cx).await?;
    let answers = cx.or_interrupted(ask_all(&entries, &relays)).await?;
    match outbox.unreadable() {
        0 => {}
        some => cx.output.warn(&format!("what was noted of {some} more cannot be read: those files are damaged")),
    }
    let (mut forgotten, now) = (0, SystemClock.now());
    for (entry, answer) in entries.iter().zip(answers) {
        let Some(line) = Line::of(entry, answer, now) else {
            outbox.forget(entry);
            continue;
        };
        if let Some(status) = &line.status {
            outbox.note_end(entry, status);
        }
        let (id, sent, title, story) = (entry.short_id(), format::time(entry.created), entry.title(), &line.story);
        let text = format!("{id}  {sent} · {title} · {story}");
        cx.output.answer("share", entry.facts(line.status.as_ref()), &text)?;
        if args.forget && line.is_over {
            outbox.forget(entry);
            forgotten += 1;
        }
    }
    if args.forget {
        cx.output.event("forgotten", json!({ "count": forgotten }), &format!("{forgotten} forgotten"));
    } else if entries.is_empty() {
        cx.output.info("Nothing was sent from here in the last weeks.");
    }
    relays.sweep().await;
    catch_up(cx).await;
    Ok(())
}

/// The answer of a relay; `None` where it took too long, or did not answer for another share before.
type StatusAnswer = Option<Result<Status, Failure>>;

/// Asks for all shares, in their order. A relay that did not answer once is not waited for again.
async fn ask_all(entries: &[SentShare], relays: &Relays) -> Vec<StatusAnswer> {
    let silent = RefCell::new(HashSet::new());
    let ask = |entry| {
        let silent = &silent;
        async move {
            let relay = SentShare::relay(entry).map(|url| url.to_string());
            if relay.as_ref().is_some_and(|relay| silent.borrow().contains(relay)) {
                return None;
            }
            let answer = tokio::time::timeout(ANSWER_TIME, relays.status(entry)).await.ok();
            if answer.as_ref().is_none_or(|answer| answer.as_ref().is_err_and(Failure::is_unreachable)) {
                silent.borrow_mut().extend(relay);
            }
            answer
        }
    };
    stream::iter(entries).map(ask).buffered(AT_ONCE).collect().await
}

/// A line of the list.
struct Line {
    status: Option<Status>,
    /// The outcome of the share, in words.
    story: String,
    is_over: bool,
}

impl Line {
    /// The line of an entry; `None` for one that never arrived. `now` is Unix seconds.
    fn of(entry: &SentShare, answer: StatusAnswer, now: u64) -> Option<Self> {
        let over = |story| Self { status: None, story, is_over: true };
        let is_committed = entry.expires.is_some();
        Some(match answer {
            Some(Ok(status)) => {
                let (story, is_over) = (entry.story(&status), is_over(status.state));
                Self { status: Some(status), story, is_over }
            }
            // A share that was never committed, and for which its relay has no record, did not arrive.
            Some(Err(Failure::NoRecord(_))) if !is_committed && entry.created + UPLOAD_TIME.as_secs() < now => {
                return None;
            }
            // Its sender was killed before there was a link.
            Some(Err(Failure::NoRecord(_))) if !is_committed => over("was never complete: no link was made".to_owned()),
            Some(Err(Failure::NoRecord(why))) => over(why),
            unanswered => {
                // By our clock: there is no other one to ask.
                let expired = entry.expires.filter(|expires| *expires <= now).map(format::time);
                let expired = expired.map(|at| format!("; it could be opened until {at}")).unwrap_or_default();
                let why = unanswered.and_then(Result::err).map(|failure| failure.message().what);
                let story = format!("{}{expired}", why.as_deref().unwrap_or("its relay does not answer"));
                Self { status: None, story, is_over: false }
            }
        })
    }
}
