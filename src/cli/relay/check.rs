//! `share relay check`: tests a relay, proxies in front of it, and its store.

use std::time::Duration;

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use crate::blob::PART_LEN;
use crate::cli::allowance;
use crate::cli::context::Context;
use crate::cli::output::errors::{self, Failure, Hint, Request};
use crate::cli::output::format;
use crate::cli::relay::compared::ComparedPages;
use crate::cli::relay::findings::{Findings, TestShare, can_hold, test};
use crate::cli::relay::login;
use crate::cli::stores::{self, StoreName};
use crate::page;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::rules::probe::ProbeResult;
use crate::relay::{About, Admission, TOMBSTONE_TIME};
use crate::safe_text::printable;
use crate::state::access::KeptAccess;

const CAN_WAIT: &str = "a request can wait 55 seconds, as --wait requires";
const CANNOT_WAIT: &str =
    "a request cannot wait 55 seconds, so --wait prints events late; nginx: proxy_read_timeout 75s";

/// Check that a relay works, and print its limits
///
/// Sends a test share through the relay and any proxy in front of it, then deletes it.
#[derive(Args)]
#[command(after_long_help = CHECK_EXAMPLES)]
pub(super) struct CheckArgs {
    /// Address of the relay [default: the configured one]
    #[arg(env = "SHARE_RELAY", value_hint = ValueHint::Url)]
    url: Option<String>,
    /// Also check that a request can wait 55 seconds, as --wait requires
    #[arg(long)]
    held: bool,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  share relay check
  share relay check https://relay.example --held";

/// Runs the command.
pub(super) async fn run(args: &CheckArgs, cx: &Context) -> Result<(), Failure> {
    let url = cx.relay(args.url.as_deref())?;
    let url = url.ok_or_else(|| Failure::usage("no relay is configured", Hint::run("share relay check URL")))?;
    let endpoint = Endpoint::to(url);
    let connected = cx.connect(&endpoint).await?;
    let about = connected.relay.about().await.map_err(|error| endpoint.failed(Request::Test, error))?;
    if args.held && endpoint.url.is_store() {
        cx.output.info("--held has no effect: this relay is a folder or bucket, not a server.");
    }
    let token = cx.create_token(&endpoint.url);
    let share = TestShare::new();
    let testing = async {
        let mut findings = test(&endpoint, &connected, &share, token).await?;
        if args.held && !endpoint.url.is_store() && findings.uploaded.is_ok() {
            cx.output.info("This takes a minute: the relay waits before it answers.");
            findings.held = Some(can_hold(&endpoint, &share, cx).await?);
        }
        if !endpoint.url.is_store() {
            findings.pages = Some(ComparedPages::of(&endpoint, &about, cx).await?);
        }
        Ok::<Findings, Failure>(findings)
    };
    let tested = testing.await;
    share.revoke(&connected).await;
    let mut findings = tested?;
    if let Some(rules) = &connected.rules {
        findings.store = Some(stores::probe(rules, &StoreName::of(&endpoint.url), "don't use it", cx).await?);
    }
    let (facts, text) = report(&endpoint, &about, &findings, &cx.kept_access(&endpoint.url)?);
    for warning in findings.pages.iter().flat_map(|page| page.warnings(&endpoint.name())) {
        cx.output.warn(&warning);
    }
    cx.output.answer("relay", facts, &text)
}

/// The findings, for programs and for people.
pub(super) fn report(endpoint: &Endpoint, about: &About, findings: &Findings, login: &KeptAccess) -> (Value, String) {
    let seconds = |time| format::duration_words(Duration::from_secs(time));
    let (longest, lease) = (seconds(about.max_ttl), seconds(about.lease));
    let who = match (findings.may_create, about.create) {
        (true, Admission::Open) => "anyone may upload",
        (true, Admission::Token) => "you may upload",
        (false, _) => "uploads require a create token",
    };
    let limits = findings.left.iter().flat_map(|left| [left.max_size, left.bytes_a_day]).flatten();
    let largest = limits.fold(about.max_bytes, u64::min);
    let mut lines = vec![
        who.to_owned(),
        format!("a share may have up to {}, and expires after {longest} at most", format::binary(largest)),
        format!("an opener can resume for {lease}"),
        format!("response time: {}", format::duration_words(findings.round_trip)),
    ];
    lines.extend(about.send.then(|| format!("browsers can send at {}", endpoint.url.join(page::SEND.path))));
    if !login.is_empty() {
        lines.push(format!("sent to it: {}", login::sent(login).join(", ")));
    }
    lines.extend(about_reports(about));
    lines.extend(about_uploads(&endpoint.name(), findings));
    if findings.store.is_some() {
        lines.push("if several programs write the same object, exactly one succeeds".to_owned());
    }
    let clock = findings.store.map(|store| store.clock.as_secs()).or(findings.clock);
    lines.extend(clock.map(|seconds_apart| match seconds_apart {
        0 => "the clocks of the relay and this computer agree".to_owned(),
        apart => format!("the clocks of the relay and this computer differ by {}", seconds(apart)),
    }));
    lines.extend(findings.held.map(|held| {
        let found = if held { CAN_WAIT } else { CANNOT_WAIT };
        found.to_owned()
    }));
    lines.extend(findings.pages.iter().flat_map(ComparedPages::findings));
    lines.extend(findings.store.iter().flat_map(about_store));
    let text = format!("{} works\n  {}", endpoint.name(), lines.join("\n  "));
    let facts = json!({
        "relay": endpoint.url.to_string(),
        "access": login.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>(),
        "client_cert": login.client_cert.is_some(),
        "may_create": findings.may_create,
        "create": about.create,
        "left": findings.left,
        "max_bytes": about.max_bytes,
        "max_ttl": about.max_ttl,
        "lease": about.lease,
        "contact": about.contact,
        "operator_recipient": about.operator_recipient,
        "hold": about.hold,
        "send": about.send,
        "round_trip_ms": u64::try_from(findings.round_trip.as_millis()).unwrap_or(u64::MAX),
        "clock_differs": clock,
        "held": findings.held,
        "page": findings.pages.as_ref().map(ComparedPages::word),
        "send_page": findings.pages.as_ref().map(ComparedPages::send_word),
        "page_files": findings.pages.as_ref().map(ComparedPages::file_words),
        "free": findings.store.and_then(|store| store.space).map(|space| space.free),
        "keeps_versions": findings.store.and_then(|store| store.keeps_versions),
    });
    (facts, text)
}

/// The space in a store, and what becomes of deleted objects there.
fn about_store(store: &ProbeResult) -> Vec<String> {
    let mut lines: Vec<String> =
        store.space.iter().map(|space| format!("free space in the store: {}", format::binary(space.free))).collect();
    let versions = match store.keeps_versions {
        Some(false) => "the store keeps no versions of deleted objects",
        Some(true) => "the store keeps versions of deleted objects until the bucket's lifecycle rules delete them",
        None => "the store may keep deleted objects (soft delete): check the bucket's settings",
    };
    lines.push(versions.to_owned());
    lines
}

/// The times for which a relay with an operator keeps shares.
fn about_reports(about: &About) -> Option<String> {
    let (Some(_), Some(hold)) = (&about.operator_recipient, about.hold) else { return None };
    let [hold, kept] = [Duration::from_secs(hold), TOMBSTONE_TIME].map(format::duration_words);
    let contact = about.contact.as_deref().map(printable).unwrap_or_default();
    Some(format!(
        "the relay keeps what was opened for {hold}, and for {kept} what recipients report to its operator: {contact}"
    ))
}

/// The rest of the create token's limits, and the outcome of the test upload.
fn about_uploads(relay: &str, findings: &Findings) -> Vec<String> {
    let rest = findings.left.as_ref().and_then(allowance::rest).map(|rest| format!("your create token has {rest}"));
    let until = findings.left.and_then(|left| left.until);
    let end = until.map(|until| format!("your create token ends on {}", format::time(until)));
    let upload = match &findings.uploaded {
        Ok(len) => Some(format!("the test upload of {} succeeded", size_of_test(*len))),
        Err(error) => errors::refusal(relay, error).map(|reason| format!("there was no test upload: {reason}")),
    };
    rest.into_iter().chain(end).chain(upload).collect()
}

/// `4 MiB`: a whole number if the test was as long as usual.
fn size_of_test(len: u64) -> String {
    if len == PART_LEN as u64 { format!("{} MiB", len >> 20) } else { format::binary(len) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::MAX_WAIT;

    #[test]
    fn texts_state_how_long_a_request_waits() {
        for text in [CAN_WAIT, CANNOT_WAIT] {
            assert!(text.contains(&format!("wait {} seconds", MAX_WAIT.as_secs())), "{text}");
        }
    }
}
