//! Errors of sending: message and hint.

use std::time::Duration;

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::errors::{network, relay};
use crate::cli::output::format::{binary, duration, duration_words};
use crate::relay::RelayError;
use crate::safe_text::{printable, reason};
use crate::send::SendError;

/// The relay deleted everything.
const NOTHING_LEFT: &str = "nothing was sent; it is safe to run this again";
/// The relay may keep encrypted parts until they expire.
const NO_LINK: &str = "no link was printed; it is safe to run this again";

/// An error of [`crate::send`]. `gone`: the relay confirmed that nothing is left there.
pub(super) fn message(relay: &str, error: &SendError, gone: bool) -> Message {
    match error {
        SendError::Read { name, error } => Message::new(
            Exit::Local,
            format!("{}: {}", printable(name), reason(error)),
            "nothing was sent; it is safe to run this again",
        ),
        SendError::Empty => Message::new(
            Exit::Local,
            "standard input is empty",
            "nothing was sent: did the command before the pipe fail?",
        ),
        SendError::Manifest(error) => {
            Message::new(Exit::Usage, error.to_string(), "send fewer files at once, or a tar archive of them")
        }
        SendError::ManyFiles => Message::new(
            Exit::Refused,
            format!("{relay} does not accept so many files in one share"),
            "send fewer files at once, or a tar archive of them",
        ),
        SendError::Local(error) => {
            Message::new(Exit::Local, reason(error), "nothing was sent; it is safe to run this again")
        }
        SendError::Relay(error) => refused(relay, error, gone),
    }
}

fn refused(relay: &str, error: &RelayError, gone: bool) -> Message {
    let safe = if gone { NOTHING_LEFT } else { NO_LINK };
    match error {
        RelayError::TooLarge { max } => Message::new(
            Exit::Refused,
            format!("this share is too large: {relay} accepts up to {}", binary(*max)),
            "send fewer or smaller files, or use another relay",
        ),
        RelayError::TooLongLived { max } => Message::new(
            Exit::Refused,
            format!("{relay} keeps shares for at most {}", duration_words(Duration::from_secs(*max))),
            Hint::run(format!("--expire {}", duration(Duration::from_secs(*max)))),
        ),
        RelayError::NotAllowed => Message::new(
            Exit::Refused,
            format!("{relay} accepts shares only with a valid create token"),
            Hint::line("ask the relay's operator for a token, then run share relay use URL; an old one may have ended"),
        ),
        RelayError::Unknown => relay::message(relay, &RelayError::NotARelay, ""),
        RelayError::Gone { .. } => {
            Message::new(Exit::Unreachable, format!("{relay} abandoned the upload before it finished"), safe)
        }
        // An obstacle on this device: no request reached the relay.
        RelayError::Hindered(obstacle) => network::hindered(relay, obstacle, NOTHING_LEFT),
        error => relay::message(relay, error, safe),
    }
}
