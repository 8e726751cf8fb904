//! `share report`: shows the operator of a relay what this device has opened there.

use std::io::{self, Read};

use clap::{Args, ValueHint};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::input::link::{Access, find};
use crate::cli::input::passphrase::PassphraseArgs;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint, Request, Unreportable};
use crate::cli::output::{columns, format, wrapped};
use crate::cli::reporting::{REPORTED, REPORTED_BEFORE, disclosure};
use crate::open::{ReportError, Reportable, note_reported};
use crate::relay::ReportTo;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::report::MAX_NOTE;
use crate::safe_text::{printable, reason};
use crate::secret::Id;
use crate::state::StateDir;
use crate::state::reportable::ReportableFile;

/// Report a share to the operator of its relay
///
/// The operator sees what was sent, and your note. Only the device that opened a share can report it, until one hour
/// after the share has ended, and only if its relay has an operator. The relay does not tell the sender.
#[derive(Args)]
#[command(after_long_help = REPORT_EXAMPLES)]
pub(super) struct ReportArgs {
    /// The link [default: the share that this device had open last]
    #[arg(env = "SHARE_LINK", value_hint = ValueHint::Other)]
    link: Option<String>,
    /// Add a note to the operator; - reads it from standard input
    #[arg(long, value_name = "TEXT|-", value_hint = ValueHint::Other, allow_hyphen_values = true)]
    note: Option<String>,
    /// Don't ask for confirmation
    #[arg(short, long)]
    yes: bool,
    #[command(flatten, next_help_heading = "Access")]
    passphrase: PassphraseArgs,
    /// Use the relay at URL if the link names none
    #[arg(
        long, value_name = "URL", env = "SHARE_RELAY", value_hint = ValueHint::Url, hide_short_help = true,
        help_heading = "Access"
    )]
    relay: Option<String>,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  share report                            The share that was open here last
  share report --note 'not for children'
  echo \"$link\" | share report - --yes     The share of a link";

/// A share that this device has opened.
enum Found {
    /// It can be reported to the operator of the relay at an endpoint.
    Reportable(Box<(Reportable, Endpoint)>),
    /// This device has reported it before.
    Reported(Opened),
}

/// A share that this device has opened, for the outcome.
struct Opened {
    id: Id,
    /// When, Unix seconds, if that is known.
    at: Option<u64>,
}

impl Opened {
    /// Prints that it was reported. `is_new`: this was its first report.
    fn reported(&self, is_new: bool, cx: &Context) {
        let text = match (self.at.map(format::time), is_new) {
            (Some(at), true) => REPORTED.replacen("Reported", &format!("Reported what this device opened on {at}"), 1),
            (Some(at), false) => format!("What this device opened on {at} was reported before."),
            (None, true) => REPORTED.to_owned(),
            (None, false) => REPORTED_BEFORE.to_owned(),
        };
        cx.output.event("reported", json!({ "id": self.id.hex(), "again": !is_new }), &text);
    }
}

/// Runs the command.
pub(super) async fn run(args: ReportArgs, cx: &Context) -> Result<(), Failure> {
    let given = args.given_note(cx).await?;
    let state = cx.state().map_err(|error| device_failure(&error))?;
    state.forget_late_reportables(SystemClock.now());
    let link = args.link.as_deref().filter(|link| !link.is_empty());
    let found = match link {
        Some(link) => args.of_link(link, &state, cx).await?,
        None => last(&state, cx).await?,
    };
    let (reportable, endpoint) = match found {
        Found::Reportable(found) => *found,
        Found::Reported(opened) => {
            opened.reported(false, cx);
            if link.is_none() {
                cx.output.hint(Hint::line("for another share: share report LINK"));
            }
            return Ok(());
        }
    };
    if !args.yes {
        confirm(&reportable, &endpoint, cx).await.map_err(or_declined)?;
    }
    let note = match given {
        Some(note) => note,
        None if args.yes => String::new(),
        None => prompt::ask("Note to the operator (press Enter for none):", cx).await.map_err(or_declined)?,
    };
    let reported = cx.or_interrupted(reportable.report(&note)).await;
    let reported = reported.map_err(|failure| or_hint(failure, "the relay may have the report"))?;
    let is_new = reported.map_err(|error| endpoint.report_failure(&reportable, error))?;
    note_reported(&state, &reportable.id());
    Opened { id: reportable.id(), at: reportable.opened }.reported(is_new, cx);
    catch_up(cx).await;
    Ok(())
}

/// The same failure, with the outcome if a question was not answered.
fn or_declined(failure: Failure) -> Failure {
    or_hint(failure, "nothing was reported")
}

fn or_hint(failure: Failure, outcome: &str) -> Failure {
    match failure {
        Failure::Interrupted(None) => Failure::Interrupted(Some(Hint::outcome(outcome))),
        failure => failure,
    }
}

impl ReportArgs {
    /// The note in the arguments or on standard input. `None`: a prompt may ask for one.
    async fn given_note(&self, cx: &Context) -> Result<Option<String>, Failure> {
        let given = match self.note.as_deref() {
            Some("-") if self.link.as_deref() == Some("-") => {
                return Err(Failure::usage(
                    "standard input cannot be both the link and the note",
                    Hint::line("use --note TEXT, or set SHARE_LINK"),
                ));
            }
            Some("-") => Some(cx.unless_interrupted(read_note).await??),
            note => note.map(str::to_owned),
        };
        match given.as_ref().map(|note| note.trim().chars().count()) {
            Some(count) if count > MAX_NOTE => {
                let (relay, contact) = (String::new(), String::new());
                Err(Failure::Report { relay, contact, error: ReportError::TooLong(count) })
            }
            _ => Ok(given),
        }
    }

    /// The share of a link.
    async fn of_link(&self, link: &str, state: &StateDir, cx: &Context) -> Result<Found, Failure> {
        let Access { secret, endpoint } = find(Some(link), self.relay.as_deref(), cx).await?;
        let id = secret.id();
        if let Some(file) = state.reportable(&id, SystemClock.now()) {
            return kept(id, file, state, cx).await;
        }
        expect_operator(&endpoint)?;
        let relay = cx.connect(&endpoint).await?.relay;
        let about = cx.or_interrupted(relay.about()).await?;
        let about = about.map_err(|error| endpoint.failed(Request::Connect, error))?;
        let no_operator = || Failure::Unreportable(Unreportable::NoOperator(endpoint.name()));
        let recipient = about.operator_recipient.ok_or_else(no_operator)?;
        let to = ReportTo { recipient, contact: about.contact.unwrap_or_default() };
        let passphrase = if secret.needs_passphrase() {
            cx.output.warn(
                "nothing checks the passphrase any more: with a wrong one, the operator sees nothing, and the share \
                 cannot be reported again",
            );
            Some(self.passphrase.read_unchecked(cx).await.map_err(or_declined)?)
        } else {
            None
        };
        let keys = secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
        let device = state.device().map_err(|error| device_failure(&error))?;
        let reportable = Reportable::of_keys(relay, &device, &keys, &to).ok_or_else(no_operator)?;
        Ok(Found::Reportable(Box::new((reportable, endpoint))))
    }
}

/// The share that this device had open last.
async fn last(state: &StateDir, cx: &Context) -> Result<Found, Failure> {
    let found = state.last_reportable(SystemClock.now());
    let (id, file) = found.ok_or(Failure::Unreportable(Unreportable::Nothing))?;
    kept(id, file, state, cx).await
}

/// A share that was kept when it was claimed.
async fn kept(id: Id, file: ReportableFile, state: &StateDir, cx: &Context) -> Result<Found, Failure> {
    if file.is_reported {
        return Ok(Found::Reported(Opened { id, at: Some(file.opened) }));
    }
    let nothing = || Failure::Unreportable(Unreportable::Nothing);
    let endpoint = file.relay().map(Endpoint::to).ok_or_else(nothing)?;
    expect_operator(&endpoint)?;
    let relay = cx.connect(&endpoint).await?.relay;
    let device = state.device().map_err(|error| device_failure(&error))?;
    let reportable = Reportable::of_file(relay, &device, id, file).ok_or_else(nothing)?;
    Ok(Found::Reportable(Box::new((reportable, endpoint))))
}

fn device_failure(error: &io::Error) -> Failure {
    Failure::local(format!("the state of this device cannot be used: {}", reason(error)), "nothing was reported")
}

/// Refuses an endpoint whose answers cannot be those of an operator.
fn expect_operator(endpoint: &Endpoint) -> Result<(), Failure> {
    let why = match () {
        () if endpoint.is_direct() => Unreportable::Direct,
        () if endpoint.url.is_store() => Unreportable::NoOperator(endpoint.name()),
        () if !endpoint.url.is_authentic() => Unreportable::PlainHttp(endpoint.name()),
        () => return Ok(()),
    };
    Err(Failure::Unreportable(why))
}

/// Asks before the report.
async fn confirm(reportable: &Reportable, endpoint: &Endpoint, cx: &Context) -> Result<(), Failure> {
    if !prompt::possible() {
        return Err(Failure::usage("there is no terminal to confirm the report", Hint::line("use --yes")));
    }
    let host = printable(&endpoint.name());
    let what = match reportable.opened {
        Some(at) => format!("Report what this device opened on {} to the operator of {host}?", format::time(at)),
        None => format!("Report what this device opened to the operator of {host}?"),
    };
    let [what, disclosed] = [what, disclosure(reportable)].map(|text| wrapped(&text, columns()));
    let question = format!("{what}\n{disclosed}\n[y]es, [n]o");
    if prompt::confirm(&question, cx).await? {
        return Ok(());
    }
    Err(Failure::Interrupted(Some(Hint::outcome("nothing was reported"))))
}

/// The note on standard input.
fn read_note() -> Result<String, Failure> {
    // More bytes are no note, even if most of them are spaces.
    let longest = 16 * MAX_NOTE;
    let mut text = Zeroizing::new(Vec::new());
    io::stdin().lock().take(longest as u64 + 1).read_to_end(&mut text).map_err(anyhow::Error::from)?;
    if text.len() > longest {
        return Err(Failure::usage(
            format!("a note has at most {MAX_NOTE} characters; this one is longer"),
            "shorten it; nothing was reported",
        ));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
