//! The command line: one room per command, and what they share.
//!
//! | room | |
//! |---|---|
//! | `send`, `open`, `peek`, `relay` | the commands: arguments on top, `run` below |
//! | `output` | the only place that prints |
//! | `words` | sizes, times and shares in words |
//! | `failure` | every error: in words, with a hint, with an exit code |
//! | `prompt` | questions to the person at the terminal |
//! | `access` | the link and the passphrase, from wherever they come |
//! | `state`, `opening` | what is kept between two runs |

mod access;
mod failure;
mod open;
mod opening;
mod output;
mod peek;
mod prompt;
mod relay;
mod send;
mod state;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::process::Resource;
use tokio::signal::unix::{SignalKind, signal};

use self::failure::Trouble;
use self::output::Output;
use crate::link::RelayUrl;
use crate::manifest::printable;
use crate::relay::http::HttpRelay;
use crate::relay::retry::{Patience, Persistent};
use crate::relay::{Relay, RelayError};

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
/// Everything is encrypted on this machine. The relay keeps what it cannot read, and deletes it after one opening or
/// when its time is over.
#[derive(Parser)]
#[command(name = "share", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
enum Command {
    #[command(visible_alias = "tx", alias = "upload", alias = "put")]
    Send(send::SendArgs),
    #[command(visible_alias = "rx", alias = "receive", alias = "download", alias = "get")]
    Open(open::OpenArgs),
    #[command(alias = "info")]
    Peek(peek::PeekArgs),
    Relay(relay::RelayArgs),
}

/// What every command understands.
#[derive(Args)]
struct Common {
    /// Give up when the relay does not answer for this long
    #[arg(long, global = true, value_name = "TIME", default_value = "10m", env = "SHARE_GIVE_UP", hide_env_values = true, value_parser = duration)]
    give_up: Duration,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true, env = "SHARE_QUIET", hide_env_values = true, value_parser = FalseyValueParser::new())]
    quiet: bool,
    /// Say more; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Where to keep what must outlive a run
    #[arg(long, global = true, value_name = "DIR", env = "SHARE_STATE_DIR", hide_env_values = true)]
    state_dir: Option<PathBuf>,
}

impl Common {
    fn patience(&self) -> Patience {
        Patience::new(self.give_up)
    }

    /// The relay at `url`, asked again for as long as the user has patience.
    fn connect(&self, url: &RelayUrl, output: &Output) -> Result<Arc<dyn Relay>, Trouble> {
        let relay = HttpRelay::new(url.clone(), self.give_up).map_err(|error| Trouble::relay(url, error))?;
        let (name, output) = (url.name(), output.clone());
        let longest = humantime::format_duration(self.give_up);
        let waiting = Box::new(move |error: &RelayError| {
            output.say(&format!("{name} cannot be reached yet ({error}); trying again for up to {longest}"));
        });
        Ok(Arc::new(Persistent::new(Arc::new(relay), self.patience(), waiting)))
    }
}

/// Runs the command in the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let command = without_empty_variables(Cli::command());
    let parsed = command.try_get_matches_from(&arguments).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let output = Output::new(cli.common.quiet);
    // An album has many files, and each is open while it is received.
    let mut files = rustix::process::getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = rustix::process::setrlimit(Resource::Nofile, files);
    output::log(cli.common.verbose, matches!(cli.command, Command::Relay(_)));
    match run(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => output.failure(&trouble),
    }
}

fn run(cli: Cli, output: &Output) -> Result<(), Trouble> {
    let mut runtime = match cli.command {
        // A client does one thing: its thread moves bytes, another one encrypts.
        Command::Send(_) | Command::Open(_) | Command::Peek(_) => tokio::runtime::Builder::new_current_thread(),
        Command::Relay(_) => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(async {
        match cli.command {
            Command::Send(args) => send::run(args, &cli.common, output).await,
            Command::Open(args) => open::run(args, &cli.common, output).await,
            Command::Peek(args) => peek::run(args, &cli.common, output).await,
            Command::Relay(args) => relay::run(args, output).await,
        }
    });
    // A thread that waits for standard input must not hold the program back.
    runtime.shutdown_background();
    result
}

/// Until somebody wants the program to stop: Ctrl-C, a closed terminal, a service manager.
async fn interrupted() {
    let stop = |kind| signal(kind).ok();
    let (mut int, mut term, mut hup) =
        (stop(SignalKind::interrupt()), stop(SignalKind::terminate()), stop(SignalKind::hangup()));
    let wait = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    };
    tokio::select! {
        _ = wait(&mut int) => {},
        _ = wait(&mut term) => {},
        _ = wait(&mut hup) => {},
    }
}

/// A time as people write it.
fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a time is written like 30m, 24h or 7d".to_owned())
}

/// A name that no variable can have.
const NO_VARIABLE: &str = "";

/// A variable that is empty is one that is not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(NO_VARIABLE) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// What clap has to say about the arguments, in our form. Neither a link nor a text among them is ever repeated.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return output::help(error),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            return output::help_instead(error);
        }
        _ => {}
    }
    let secret = |argument: &OsString| {
        let argument = argument.to_string_lossy().to_ascii_lowercase();
        argument.contains("share1") || argument.starts_with("--text")
    };
    let word = match error.get(ContextKind::InvalidSubcommand) {
        Some(clap::error::ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let trouble = if arguments.iter().any(secret) {
        let first = word.as_ref().is_some_and(|word| secret(&word.into()));
        let what = if first { "a link is not a command" } else { "these arguments cannot be understood" };
        Trouble::usage(what, if first { "share open, and paste the link when it asks" } else { "share --help" })
    } else if let Some(word) = word {
        let hint = if std::path::Path::new(&word).exists() {
            format!("share send {}", words::quoted(&word))
        } else {
            "share --help lists the commands".to_owned()
        };
        Trouble::usage(format!("{} is not a command", printable(&word)), hint)
    } else {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        Trouble::usage(printable(what), tip.map_or_else(|| "share --help".to_owned(), printable))
    };
    Output::new(false).failure(&trouble)
}
