//! `share relay reports`: the operator of a relay lists, reads, saves and deletes reports, in the store itself.

mod evidence;
mod identity;
mod list;
mod save;
mod show;
mod store;

use clap::{Args, Subcommand, ValueHint};

use self::store::{ReportStore, StoreArg};
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::relay::clock::{Clock, SystemClock};

/// List, read, save and delete reports
///
/// For the operator of a relay that runs with `--operator-recipient`. These commands work in the store of the relay, as
/// the relay's user, while the relay runs. The identity file need not be on that machine: save a report with
/// `--encrypted` there, and read it elsewhere.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true, after_long_help = EXAMPLES)]
pub(super) struct ReportsArgs {
    #[command(subcommand)]
    command: ReportsCommand,
}

#[derive(Subcommand)]
enum ReportsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Save(save::SaveArgs),
    Delete(DeleteArgs),
}

const EXAMPLES: &str = "\
Examples:
  share relay reports list
  share relay reports show 3f2a9c01 --identity operator.key
  share relay reports save 3f2a9c01 --encrypted -o report
  share relay reports delete 3f2a9c01";

/// Delete a report and what was reported
///
/// The report disappears from the list at once. The relay deletes the data at its next sweep, but not before the hour
/// for which it keeps every opened share is over.
#[derive(Args)]
#[command(after_long_help = DELETE_EXAMPLES)]
struct DeleteArgs {
    /// ID of the report, or its beginning
    #[arg(value_hint = ValueHint::Other)]
    id: String,
    /// Don't ask for confirmation
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    store: StoreArg,
}

const DELETE_EXAMPLES: &str = "\
Examples:
  share relay reports delete 3f2a9c01
  share relay reports delete 3f2a9c01 --yes";

/// Runs the command.
pub(super) async fn run(args: ReportsArgs, cx: &Context) -> Result<(), Failure> {
    match args.command {
        ReportsCommand::List(args) => list::run(args, cx).await,
        ReportsCommand::Show(args) => show::run(args, cx).await,
        ReportsCommand::Save(args) => save::run(args, cx).await,
        ReportsCommand::Delete(args) => delete(args, cx).await,
    }
}

async fn delete(args: DeleteArgs, cx: &Context) -> Result<(), Failure> {
    let store = ReportStore::open(args.store.store.as_deref(), cx)?;
    let report = cx.or_interrupted(store.find(&args.id)).await??;
    let id = report.id;
    if !args.yes {
        if !prompt::possible() {
            return Err(Failure::usage("there is no terminal to confirm the deletion", Hint::line("use --yes")));
        }
        cx.output.info(&list::line(&report));
        if !prompt::confirm("Delete this report and what was reported? [y]es, [n]o", cx).await? {
            return Err(Failure::Interrupted(Some(Hint::outcome("nothing was deleted"))));
        }
    }
    let hold_end = cx.or_interrupted(store.review(&id)).await??;
    let when = if SystemClock.now() < hold_end { format!(" after {}", format::time(hold_end)) } else { String::new() };
    let text = format!("Deleted from the list. The relay deletes the data at its next sweep{when}.");
    cx.output.answer("report-deleted", serde_json::json!({ "id": id.hex(), "hold_end": hold_end }), &text)
}
