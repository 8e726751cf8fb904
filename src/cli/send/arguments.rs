//! The arguments of `share send`, and the check that they fit together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::input::files::InputOptions;
use crate::cli::input::metadata::Metadata;
use crate::cli::input::passphrase::PassphraseArgs;
use crate::cli::output::errors::{self, Failure, Hint};
use crate::cli::{config, host, output};
use crate::relay::{MAX_TTL, MIN_TTL};
use crate::relay_url::RelayUrl;

/// The lifetime of a share, unless it is set.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);

/// The longest name, in bytes: the limit of common file systems.
const MAX_NAME: usize = 255;
/// The most links of one command: each is a separate upload, and all run at once.
const MAX_LINKS: usize = 20;

/// Send something that can be opened once, and print its link
///
/// Without a relay, and at a terminal, it is served from this machine to the network it is on, until it was opened.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that can be said")]
pub(crate) struct SendArgs {
    /// What to send; nothing or `-`: standard input. Several files make one album with one link
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Where to leave it
    #[arg(long, value_name = "URL", env = "SHARE_RELAY", hide_env_values = true)]
    relay: Option<String>,
    /// Serve it from this machine until it was opened
    #[arg(long)]
    direct: bool,
    #[command(flatten)]
    pub(super) host: host::HostArgs,
    /// How long it may wait to be opened: 1m to 90d [default: 14d]
    #[arg(short, long, value_name = "TIME", env = "SHARE_EXPIRE", hide_env_values = true, value_parser = crate::cli::context::duration)]
    pub(super) expire: Option<Duration>,
    /// What the recipient calls it
    #[arg(short, long, value_name = "NAME", conflicts_with = "no_name")]
    name: Option<String>,
    /// Don't tell the recipient the names of files
    #[arg(long)]
    no_name: bool,
    /// Ask for a text to send
    #[arg(long, conflicts_with = "files")]
    text: bool,
    /// A link of their own for WHO; may be said several times
    #[arg(long = "for", value_name = "WHO", conflicts_with = "links")]
    recipients: Vec<String>,
    /// So many links, each of which opens once
    #[arg(long, value_name = "N")]
    links: Option<usize>,
    /// Print the link in the form that no bot and no preview follows
    #[arg(long)]
    pub(super) bare: bool,
    /// Show the link as a QR code too
    #[arg(long)]
    pub(super) qr: bool,
    /// Copy the link to the clipboard, and keep it out of clipboard histories
    #[arg(short, long)]
    pub(super) copy: bool,
    /// Ask recipients' programs to show it and not to save it: a courtesy, not a lock
    #[arg(long)]
    pub(super) view_only: bool,
    /// What becomes of positions, times and cameras in photos and videos
    #[arg(long, value_name = "WHAT", default_value = "strip")]
    metadata: Metadata,
    /// Wait until it was opened
    #[arg(long)]
    pub(super) wait: bool,
    /// Keep in FILE what asks for it and takes it back, on any machine
    #[arg(long, value_name = "FILE")]
    pub(super) receipt: Option<PathBuf>,
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// Make a passphrase of four words, and show it
    #[arg(short = 'P', long, conflicts_with = "passphrase")]
    pub(super) generate_passphrase: bool,
}

impl SendArgs {
    /// The relay; `None`: this computer. Without a terminal that needs `--direct`: a script would wait for ever.
    pub(super) fn relay(&self, cx: &Context) -> Result<Option<RelayUrl>, Failure> {
        let relay = if self.direct { None } else { cx.relay(self.relay.as_deref())? };
        if relay.is_some() || self.direct || output::stdout_is_terminal() {
            return Ok(relay);
        }
        Err(Failure::usage(
            "no relay is configured",
            Hint::line("share relay use URL, or --direct to serve it from this computer until it is opened"),
        ))
    }

    /// The lifetime of the shares.
    pub(super) fn ttl(&self, cx: &Context) -> Result<Duration, Failure> {
        let ttl = match (self.expire, &cx.config.expire) {
            (Some(ttl), _) => ttl,
            (None, Some(text)) => crate::cli::context::duration(text).map_err(|why| config::wrong("expire", &why))?,
            (None, None) => DEFAULT_TTL,
        };
        if ttl < MIN_TTL || ttl > MAX_TTL {
            return Err(Failure::usage("--expire takes 1 minute to 90 days", Hint::run("--expire 7d")));
        }
        Ok(ttl)
    }

    /// Fails where arguments exclude each other, before anything is read.
    pub(super) fn expect_sense(&self, relay: Option<&RelayUrl>) -> Result<(), Failure> {
        expect_bare_form(self.bare, relay)?;
        if self.generate_passphrase && self.passphrase.is_file_given() {
            return Err(Failure::usage("-P and --passphrase-file exclude each other", "leave one of them out"));
        }
        if self.receipt.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("--receipt takes a file, not standard output", Hint::run("--receipt FILE")));
        }
        if self.recipients.iter().any(|recipient| recipient.trim().is_empty()) {
            return Err(Failure::usage("--for takes a name", Hint::run("--for anna")));
        }
        if output::stdout_is_closed() {
            let hint = "nothing was sent: there is no place to print the link";
            return Err(Failure::local("standard output is closed or full", hint));
        }
        if self.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(Failure::usage(format!("--name takes at most {MAX_NAME} bytes"), "nothing was sent"));
        }
        match &self.receipt {
            Some(path) if path.symlink_metadata().is_ok() => Err(errors::in_the_way(path)),
            _ => Ok(()),
        }
    }

    /// The recipients, one for each link; `None`: without a name.
    pub(super) fn recipients(&self) -> Result<Vec<Option<String>>, Failure> {
        let recipients = match self.links {
            Some(count) => vec![None; count],
            None if self.recipients.is_empty() => vec![None],
            None => self.recipients.iter().cloned().map(Some).collect(),
        };
        if recipients.is_empty() || recipients.len() > MAX_LINKS {
            return Err(Failure::usage(format!("one command makes 1 to {MAX_LINKS} links"), Hint::run("--links 5")));
        }
        Ok(recipients)
    }

    /// The inputs to open.
    pub(super) fn wanted(&self) -> InputOptions<'_> {
        InputOptions {
            files: &self.files,
            text: self.text,
            name: self.name(),
            no_name: self.no_name,
            metadata: self.metadata,
            view_only: self.view_only,
            hint: if self.passphrase.is_flag() {
                "nothing was sent; -p takes no value, it prompts"
            } else {
                "nothing was sent"
            },
        }
    }

    /// The `--name`, unless it is blank.
    pub(super) fn name(&self) -> Option<String> {
        self.name.clone().filter(|name| !name.trim().is_empty())
    }
}

/// Fails where a bare link, which has no scheme, does not suffice to reach the relay.
pub(super) fn expect_bare_form(bare: bool, url: Option<&RelayUrl>) -> Result<(), Failure> {
    match url.filter(|url| bare && !url.has_bare_form()) {
        None => Ok(()),
        Some(url) => Err(Failure::usage(
            format!("a bare link cannot contain how to reach {}", url.name()),
            Hint::line("leave out --bare"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;

    #[test]
    fn help_names_the_usual_life() {
        let command = SendArgs::augment_args(clap::Command::new("send"));
        let expire = command.get_arguments().find(|arg| arg.get_id() == "expire").unwrap();
        let usual = format!("[default: {}d]", DEFAULT_TTL.as_secs() / 86_400);
        assert!(expire.get_help().unwrap().to_string().ends_with(&usual));
    }
}
