//! Errors of a report to the operator of a relay, in the user's words.

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::errors::relay;
use crate::open::ReportError;
use crate::relay::RelayError;
use crate::report::MAX_NOTE;
use crate::safe_text::printable;

/// Why a share cannot be reported, before its relay was asked to take a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Unreportable {
    /// This device has opened nothing that can still be reported.
    Nothing,
    /// The sender's computer served the share.
    Direct,
    /// The relay has no operator; the name is the relay's.
    NoOperator(String),
    /// The relay cannot prove that it is the one with the operator; the name is the relay's.
    PlainHttp(String),
}

/// The hint for a share that was opened and can be reported. `is_last`: this device has had no other one open since.
pub(in crate::cli) fn how_to_report(is_last: bool) -> Hint {
    Hint::line(format!("to report it to the operator: share report{}", if is_last { "" } else { " LINK" }))
}

pub(super) fn unreportable(why: &Unreportable) -> Message {
    match why {
        Unreportable::Nothing => Message::new(
            Exit::Gone,
            "this device opened nothing in the last hour that can be reported",
            Hint::line("with the link: share report LINK"),
        ),
        Unreportable::Direct => Message::new(
            Exit::Refused,
            "this share came from the sender's own computer",
            "no relay kept it, so there is no operator to report it to",
        ),
        Unreportable::NoOperator(relay) => Message::new(
            Exit::Refused,
            format!("{relay} has no operator to report to"),
            "nothing was sent; contact the person who runs that relay",
        ),
        Unreportable::PlainHttp(relay) => Message::new(
            Exit::Refused,
            format!("{relay} uses plain http, where others could pose as the operator; nothing was sent"),
            "contact the person who runs that relay",
        ),
    }
}

/// An error of a report to an operator who can be reached at `contact`.
pub(super) fn message(relay: &str, contact: &str, error: &ReportError) -> Message {
    let write = || format!("write to the operator: {}", printable(contact));
    match error {
        ReportError::TooLong(count) => Message::new(
            Exit::Usage,
            format!("a note has at most {MAX_NOTE} characters; this one has {count}"),
            "shorten it; nothing was reported",
        ),
        ReportError::Relay(RelayError::Unknown) => Message::new(
            Exit::Gone,
            format!("{relay} has no opening of this share by this device"),
            "only the device that opened a share can report it",
        ),
        ReportError::Relay(RelayError::TooLate { .. }) => {
            Message::new(Exit::Gone, "too late: a share can be reported for one hour after it has ended", write())
        }
        ReportError::Relay(RelayError::NoSpace { .. }) => {
            Message::new(Exit::Unreachable, format!("{relay} has no room for more reports"), write())
        }
        ReportError::Relay(error) => relay::message(relay, error, "it is safe to run this again"),
        ReportError::Encrypt(error) => {
            Message::new(Exit::Unexpected, format!("the note could not be encrypted: {error}"), write())
        }
    }
}
