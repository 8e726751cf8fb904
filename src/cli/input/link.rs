//! The link: from an argument, standard input, `SHARE_LINK` or a prompt.
//!
//! Every program of the machine can read a link among the arguments, and it stays in the shell's history. The other
//! ways are preferred.

use std::io::{self, IsTerminal, Read};

use clap::{Args, ValueHint};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::input::passphrase::PassphraseArgs;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};
use crate::link::{Link, LinkError};
use crate::relay::client::endpoint::Endpoint;
use crate::secret::LinkSecret;

/// The longest text that is searched for a link, in bytes.
const MAX_TEXT: u64 = 64 * 1024;

/// The arguments that give access to a share.
#[derive(Args)]
pub(in crate::cli) struct AccessArgs {
    /// The link [default: prompt or standard input]
    #[arg(env = "SHARE_LINK", value_hint = ValueHint::Other)]
    link: Option<String>,
    #[command(flatten, next_help_heading = "Access")]
    passphrase: PassphraseArgs,
    /// Use the relay at URL if the link names none
    #[arg(
        long, value_name = "URL", env = "SHARE_RELAY", value_hint = ValueHint::Url, hide_short_help = true,
        help_heading = "Access"
    )]
    relay: Option<String>,
}

/// The secret and the relay of a link.
pub(in crate::cli) struct Access {
    pub(in crate::cli) secret: LinkSecret,
    pub(in crate::cli) endpoint: Endpoint,
}

/// The text of a link: `given`, from standard input, or from a prompt.
pub(in crate::cli) async fn link_text(given: Option<&str>, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    let missing = || Failure::usage("no link was given", "paste the link at the prompt, pipe it in, or set SHARE_LINK");
    let text = match given {
        Some(link) if link != "-" && !link.is_empty() => Zeroizing::new(link.to_owned()),
        None if io::stdin().is_terminal() => {
            if !prompt::possible() {
                return Err(missing());
            }
            let link = prompt::ask_hidden("Link (not shown):", cx).await?;
            prompt::discard_rest();
            link
        }
        _ => cx.unless_interrupted(read_stdin).await??,
    };
    if text.trim().is_empty() { Err(missing()) } else { Ok(text) }
}

impl AccessArgs {
    /// Finds the link and its relay.
    pub(in crate::cli) async fn find(&self, cx: &Context) -> Result<Access, Failure> {
        find(self.link.as_deref(), self.relay.as_deref(), cx).await
    }

    /// The passphrase, if the link needs one.
    pub(in crate::cli) async fn passphrase(
        &self,
        secret: &LinkSecret,
        cx: &Context,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        if secret.needs_passphrase() { self.passphrase.read(false, cx).await.map(Some) } else { Ok(None) }
    }

    /// Whether the user can be prompted for another passphrase.
    pub(in crate::cli) fn may_ask_again(&self) -> bool {
        self.passphrase.is_asked()
    }
}

/// Finds the link and its relay. `given`: the link, see [`link_text`]; `relay`: the one to use if the link names none.
pub(in crate::cli) async fn find(given: Option<&str>, relay: Option<&str>, cx: &Context) -> Result<Access, Failure> {
    let found = Link::parse(&link_text(given, cx).await?)?;
    if found.rewritten {
        cx.output.warn("a mail service or another program rewrote this link and could have read its key");
    }
    let configured = cx.relay(relay)?;
    let relay = found.link.relay.clone().or_else(|| configured.clone()).ok_or_else(|| {
        let hint = Hint::line("ask the sender for the relay's URL, then add --relay URL or run share relay use URL");
        Failure::usage("the link names no relay, and none is configured", hint)
    })?;
    let endpoint = Endpoint::of(&found.link, relay);
    endpoint.expect_harmless(configured.as_ref(), cx).await?;
    Ok(Access { secret: found.link.secret, endpoint })
}

fn read_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(Vec::new());
    io::stdin().lock().take(MAX_TEXT).read_to_end(&mut text).map_err(anyhow::Error::from)?;
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(LinkError::NotALink.into()),
    }
}
