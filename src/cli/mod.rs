//! The command line: one room per command, and what they share.
//!
//! | room | |
//! |---|---|
//! | `send`, `open`, `peek`, `status`, `revoke`, `list`, `relay`, `generate` | the commands: arguments on top, `run` below |
//! | `context` | what a command finds around it |
//! | `connect`, `stores` | the way to where a share waits; storage by its address |
//! | `batch` | the shares of one `send` |
//! | `look`, `catch_up` | looking at a share; what earlier runs could not do any more |
//! | `asking` | what relays say of what was sent |
//! | `input` | links, passphrases, files and answers |
//! | `output` | the only place that prints |
//! | `signals` | Ctrl-C and its kin |
//! | `config` | what a person does not want to say each time |

pub(crate) mod asking;
pub(crate) mod batch;
mod catch_up;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod context;
mod generate;
pub(crate) mod input;
mod list;
mod look;
mod open;
pub(crate) mod output;
mod peek;
mod relay;
mod revoke;
mod send;
pub(crate) mod signals;
mod status;
pub(crate) mod stores;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::process::Resource;

use self::context::{Common, Context};
use self::output::errors::Failure;
use self::output::{Output, format};
use crate::link::Link;
use crate::safe_text::printable;

/// Exit codes and environment, behind every `--help`.
const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  unexpected
  2  wrong usage, damaged link, no endpoint to ask
  3  already opened
  4  expired, revoked, locked or unknown
  5  wrong passphrase
  6  relay unreachable, busy or full: safe to repeat
  7  damaged or changed on the endpoint
  8  trouble with a local file: safe to repeat
  9  the relay refuses
  130  interrupted or declined";

/// Share a photo, a video or a short secret by a link that opens once.
///
/// Everything is encrypted on this machine. What keeps it until it is opened, a relay or this machine itself, cannot
/// read it, and deletes it after one opening or when its time is over.
#[derive(Parser)]
#[command(name = "share", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten, next_help_heading = "Common options")]
    common: Common,
}

#[derive(Subcommand)]
enum Command {
    #[command(aliases = ["tx", "upload", "put"])]
    Send(send::SendArgs),
    #[command(aliases = ["rx", "receive", "download", "get"])]
    Open(open::OpenArgs),
    #[command(alias = "info")]
    Peek(peek::PeekArgs),
    Status(status::StatusArgs),
    #[command(aliases = ["rm", "delete"])]
    Revoke(revoke::RevokeArgs),
    #[command(aliases = ["ls", "history"])]
    List(list::ListArgs),
    Relay(relay::RelayArgs),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

/// Runs the command in the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // No command of a person's: the process that holds the clipboard.
    if arguments.get(1).is_some_and(|argument| argument == crate::terminal::clipboard::HOLD) {
        return crate::terminal::clipboard::hold();
    }
    let command = lenient(Cli::command());
    let parsed = command.try_get_matches_from(&arguments).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let output = Output::new(cli.common.quiet, cli.common.json);
    // An album has many files, and each is open while it is received.
    let mut files = rustix::process::getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = rustix::process::setrlimit(Resource::Nofile, files);
    output::log(cli.common.verbose, matches!(&cli.command, Command::Relay(args) if args.is_server()));
    match run(cli, &output) {
        Ok(()) => output.success(),
        Err(trouble) => output.failure(&trouble),
    }
}

fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    let mut runtime = match cli.command {
        Command::Relay(_) => tokio::runtime::Builder::new_multi_thread(),
        // A client does one thing: its thread moves bytes, another one encrypts.
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(async {
        let cx = Context::new(cli.common, output.clone())?;
        match cli.command {
            Command::Send(args) => send::run(args, &cx).await,
            Command::Open(args) => open::run(args, &cx).await,
            Command::Peek(args) => peek::run(args, &cx).await,
            Command::Status(args) => status::run(args, &cx).await,
            Command::Revoke(args) => revoke::run(args, &cx).await,
            Command::List(args) => list::run(args, &cx).await,
            Command::Relay(args) => relay::run(args, &cx).await,
            Command::Completions(args) => generate::completions(&args, &cx),
            Command::Man(args) => generate::man(&args, &cx),
        }
    });
    // A thread that waits for standard input must not hold the program back.
    runtime.shutdown_background();
    result
}

/// A name that no variable can have.
const NO_VARIABLE: &str = "";

/// Arguments as people give them. A variable that is empty is one that is not set.
fn lenient(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        // What is said last counts: a person may have said it in an alias before.
        .args_override_self(true)
        .mut_args(|arg| if is_empty(&arg) { arg.env(NO_VARIABLE) } else { arg })
        .mut_subcommands(lenient)
}

/// What clap has to say about the arguments, in our form. Neither a link nor a text among them is ever repeated.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return output::help(error),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return output::help_instead(error),
        _ => {}
    }
    let json = arguments.iter().any(|argument| argument == "--json")
        || std::env::var("SHARE_JSON").is_ok_and(|value| !matches!(&*value, "" | "0" | "false" | "no" | "off"));
    let secret = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        let lower = argument.to_ascii_lowercase();
        Link::is_in(&argument) || lower.starts_with("--text") || lower.starts_with("--passphrase=")
    };
    let text_of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let is_missing = error.kind() == ErrorKind::MissingSubcommand;
    let word = text_of(ContextKind::InvalidSubcommand).filter(|_| !is_missing);
    let help = help_for(arguments);
    let trouble = if arguments.iter().any(secret) {
        let first = word.as_ref().is_some_and(|word| secret(&word.into()));
        let what = if first { "a link is not a command" } else { "these arguments cannot be understood" };
        Failure::usage(what, if first { "share open, and paste the link when it asks".to_owned() } else { help })
    } else if let Some(word) = word {
        let hint = if std::path::Path::new(&word).exists() {
            format!("share send {}", format::quoted(&word))
        } else if let Some(meant) = text_of(ContextKind::SuggestedSubcommand) {
            format!("did you mean: share {meant}?")
        } else {
            "share --help lists the commands".to_owned()
        };
        Failure::usage(format!("{} is not a command", printable(&word)), hint)
    } else if is_missing {
        Failure::usage("a command is missing", "share --help lists them")
    } else if let (ErrorKind::MissingRequiredArgument, Some(missing)) = (error.kind(), text_of(ContextKind::InvalidArg))
    {
        Failure::usage(format!("{missing} is missing"), help)
    } else {
        let text = error.to_string();
        let possible = match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) if !values.is_empty() => Some(format!("one of: {}", values.join(", "))),
            _ => None,
        };
        let help = possible.unwrap_or(help);
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        Failure::usage(printable(what), tip.map_or(help, printable))
    };
    Output::new(false, json).failure(&trouble)
}

/// Where to read more: the help of the command that was meant, if one was.
fn help_for(arguments: &[OsString]) -> String {
    let command = Cli::command();
    let named = arguments.iter().skip(1).find_map(|argument| command.find_subcommand(argument));
    named.map_or_else(|| "share --help".to_owned(), |found| format!("share {} --help", found.get_name()))
}
