//! Errors of opening, in the user's words.

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::errors::relay;
use crate::cli::output::format::time;
use crate::manifest::ManifestError;
use crate::open::OpenError;
use crate::relay::{Gone, RelayError};
use crate::safe_text::reason;
use crate::secret::Claimant;
use crate::wordlist::openers_words;

/// An error of [`crate::open`]. `direct`: the relay is the sender's computer. `ours`: this device has opened the
/// share before. `kept`: a later run could resume.
pub(super) fn message(relay: &str, direct: bool, error: &OpenError, ours: bool, kept: bool) -> Message {
    match error {
        OpenError::Relay(RelayError::NoConnection(why) | RelayError::Unreachable(why)) if direct => Message::new(
            Exit::Unreachable,
            format!("the sender's computer, {relay}, cannot be reached: {why}"),
            "check that both computers are on the same network and that the sender keeps share running; it is safe to \
             run this again",
        ),
        OpenError::Write(error) => {
            let hint = "run the same command again on this device when the cause is fixed";
            let what = format!("the content could not be written: {}", reason(error));
            Message::new(Exit::Local, what, if kept { hint } else { NOT_KEPT })
        }
        OpenError::Broke { percent, until, .. } => Message::new(
            Exit::Unreachable,
            format!("the connection to {relay} broke at {percent} %"),
            match (kept, direct) {
                (false, _) => NOT_KEPT.to_owned(),
                (true, true) => {
                    "run the same command again on this device while the sender keeps share running".to_owned()
                }
                (true, false) => format!("run the same command again on this device before {}", time(*until)),
            },
        ),
        OpenError::Corrupt => Message::new(
            Exit::Integrity,
            format!("the data from {relay} is damaged or was changed"),
            "nothing was saved; tell the sender, and don't trust this relay",
        ),
        OpenError::Manifest(ManifestError::TooNew) => {
            Message::new(Exit::Usage, ManifestError::TooNew.to_string(), "update share, then open the link again")
        }
        OpenError::Manifest(error) => {
            Message::new(Exit::Integrity, error.to_string(), "nothing was opened; tell the sender")
        }
        OpenError::WrongPassphrase => Message::new(
            Exit::WrongPassphrase,
            "wrong passphrase",
            "this device has already started to open this share, so the number of tries is not limited",
        ),
        OpenError::Relay(RelayError::Gone { how, at, claimant, until }) => gone(*how, *at, *claimant, *until, ours),
        OpenError::Relay(RelayError::Unknown) => Message::new(
            Exit::Gone,
            format!("{relay} has no such share"),
            "it may have ended more than 30 days ago; ask the sender to send it again",
        ),
        OpenError::Relay(RelayError::WrongPassphrase { left }) => {
            Message::new(Exit::WrongPassphrase, "wrong passphrase", guesses_left(*left))
        }
        OpenError::Relay(error @ RelayError::Fronted { .. }) => {
            relay::message(relay, error, "the sender's tunnel may be closed; it is safe to run this again")
        }
        OpenError::Relay(error) if ours || matches!(error, RelayError::Unreachable(_)) => {
            // The claim may have arrived.
            relay::message(relay, error, "it is safe to run this again on this device")
        }
        OpenError::Relay(error) => relay::message(relay, error, "nothing was opened; it is safe to run this again"),
    }
}

/// The hint where the state directory is not writable: a later run does not know that this device has the claim.
const NOT_KEPT: &str = "this device could not save its state, so it cannot resume: ask the sender to send it again";

/// A share that has ended, or is being opened elsewhere. Times are Unix seconds.
fn gone(how: Gone, at: u64, claimant: Option<Claimant>, until: Option<u64>, ours: bool) -> Message {
    let at = time(at);
    match how {
        Gone::AlreadyOpened if ours => Message::new(
            Exit::AlreadyOpened,
            format!("already opened on {at}, on this device{}", by(claimant)),
            "a link opens once; ask the sender to send it again",
        ),
        Gone::AlreadyOpened if let Some(until) = until => Message::new(
            Exit::AlreadyOpened,
            format!("being opened on another device since {at}{}", by(claimant)),
            format!("if that was you, open the link there again before {}; if not, tell the sender", time(until)),
        ),
        Gone::AlreadyOpened => Message::new(
            Exit::AlreadyOpened,
            format!("already opened on {at}, on another device{}", by(claimant)),
            "if that was not you, someone else has seen it: tell the sender",
        ),
        Gone::Lapsed => Message::new(
            Exit::Gone,
            format!("this device started to open this share and did not finish before {at}"),
            "ask the sender to send it again",
        ),
        Gone::Expired => {
            Message::new(Exit::Gone, format!("expired on {at}; nobody opened it"), "ask the sender to send it again")
        }
        Gone::Revoked => Message::new(Exit::Gone, format!("the sender revoked this link on {at}"), "ask the sender"),
        Gone::Locked => Message::new(
            Exit::Gone,
            format!("locked on {at} after too many wrong passphrases"),
            "ask the sender to send it again",
        ),
        Gone::Aborted => {
            Message::new(Exit::Gone, "this share was never uploaded completely", "ask the sender to send it again")
        }
    }
}

fn guesses_left(left: u8) -> Hint {
    match left {
        0 => "the next try locks the share, whether the passphrase is right or wrong".into(),
        1 => "1 more passphrase can be tried before the share is locked".into(),
        left => format!("{left} more passphrases can be tried before the share is locked").into(),
    }
}

/// The claimant, in the words that the sender sees too.
fn by(claimant: Option<Claimant>) -> String {
    claimant.map(|claimant| format!(" ({})", openers_words(&claimant))).unwrap_or_default()
}
