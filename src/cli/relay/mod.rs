//! `share relay`: runs a relay, or does something about one.

mod check;
mod manage;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use bytesize::ByteSize;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::output::errors::Failure;
use crate::cli::stores;
use crate::relay::clock::SystemClock;
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::server;
use crate::relay::server::{CreatePolicy, Options};
use crate::relay::store::folder::Sharing;
use crate::relay_url::RelayUrl;
use crate::safe_text::reason;

/// The largest share that can be announced: the list of its parts must fit into a request.
const LARGEST: ByteSize = ByteSize::gib(48);
/// The smallest share there is, padded.
const SMALLEST: ByteSize = ByteSize::kib(4);
/// What an operator should know of a bucket with versions.
const KEEPS_VERSIONS: &str = "the bucket keeps versions of what is deleted: ciphertext of opened shares stays there \
                              until its own rules remove it";

/// Where a relay listens, unless it is said otherwise.
const LISTEN: &str = "127.0.0.1:4080";

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
pub(crate) struct RelayArgs {
    #[command(subcommand)]
    manage: Option<manage::Manage>,
    #[command(flatten)]
    serve: ServeArgs,
}

impl RelayArgs {
    /// Whether a relay is to run.
    pub(crate) fn is_server(&self) -> bool {
        self.manage.is_none()
    }
}

/// How a relay runs.
#[derive(Args)]
struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:4080]
    #[arg(long, value_name = "ADDRESS", env = "SHARE_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
    /// The address by which people reach it
    #[arg(long, value_name = "URL", env = "SHARE_PUBLIC_URL", hide_env_values = true)]
    public_url: Option<String>,
    #[arg(
        help = "Where to keep shares: file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory: [default: the \
                data directory]"
    )]
    #[arg(long, value_name = "URL", env = "SHARE_STORE", hide_env_values = true)]
    store: Option<String>,
    /// Several relays use the folder at once
    #[arg(long)]
    shared_folder: bool,
    /// Room that must stay free for anything new to be taken [default: 5 %, and 1 GiB at least]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    reserve: Option<ByteSize>,
    /// The largest share
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size)]
    max_size: ByteSize,
    /// Let anybody leave something here, not only programs of this machine
    #[arg(long, conflicts_with = "create_token_file")]
    open: bool,
    /// Let those leave something here who have a token of this file: share relay token makes them
    #[arg(long, value_name = "FILE")]
    create_token_file: Option<PathBuf>,
    /// Listen on a network without encryption: on a trusted one, or behind a proxy that encrypts
    #[arg(long)]
    plain_http: bool,
}

fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|_| "a size is written like 500MB or 4GiB".to_owned())
}

/// Runs the command.
pub(crate) async fn run(args: RelayArgs, cx: &Context) -> Result<(), Failure> {
    match args.manage {
        Some(command) => manage::run(command, cx).await,
        None => serve(args.serve, cx).await,
    }
}

/// Takes as many descriptors as the system lets us have: the usual limit is for programs with a handful of files, and a
/// busy relay has a connection for each guest, and one to its bucket for each of their requests.
fn take_all_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, it works with what it has.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn serve(args: ServeArgs, cx: &Context) -> Result<(), Failure> {
    take_all_descriptors();
    let listen = match (args.listen, &cx.config.listen) {
        (Some(said), _) => said,
        (None, said) => said.as_deref().unwrap_or(LISTEN).parse().map_err(|_| {
            crate::cli::config::wrong("listen", "a relay listens on an address with a port, like 127.0.0.1:4080")
        })?,
    };
    if !listen.ip().is_loopback() && !args.plain_http {
        return Err(Failure::usage(
            format!("{listen} can be reached from outside, and this way is not encrypted"),
            "listen on 127.0.0.1 behind a proxy that has a certificate, or say --plain-http",
        ));
    }
    let said = args.public_url.as_ref().or(cx.config.public_url.as_ref());
    let public_url = said.map(|url| RelayUrl::parse(url)).transpose().map_err(Failure::RelayUrl)?;
    if public_url.as_ref().is_some_and(RelayUrl::is_store) {
        return Err(Failure::usage("--public-url is the address of a server", "--public-url https://share.example"));
    }
    let create = args.creation()?;
    if matches!(create, CreatePolicy::Loopback) && public_url.is_some() {
        return Err(Failure::usage(
            "behind a proxy every request comes from this machine, so it must be said who may leave something here",
            "--create-token-file FILE, or --open for anybody",
        ));
    }
    if !(SMALLEST..=LARGEST).contains(&args.max_size) {
        return Err(Failure::usage(format!("--max-size takes {SMALLEST} to {LARGEST}"), "--max-size 4GiB"));
    }
    let sharing = if args.shared_folder { Sharing::WithOthers } else { Sharing::Alone };
    let store = stores::of_relay(args.store.as_deref(), sharing)?;
    let in_memory = args.store.as_deref() == Some(stores::IN_MEMORY);
    let policy = Policy {
        max_bytes: args.max_size.as_u64(),
        // Memory has nobody else to keep room for.
        reserve: if in_memory { Some(0) } else { args.reserve.map(|reserve| reserve.as_u64()) },
        ..Policy::default()
    };
    let rules = Arc::new(StoreRelay::new(store, Arc::new(SystemClock), policy));
    let name = args.store.as_deref().unwrap_or("the data directory");
    let found = stores::probe(&rules, name, "use another --store; nothing was changed", cx).await?;
    if found.keeps_versions == Some(true) {
        cx.output.warn(KEEPS_VERSIONS);
    }

    let listener = TcpListener::bind(listen).map_err(|error| {
        Failure::local(
            format!("{listen} cannot be listened on: {}", reason(&error)),
            "another --listen; port 0 takes a free one",
        )
    })?;
    let address = listener.local_addr().map_err(anyhow::Error::from)?;
    let shown = public_url.as_ref().map_or_else(|| format!("http://{address}/"), ToString::to_string);
    if cx.output.result("listening", json!({ "url": shown }), &shown).is_err() {
        return Err(Failure::local("standard output is closed", "its first line is the relay's address"));
    }
    let sweeper = tokio::spawn(rules.clone().keep_sweeping());
    let options = Options { create, public_url, ..Options::default() };
    let signals = cx.signals.clone();
    let stop = async move {
        signals.next().await;
    };
    let served = server::serve(rules, listener, options, stop).await;
    sweeper.abort();
    served.map_err(|error| anyhow::Error::from(error).into())
}

impl ServeArgs {
    fn creation(&self) -> Result<CreatePolicy, Failure> {
        let Some(path) = &self.create_token_file else {
            return Ok(if self.open { CreatePolicy::Open } else { CreatePolicy::Loopback });
        };
        Ok(CreatePolicy::Tokens(manage::read_tokens(path)?))
    }
}
