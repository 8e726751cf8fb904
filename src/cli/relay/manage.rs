//! `share relay use`, `token` and `check`: choosing a relay, letting people in, finding out whether one works.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Args, Subcommand};
use directories::ProjectDirs;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::connect::{Connected, Way, unfit_folder};
use crate::cli::failure::{Trouble, reason};
use crate::cli::state::{State, private, private_dir, read_all, said_token};
use crate::cli::{Context, config, prompt, words};
use crate::link::RelayUrl;
use crate::manifest::printable;
use crate::relay::clock::SystemClock;
use crate::relay::keeper::{Keeper, Policy};
use crate::relay::probe::MARKER;
use crate::relay::server::Creation;
use crate::relay::store::folder::Folder;
use crate::relay::{About, Admission, Checksum, Content, Create, Credential, MIN_TTL, RelayError, V1, Verifiers};
use crate::seal::{PART_LEN, longest_blob};
use crate::secret::{Flags, LinkSecret, Role, Token, fill_random, hex};

/// How lines of the file of create tokens give what a token must hash to.
const HASHED: &str = "sha256:";

/// The help of `share relay use`.
const USE: &str = "\
Make a relay the default, after checking that it works

It is a server by its URL; or a folder that several machines or people have, as file:///DIRECTORY: then no server is \
needed, and whoever can read the folder could read ciphertext without leaving a trace.";

/// What there is to do about relays besides running one.
#[derive(Subcommand)]
pub(super) enum Manage {
    /// Make a relay the default, after checking that it works
    #[command(long_about = USE)]
    Use(UseArgs),
    /// Make a create token for somebody who may leave things at your relay
    Token(TokenArgs),
    /// Find out whether a relay works, and what it takes
    Check(CheckArgs),
}

/// Arguments of `share relay use`.
#[derive(Args)]
pub(super) struct UseArgs {
    /// The relay
    url: String,
}

/// Arguments of `share relay token`.
#[derive(Args)]
pub(super) struct TokenArgs {
    /// For whom; so that you know whose line to take away
    name: String,
    /// The file that share relay --create-token-file reads [default: in the data directory]
    #[arg(long, value_name = "FILE")]
    create_token_file: Option<PathBuf>,
}

/// Arguments of `share relay check`.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// The relay [default: the configured one]
    #[arg(env = "SHARE_RELAY", hide_env_values = true)]
    url: Option<String>,
}

/// Runs whichever it is.
pub(super) async fn run(command: Manage, cx: &Context) -> Result<(), Trouble> {
    match command {
        Manage::Token(args) => token(&args, cx),
        Manage::Use(args) => until_interrupted(use_it(&args, cx), cx).await,
        Manage::Check(args) => until_interrupted(check(&args, cx), cx).await,
    }
}

async fn until_interrupted(work: impl Future<Output = Result<(), Trouble>>, cx: &Context) -> Result<(), Trouble> {
    tokio::select! {
        result = work => result,
        _ = cx.interrupted() => Err(Trouble::Interrupted(None)),
    }
}

async fn use_it(args: &UseArgs, cx: &Context) -> Result<(), Trouble> {
    let url = RelayUrl::parse(&args.url).map_err(Trouble::RelayUrl)?;
    let way = Way::to(url.clone());
    if let Some(path) = url.folder() {
        adopt(&path).await?;
    }
    let connected = cx.connect(&way).await?;
    let about = connected.relay.about().await.map_err(|error| way.refused(error))?;
    let mut token = if about.create == Admission::Token { create_token(&url, &way, cx).await? } else { None };
    let mut tried = try_out(&connected, token.clone()).await.map_err(|error| way.refused(error))?;
    if let (Some(_), false, None, true) = (&token, tried.may_create, said_token(), prompt::possible()) {
        cx.output.say("The token that was kept for it is not valid any more.");
        token = ask_for_token(&way, cx).await?;
        tried = try_out(&connected, token.clone()).await.map_err(|error| way.refused(error))?;
    }
    if let (Some(token), true) = (&token, tried.may_create) {
        let kept = State::open(cx).and_then(|state| state.keep_create_token(&url, token));
        kept.map_err(|error| {
            Trouble::local(format!("the token cannot be kept: {}", reason(&error)), "SHARE_CREATE_TOKEN does the same")
        })?;
    }
    if token.is_some() && !tried.may_create {
        return Err(way.refused(RelayError::NotAllowed));
    }
    let path = config::set_relay(&url.to_string())?;
    let (facts, text) = report(&way, &about, &tried);
    cx.output.happens("relay", facts, &text);
    if url.folder().is_some() {
        cx.output
            .say("Whoever can read that folder could read ciphertext without opening a share: it takes good will.");
        cx.output.say("Nothing is deleted there while nobody runs share.");
        if url.folder().is_some_and(|path| is_private(&path)) {
            cx.output
                .say("Only you can use it. For a group, begin with a directory that has: chgrp GROUP, chmod 2770.");
        }
    }
    cx.output.say(&format!("It is your relay now: {}", printable(&path.to_string_lossy())));
    Ok(())
}

async fn check(args: &CheckArgs, cx: &Context) -> Result<(), Trouble> {
    let url = cx.relay(args.url.as_deref())?;
    let url = url.ok_or_else(|| Trouble::usage("no relay is configured", "share relay check URL"))?;
    let way = Way::to(url);
    let connected = cx.connect(&way).await?;
    let about = connected.relay.about().await.map_err(|error| way.refused(error))?;
    let tried = try_out(&connected, cx.create_token(&way.url)).await.map_err(|error| way.refused(error))?;
    let (facts, text) = report(&way, &about, &tried);
    cx.output.tell("relay", facts, &text)
}

/// The create token for a relay that wants one: from the environment, kept, or asked for.
async fn create_token(url: &RelayUrl, way: &Way, cx: &Context) -> Result<Option<String>, Trouble> {
    if let Some(token) = cx.create_token(url) {
        return Ok(Some(token));
    }
    if !prompt::possible() {
        cx.output.warn(&format!("{} wants a create token: put it into SHARE_CREATE_TOKEN", way.name()));
        return Ok(None);
    }
    ask_for_token(way, cx).await
}

async fn ask_for_token(way: &Way, cx: &Context) -> Result<Option<String>, Trouble> {
    let question = format!("create token for {} (not shown; Enter: none):", way.name());
    let token = prompt::ask_hidden(&question, cx).await?;
    Ok(Some(token.trim().to_owned()).filter(|token| !token.is_empty()))
}

/// Makes a folder one for shares, if it is fit for that.
async fn adopt(path: &Path) -> Result<(), Trouble> {
    let name = printable(&path.to_string_lossy());
    // What an earlier use of it has left is welcome.
    let known = [MARKER, "v1", "due", "probe", "tmp", "lock"];
    let is_strange = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| !known.iter().any(|name| entry.file_name() == *name))
    };
    if path.is_symlink() || fs::read_dir(path).is_ok_and(|mut entries| entries.any(is_strange)) {
        return Err(Trouble::local(format!("{name} has something else in it"), "name an empty or a new directory"));
    }
    let folder = Folder::open(path, true).map_err(|error| unfit_folder(&error, "name another directory"))?;
    let keeper = Keeper::new(Arc::new(folder), Arc::new(SystemClock), Policy::default());
    keeper.probe().await.map_err(|unfit| Trouble::local(format!("{name}: {unfit}"), "name another directory"))?;
    let adopted = keeper.adopt().await;
    adopted.map_err(|error| Trouble::local(format!("{name}: {error}"), "may you write there?"))
}

fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o070 == 0)
}

/// What was found by trying.
struct Tried {
    /// Whether we may leave something there.
    may_create: bool,
    /// How long it took to ask for something.
    round_trip: Duration,
}

/// Announces a share, uploads one whole part of it, asks about it, and takes it back: what a proxy on the way does not
/// let through is found here.
async fn try_out(connected: &Connected, create_token: Option<String>) -> Result<Tried, RelayError> {
    let relay = &connected.relay;
    let keys = LinkSecret::random(Flags::default()).keys(None);
    let owner = Credential::new(keys.id, Token::random());
    let offer = Create {
        v: V1,
        flags: 0,
        ttl: MIN_TTL.as_secs(),
        verifiers: Verifiers {
            link: keys.link_token.verifier(Role::Link, &keys.id),
            open: keys.open_token.verifier(Role::Open, &keys.id),
            own: owner.token.verifier(Role::Own, &keys.id),
        },
        max_len: Some(longest_blob(PART_LEN as u64)),
        create_token,
    };
    let may_create = match relay.create(&owner, &offer).await {
        Ok(()) => true,
        Err(RelayError::NotAllowed) => false,
        Err(error) => return Err(error),
    };
    if may_create {
        let mut noise = vec![0; PART_LEN];
        fill_random(&mut noise);
        let (crc, part) = (Checksum::of(&noise), Content::Whole(Bytes::from(noise)));
        let put = relay.put_part(&owner, 0, crc, part).await;
        let revoked = relay.revoke(&owner).await;
        put?;
        revoked?;
    }
    // Also a relay that lets nobody in must know its own from a stranger's.
    let begun = Instant::now();
    let asked = relay.status(&owner, None, Duration::ZERO).await;
    let round_trip = begun.elapsed();
    match (asked, may_create) {
        (Ok(_), true) | (Err(RelayError::Unknown), false) => Ok(Tried { may_create, round_trip }),
        (Ok(_), false) => Err(RelayError::NotARelay),
        (Err(error), _) => Err(error),
    }
}

/// What was found, for programs and for people.
fn report(way: &Way, about: &About, tried: &Tried) -> (Value, String) {
    let (longest, lease) = (words::duration(about.max_ttl), words::duration(about.lease));
    let who = match (tried.may_create, about.create) {
        (true, Admission::Open) => "anybody may leave something there",
        (true, Admission::Token) => "you may leave something there",
        (false, _) => "you may not leave anything there: it wants a create token",
    };
    let text = format!(
        "{} works: {who}; at most {} a share, for at most {longest}; an opener has {lease}; it answers in {} ms",
        way.name(),
        words::binary(about.max_bytes),
        tried.round_trip.as_millis(),
    );
    let facts = json!({
        "relay": way.url.to_string(),
        "may_create": tried.may_create,
        "create": about.create,
        "max_bytes": about.max_bytes,
        "max_ttl": about.max_ttl,
        "lease": about.lease,
        "contact": about.contact,
        "round_trip_ms": u64::try_from(tried.round_trip.as_millis()).unwrap_or(u64::MAX),
    });
    (facts, text)
}

/// Makes a token for `name`, and adds what it hashes to to the file.
fn token(args: &TokenArgs, cx: &Context) -> Result<(), Trouble> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if args.name.is_empty() || !args.name.chars().all(is_word) {
        return Err(Trouble::usage("the name is one word, like anna or anna@example.org", "share relay token anna"));
    }
    let path = match &args.create_token_file {
        Some(path) => path.clone(),
        None => {
            let dirs = ProjectDirs::from("", "", "share");
            let dirs = dirs.ok_or_else(|| Trouble::usage("this user has no home", "--create-token-file FILE"))?;
            private_dir(dirs.data_dir()).map_err(|error| Trouble::path(dirs.data_dir(), &error, "nothing was made"))?;
            dirs.data_dir().join("create-tokens")
        }
    };
    let failed = |error: std::io::Error| Trouble::path(&path, &error, "nothing was made");
    let mut file = private(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    let old = String::from_utf8(read_all(&file).map_err(failed)?).unwrap_or_default();
    if old.lines().any(|line| line.split_whitespace().next() == Some(&args.name)) {
        return Err(Trouble::local(
            format!("{} has a token already", args.name),
            format!("to make it void, take the line away from {}", printable(&path.to_string_lossy())),
        ));
    }
    let mut random = Zeroizing::new([0; 16]);
    fill_random(&mut *random);
    let token = Zeroizing::new(hex(&*random));
    let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let line = format!("{newline}{} {HASHED}{}\n", args.name, hex(&Creation::hash(&token)));
    // Reading has left us at the end.
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    let shown = printable(&path.to_string_lossy());
    let facts = json!({ "name": args.name, "token": token.as_str(), "file": path.to_string_lossy() });
    if cx.output.result("token", facts, &token).is_err() {
        return Err(Trouble::local("standard output is closed", format!("take the last line away from {shown}")));
    }
    cx.output.say(&format!("Give it to {}: share relay use URL asks for it.", args.name));
    cx.output
        .say(&format!("It counts from the next start of: share relay --create-token-file {}", words::quoted(&shown)));
    Ok(())
}

/// What the tokens in a file hash to: one a line, as `NAME sha256:…`, or a bare token.
pub(super) fn read_tokens(path: &Path) -> Result<Vec<[u8; 32]>, Trouble> {
    let text =
        fs::read_to_string(path).map_err(|error| Trouble::path(path, &error, "share relay token NAME makes it"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // None at all is a relay that lets nobody leave anything.
    lines.map(read_token).collect::<Option<Vec<_>>>().ok_or_else(|| {
        Trouble::usage(
            format!("{}: not every line of it is a create token", printable(&path.to_string_lossy())),
            "share relay token NAME makes them; one of your own has at least 16 characters",
        )
    })
}

fn read_token(line: &str) -> Option<[u8; 32]> {
    match line.split_once(char::is_whitespace) {
        None => (line.len() >= 16).then(|| Creation::hash(line)),
        Some((_, hashed)) => {
            let digits = hashed.trim().strip_prefix(HASHED)?;
            let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
            bytes.filter(|_| digits.len() == 64).and_then(|bytes| bytes.try_into().ok())
        }
    }
}
