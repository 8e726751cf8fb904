//! Refusals by the limits of a relay, and by a proxy in front of one, in the user's words.

use std::time::Duration;

use crate::cli::output::errors::message::{Exit, Message};
use crate::cli::output::format::about;
use crate::relay::{Limit, LimitOf, Limited, RelayError};

/// The limit that was reached, or what a proxy in front of the relay refuses.
pub(in crate::cli) fn reason(relay: &str, error: &RelayError) -> Option<String> {
    match error {
        RelayError::SlowDown { limit: None, .. } => Some(format!("{relay} accepts only so many requests")),
        RelayError::SlowDown { limit: Some(limit), .. } => Some(reached(relay, *limit)),
        RelayError::ByProxy { status, .. } => Some(format!("a proxy in front of {relay} {}", does(*status))),
        _ => None,
    }
}

fn reached(relay: &str, limit: Limit) -> String {
    let (from, with) = match limit.of {
        LimitOf::Address => ("from one network address", "for one network address"),
        LimitOf::Token => ("by one create token", "for one create token"),
    };
    match limit.what {
        Limited::Requests => format!("{relay} accepts only so many requests a minute {from}"),
        Limited::Shares => format!("{relay} accepts only so many new shares an hour {from}"),
        Limited::Traffic => format!("{relay} transfers only so much data an hour {with}"),
        Limited::Uploads => format!("{relay} accepts only so many unfinished uploads {from}"),
    }
}

/// The behavior of a proxy that answers with `status`.
fn does(status: u16) -> String {
    match status {
        413 => "rejects requests of this size".to_owned(),
        429 => "accepts only so many requests".to_owned(),
        507 => "has no space left".to_owned(),
        status => format!("gets no answer from it (HTTP status {status})"),
    }
}

/// The error with the hint `safe`, which ends in "run this again", and with the time after which that helps.
pub(super) fn message(what: String, error: &RelayError, safe: &str) -> Message {
    let hint = match error {
        RelayError::ByProxy { status: 413, .. } => {
            "the proxy must accept bodies of 5 MiB; nginx: client_max_body_size 5m".to_owned()
        }
        RelayError::SlowDown { after, .. } | RelayError::ByProxy { after: Some(after), .. } if *after > 1 => {
            format!("{safe} in {}", about(Duration::from_secs(*after)))
        }
        _ => safe.to_owned(),
    };
    Message::new(Exit::Unreachable, what, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_named() {
        let slow = |what, of| RelayError::SlowDown { after: 720, limit: Some(Limit { what, of }) };
        for (error, expected) in [
            (
                slow(Limited::Requests, LimitOf::Address),
                "relay.example accepts only so many requests a minute from one network address",
            ),
            (
                slow(Limited::Shares, LimitOf::Token),
                "relay.example accepts only so many new shares an hour by one create token",
            ),
            (
                slow(Limited::Traffic, LimitOf::Address),
                "relay.example transfers only so much data an hour for one network address",
            ),
            (
                slow(Limited::Uploads, LimitOf::Token),
                "relay.example accepts only so many unfinished uploads by one create token",
            ),
            (RelayError::SlowDown { after: 720, limit: None }, "relay.example accepts only so many requests"),
            (
                RelayError::ByProxy { status: 429, after: Some(720) },
                "a proxy in front of relay.example accepts only so many requests",
            ),
        ] {
            let what = reason("relay.example", &error).unwrap();
            assert_eq!(what, expected);
            let message = message(what, &error, "it is safe to run this again");
            assert_eq!(message.hint.unwrap().as_str(), "it is safe to run this again in 12 minutes");
        }
        assert_eq!(reason("relay.example", &RelayError::BUSY), None);
    }
}
