//! Errors of sending, in the user's words.

use std::time::Duration;

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::errors::relay;
use crate::cli::output::format::{binary, duration};
use crate::relay::RelayError;
use crate::safe_text::{printable, reason};
use crate::send::SendError;

/// Nothing was committed, and what the relay had of it is deleted.
const NOTHING_LEFT: &str = "nothing was left there; it is safe to repeat";
/// The relay may have something of it, unreadable, which goes by itself.
const NO_LINK: &str = "no link was made; it is safe to repeat";

/// An error of [`crate::send`]. `gone`: nothing of it is left at the relay, for certain.
pub(super) fn message(relay: &str, error: &SendError, gone: bool) -> Message {
    match error {
        SendError::Read { name, error } => Message::new(
            Exit::Local,
            format!("{}: {}", printable(name), reason(error)),
            "nothing was sent; it is safe to repeat",
        ),
        SendError::Empty => Message::new(
            Exit::Local,
            "standard input is empty",
            "nothing was sent: did the command before the pipe fail?",
        ),
        SendError::Manifest(error) => {
            Message::new(Exit::Usage, error.to_string(), "send fewer files at once, or a tar of them")
        }
        SendError::Local(error) => Message::new(Exit::Local, reason(error), "nothing was sent; it is safe to repeat"),
        SendError::Relay(error) => refused(relay, error, gone),
    }
}

fn refused(relay: &str, error: &RelayError, gone: bool) -> Message {
    let safe = if gone { NOTHING_LEFT } else { NO_LINK };
    match error {
        RelayError::TooLarge { max } => Message::new(
            Exit::Refused,
            format!("{relay} takes {} a share, and this is more", binary(*max)),
            "send less at once, or use another relay",
        ),
        RelayError::TooLongLived { max } => Message::new(
            Exit::Refused,
            format!("{relay} keeps nothing for that long"),
            Hint::run(format!("--expire {}", duration(Duration::from_secs(*max)))),
        ),
        RelayError::NotAllowed => Message::new(
            Exit::Refused,
            format!("{relay} takes shares only from people who have its create token"),
            Hint::line("ask its operator for one, then: share relay use URL"),
        ),
        RelayError::Unknown => relay::message(relay, &RelayError::NotARelay, ""),
        RelayError::Gone { .. } => {
            Message::new(Exit::Unreachable, format!("{relay} gave the upload up before it was complete"), safe)
        }
        // An obstacle on this side: the hint is the same if the relay could not be informed.
        RelayError::Hindered(obstacle) => relay::hindered(relay, obstacle, NOTHING_LEFT),
        error => relay::message(relay, error, safe),
    }
}
