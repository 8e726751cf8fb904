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
    /// A record of the report with these digits cannot be read.
    Record(String),
    /// The store does not answer.
    Store { store: String, error: RelayError },
    /// A file is not a saved report.
    NotSaved,
    /// A check failed.
    Refuted(Refuted),
}

/// How to keep a report that fails a check.
const KEEP: &str = "to keep it as it is: share relay reports save ID --encrypted -o FILE";

pub(super) fn message(why: &Unread) -> Message {
    let list = || Hint::run("share relay reports list");
    match why {
        Unread::NoReport(digits) => Message::new(Exit::Gone, format!("there is no report {digits}"), list()),
        Unread::Gone => Message::new(Exit::Gone, "this report was deleted", list()),
        Unread::Incomplete => Message::new(
            Exit::Integrity,
            "this report does not show what was sent: objects of the share are missing in the store; nothing is shown",
            "the relay may have deleted it a moment ago; otherwise check the disk or the bucket",
        ),
        Unread::Store { store, error: RelayError::Unreachable(why) } => {
            Message::new(Exit::Local, format!("{store} cannot be read: {why}"), "check the access to the store")
        }
        Unread::Record(digits) => Message::new(
            Exit::Integrity,
            format!("a record of report {digits} cannot be read"),
            "run this again; if that does not help, check the disk or the bucket, and whether a newer share wrote it",
        ),
        Unread::Store { store, .. } => Message::new(
            Exit::Unreachable,
            format!("{store} did not answer"),
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
        Unread::Refuted(why) if why.may_be_by_sender() => Message::new(
            Exit::Integrity,
            format!("this report does not show what was sent: {why}; nothing is shown"),
            Hint::line(format!("the sender can cause this too, not only the recipient; {KEEP}")),
        ),
        Unread::Refuted(why) => Message::new(
            Exit::Integrity,
            format!("this report does not show what was sent: {why}; nothing is shown"),
            Hint::line(KEEP),
        ),
    }
}
