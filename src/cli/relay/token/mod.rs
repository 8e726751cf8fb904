//! `share relay token`: makes, lists and revokes create tokens, for uploads to a relay that requires one.

mod file;
mod line;
mod list;

pub(super) mod watch;

use std::num::NonZeroU64;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueHint};
use directories::ProjectDirs;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use self::line::TokenLine;
use crate::blob::MIN_LEN;
use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::cli::relay::limits::size;
use crate::page;
use crate::relay::AccountLimits;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::server::CreateToken;
use crate::safe_text::printable;
use crate::secret::random_hex;
use crate::state::private_dir;

/// Make, list and revoke create tokens
///
/// Prints the token, and adds its hash and its limits to the file that `share relay --create-token-file` reads. A
/// running relay notices a change of that file within seconds. Limits of a day begin again at midnight, UTC.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_long_help = TOKEN_EXAMPLES
)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: Option<TokenCommand>,
    /// Name of the token's holder, such as anna
    #[arg(required = true, value_hint = ValueHint::Other)]
    name: Option<String>,
    /// Accept shares up to SIZE from the holder
    #[arg(long, value_name = "SIZE", value_parser = share_size, value_hint = ValueHint::Other)]
    max_size: Option<ByteSize>,
    /// Accept up to SIZE a day from the holder
    #[arg(long, value_name = "SIZE", value_parser = share_size, value_hint = ValueHint::Other)]
    max_per_day: Option<ByteSize>,
    /// Accept up to N new shares a day from the holder
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    max_shares_per_day: Option<NonZeroU64>,
    /// Let the token end after TIME, such as 30d, or with the day DATE, UTC, such as 2027-12-31
    #[arg(long, value_name = "DATE|TIME", value_parser = end, value_hint = ValueHint::Other)]
    until: Option<u64>,
    /// Print a link that contains the token, for sending from a browser
    #[arg(long)]
    link: bool,
    /// Make the link for the relay at URL [default: the configured one]
    #[arg(long, value_name = "URL", requires = "link", value_hint = ValueHint::Url)]
    relay: Option<String>,
    #[command(flatten)]
    file: FileArg,
}

/// The file of create tokens.
#[derive(Args)]
struct FileArg {
    /// Use FILE [default: state directory if it is set, or else the data directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    create_token_file: Option<PathBuf>,
}

/// The commands about tokens besides making one.
#[derive(Subcommand)]
enum TokenCommand {
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// List create tokens with their limits
#[derive(Args)]
#[command(after_long_help = LIST_EXAMPLES)]
struct ListArgs {
    #[command(flatten)]
    file: FileArg,
}

/// Revoke a create token
///
/// A running relay refuses the token within seconds. Uploads that have begun may finish, and shares that wait can still
/// be opened.
#[derive(Args)]
#[command(after_long_help = REVOKE_EXAMPLES)]
struct RevokeArgs {
    /// Name of the token's holder
    #[arg(value_hint = ValueHint::Other)]
    name: String,
    #[command(flatten)]
    file: FileArg,
}

const TOKEN_EXAMPLES: &str = "\
Examples:
  share relay token anna
  share relay token ben --max-size 100MB --max-shares-per-day 20 --until 30d
  share relay token carla --link --relay https://relay.example
  share relay token list
  share relay token revoke ben";

const LIST_EXAMPLES: &str = "\
Examples:
  share relay token list
  share relay token list --create-token-file /etc/share/tokens";

const REVOKE_EXAMPLES: &str = "\
Examples:
  share relay token revoke anna";

/// The smallest share is padded to as much.
fn share_size(text: &str) -> Result<ByteSize, String> {
    let size = size(text)?;
    if size.as_u64() < MIN_LEN { Err(format!("expected at least {MIN_LEN} bytes")) } else { Ok(size) }
}

fn end(text: &str) -> Result<u64, String> {
    let now = SystemClock.now();
    let after = |time: std::time::Duration| now.saturating_add(time.as_secs());
    let end = humantime::parse_duration(text).ok().map(after).or_else(|| line::parse_end(text));
    match end {
        Some(end) if end > now => Ok(end),
        Some(_) => Err("expected a time in the future".to_owned()),
        None => Err("expected a time like 30d, or a date like 2027-12-31".to_owned()),
    }
}

/// Runs the command.
pub(super) fn run(args: &TokenArgs, cx: &Context) -> Result<(), Failure> {
    match (&args.command, &args.name) {
        (Some(TokenCommand::List(ListArgs { file })), _) => list::run(&file.path(cx)?, cx),
        (Some(TokenCommand::Revoke(RevokeArgs { name, file })), _) => revoke(name, &file.path(cx)?, cx),
        (None, name) => make(name.as_deref().unwrap_or_default(), args, cx),
    }
}

impl FileArg {
    fn path(&self, cx: &Context) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.create_token_file {
            return Ok(path.clone());
        }
        let dirs = ProjectDirs::from("", "", "share");
        let usual = dirs.as_ref().map(ProjectDirs::data_dir);
        let directory =
            cx.state_dir.as_deref().or(usual).ok_or_else(|| {
                Failure::usage("this user has no home directory", Hint::run("--create-token-file FILE"))
            })?;
        private_dir(directory).map_err(|error| Failure::path(directory, &error, "nothing was changed"))?;
        Ok(directory.join("create-tokens"))
    }
}

/// Makes a token for a name, and adds its hash to the file.
fn make(name: &str, args: &TokenArgs, cx: &Context) -> Result<(), Failure> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || !name.chars().all(is_word) {
        return Err(Failure::usage(
            "the name is one word, like anna or anna@example.org",
            Hint::run("share relay token anna"),
        ));
    }
    let sender = args.link.then(|| sender(args, cx)).transpose()?;
    let path = args.file.path(cx)?;
    let token = Zeroizing::new(random_hex::<32>());
    let limits = AccountLimits {
        max_size: args.max_size.map(|size| size.as_u64()),
        bytes_a_day: args.max_per_day.map(|size| size.as_u64()),
        shares_a_day: args.max_shares_per_day.map(NonZeroU64::get),
    };
    let made = CreateToken { hash: CreateToken::hash(&token), limits, until: args.until };
    let made = TokenLine { name: Some(name.to_owned()), token: made };
    file::change(&path, |old| {
        if line::parse(old).map_err(|bad| file::malformed(&path, bad))?.iter().any(|line| line.is_of(name)) {
            return Err(Failure::local(
                format!("{name} already has a token"),
                Hint::line(format!("use another name, or first run: share relay token revoke {name}")),
            ));
        }
        let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        Ok(format!("{old}{newline}{made}\n"))
    })?;
    let shown = printable(&path.to_string_lossy());
    let link = sender.map(|page| Zeroizing::new(format!("{page}#token={}", token.as_str())));
    let mut facts = made.facts(&path);
    facts["token"] = token.as_str().into();
    facts["link"] = link.as_ref().map(|link| link.as_str()).into();
    if cx.output.result("token", facts, link.as_ref().unwrap_or(&token)).is_err() {
        let revoke = format!("nobody has seen the token: share relay token revoke {name}");
        return Err(Failure::local("standard output is closed", Hint::line(revoke)));
    }
    cx.output.info(&match link {
        None => format!("Give the token to {name}: share relay use URL prompts for it."),
        Some(_) => {
            format!("Give the link to {name}. Anyone who has it can upload until you revoke the token of {name}.")
        }
    });
    cx.output.info(&format!(
        "A running relay accepts it within seconds, if it was started with --create-token-file {}",
        format::quoted(&shown)
    ));
    Ok(())
}

/// The address of the page that sends, for a link with a token.
///
/// # Errors
/// No relay is set, or it is a folder or a bucket.
fn sender(args: &TokenArgs, cx: &Context) -> Result<Url, Failure> {
    let again =
        || Hint::run(format!("share relay token {} --link --relay URL", args.name.as_deref().unwrap_or("NAME")));
    let relay = cx.relay(args.relay.as_deref())?;
    let relay = relay.ok_or_else(|| Failure::usage("no relay is configured, and a link leads to one", again()))?;
    if relay.is_store() {
        let why = format!("{} has no page for browsers: a link leads to a relay that is a server", relay.name());
        return Err(Failure::usage(why, again()));
    }
    Ok(relay.join(page::SEND.path))
}

/// Removes the token of a name from the file.
fn revoke(name: &str, path: &std::path::Path, cx: &Context) -> Result<(), Failure> {
    // A file that is missing is not made.
    file::load(path)?;
    let mut revoked = None;
    file::change(path, |old| {
        let lines = line::parse(old).map_err(|bad| file::malformed(path, bad))?;
        let Some(found) = lines.into_iter().find(|line| line.is_of(name)) else {
            return Err(Failure::local(
                format!("there is no create token of {}", printable(name)),
                Hint::run("share relay token list"),
            ));
        };
        revoked = Some(found);
        let is_kept = |text: &&str| !matches!(TokenLine::read(text), Ok(Some(line)) if line.is_of(name));
        Ok(old.split_inclusive('\n').filter(is_kept).collect())
    })?;
    let facts = revoked.map_or(Value::Null, |line| line.facts(path));
    cx.output.answer("token-revoked", facts, &format!("revoked: the create token of {name}"))?;
    cx.output.info("A running relay refuses it within seconds. Uploads that have begun may finish.");
    Ok(())
}
