//! `share peek`: prints what waits. Consumes nothing.

use std::fmt::Write;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::input::link::{Access, AccessArgs};
use crate::cli::look::look;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, format};
use crate::open::{Envelope, Look, OpenError, Progress, Refusal, Session};
use crate::relay::Relay;
use crate::secret::DeviceSecret;

/// Show what a link leads to without opening it
///
/// Prints the name, kind and size of what was sent, and when it expires. The link can still be opened afterwards.
#[derive(Args)]
#[command(after_long_help = PEEK_EXAMPLES)]
pub(super) struct PeekArgs {
    #[command(flatten)]
    access: AccessArgs,
}

const PEEK_EXAMPLES: &str = "\
Examples:
  share peek                 Paste the link at the prompt
  echo \"$link\" | share peek";

/// Runs the command.
pub(super) async fn run(args: PeekArgs, cx: &Context) -> Result<(), Failure> {
    let access = args.access.find(cx).await?;
    let relay = cx.connect(&access.endpoint).await?.relay;
    // Only to distinguish an opening of our own from a stranger's.
    let device = cx.state().and_then(|state| state.device()).unwrap_or_else(|_| DeviceSecret::random());
    let session = Session::without_journal(device, &Progress::default());
    cx.or_interrupted(peek(session, &relay, &args.access, &access, cx)).await?
}

async fn peek(
    session: Session,
    relay: &Arc<dyn Relay>,
    args: &AccessArgs,
    access: &Access,
    cx: &Context,
) -> Result<(), Failure> {
    match look(session, relay, args, access, cx).await? {
        Look::Waits(envelope) => show(&envelope, &cx.output),
        // Ours, but is it still? Repeating our own claim changes nothing.
        Look::Ours(ours) => Err(match ours.resume().await {
            Ok(_) | Err(Refusal { error: OpenError::WrongPassphrase, .. }) => Failure::Begun,
            Err(Refusal { error, .. }) => access.endpoint.failure(error, true, true),
        }),
    }
}

fn show(envelope: &Envelope, output: &Output) -> Result<(), Failure> {
    let manifest = &envelope.manifest;
    let mut text = format!("{} · until {}", format::describe(manifest), format::time(envelope.expires()));
    for words in format::words(manifest) {
        let _ = write!(text, "\n{words}");
    }
    for entry in manifest.entries.iter().filter(|_| manifest.entries.len() > 1) {
        let _ = write!(text, "\n  {}", format::describe_entry(entry));
    }
    let facts = json!({
        "state": "waiting",
        "expires": envelope.expires(),
        "view_only": manifest.view_only,
        "name": manifest.name,
        "from": manifest.from,
        "note": manifest.note,
        "files": format::files(manifest),
    });
    output.answer("peek", facts, &text)
}
