//! `share relay`: runs, chooses and checks relays, and makes create tokens.

mod check;
mod choose;
mod compared;
mod findings;
mod limits;
mod listening;
mod login;
mod operations;
mod reporting;
mod reports;
mod rewriting;
mod serve;
mod status;
mod summary;
mod tls;
mod token;

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::output::LogFormat;
use crate::cli::output::errors::Failure;

/// The full help of `share relay`.
const ABOUT: &str = "\
Run a relay, or choose and check one

A relay keeps encrypted shares until they are opened, and cannot read them. To send to someone who is not on your \
network, use one of these:

  a relay someone runs  share relay use URL
  a relay of your own   share relay --domain NAME --create-token-file FILE
  a tunnel to here      share send --direct --public-url URL
  a folder or bucket    share relay use file:///DIRECTORY, or s3://BUCKET/PREFIX

The operator of a relay or tunnel sees sizes, times and addresses, and could serve browsers a modified page. Anyone \
who can read a shared folder or bucket could copy the encrypted data without opening the share.

A running relay prints its address as the first line of standard output.";

const RELAY_EXAMPLES: &str = "\
Examples:
  share relay use https://relay.example
  share relay --store file:///srv/share
  share relay --domain relay.example --create-token-file tokens";

/// Run a relay, or choose and check one
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, long_about = ABOUT, after_long_help = RELAY_EXAMPLES)]
pub(super) struct RelayArgs {
    #[command(subcommand)]
    command: Option<RelayCommand>,
    #[command(flatten)]
    serve: serve::ServeArgs,
}

/// The commands about relays besides running one.
#[derive(Subcommand)]
enum RelayCommand {
    Use(choose::UseArgs),
    Token(token::TokenArgs),
    Check(check::CheckArgs),
    Status(status::StatusArgs),
    Reports(reports::ReportsArgs),
}

impl RelayArgs {
    /// The format of the log of a relay that is to run.
    pub(super) fn log_format(&self) -> Option<LogFormat> {
        self.command.is_none().then_some(self.serve.operation.log)
    }
}

/// Runs the command.
pub(super) async fn run(args: RelayArgs, cx: &Context) -> Result<(), Failure> {
    match args.command {
        None => serve::run(args.serve, cx).await,
        Some(RelayCommand::Reports(args)) => reports::run(args, cx).await,
        Some(RelayCommand::Token(args)) => token::run(&args, cx),
        Some(RelayCommand::Use(args)) => cx.or_interrupted(choose::run(&args, cx)).await?,
        Some(RelayCommand::Status(args)) => cx.or_interrupted(status::run(&args, cx)).await?,
        Some(RelayCommand::Check(args)) => cx.or_interrupted(check::run(&args, cx)).await?,
    }
}
