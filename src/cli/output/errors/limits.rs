//! Refusals by the limits of a relay, and by a proxy in front of one, in the user's words.

use std::time::Duration;

use crate::cli::output::errors::message::{Exit, Message};
use crate::cli::output::format::{about, binary, time};
use crate::relay::{Daily, Limit, LimitOf, Limited, RelayError};

/// The limit that was reached, or what a proxy in front of the relay refuses.
pub(in crate::cli) fn reason(relay: &str, error: &RelayError) -> Option<String> {
    match error {
        RelayError::SlowDown { limit: None, .. } => Some(format!("{relay} accepts only so many requests")),
        RelayError::SlowDown { limit: Some(limit), .. } => Some(reached(relay, *limit)),
        RelayError::Quota { what, max, .. } => Some(used_up(relay, *what, *max)),
        RelayError::ByProxy { status, .. } => Some(format!("a proxy in front of {relay} {}", does(*status))),
        _ => None,
    }
}

fn reached(relay: &str, limit: Limit) -> String {
    let whose = match limit.of {
        LimitOf::Address => "your network address",
        LimitOf::Token => "your create token",
    };
    let what = match limit.what {
        Limited::Requests => "requests per minute",
        Limited::Shares => "new shares per hour",
        Limited::Traffic => "data per hour",
        Limited::Uploads => "unfinished uploads",
        Limited::AtOnce => "simultaneous transfers",
        Limited::Reports => "reports",
    };
    format!("{whose} has reached the limit of {what} at {relay}")
}

/// A daily limit of the user's create token that is used up.
fn used_up(relay: &str, what: Option<Daily>, max: u64) -> String {
    let limit = match what {
        Some(Daily::Bytes) => binary(max),
        Some(Daily::Shares) if max == 1 => "1 new share".to_owned(),
        Some(Daily::Shares) => format!("{max} new shares"),
        None => return format!("your create token has reached its limit for today at {relay}"),
    };
    format!("your create token has reached its limit of {limit} per day at {relay}")
}

/// The behavior of a proxy that answers with `status`.
fn does(status: u16) -> String {
    match status {
        413 => "rejects requests of this size".to_owned(),
        429 => "accepts only so many requests".to_owned(),
        507 => "has no space left".to_owned(),
        502..=504 | 520..=527 => format!("gets no answer from it (HTTP status {status})"),
        status => format!("answered with HTTP status {status}"),
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
        RelayError::Quota { until: Some(until), .. } => format!("{safe} after {}", time(*until)),
        RelayError::Quota { until: None, .. } => format!("{safe} tomorrow"),
        _ => safe.to_owned(),
    };
    let exit = if let RelayError::Quota { .. } = error { Exit::Refused } else { Exit::Unreachable };
    Message::new(exit, what, hint)
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
                "your network address has reached the limit of requests per minute at relay.example",
            ),
            (
                slow(Limited::Shares, LimitOf::Token),
                "your create token has reached the limit of new shares per hour at relay.example",
            ),
            (
                slow(Limited::Traffic, LimitOf::Address),
                "your network address has reached the limit of data per hour at relay.example",
            ),
            (
                slow(Limited::Uploads, LimitOf::Token),
                "your create token has reached the limit of unfinished uploads at relay.example",
            ),
            (
                slow(Limited::AtOnce, LimitOf::Address),
                "your network address has reached the limit of simultaneous transfers at relay.example",
            ),
            (
                slow(Limited::Reports, LimitOf::Address),
                "your network address has reached the limit of reports at relay.example",
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

    #[test]
    fn a_daily_limit_is_refused_with_the_time_at_which_it_comes_back() {
        let until = 1_800_000_000;
        for (what, max, expected) in [
            (Some(Daily::Bytes), 512 << 20, "its limit of 512 MiB per day"),
            (Some(Daily::Shares), 1, "its limit of 1 new share per day"),
            (Some(Daily::Shares), 20, "its limit of 20 new shares per day"),
            (None, 20, "its limit for today"),
        ] {
            let error = RelayError::Quota { what, max, until: Some(until) };
            let message = message(reason("relay.example", &error).unwrap(), &error, "it is safe to run this again");
            assert_eq!(message.what, format!("your create token has reached {expected} at relay.example"));
            let hint = format!("it is safe to run this again after {}", time(until));
            assert_eq!((message.hint.unwrap().as_str(), message.exit), (&*hint, Exit::Refused));
        }
    }

    #[test]
    fn only_the_status_of_a_gateway_means_that_it_got_no_answer() {
        for (status, expected) in [
            (408, "answered with HTTP status 408"),
            (500, "answered with HTTP status 500"),
            (502, "gets no answer from it (HTTP status 502)"),
            (522, "gets no answer from it (HTTP status 522)"),
        ] {
            let what = reason("relay.example", &RelayError::ByProxy { status, after: None }).unwrap();
            assert_eq!(what, format!("a proxy in front of relay.example {expected}"));
        }
    }
}
