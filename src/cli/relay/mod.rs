//! `share relay`: runs a relay, or does something about one.

mod check;
mod choose;
mod findings;
mod serve;
mod token;

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::output::errors::Failure;

/// The help of `share relay`.
const ABOUT: &str = "\
Run a relay, or choose and check one

A relay keeps what was sent until it is opened, and cannot read it. For somebody who is not on your network there are \
four ways:

A relay of somebody you know: share relay use URL. They see sizes, times and addresses, and could serve a false page \
to a browser.

A tunnel to your own machine: share send --direct --public-url URL. Its operator is trusted in the same way.

A folder or a bucket that both of you have: share relay use file:///DIRECTORY, or s3://BUCKET/PREFIX. Whoever can read \
it must be trusted not to take ciphertext without opening.

A relay of your own on a small server, behind a proxy with a certificate: share relay --public-url URL \
--create-token-file FILE.

The address of a relay that runs is the first line of standard output.";

/// Run a relay, or choose and check one
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, long_about = ABOUT)]
pub(super) struct RelayArgs {
    #[command(subcommand)]
    command: Option<RelayCommand>,
    #[command(flatten)]
    serve: serve::ServeArgs,
}

/// The help of `share relay use`.
const USE: &str = "\
Make a relay the default, after checking that it works

It is a server by its URL; or a folder or a bucket that several machines or people have, as file:///DIRECTORY or \
s3://BUCKET/PREFIX (gs://, az://): then no server is needed, and whoever can read it could read ciphertext without \
leaving a trace.";

/// The commands about relays besides running one.
#[derive(Subcommand)]
enum RelayCommand {
    /// Make a relay the default, after checking that it works
    #[command(long_about = USE)]
    Use(choose::UseArgs),
    /// Make a create token for somebody who may leave things at your relay
    Token(token::TokenArgs),
    /// Find out whether a relay works, and what it takes
    Check(check::CheckArgs),
}

impl RelayArgs {
    /// Whether a relay is to run.
    pub(super) fn is_server(&self) -> bool {
        self.command.is_none()
    }
}

/// Runs the command.
pub(super) async fn run(args: RelayArgs, cx: &Context) -> Result<(), Failure> {
    match args.command {
        None => serve::run(args.serve, cx).await,
        Some(RelayCommand::Token(args)) => token::run(&args, cx),
        Some(RelayCommand::Use(args)) => cx.or_interrupted(choose::run(&args, cx)).await?,
        Some(RelayCommand::Check(args)) => cx.or_interrupted(check::run(&args, cx)).await?,
    }
}
