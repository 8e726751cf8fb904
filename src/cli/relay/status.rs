//! `share relay status`: the state of a relay of this machine.

use std::time::Duration;

use clap::{Args, ValueHint};
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{format, indented};
use crate::cli::relay::operations::{Admin, addresses};
use crate::cli::relay::summary::{creators, limits, reports, validity};
use crate::page;
use crate::relay::client::admin::{self, Silence};
use crate::relay::metrics::ShareEvent;
use crate::safe_text::printable;

/// Show what a relay on this machine does
///
/// Asks its admin listener, which only this machine reaches. The exit code is 0 if the relay is ready, and 6 if it is
/// not, or if no relay answers.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct StatusArgs {
    #[arg(help = ADMIN, long, value_name = "ADDRESS", env = "SHARE_ADMIN", value_hint = ValueHint::Other)]
    admin: Option<Admin>,
}

/// The help of `--admin`.
const ADMIN: &str = "Ask the relay at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH \
                     [default: relay.sock in the state directory, or that of the system service]";

const EXAMPLES: &str = "\
Examples:
  share relay status
  share relay status --admin 127.0.0.1:9400
  share relay status --json";

/// Runs the command.
pub(super) async fn run(args: &StatusArgs, cx: &Context) -> Result<(), Failure> {
    let mut failed = None;
    for address in addresses(args.admin.as_ref(), cx) {
        match admin::status(&address.0).await {
            Ok(status) => {
                cx.output.answer("relay-status", status.clone(), &text(&status))?;
                return expect_ready(&status);
            }
            Err(Silence::Denied) => {
                return Err(Failure::RelayDown {
                    what: format!("{address} cannot be asked: {}", Silence::Denied),
                    hint: Hint::line("run this command as root or as the user of the relay"),
                });
            }
            Err(why) => drop(failed.get_or_insert((address, why))),
        }
    }
    let what = match (failed, &args.admin) {
        (Some((address, why)), Some(_)) => format!("no relay at {address}: {why}"),
        _ => "no relay of this user runs on this machine".to_owned(),
    };
    Err(Failure::RelayDown { what, hint: Hint::line("to name its admin listener: share relay status --admin ADDRESS") })
}

/// Fails if the relay is not ready.
fn expect_ready(status: &Value) -> Result<(), Failure> {
    if status["ready"] == true {
        return Ok(());
    }
    let details: Vec<_> = status["problems"].as_array().into_iter().flatten().filter_map(detail).collect();
    let what = format!("the relay is not ready: {}", details.join("; "));
    Err(Failure::RelayDown { what, hint: Hint::line("see its log, such as: journalctl -u share-relay") })
}

fn detail(problem: &Value) -> Option<String> {
    problem["detail"].as_str().map(printable)
}

/// The status for people.
fn text(status: &Value) -> String {
    let state = if status["ready"] == true { "ready" } else { "not ready" };
    let mut lines = vec![format!("{} is {state}", shown(&status["url"]))];
    let mut add = |name: &str, value: String| lines.push(indented(&format!("{name:<12} {value}")));
    let since = status["since"].as_u64().map(format::time).unwrap_or_default();
    add("running", format!("since {since}, version {}", shown(&status["version"])));
    if let Some(store) = status["store"].as_str() {
        let full = if status["full"] == true { "; no room for uploads" } else { "" };
        add("store", format!("{}{full}", printable(store)));
    }
    if let Some(create) = status["create"].as_str() {
        add("may create", creators(create).to_owned());
        add("in browsers", format!("{}{}", shown(&status["url"]).trim_end_matches('/'), page::SEND.path));
    }
    if let (Some(size), Some(time)) = (status["max_size"].as_u64(), status["max_lifetime"].as_u64()) {
        add("limits", limits(size, Duration::from_secs(time)));
    }
    let operator = &status["operator"];
    if let (Some(contact), Some(max)) = (operator["contact"].as_str(), operator["max_reported"].as_u64()) {
        add("reports", reports(contact, max) + &kept(&status["reported"]));
    }
    if !status["certificate"].is_null() {
        add("certificate", validity(status["certificate"]["until"].as_u64()));
    }
    let stored = &status["stored"];
    add(
        "shares",
        match stored {
            Value::Null => "not counted yet".to_owned(),
            _ => format!(
                "{} waiting, {} being opened, {} being uploaded; {} at the last count",
                stored["waiting"],
                stored["opening"],
                stored["uploading"],
                format::binary(stored["bytes"].as_u64().unwrap_or(0))
            ),
        },
    );
    let counts = status["counts"].as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    let mut counts: Vec<_> = counts.collect();
    // In the order of a share's steps. A later version may count further ones.
    counts.sort_by_key(|(event, _)| {
        ShareEvent::ALL.iter().position(|known| known.word() == *event).unwrap_or(usize::MAX)
    });
    let counts: Vec<_> = counts.iter().map(|(event, count)| format!("{count} {}", printable(event))).collect();
    add("since start", if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") });
    add("connections", status["connections"].to_string());
    lines.join("\n")
}

/// The reported shares, and the reports for which there was no room, in words.
fn kept(reported: &Value) -> String {
    let count = |member: &str| reported[member].as_u64().filter(|count| *count > 0);
    let bytes = format::binary(count("bytes").unwrap_or(0));
    let kept = count("shares").map(|shares| format!("; {shares} kept, {bytes}"));
    let refused = count("refused").map(|refused| format!("; {refused} refused for lack of room"));
    kept.unwrap_or_default() + &refused.unwrap_or_default()
}

fn shown(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}
