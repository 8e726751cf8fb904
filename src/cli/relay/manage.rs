//! `share relay use` and `token`: choosing a relay, letting people in.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use directories::ProjectDirs;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::Failure;
use crate::cli::output::format;
use crate::cli::relay::check;
use crate::cli::{config, stores};
use crate::durable_fs::{lock, sync};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::SystemClock;
use crate::relay::rules::probe::ProbeResult;
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::server::CreatePolicy;
use crate::relay::store::folder::Sharing;
use crate::relay::store::layout;
use crate::relay::{Admission, RelayError};
use crate::relay_url::RelayUrl;
use crate::safe_text::{printable, reason};
use crate::secret::{hex, random_hex};
use crate::state::{StateDir, private, private_dir, read_all, said_token};

/// How lines of the file of create tokens give what a token must hash to.
const HASHED: &str = "sha256:";

/// The help of `share relay use`.
const USE: &str = "\
Make a relay the default, after checking that it works

It is a server by its URL; or a folder or a bucket that several machines or people have, as file:///DIRECTORY or \
s3://BUCKET/PREFIX (gs://, az://): then no server is needed, and whoever can read it could read ciphertext without \
leaving a trace.";

/// What there is to do about relays besides running one.
#[derive(Subcommand)]
pub(crate) enum Manage {
    /// Make a relay the default, after checking that it works
    #[command(long_about = USE)]
    Use(UseArgs),
    /// Make a create token for somebody who may leave things at your relay
    Token(TokenArgs),
    /// Find out whether a relay works, and what it takes
    Check(check::CheckArgs),
}

/// Arguments of `share relay use`.
#[derive(Args)]
pub(crate) struct UseArgs {
    /// The relay
    url: String,
}

/// Arguments of `share relay token`.
#[derive(Args)]
pub(crate) struct TokenArgs {
    /// For whom; so that you know whose line to take away
    name: String,
    /// The file that share relay --create-token-file reads [default: in the data directory]
    #[arg(long, value_name = "FILE")]
    create_token_file: Option<PathBuf>,
}

/// Runs whichever it is.
pub(crate) async fn run(command: Manage, cx: &Context) -> Result<(), Failure> {
    match command {
        Manage::Token(args) => token(&args, cx),
        Manage::Use(args) => until_interrupted(use_it(&args, cx), cx).await,
        Manage::Check(args) => until_interrupted(check::run(&args, cx), cx).await,
    }
}

async fn until_interrupted(work: impl Future<Output = Result<(), Failure>>, cx: &Context) -> Result<(), Failure> {
    tokio::select! {
        result = work => result,
        _ = cx.interrupted() => Err(Failure::Interrupted(None)),
    }
}

async fn use_it(args: &UseArgs, cx: &Context) -> Result<(), Failure> {
    let url = RelayUrl::parse(&args.url).map_err(Failure::RelayUrl)?;
    let endpoint = Endpoint::to(url.clone());
    let found = if url.is_store() { Some(adopt(&url, cx).await?) } else { None };
    let connected = cx.connect(&endpoint).await?;
    let about = connected.relay.about().await.map_err(|error| endpoint.refused(error))?;
    let mut token = if about.create == Admission::Token { create_token(&url, &endpoint, cx).await? } else { None };
    let mut tried = check::try_and_tidy(&endpoint, &connected, token.clone()).await?;
    if let (Some(_), false, None, true) = (&token, tried.may_create, said_token(), prompt::possible()) {
        cx.output.say("The token that was kept for it is not valid any more.");
        token = ask_for_token(&endpoint, cx).await?;
        tried = check::try_and_tidy(&endpoint, &connected, token.clone()).await?;
    }
    tried.store = found;
    if let (Some(token), true) = (&token, tried.may_create) {
        let kept = StateDir::open(cx).and_then(|state| state.keep_create_token(&url, token));
        kept.map_err(|error| {
            Failure::local(format!("the token cannot be kept: {}", reason(&error)), "SHARE_CREATE_TOKEN does the same")
        })?;
    }
    if token.is_some() && !tried.may_create {
        return Err(endpoint.refused(RelayError::NotAllowed));
    }
    let path = config::set_relay(&url.to_string())?;
    let (facts, text) = check::report(&endpoint, &about, &tried);
    cx.output.happens("relay", facts, &text);
    if url.is_store() {
        let kind = if url.folder().is_some() { "folder" } else { "bucket" };
        cx.output.say(&format!(
            "Whoever can read that {kind} could read ciphertext without opening a share: it takes good will."
        ));
        cx.output.say("Nothing is deleted there while nobody runs share.");
        if url.folder().is_some_and(|path| stores::is_private(&path)) {
            cx.output
                .say("Only you can use it. For a group, begin with a directory that has: chgrp GROUP, chmod 2770.");
        }
    }
    cx.output.say(&format!("It is your relay now: {}", printable(&path.to_string_lossy())));
    Ok(())
}

/// The create token for a relay that wants one: from the environment, kept, or asked for.
async fn create_token(url: &RelayUrl, endpoint: &Endpoint, cx: &Context) -> Result<Option<String>, Failure> {
    if let Some(token) = cx.create_token(url) {
        return Ok(Some(token));
    }
    if !prompt::possible() {
        cx.output.warn(&format!("{} wants a create token: put it into SHARE_CREATE_TOKEN", endpoint.name()));
        return Ok(None);
    }
    ask_for_token(endpoint, cx).await
}

async fn ask_for_token(endpoint: &Endpoint, cx: &Context) -> Result<Option<String>, Failure> {
    let question = format!("create token for {} (not shown; Enter: none):", endpoint.name());
    let token = prompt::ask_hidden(&question, cx).await?;
    Ok(Some(token.trim().to_owned()).filter(|token| !token.is_empty()))
}

/// Makes storage a relay that needs no server, if it is fit for that.
async fn adopt(url: &RelayUrl, cx: &Context) -> Result<ProbeResult, Failure> {
    let name = url.name();
    if let Some(path) = url.folder() {
        // What an earlier use of it has left is welcome.
        let is_strange =
            |entry: std::io::Result<fs::DirEntry>| entry.is_ok_and(|entry| !layout::is_known(&entry.file_name()));
        if path.is_symlink() || fs::read_dir(path).is_ok_and(|mut entries| entries.any(is_strange)) {
            let what = format!("{} has something else in it", printable(&name));
            return Err(Failure::local(what, "name an empty or a new directory"));
        }
    }
    let another = "name another directory or bucket";
    let store = stores::open(url, Sharing::WithOthers, another)?;
    let rules = StoreRelay::new(store, Arc::new(SystemClock), Policy::default());
    let found = stores::probe(&rules, &name, another, cx).await?;
    rules.adopt().await.map_err(|error| Failure::local(format!("{}: {error}", printable(&name)), another))?;
    Ok(found)
}

/// Makes a token for `name`, and adds what it hashes to to the file.
fn token(args: &TokenArgs, cx: &Context) -> Result<(), Failure> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if args.name.is_empty() || !args.name.chars().all(is_word) {
        return Err(Failure::usage("the name is one word, like anna or anna@example.org", "share relay token anna"));
    }
    let path = match &args.create_token_file {
        Some(path) => path.clone(),
        None => {
            let dirs = ProjectDirs::from("", "", "share");
            let dirs = dirs.ok_or_else(|| Failure::usage("this user has no home", "--create-token-file FILE"))?;
            private_dir(dirs.data_dir()).map_err(|error| Failure::path(dirs.data_dir(), &error, "nothing was made"))?;
            dirs.data_dir().join("create-tokens")
        }
    };
    let failed = |error: std::io::Error| Failure::path(&path, &error, "nothing was made");
    let mut file = private(&path).map_err(failed)?;
    lock(&file).map_err(failed)?;
    let old = String::from_utf8(read_all(&file).map_err(failed)?).unwrap_or_default();
    if old.lines().any(|line| line.split_whitespace().next() == Some(&args.name)) {
        return Err(Failure::local(
            format!("{} has a token already", args.name),
            format!("to make it void, take the line away from {}", printable(&path.to_string_lossy())),
        ));
    }
    let token = Zeroizing::new(random_hex::<16>());
    let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let line = format!("{newline}{} {HASHED}{}\n", args.name, hex(&CreatePolicy::hash(&token)));
    // Reading has left us at the end.
    file.write_all(line.as_bytes()).and_then(|()| sync(&file)).map_err(failed)?;
    let shown = printable(&path.to_string_lossy());
    let facts = json!({ "name": args.name, "token": token.as_str(), "file": path.to_string_lossy() });
    if cx.output.result("token", facts, &token).is_err() {
        return Err(Failure::local("standard output is closed", format!("take the last line away from {shown}")));
    }
    cx.output.say(&format!("Give it to {}: share relay use URL asks for it.", args.name));
    cx.output
        .say(&format!("It counts from the next start of: share relay --create-token-file {}", format::quoted(&shown)));
    Ok(())
}

/// What the tokens in a file hash to: one a line, as `NAME sha256:…`, or a bare token.
pub(crate) fn read_tokens(path: &Path) -> Result<Vec<[u8; 32]>, Failure> {
    let text =
        fs::read_to_string(path).map_err(|error| Failure::path(path, &error, "share relay token NAME makes it"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // None at all is a relay that lets nobody leave anything.
    lines.map(read_token).collect::<Option<Vec<_>>>().ok_or_else(|| {
        Failure::usage(
            format!("{}: not every line of it is a create token", printable(&path.to_string_lossy())),
            "share relay token NAME makes them; one of your own has at least 16 characters",
        )
    })
}

fn read_token(line: &str) -> Option<[u8; 32]> {
    match line.split_once(char::is_whitespace) {
        None => (line.len() >= 16).then(|| CreatePolicy::hash(line)),
        Some((_, hashed)) => {
            let digits = hashed.trim().strip_prefix(HASHED)?;
            let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
            bytes.filter(|_| digits.len() == 64).and_then(|bytes| bytes.try_into().ok())
        }
    }
}
