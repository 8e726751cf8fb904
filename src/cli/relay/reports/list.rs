//! `share relay reports list`.

use clap::Args;
use serde_json::json;

use super::evidence::{self, Found, Source, UNVERIFIED};
use super::identity::IdentityArg;
use super::store::{ReportStore, StoreArg, short};
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Unread};
use crate::cli::output::format;
use crate::cli::output::indented;
use crate::relay::rules::review::{ReportedShare, Reports};
use crate::report::{Identity, Note, Verified};
use crate::safe_text::printable;
use crate::wordlist::openers_words;

/// Characters of a note in the list.
const SHOWN_OF_NOTE: usize = 100;

/// Why a report is listed by its id alone.
const UNREADABLE: &str = "a record of it is damaged, of a newer version, or belongs to another user";

/// List the reports at a relay
///
/// With the operator's identity, the list also has what was sent and the recipients' notes.
#[derive(Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(super) struct ListArgs {
    #[command(flatten)]
    identity: IdentityArg,
    #[command(flatten)]
    store: StoreArg,
}

const LIST_EXAMPLES: &str = "\
Examples:
  share relay reports list
  share relay reports list --store file:///srv/share --identity operator.key";

/// Runs the command.
pub(super) async fn run(args: ListArgs, cx: &Context) -> Result<(), Failure> {
    let identities = args.identity.read(cx).await?;
    let store = ReportStore::open(args.store.store.as_deref(), cx)?;
    let Reports { shares, unreadable } = cx.or_interrupted(store.list()).await??;
    if shares.is_empty() && unreadable.is_empty() {
        cx.output.info("There are no reports.");
        return Ok(());
    }
    for report in &shares {
        let mut lines = vec![row(&line(report))];
        let mut facts = json!({
            "id": report.id.hex(), "reported": report.at, "claimed": report.claimed,
            "opener": openers_words(&report.claimant), "blob_len": report.blob_len, "state": report.state.word(),
            "ended": report.ended, "deleted": report.deleted,
        });
        if let Some(identities) = &identities {
            match cx.or_interrupted(read(&store, report, identities)).await? {
                Ok(verified) => {
                    facts = evidence::facts(&report.id.hex(), &verified, Source::Store);
                    facts["deleted"] = json!(report.deleted);
                    lines.push(indented(&content(&verified)));
                }
                Err(failure) => {
                    let why = match failure {
                        Failure::Unread(Unread::Refuted(why)) => why.to_string(),
                        failure => failure.message().what,
                    };
                    lines.push(indented(&format!("cannot be read: {why}")));
                    facts["error"] = json!(why);
                }
            }
        }
        cx.output.answer_row("report", facts, &lines.join("\n"))?;
    }
    for id in &unreadable {
        let facts = json!({ "id": id.hex(), "error": UNREADABLE });
        let line = format!("{}  cannot be read: {UNREADABLE}", short(id));
        cx.output.answer_row("report", facts, &row(&line))?;
    }
    if cx.output.is_json() { Ok(()) } else { cx.output.answer_row("", json!({}), UNVERIFIED) }
}

/// Verifies everything about a report but its content.
async fn read(store: &ReportStore, report: &ReportedShare, identities: &[Identity]) -> Result<Verified, Failure> {
    Found::from(store.evidence(&report.id).await?).verify(identities)
}

/// The first line of a report: broken between words where the terminal is narrow, with an indent below it.
fn row(line: &str) -> String {
    indented(line).trim_start().to_owned()
}

/// A report as everyone can read it who has the store.
pub(super) fn line(report: &ReportedShare) -> String {
    let ReportedShare { id, at, blob_len, claimant, state, deleted, .. } = report;
    let deleted = deleted.map_or_else(
        || "kept for 30 days after its end".to_owned(),
        |deleted| format!("to be deleted on {}", format::time(deleted)),
    );
    [
        format!("{}  reported {}", short(id), format::time(*at)),
        format!("opened by {}", openers_words(claimant)),
        format::size(*blob_len),
        state.word().to_owned(),
        deleted,
    ]
    .join(" · ")
}

/// The content and the notes, in one line.
fn content(verified: &Verified) -> String {
    let manifest = &verified.manifest;
    let from = manifest.from.as_ref().map(|from| format!("from “{}”", printable(from)));
    let note = match &verified.note {
        Note::Missing => None,
        Note::Text(text) => Some(format!("note: “{}”", shortened(text))),
        Note::Unreadable => Some("its note cannot be read".to_owned()),
    };
    [format::describe(manifest)].into_iter().chain(from).chain(note).collect::<Vec<_>>().join(" · ")
}

/// The beginning of a note.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let beginning: String = text.chars().take(SHOWN_OF_NOTE).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&beginning))
}
