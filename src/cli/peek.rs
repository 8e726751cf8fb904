//! `share peek`: prints what waits. Consumes nothing.

use std::fmt::Write;

use clap::Args;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::input::link::AccessArgs;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, format};
use crate::media::Kind;
use crate::open::{Envelope, Look, OpenError, Opener};
use crate::relay::RelayError;
use crate::safe_text::printable;
use crate::secret::DeviceSecret;

/// Say what waits behind a link, without opening it
#[derive(Args)]
pub(crate) struct PeekArgs {
    #[command(flatten)]
    access: AccessArgs,
}

/// Runs the command.
pub(crate) async fn run(args: PeekArgs, cx: &Context) -> Result<(), Failure> {
    let output = &cx.output;
    let access = args.access.find(cx).await?;
    let relay = cx.connect(&access.endpoint).await?.relay;
    // Only to tell an opening of our own from a stranger's.
    let device = cx.state().and_then(|state| state.device()).unwrap_or_else(|_| DeviceSecret::random());
    let failure = |error, ours| access.endpoint.trouble(error, ours, true);
    loop {
        let passphrase = args.access.passphrase(&access.secret, cx).await?;
        let keys = access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
        let claim_token = device.claim_token(&keys.id);
        let opener = Opener::new(relay.clone(), keys, claim_token, cx.patience());
        match cx.or_interrupted(opener.look()).await? {
            Ok(Look::Waits(envelope)) => return show(&envelope, output),
            // Ours, but is it still? Repeating our own claim changes nothing.
            Ok(Look::OursToResume(holder)) => {
                return Err(match cx.or_interrupted(holder.resume()).await? {
                    Ok(_) | Err(OpenError::WrongPassphrase) => Failure::Begun,
                    Err(error) => failure(error, true),
                });
            }
            Err(OpenError::Relay(RelayError::WrongPassphrase { left })) if left > 0 && args.access.may_ask_again() => {
                output.say(&format!("wrong passphrase; {left} more may be tried"));
            }
            Err(error) => return Err(failure(error, false)),
        }
    }
}

fn show(envelope: &Envelope, output: &Output) -> Result<(), Failure> {
    let manifest = &envelope.manifest;
    let mut text = format!("{} · until {}", format::describe(manifest), format::time(envelope.expires()));
    for entry in manifest.entries.iter().filter(|_| manifest.entries.len() > 1) {
        let name = entry.name.as_deref().map_or_else(|| "(no name)".to_owned(), printable);
        let kind = Kind::of(&entry.r#type).word();
        let _ = write!(text, "\n  {name} · {kind}, {}", format::size(entry.size));
    }
    let facts = json!({
        "state": "waiting",
        "expires": envelope.expires(),
        "view_only": manifest.view_only,
        "name": manifest.name,
        "files": format::files(manifest),
    });
    output.tell("peek", facts, &text)
}
