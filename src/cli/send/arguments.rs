//! The arguments of `share send`, and which of them can be combined.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::context::Context;
use crate::cli::input::files::InputOptions;
use crate::cli::input::metadata::Metadata;
use crate::cli::input::passphrase::PassphraseArgs;
use crate::cli::notice::NotifyArgs;
use crate::cli::output::errors::{self, Failure, Hint};
use crate::cli::{config, host_args, output};
use crate::relay::{MAX_TTL, MIN_TTL};
use crate::relay_url::RelayUrl;
use crate::terminal::session::DesktopSession;

/// The lifetime of a share, unless it is set.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);

/// The longest name, in bytes: the limit of common file systems.
const MAX_NAME: usize = 255;
/// The most links of one command: each is a separate upload, and all run at once.
const MAX_LINKS: usize = 20;

/// Send files or text and print a link that works once
///
/// Uploads the encrypted data to a relay, if one is configured: see `share help relay`. Otherwise, at a terminal, this
/// computer serves the share on the local network until it is opened; press Ctrl-C to revoke it.
///
/// Without FILE, or with `-`, sends standard input.
#[derive(Args)]
#[command(after_long_help = SEND_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a flag of the command line")]
pub(crate) struct SendArgs {
    /// Files to send; several make one album
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) files: Vec<PathBuf>,
    /// Prompt for a text to send
    #[arg(long, conflicts_with = "files", help_heading = WHAT)]
    text: bool,
    /// Show NAME to the recipient
    #[arg(
        short, long, value_name = "NAME", conflicts_with = "no_name", value_hint = ValueHint::Other, help_heading = WHAT
    )]
    name: Option<String>,
    /// Show NAME to the recipient as the sender
    #[arg(long, value_name = "NAME", env = "SHARE_FROM", value_hint = ValueHint::Other, help_heading = WHAT)]
    pub(super) from: Option<String>,
    /// Show TEXT to the recipient before opening
    #[arg(long, value_name = "TEXT", value_hint = ValueHint::Other, help_heading = WHAT)]
    pub(super) note: Option<String>,
    /// Don't send file names
    #[arg(long, hide_short_help = true, help_heading = WHAT)]
    no_name: bool,
    /// Strip or keep media metadata
    #[arg(long, value_name = "MODE", default_value = "strip", help_heading = WHAT)]
    metadata: Metadata,
    /// Expire after TIME, 1m to 90d [default: 14d]
    #[arg(
        short, long, value_name = "TIME", env = "SHARE_EXPIRE", value_parser = crate::cli::context::duration,
        value_hint = ValueHint::Other, help_heading = PROTECTION
    )]
    pub(super) expire: Option<Duration>,
    #[command(flatten, next_help_heading = PROTECTION)]
    pub(super) passphrase: PassphraseArgs,
    /// Generate a passphrase of four words and print it
    #[arg(short = 'P', long, conflicts_with = "passphrase", help_heading = PROTECTION)]
    pub(super) generate_passphrase: bool,
    /// Ask recipients' programs not to save the files
    #[arg(long, help_heading = PROTECTION)]
    #[arg(long_help = "Ask recipients' programs not to save the files; a courtesy, not a lock")]
    pub(super) view_only: bool,
    /// Upload to the relay at URL
    #[arg(long, value_name = "URL", env = "SHARE_RELAY", value_hint = ValueHint::Url, help_heading = WHERE)]
    relay: Option<String>,
    /// Serve the share from this computer
    #[arg(long, help_heading = WHERE)]
    direct: bool,
    #[command(flatten, next_help_heading = WHERE)]
    pub(super) host: host_args::HostArgs,
    /// Make a separate link for WHO (repeatable)
    #[arg(
        long = "for", value_name = "WHO", conflicts_with = "links", value_hint = ValueHint::Other, help_heading = OUTPUT
    )]
    recipients: Vec<String>,
    /// Make N links, each of which works once
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, hide_short_help = true, help_heading = OUTPUT)]
    links: Option<usize>,
    /// Print the link as a QR code too
    #[arg(long, help_heading = OUTPUT)]
    pub(super) qr: bool,
    /// Copy the link to the clipboard, not to its history
    #[arg(short, long, help_heading = OUTPUT)]
    pub(super) copy: bool,
    /// Copy the link and show a notification, for programs without a terminal, such as file managers
    #[arg(
        long, conflicts_with_all = ["text", "direct", "passphrase", "generate_passphrase", "qr"],
        hide_short_help = true, help_heading = OUTPUT
    )]
    #[arg(long_help = DESKTOP)]
    pub(super) desktop: bool,
    /// Print a link that no browser or preview follows
    #[arg(long, hide_short_help = true, help_heading = OUTPUT)]
    pub(super) bare: bool,
    /// Wait until the share is opened
    #[arg(long, help_heading = OUTPUT)]
    pub(super) wait: bool,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(super) notify: NotifyArgs,
    /// Write a receipt to FILE, so that any machine can check or revoke the share
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true, help_heading = OUTPUT)]
    pub(super) receipt: Option<PathBuf>,
}

/// The next step without a relay.
const SET_RELAY: &str = "in a terminal, run: share relay use URL";

/// Headings of groups of options.
const WHAT: &str = "What to send";
const PROTECTION: &str = "Protection";
const WHERE: &str = "Where it goes";
const OUTPUT: &str = "Links and output";

const DESKTOP: &str = "\
Copy the link and show a notification, for programs without a terminal, such as file managers. Errors and warnings are \
in the notification. The link is not printed, and the share is revoked if the link cannot be copied";

const SEND_EXAMPLES: &str = "\
Examples:
  share send photo.jpg clip.mp4 --name \"Our trip\"
  share send photo.jpg --for anna --for ben --expire 24h
  echo \"the Wi-Fi password\" | share send --generate-passphrase
  link=$(share send --quiet photo.jpg)";

impl SendArgs {
    /// The relay; `None`: this computer. Without a terminal that needs `--direct`: a script would wait for ever.
    pub(super) fn relay(&self, cx: &Context) -> Result<Option<RelayUrl>, Failure> {
        let serves = self.direct || self.host.serves();
        let relay = if serves { None } else { cx.relay(self.relay.as_deref())? };
        if self.desktop && relay.is_none() {
            return Err(if serves {
                Failure::usage("--desktop needs a relay", Hint::line("leave out --tunnel"))
            } else {
                Failure::usage("no relay is configured", Hint::line(SET_RELAY))
            });
        }
        if relay.is_some() || serves || output::stdout_is_terminal() {
            return Ok(relay);
        }
        Err(Failure::usage(
            "no relay is configured",
            Hint::line("run share relay use URL, or use --direct to serve the share from this computer"),
        ))
    }

    /// Whether the command was started by a program without a terminal.
    pub(in crate::cli) fn is_for_desktop(&self) -> bool {
        self.desktop
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
        if self.desktop && self.files.is_empty() {
            return Err(Failure::usage(
                "no files were chosen",
                "choose files in the file manager, and open them with share",
            ));
        }
        if self.desktop && !DesktopSession::find().is_desktop() {
            return Err(Failure::usage("there is no desktop to copy the link on", Hint::line("leave out --desktop")));
        }
        if self.generate_passphrase && self.passphrase.is_file_given() {
            return Err(Failure::usage("-P and --passphrase-file cannot be used together", "leave one of them out"));
        }
        if self.receipt.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("--receipt takes a file, not standard output", Hint::run("--receipt FILE")));
        }
        if self.recipients.iter().any(|recipient| recipient.trim().is_empty()) {
            return Err(Failure::usage("--for takes a name", Hint::run("--for anna")));
        }
        if output::stdout_is_closed() && !self.desktop {
            let hint = "nothing was sent, because the link could not be printed";
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
                "nothing was sent; -p takes no value and prompts for the passphrase"
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
        Some(url) => {
            Err(Failure::usage(format!("a bare link cannot lead to {}", url.name()), Hint::line("leave out --bare")))
        }
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
