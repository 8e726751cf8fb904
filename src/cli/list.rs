//! `share list`: the shares that were sent from this device, and their states.

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
use crate::cli::output::{Column, format, stdout_columns, table};
use crate::relay::Status;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::rules::UPLOAD_TIME;
use crate::safe_text::{printable, reason};
use crate::state::outbox::{Outbox, SentShare, is_over};
use crate::wordlist::openers_words;

/// The longest time for the answer of one relay: shares at other relays are listed all the same.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The number of requests at once: a busy sender has thousands of shares.
const AT_ONCE: usize = 16;

/// The columns of the table. All of them are readable in 80 columns.
const COLUMNS: [Column; 6] = [
    Column { title: "id", min: 8, rank: 5 },
    Column { title: "when", min: 15, rank: 3 },
    Column { title: "name", min: 10, rank: 4 },
    Column { title: "for", min: 6, rank: 2 },
    Column { title: "state", min: 12, rank: 6 },
    Column { title: "opened by", min: 12, rank: 1 },
];

/// List the shares that were sent from this device
#[derive(Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(super) struct ListArgs {
    /// Remove ended shares from the list
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
        Failure::local(
            format!("the records of sent shares cannot be read: {}", reason(&error)),
            Hint::run("--state-dir DIR"),
        )
    };
    let state = cx.state().map_err(failed)?;
    let outbox = Outbox::open(&state).map_err(failed)?;
    let mut entries = outbox.entries().map_err(failed)?;
    entries.reverse();
    let relays = Relays::of(&entries, false, ANSWER_TIME, cx).await?;
    let answers = cx.or_interrupted(ask_all(&entries, &relays)).await?;
    let now = SystemClock.now();
    let mut listed = Vec::new();
    let mut warnings = Warnings::default();
    for (entry, answer) in entries.iter().zip(answers) {
        warnings.add(entry, &answer);
        match Known::of(entry, answer, now) {
            Some(known) => listed.push((entry, known)),
            None => outbox.forget(entry),
        }
    }
    let rows: Vec<_> = listed.iter().map(|(entry, known)| known.row(entry)).collect();
    let mut lines = table(&COLUMNS, &rows, stdout_columns()).into_iter();
    if !cx.output.is_json() && !rows.is_empty() && stdout_columns().is_some() {
        cx.output.answer_row("", json!({}), &lines.next().unwrap_or_default())?;
    }
    let mut forgotten = 0;
    for ((entry, known), line) in listed.iter().zip(lines) {
        if let Some(status) = &known.status {
            outbox.note_end(entry, status);
        }
        cx.output.answer_row("share", entry.facts(known.status.as_ref()), &line)?;
        if args.forget && known.is_over {
            outbox.forget(entry);
            forgotten += 1;
        }
    }
    warnings.print(outbox.unreadable(), cx);
    if args.forget {
        let text =
            format!("{forgotten} ended {} removed from the list", if forgotten == 1 { "share" } else { "shares" });
        cx.output.event("forgotten", json!({ "count": forgotten }), &text);
    } else if listed.is_empty() {
        cx.output.info("No shares to list: a share is listed until 30 days after its end.");
    }
    relays.sweep().await;
    catch_up(cx).await;
    Ok(())
}

/// The answer of a relay; `None` where it took too long, or did not answer for another share before.
type StatusAnswer = Option<Result<Status, Failure>>;

/// Requests the states of all shares, in their order. A relay that did not answer once is not waited for again.
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

/// The state of a share in the list.
struct Known {
    status: Option<Status>,
    /// The state in one or two words.
    state: &'static str,
    is_over: bool,
}

impl Known {
    /// The state of an entry; `None` for one that never arrived. `now` is Unix seconds.
    fn of(entry: &SentShare, answer: StatusAnswer, now: u64) -> Option<Self> {
        let is_committed = entry.expires.is_some();
        Some(match answer {
            Some(Ok(status)) => {
                let (state, is_over) = (entry.state_word(&status), is_over(status.state));
                Self { status: Some(status), state, is_over }
            }
            // A share that was never committed, and for which its relay has no record, did not arrive.
            Some(Err(failure)) if failure.is_no_record() && !is_committed => {
                if entry.created + UPLOAD_TIME.as_secs() < now {
                    return None;
                }
                // The sending process was killed before it printed a link.
                Self { status: None, state: "incomplete", is_over: true }
            }
            Some(Err(failure)) if failure.is_no_record() => Self { status: None, state: "unknown", is_over: true },
            // The relay's clock is not available: ours decides.
            _ if entry.expires.is_some_and(|expires| expires <= now) => {
                Self { status: None, state: "expired?", is_over: false }
            }
            _ => Self { status: None, state: "no answer", is_over: false },
        })
    }

    /// The row of an entry, with a cell for each of [`COLUMNS`].
    fn row(&self, entry: &SentShare) -> [String; COLUMNS.len()] {
        let opener = self.status.as_ref().and_then(|status| status.claimant);
        [
            entry.short_id().to_owned(),
            format::time(entry.created),
            entry.name.as_deref().map_or_else(|| entry.label.clone(), printable),
            entry.recipient.as_deref().map(printable).unwrap_or_default(),
            self.state.to_owned(),
            opener.map(|opener| openers_words(&opener)).unwrap_or_default(),
        ]
    }
}

/// Reasons why states are missing from the list: one for each relay.
#[derive(Default)]
struct Warnings(Vec<(Option<String>, String)>);

impl Warnings {
    fn add(&mut self, entry: &SentShare, answer: &StatusAnswer) {
        let relay = entry.relay().map(|url| url.name());
        let text = match answer {
            Some(Ok(_)) => return,
            Some(Err(failure)) if failure.is_no_record() => return,
            Some(Err(failure)) => failure.message().what,
            None => format!("{} does not answer", relay.as_deref().unwrap_or("a relay")),
        };
        if !self.0.iter().any(|(known, _)| *known == relay) {
            self.0.push((relay, text));
        }
    }

    /// `unreadable`: the number of damaged files in the outbox.
    fn print(&self, unreadable: usize, cx: &Context) {
        for (_, text) in &self.0 {
            cx.output.warn(text);
        }
        match unreadable {
            0 => {}
            1 => cx.output.warn("1 record of a sent share is damaged and cannot be read"),
            some => cx.output.warn(&format!("{some} records of sent shares are damaged and cannot be read")),
        }
    }
}
