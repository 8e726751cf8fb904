//! The command line: parses, asks, prints. This file only dispatches; nothing below it imports it.
//!
//! | room | |
//! |---|---|
//! | `send`, `open`, `peek`, `status`, `revoke`, `list`, `report`, `relay`, `generate` | the commands |
//! | `arguments` | parsing of the arguments, and errors in them |
//! | `help`, `manual` | help texts and manual pages |
//! | `context` | the surroundings of a command: settings, output, the signal to stop |
//! | `network`, `connect`, `stores`, `folders` | proxies; connections to relays; storage by its address |
//! | `host`, `narrator`, `tunnel` | serving shares from here, its events, and a tunnel to it |
//! | `host_args` | the options that choose how this computer is reached |
//! | `outcome`, `reporting` | the words about a share that was sent, and about a report |
//! | `notice` | notifications when shares end |
//! | `look`, `catch_up` | looking at a share; work that earlier runs have left |
//! | `asking` | questions to relays about shares that were sent |
//! | `input` | links, passphrases, files and answers |
//! | `output` | the only place that prints |
//! | `signals` | Ctrl-C and the other signals to stop |
//! | `config` | settings that need not be repeated |

mod access;
mod allowance;
mod arguments;
mod asking;
mod catch_up;
mod clipboard;
mod config;
mod connect;
mod context;
mod folders;
mod generate;
mod help;
mod host;
mod host_args;
mod input;
mod list;
mod look;
mod manual;
mod narrator;
mod network;
mod notice;
mod open;
mod outcome;
mod output;
mod peek;
mod relay;
mod report;
mod reporting;
mod revoke;
mod send;
mod signals;
mod status;
mod stores;
mod tunnel;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use self::arguments::Arguments;
use self::context::{Common, Context};
use self::input::prompt;
use self::output::errors::{Failure, Hint};
use self::output::{LogFormat, Output};
use crate::platform::service::Sockets;
use crate::platform::{self, detached, process};
use crate::safe_text::reason;

/// In one paragraph, so that the whole help fits a screen.
const LONG_ABOUT: &str = "\
Share photos, videos and short secrets by a link that works once.
Everything is encrypted on this device before it is sent.";

/// The longest time to wait for a thread of an interrupted command.
const REMOVAL_TIME: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  share send photo.jpg    Print a link that works once
  share open              Open a link that you received

";

/// Share photos, videos and short secrets by a link that works once
#[derive(Parser)]
#[command(long_about = LONG_ABOUT)]
#[command(name = "share", bin_name = "share", version, arg_required_else_help = true)]
#[command(after_long_help = [EXAMPLES, &help::exit_codes()].concat())]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten, next_help_heading = help::COMMON)]
    common: Common,
}

#[derive(Subcommand)]
enum Command {
    #[command(aliases = ["tx", "upload", "put"])]
    Send(Box<send::SendArgs>),
    #[command(aliases = ["rx", "receive", "download", "get"])]
    Open(open::OpenArgs),
    #[command(alias = "info")]
    Peek(peek::PeekArgs),
    Status(status::StatusArgs),
    #[command(aliases = ["rm", "delete"])]
    Revoke(revoke::RevokeArgs),
    #[command(aliases = ["ls", "history"])]
    List(list::ListArgs),
    Report(report::ReportArgs),
    Relay(Box<relay::RelayArgs>),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

/// The definition of the command line.
fn definition() -> clap::Command {
    generate::with_command_names(Cli::command())
}

/// Runs the command in the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Not a command of the user: the process that serves the clipboard, or the one for the program of a tunnel.
    if let Some(exit) = platform::clipboard::run_second(&arguments).or_else(|| detached::run_second(&arguments)) {
        return exit;
    }
    let Arguments { cli, question } = match arguments::parse::<Cli>(definition(), &arguments) {
        Ok(parsed) => parsed,
        Err(exit) => return exit,
    };
    let output = Output::new(cli.common.quiet, cli.common.json);
    // An album has many files, and each is open while it is received; a relay has a connection for each guest.
    process::take_all_descriptors();
    let log = match &cli.command {
        Command::Relay(args) => args.log_format(),
        _ => None,
    };
    let output = if log.is_some_and(|format| format != LogFormat::Text) { output.logged() } else { output };
    let output = match &cli.command {
        Command::Send(args) if args.is_for_desktop() => output.on_desktop(),
        _ => output,
    };
    let done = output::log(cli.common.verbose, cli.common.quiet, log).and_then(|()| {
        let sockets = log.map(|_| service_sockets()).transpose()?;
        run(cli, question.as_deref(), sockets, &output)
    });
    match done {
        Ok(()) => output.success(),
        Err(failure) => output.failure(&failure),
    }
}

/// The sockets that the service manager passed.
fn service_sockets() -> Result<Sockets, Failure> {
    Sockets::take().map_err(|error| {
        Failure::usage(
            format!("a socket from the service manager cannot be used: {}", reason(&error)),
            "pass sockets that listen, of TCP or in the file system",
        )
    })
}

/// `question`: asked before the command, which runs only if the answer is yes. `sockets`: those of a server.
fn run(cli: Cli, question: Option<&str>, sockets: Option<Sockets>, output: &Output) -> Result<(), Failure> {
    let mut runtime = match cli.command {
        Command::Relay(_) => tokio::runtime::Builder::new_multi_thread(),
        // A client does one thing: its thread moves bytes, another one encrypts.
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let lasts = matches!(cli.command, Command::Send(_) | Command::Open(_) | Command::Status(_) | Command::Relay(_));
    let receives = matches!(cli.command, Command::Open(_));
    let runtime = runtime.enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(async {
        let cx = Context::new(cli.common, output.clone(), lasts, sockets)?;
        if let Some(question) = question
            && !prompt::confirm(question, &cx).await?
        {
            return Err(Failure::Interrupted(Some(Hint::outcome("nothing was sent"))));
        }
        match cli.command {
            Command::Send(args) => send::run(*args, &cx).await,
            Command::Open(args) => open::run(args, &cx).await,
            Command::Peek(args) => peek::run(args, &cx).await,
            Command::Status(args) => status::run(args, &cx).await,
            Command::Revoke(args) => revoke::run(args, &cx).await,
            Command::List(args) => list::run(args, &cx).await,
            Command::Report(args) => report::run(args, &cx).await,
            Command::Relay(args) => relay::run(*args, &cx).await,
            Command::Completions(args) => generate::completions(&args, definition(), &cx),
            Command::Man(args) => generate::man(&args, definition(), &cx),
        }
    });
    if receives && matches!(result, Err(Failure::Interrupted(_))) {
        // The thread that writes a received file removes it, if it has a name.
        runtime.shutdown_timeout(REMOVAL_TIME);
    } else {
        // A thread that waits for standard input must not hold the program back.
        runtime.shutdown_background();
    }
    result
}
