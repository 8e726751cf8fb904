//! `share relay use`: makes a relay the default, after a test.

use std::fs;
use std::sync::Arc;

use clap::{Args, ValueHint};

use crate::cli::context::{Context, given_create_token};
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Request};
use crate::cli::relay::check::report;
use crate::cli::relay::findings::{expect_passed, test_and_tidy};
use crate::cli::relay::login::{self, LoginArgs, LoginChange};
use crate::cli::stores::StoreName;
use crate::cli::{access, config, folders, stores};
use crate::relay::client::endpoint::Endpoint;
use crate::relay::clock::SystemClock;
use crate::relay::rules::probe::ProbeResult;
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::store::folder::{FolderError, Location, Sharing, locate};
use crate::relay::store::layout;
use crate::relay::{Admission, RelayError};
use crate::relay_url::RelayUrl;
use crate::safe_text::{printable, reason};

/// Make a relay the default after checking it
///
/// URL is the address of a server, or of a folder or bucket that sender and recipient both use: `file:///DIRECTORY`,
/// `s3://BUCKET/PREFIX` (also gs:// and az://). A folder or bucket needs no server, but anyone who can read it could
/// copy the encrypted data without opening the share.
#[derive(Args)]
#[command(after_long_help = USE_EXAMPLES)]
pub(super) struct UseArgs {
    /// Address of the relay, folder or bucket
    #[arg(value_hint = ValueHint::Url)]
    url: String,
    #[command(flatten, next_help_heading = "Login in front of the relay")]
    login: LoginArgs,
}

const USE_EXAMPLES: &str = "\
Examples:
  share relay use https://relay.example
  share relay use https://relay.example --header Authorization
  share relay use https://relay.example --header Authorization --keep-default
  share relay use file:///mnt/team/share";

/// The hint for a store that is unfit.
const ANOTHER: &str = "specify another directory or bucket";

/// Runs the command.
pub(super) async fn run(args: &UseArgs, cx: &Context) -> Result<(), Failure> {
    let url = RelayUrl::parse(&args.url).map_err(Failure::RelayUrl)?;
    let endpoint = Endpoint::to(url.clone());
    let login = args.login.read(&url, cx).await?;
    if let Some(removal) = login.as_ref().filter(|change| change.only_removes()) {
        return keep(removal, &url, cx);
    }
    let found = if url.is_store() { Some(adopt(&url, cx).await?) } else { None };
    let connected = match &login {
        Some(change) => cx.connect_with(&endpoint, access::loaded(&login::changed(change, &url, cx)?)?.as_ref())?,
        None => cx.connect(&endpoint).await?,
    };
    let about = connected.relay.about().await.map_err(|error| endpoint.failed(Request::Test, error))?;
    if let Some(change) = login.as_ref().filter(|_| args.login.keeps_default()) {
        expect_passed(&endpoint, &connected).await?;
        return keep(change, &url, cx);
    }
    let mut token = if about.create == Admission::Token { create_token(&url, &endpoint, cx).await? } else { None };
    let mut findings = test_and_tidy(&endpoint, &connected, token.clone()).await?;
    if let (Some(_), false, None, true) = (&token, findings.may_create, given_create_token(), prompt::possible()) {
        cx.output.info("The stored create token is no longer valid.");
        token = ask_for_token(&endpoint, cx).await?;
        findings = test_and_tidy(&endpoint, &connected, token.clone()).await?;
    }
    findings.store = found;
    if let Some(change) = &login {
        keep(change, &url, cx)?;
    }
    if let (Some(token), true) = (&token, findings.may_create) {
        let kept = cx.state().and_then(|state| state.keep_create_token(&url, token));
        kept.map_err(|error| {
            Failure::local(
                format!("the create token cannot be stored: {}", reason(&error)),
                "set SHARE_CREATE_TOKEN instead",
            )
        })?;
    }
    if token.is_some() && !findings.may_create {
        return Err(endpoint.failed(Request::Test, RelayError::NotAllowed));
    }
    let path = config::set_relay(&url.to_string())?;
    let (facts, text) = report(&endpoint, &about, &findings, &cx.kept_access(&url)?);
    cx.output.event("relay", facts, &text);
    if url.is_store() {
        let kind = if url.folder().is_some() { "folder" } else { "bucket" };
        cx.output.info(&format!(
            "Anyone who can read that {kind} could copy the encrypted data without opening the share: use the {kind} \
             only with people you trust."
        ));
        cx.output.info("Senders clean up expired shares, so nothing is deleted while nobody runs share.");
        if url.folder().is_some_and(|path| folders::is_private(&path)) {
            cx.output.info("Only you can use this folder. For a group, use a new directory: chgrp GROUP, chmod 2770.");
        }
    }
    cx.output.info(&format!("This relay is now the default, set in {}", printable(&path.to_string_lossy())));
    Ok(())
}

/// Keeps or removes headers and a certificate for the relay at `url`.
fn keep(change: &LoginChange, url: &RelayUrl, cx: &Context) -> Result<(), Failure> {
    let kept = cx.state().and_then(|state| state.change_access(url, |kept| change.apply(kept)));
    let kept = kept.map_err(|error| {
        let what = format!("the headers and the client certificate cannot be stored: {}", reason(&error));
        Failure::local(what, "nothing was kept; it is safe to run this again")
    })?;
    cx.output.info(&login::outcome(&kept, &url.name()));
    Ok(())
}

/// The create token for a relay that requires one: from the environment, kept, or asked for.
async fn create_token(url: &RelayUrl, endpoint: &Endpoint, cx: &Context) -> Result<Option<String>, Failure> {
    if let Some(token) = cx.create_token(url) {
        return Ok(Some(token));
    }
    if !prompt::possible() {
        cx.output.warn(&format!("{} requires a create token: set SHARE_CREATE_TOKEN", endpoint.name()));
        return Ok(None);
    }
    ask_for_token(endpoint, cx).await
}

async fn ask_for_token(endpoint: &Endpoint, cx: &Context) -> Result<Option<String>, Failure> {
    let question = format!("Create token for {} (not shown; press Enter for none):", endpoint.name());
    let token = prompt::ask_hidden(&question, cx).await?;
    Ok(Some(token.trim().to_owned()).filter(|token| !token.is_empty()))
}

/// Makes a folder or bucket a relay that needs no server, if it is fit for that.
async fn adopt(url: &RelayUrl, cx: &Context) -> Result<ProbeResult, Failure> {
    let name = url.name();
    if let Some(path) = url.folder() {
        folders::expect_one_copy(&path, "")?;
        // Objects of an earlier use may stay.
        let is_foreign =
            |entry: std::io::Result<fs::DirEntry>| entry.is_ok_and(|entry| !layout::is_known(&entry.file_name()));
        // Beside a directory of our own, other files do no harm.
        let is_direct = match locate(&path, false) {
            Ok(location) => location == Location::Direct,
            // The opening shows what else is wrong.
            Err(FolderError::Io(..)) => true,
            Err(error) => return Err(folders::failure(&error, ANOTHER)),
        };
        if path.is_symlink() || (is_direct && fs::read_dir(path).is_ok_and(|mut entries| entries.any(is_foreign))) {
            let what = format!("{} contains other files", printable(&name));
            return Err(Failure::local(what, "specify an empty or new directory"));
        }
    }
    let store = stores::open_introduced(url, Sharing::WithOthers, ANOTHER, cx)?;
    let rules = StoreRelay::new(store, Arc::new(SystemClock), Policy::default());
    let found = stores::probe(&rules, &StoreName::of(url), ANOTHER, cx).await?;
    rules.adopt().await.map_err(|error| Failure::local(format!("{}: {error}", printable(&name)), ANOTHER))?;
    Ok(found)
}
