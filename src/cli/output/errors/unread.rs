//! Errors of an operator who reads reports, in the user's words.

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::relay::RelayError;
use crate::report::Refuted;

/// Why an operator cannot read a report.
#[derive(Debug)]
pub(in crate::cli) enum Unread {
    /// No report has an id that begins so.
    NoReport(String),
    /// The report was deleted a moment ago.
    Gone,
    /// Objects of the share are missing in the store.
    Incomplete,
    /// The store does not answer, or a record in it cannot be read.
    Store { store: String, error: RelayError },
    /// A file is not a saved report.
    NotSaved,
    /// A check failed.
    Refuted(Refuted),
}

pub(super) fn message(why: &Unread) -> Message {
    let list = || Hint::run("share relay reports list");
    match why {
        Unread::NoReport(digits) => Message::new(Exit::Gone, format!("there is no report {digits}"), list()),
        Unread::Gone => Message::new(Exit::Gone, "this report was deleted", list()),
        Unread::Incomplete => Message::new(
            Exit::Integrity,
            "this report does not show what was sent: objects of the share are missing in the store; nothing is shown",
            "a relay never deletes objects of a reported share: check the disk or the bucket",
        ),
        Unread::Store { store, error: RelayError::Unreachable(why) } => {
            Message::new(Exit::Local, format!("{store} cannot be read: {why}"), "check the access to the store")
        }
        Unread::Store { store, .. } => Message::new(
            Exit::Unreachable,
            format!("{store} did not answer, or a record in it cannot be read"),
            Hint::line("run this again; -v prints the reason"),
        ),
        Unread::NotSaved => Message::new(
            Exit::Integrity,
            "that is not a saved report, or only a part of one",
            Hint::line("save it again: share relay reports save ID --encrypted -o FILE"),
        ),
        Unread::Refuted(why @ Refuted::NotForThisIdentity) => Message::new(
            Exit::WrongPassphrase,
            format!("this report cannot be read: {why}"),
            Hint::line("use --identity FILE with the key that belongs to the --operator-recipient of the relay"),
        ),
        Unread::Refuted(why) => Message::new(
            Exit::Integrity,
            format!("this report does not show what was sent: {why}; nothing is shown"),
            Hint::line("to keep it as it is: share relay reports save ID --encrypted -o FILE"),
        ),
    }
}
