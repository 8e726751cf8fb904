//! `share peek`: says what waits. Consumes nothing.

use clap::Args;

use super::access::AccessArgs;
use super::failure::Trouble;
use super::output::Output;
use super::state::State;
use super::{Common, interrupted, words};
use crate::open::{Envelope, Look, OpenError, Opener};
use crate::relay::RelayError;
use crate::secret::DeviceSecret;

/// Say what waits behind a link, without opening it
#[derive(Args)]
pub(super) struct PeekArgs {
    #[command(flatten)]
    access: AccessArgs,
}

/// Runs the command.
pub(super) async fn run(args: PeekArgs, common: &Common, output: &Output) -> Result<(), Trouble> {
    let access = args.access.find(output)?;
    let relay = common.connect(&access.relay, output)?;
    // Only to tell an opening of our own from a stranger's.
    let device = State::open(common).and_then(|state| state.device()).unwrap_or_else(|_| DeviceSecret::random());
    let trouble = |error, ours| Trouble::Open { relay: access.relay.name(), error, ours, kept: true };
    loop {
        let passphrase = args.access.passphrase(&access.secret)?;
        let keys = access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
        let claim_token = device.claim_token(&keys.id);
        let opener = Opener::new(relay.clone(), keys, claim_token, common.patience());
        let looked = tokio::select! {
            looked = opener.look() => looked,
            () = interrupted() => return Err(Trouble::Interrupted(None)),
        };
        match looked {
            Ok(Look::Waits(envelope)) => {
                show(&envelope, output);
                return Ok(());
            }
            // Ours, but is it still? Repeating our own claim changes nothing.
            Ok(Look::OursToResume(holder)) => {
                let resumed = tokio::select! {
                    resumed = holder.resume() => resumed,
                    () = interrupted() => return Err(Trouble::Interrupted(None)),
                };
                return Err(match resumed {
                    Ok(_) | Err(OpenError::WrongPassphrase) => Trouble::Begun,
                    Err(error) => trouble(error, true),
                });
            }
            Err(OpenError::Relay(RelayError::WrongPassphrase { left })) if left > 0 && args.access.may_ask_again() => {
                output.say(&format!("wrong passphrase; {left} more may be tried"));
            }
            Err(error) => return Err(trouble(error, false)),
        }
    }
}

fn show(envelope: &Envelope, output: &Output) {
    let line = format!("{} · until {}", words::describe(&envelope.manifest), words::time(envelope.expires()));
    // Whoever closed standard output does not want to know.
    let _ = output.result(&line);
    for entry in envelope.manifest.entries.iter().filter(|_| envelope.manifest.entries.len() > 1) {
        let name = entry.name.as_deref().map_or_else(|| "(no name)".to_owned(), crate::manifest::printable);
        let kind = crate::media::Kind::of(&entry.r#type).word();
        let _ = output.result(&format!("  {name} · {kind}, {}", words::size(entry.size)));
    }
}
