//! Looking at a share, with the passphrase that it takes.

use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::input::link::{Access, AccessArgs};
use crate::cli::output::errors::Failure;
use crate::open::{Look, OpenError, Refusal, Session};
use crate::relay::{Relay, RelayError};

/// Looks at a share, and asks for another passphrase as long as that is wrong and another may be tried.
pub(super) async fn look(
    mut session: Session,
    relay: &Arc<dyn Relay>,
    args: &AccessArgs,
    access: &Access,
    cx: &Context,
) -> Result<Look, Failure> {
    loop {
        let passphrase = args.passphrase(&access.secret, cx).await?;
        let keys = access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str()));
        match session.look(relay.clone(), keys, cx.backoff()).await {
            Ok(look) => return Ok(look),
            Err(Refusal { error: OpenError::Relay(RelayError::WrongPassphrase { left }), session: Some(again) })
                if args.may_ask_again() =>
            {
                cx.output.info(&format!("Wrong passphrase. {left} more can be tried before the share is locked."));
                session = *again;
            }
            Err(Refusal { error, .. }) => return Err(access.endpoint.failure(error, false, true)),
        }
    }
}
