//! The command line: parses, asks, prints. This file only dispatches; nothing below it imports it.
//!
//! | room | |
//! |---|---|
//! | `send`, `open`, `peek`, `status`, `revoke`, `list`, `relay`, `generate` | the commands: arguments on top, `run` below |
//! | `arguments` | how people write arguments, and errors in them |
//! | `context` | the surroundings of a command: settings, output, the signal to stop |
//! | `connect`, `stores` | connections to relays; storage by its address |
//! | `host` | serving shares from here |
//! | `outcome` | the words about a share that was sent |
//! | `look`, `catch_up` | looking at a share; work that earlier runs have left |
//! | `asking` | questions to relays about shares that were sent |
//! | `input` | links, passphrases, files and answers |
//! | `output` | the only place that prints |
//! | `signals` | Ctrl-C and the other signals to stop |
//! | `config` | settings that need not be repeated |

mod arguments;
mod asking;
mod catch_up;
mod clipboard;
mod config;
mod connect;
mod context;
mod generate;
mod host;
mod input;
mod list;
mod look;
mod open;
mod outcome;
mod output;
mod peek;
mod relay;
mod revoke;
mod send;
mod signals;
mod status;
mod stores;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::context::{Common, Context};
use self::output::Output;
use self::output::errors::Failure;
use crate::platform::process;
use crate::terminal::clipboard::{HOLD, hold};

/// Exit codes and environment, behind every `--help`.
const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  unexpected
  2  wrong usage, damaged link, no way to ask
  3  already opened
  4  expired, revoked, locked or unknown
  5  wrong passphrase
  6  relay unreachable, busy or full: safe to repeat
  7  damaged or changed on the way
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
    if arguments.get(1).is_some_and(|argument| argument == HOLD) {
        return hold();
    }
    let command = arguments::lenient(Cli::command());
    let parsed = command.try_get_matches_from(&arguments).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return arguments::report(&error, &arguments, &Cli::command()),
    };
    let output = Output::new(cli.common.quiet, cli.common.json);
    // An album has many files, and each is open while it is received; a relay has a connection for each guest.
    process::take_all_descriptors();
    output::log(cli.common.verbose, matches!(&cli.command, Command::Relay(args) if args.is_server()));
    match run(cli, &output) {
        Ok(()) => output.success(),
        Err(failure) => output.failure(&failure),
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
            Command::Completions(args) => generate::completions(&args, Cli::command(), &cx),
            Command::Man(args) => generate::man(&args, Cli::command(), &cx),
        }
    });
    // A thread that waits for standard input must not hold the program back.
    runtime.shutdown_background();
    result
}
