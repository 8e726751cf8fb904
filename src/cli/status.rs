//! `share status`: what became of what was sent. And how shares of one's own are named.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;

use super::connect::{Connected, Way};
use super::failure::{Trouble, reason};
use super::outbox::{Entry, Outbox, is_over, read_receipts};
use super::state::State;
use super::{Context, access, interrupted, opening, words};
use crate::link::Link;
use crate::manifest::printable;
use crate::relay::{RelayError, State as Stand, Status};
use crate::spoken::openers_words;

/// How long a relay is asked to hold its answer back.
const LONG: Duration = Duration::from_secs(55);

/// Which of the shares that were sent from here.
#[derive(Args)]
pub(super) struct Which {
    /// Its link, its name, for whom it was, or the beginning of its id; `-`: a link from standard input
    /// [default: the last one]
    #[arg(value_name = "LINK|NAME|ID", conflicts_with = "receipt")]
    which: Option<String>,
    /// What share send --receipt wrote, on this machine or another
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// Shares that were meant, and the outbox they may be in.
pub(super) struct Meant {
    pub(super) entries: Vec<Entry>,
    pub(super) outbox: Option<Outbox>,
}

impl Meant {
    /// Notes how one ended, where that is kept.
    pub(super) fn note_end(&self, entry: &Entry, status: &Status) {
        if let Some(outbox) = &self.outbox {
            outbox.note_end(entry, status);
        }
    }
}

impl Which {
    /// Whether it was said at all.
    pub(super) fn is_said(&self) -> bool {
        self.which.is_some() || self.receipt.is_some()
    }

    /// Finds them: at least one.
    pub(super) fn find(&self, cx: &Context) -> Result<Meant, Trouble> {
        if let Some(path) = &self.receipt {
            let entries =
                read_receipts(path).map_err(|error| Trouble::path(path, &error, "the file of send --receipt"))?;
            return Ok(Meant { entries, outbox: None }).and_then(Meant::expect_some);
        }
        let failed = |error: &std::io::Error| {
            Trouble::local(format!("what was sent cannot be read: {}", reason(error)), "--state-dir, or --receipt FILE")
        };
        let outbox = State::open(cx).and_then(|state| Outbox::open(&state)).map_err(|error| failed(&error))?;
        let entries = match self.which.as_deref() {
            None => outbox.last(),
            Some("-") => outbox.find(&Link::parse(&access::link_text(Some("-"))?)?.link.secret.id()),
            Some(word) => match Link::parse(word) {
                Ok(found) => outbox.find(&found.link.secret.id()),
                Err(error) if word.to_ascii_lowercase().contains("share1") => return Err(error.into()),
                Err(_) => outbox.called(word),
            },
        };
        Meant { entries: entries.map_err(|error| failed(&error))?, outbox: Some(outbox) }.expect_some()
    }
}

impl Meant {
    fn expect_some(self) -> Result<Self, Trouble> {
        if self.entries.is_empty() { Err(Trouble::NotSentFromHere) } else { Ok(self) }
    }
}

/// Ask what became of what you sent
#[derive(Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// Wait until it was opened, or cannot be any more
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(super) async fn run(args: StatusArgs, cx: &Context) -> Result<(), Trouble> {
    let meant = args.which.find(cx)?;
    let told = tokio::select! {
        told = async {
            if args.wait {
                try_join_all(meant.entries.iter().map(|entry| wait_for(entry, cx))).await
            } else {
                try_join_all(meant.entries.iter().map(|entry| ask(entry, cx))).await
            }
        } => told?,
        _ = interrupted() => return Err(Trouble::Interrupted(Some("it is as it was".to_owned()))),
    };
    for (entry, status) in meant.entries.iter().zip(&told) {
        meant.note_end(entry, status);
        let text = format!("{} · {}", entry.title(), entry.story(status));
        // Whoever closed standard output does not want to know.
        let _ = cx.output.result("status", entry.facts(Some(status)), &text);
    }
    if let Ok(state) = State::open(cx) {
        opening::catch_up(cx, &state).await;
    }
    if args.wait { expect_opened(meant.entries.iter().zip(&told)) } else { Ok(()) }
}

/// What a share's relay says, or what it last said, if nothing can change any more.
pub(super) async fn ask(entry: &Entry, cx: &Context) -> Result<Status, Trouble> {
    if let Some(end) = &entry.end {
        return Ok(end.clone());
    }
    let (way, connected, owner) = reach(entry, cx).await?;
    let asked = connected.relay.status(&owner, None, Duration::ZERO).await;
    connected.sweep().await;
    asked.map_err(|error| told_by(&way, error))
}

/// The relay of a share that is not known to have ended.
pub(super) async fn reach(entry: &Entry, cx: &Context) -> Result<(Way, Connected, crate::relay::Credential), Trouble> {
    let way = entry.relay().map(Way::to).ok_or_else(|| {
        let hint = "it knows, and Ctrl-C there takes it back; if it is gone, so is the share";
        Trouble::local(format!("{}: the program that serves it can tell", entry.title()), hint)
    })?;
    let owner = entry.owner().ok_or_else(|| anyhow::anyhow!("an entry of the outbox is damaged"))?;
    let connected = cx.connect(&way).await?;
    Ok((way, connected, owner))
}

/// What a relay's refusal means to a sender.
pub(super) fn told_by(way: &Way, error: RelayError) -> Trouble {
    match error {
        RelayError::Unknown => Trouble::NotOpened(format!("{} knows nothing of it (any more)", way.name())),
        error => Trouble::relay(way, error),
    }
}

/// Waits for the end of one share.
async fn wait_for(entry: &Entry, cx: &Context) -> Result<Status, Trouble> {
    if let Some(end) = &entry.end {
        return Ok(end.clone());
    }
    let (way, connected, _) = reach(entry, cx).await?;
    wait_at(entry, &way, &connected, cx).await
}

/// Waits for the ends of shares at one relay.
pub(super) async fn wait_for_all<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    way: &Way,
    connected: &Connected,
    cx: &Context,
) -> Result<Vec<Status>, Trouble> {
    try_join_all(entries.map(|entry| wait_at(entry, way, connected, cx))).await
}

async fn wait_at(entry: &Entry, way: &Way, connected: &Connected, cx: &Context) -> Result<Status, Trouble> {
    let owner = entry.owner().ok_or_else(|| anyhow::anyhow!("an entry of the outbox is damaged"))?;
    let mut known: Option<Stand> = None;
    loop {
        let status = connected.relay.status(&owner, known, LONG).await.map_err(|error| told_by(way, error))?;
        if is_over(status.state) {
            let what = match status.state {
                Stand::Finished => {
                    let who = status.claimant.map(|claimant| format!(" ({})", openers_words(&claimant)));
                    format!("opened{}", who.unwrap_or_default())
                }
                _ => entry.story(&status),
            };
            let text = format!("{} {} · {what}", words::time_of_day(), entry.title());
            cx.output.happens("ended", entry.facts(Some(&status)), &text);
            return Ok(status);
        }
        if known.is_some_and(|known| known != status.state) && status.state == Stand::Claimed {
            let text = format!("{} {} · being opened", words::time_of_day(), entry.title());
            cx.output.happens("opening", entry.facts(Some(&status)), &text);
        }
        known = Some(status.state);
    }
}

/// Fails unless all were opened.
pub(super) fn expect_opened<'a>(told: impl Iterator<Item = (&'a Entry, &'a Status)>) -> Result<(), Trouble> {
    let missed: Vec<_> = told.filter(|(_, status)| status.state != Stand::Finished).collect();
    match &missed[..] {
        [] => Ok(()),
        [(entry, status)] => Err(Trouble::NotOpened(entry.story(status))),
        many => {
            let names: Vec<_> =
                many.iter().map(|(entry, _)| entry.recipient.as_deref().unwrap_or(entry.short_id())).collect();
            Err(Trouble::NotOpened(format!("{} of them: {}", many.len(), printable(&names.join(", ")))))
        }
    }
}
