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
use crate::open::{ReportError, Reportable};
use crate::relay::ReportTo;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::{Clock, SystemClock};
use crate::report::MAX_NOTE;
use crate::safe_text::printable;
use crate::secret::Id;
use crate::state::StateDir;
use crate::state::reportable::ReportableFile;

/// Report a share to the operator of its relay
///
/// The operator sees what was sent, and your note. Only the device that opened a share can report it, until one hour
/// after the share has ended, and only if its relay has an operator. The sender is not told.
#[derive(Args)]
#[command(after_long_help = REPORT_EXAMPLES)]
pub(super) struct ReportArgs {
    /// The link [default: the last share that this device opened]
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
  share report                            The last share that this device opened
  share report --note 'not for children'
  echo \"$link\" | share report - --yes     The share of a link";

/// A share to report, and its relay.
struct Found {
    reportable: Reportable,
    endpoint: Endpoint,
}

/// Runs the command.
pub(super) async fn run(args: ReportArgs, cx: &Context) -> Result<(), Failure> {
    let given = match args.note.as_deref() {
        Some("-") if args.link.as_deref() == Some("-") => {
            return Err(Failure::usage(
                "standard input cannot be both the link and the note",
                Hint::line("use --note TEXT, or set SHARE_LINK"),
            ));
        }
        Some("-") => Some(cx.unless_interrupted(read_note).await??),
        note => note.map(str::to_owned),
    };
    if let Some(count) = given.as_ref().map(|note| note.trim().chars().count()).filter(|count| *count > MAX_NOTE) {
        return Err(Failure::Report {
            relay: String::new(),
            contact: String::new(),
            error: ReportError::TooLong(count),
        });
    }
    let nothing = |_| Failure::Unreportable(Unreportable::Nothing);
    let state = cx.state().map_err(nothing)?;
    let Found { reportable, endpoint } = match args.link.as_deref().filter(|link| !link.is_empty()) {
        Some(link) => args.of_link(link, &state, cx).await?,
        None => last(&state, cx).await?,
    };
    if !args.yes {
        confirm(&reportable, &endpoint, cx).await?;
    }
    let note = match given {
        Some(note) => note,
        None if args.yes => String::new(),
        None => prompt::ask("Note to the operator (press Enter for none):", cx).await?,
    };
    match cx.or_interrupted(reportable.report(&note)).await? {
        Ok(is_new) => {
            let facts = json!({ "id": reportable.id().hex(), "again": !is_new });
            cx.output.event("reported", facts, if is_new { REPORTED } else { REPORTED_BEFORE });
            state.forget_reportable(&reportable.id());
        }
        Err(error) => return Err(endpoint.report_failure(&reportable, error)),
    }
    catch_up(cx).await;
    Ok(())
}

impl ReportArgs {
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
            cx.output.info("The passphrase cannot be checked any more: with a wrong one, the operator sees nothing.");
            Some(self.passphrase.read(false, cx).await?)
        } else {
            None
        };
        let keys = secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
        let device = state.device().map_err(|error| device_failure(&error))?;
        let reportable = Reportable::of_keys(relay, &device, &keys, &to).ok_or_else(no_operator)?;
        Ok(Found { reportable, endpoint })
    }
}

/// The last share that this device opened.
async fn last(state: &StateDir, cx: &Context) -> Result<Found, Failure> {
    let found = state.last_reportable(SystemClock.now());
    let (id, file) = found.ok_or(Failure::Unreportable(Unreportable::Nothing))?;
    kept(id, file, state, cx).await
}

/// A share that was kept when it was claimed.
async fn kept(id: Id, file: ReportableFile, state: &StateDir, cx: &Context) -> Result<Found, Failure> {
    let nothing = || Failure::Unreportable(Unreportable::Nothing);
    let endpoint = file.relay().map(Endpoint::to).ok_or_else(nothing)?;
    expect_operator(&endpoint)?;
    let relay = cx.connect(&endpoint).await?.relay;
    let device = state.device().map_err(|error| device_failure(&error))?;
    let reportable = Reportable::of_file(relay, &device, id, file).ok_or_else(nothing)?;
    Ok(Found { reportable, endpoint })
}

fn device_failure(error: &io::Error) -> Failure {
    Failure::local(format!("the state of this device cannot be read: {error}"), "nothing was reported")
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

/// The note on standard input. Reads a little more than the longest one, in bytes.
fn read_note() -> Result<String, Failure> {
    let mut text = Zeroizing::new(Vec::new());
    let longest = 4 * MAX_NOTE as u64 * 4;
    io::stdin().lock().take(longest).read_to_end(&mut text).map_err(anyhow::Error::from)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
