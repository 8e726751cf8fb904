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

/// An error of [`crate::open`]. `direct`: the relay is the sender's own machine. `ours`: this device has opened it
/// before. `kept`: a later run could resume.
pub(super) fn message(relay: &str, direct: bool, error: &OpenError, ours: bool, kept: bool) -> Message {
    match error {
        OpenError::Relay(RelayError::NoConnection(why) | RelayError::Unreachable(why)) if direct => Message::new(
            Exit::Unreachable,
            format!("the sender's machine, {relay}, cannot be reached: {why}"),
            Hint::line("is share still running there, and are you on the same network? It is safe to repeat"),
        ),
        OpenError::Write(error) => {
            let hint = "it is not lost: when that is mended, run the same command again on this device";
            Message::new(
                Exit::Local,
                format!("it could not be written: {}", reason(error)),
                if kept { hint } else { NOT_KEPT },
            )
        }
        OpenError::Broke { percent, until, .. } => Message::new(
            Exit::Unreachable,
            format!("the connection to {relay} broke at {percent} %"),
            match (kept, direct) {
                (false, _) => NOT_KEPT.into(),
                (true, true) => Hint::line("run the same command again on this device, while share runs there"),
                (true, false) => format!("run the same command again on this device, until {}", time(*until)).into(),
            },
        ),
        OpenError::Corrupt => Message::new(
            Exit::Integrity,
            "what came from the relay is damaged or was changed",
            "nothing was saved; tell the sender, and don't trust this relay",
        ),
        OpenError::Manifest(ManifestError::TooNew) => {
            Message::new(Exit::Usage, ManifestError::TooNew.to_string(), "update share, then open it")
        }
        OpenError::Manifest(error) => {
            Message::new(Exit::Integrity, error.to_string(), "nothing was opened; tell the sender")
        }
        OpenError::WrongPassphrase => Message::new(
            Exit::WrongPassphrase,
            "wrong passphrase",
            "this device has begun to open it, and may try as often as it likes",
        ),
        OpenError::Relay(RelayError::Gone { how, at, claimant, until }) => gone(*how, *at, *claimant, *until, ours),
        OpenError::Relay(RelayError::Unknown) => Message::new(
            Exit::Gone,
            format!("{relay} knows no such share"),
            "it may have ended more than 30 days ago; ask the sender to send it again",
        ),
        OpenError::Relay(RelayError::WrongPassphrase { left }) => {
            Message::new(Exit::WrongPassphrase, "wrong passphrase", guesses_left(*left))
        }
        OpenError::Relay(error) => relay::message(relay, error, "nothing is lost; it is safe to repeat"),
    }
}

/// This device has no note of it, so no later run can resume.
const NOT_KEPT: &str = "this device could keep nothing, so it cannot go on: ask the sender to send it again";

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
            format!("being opened since {at} on another device{}, and not finished", by(claimant)),
            format!(
                "if that was you, open the link there again: it resumes until {}; if not, tell the sender",
                time(until)
            ),
        ),
        Gone::AlreadyOpened => Message::new(
            Exit::AlreadyOpened,
            format!("already opened on {at}, on another device{}", by(claimant)),
            "if that was not you, someone else has seen it: tell the sender",
        ),
        Gone::Lapsed => Message::new(
            Exit::Gone,
            format!("this device began to open it, and had until {at} to go on"),
            "ask the sender to send it again",
        ),
        Gone::Expired => {
            Message::new(Exit::Gone, format!("expired unopened on {at}"), "ask the sender to send it again")
        }
        Gone::Revoked => Message::new(Exit::Gone, format!("the sender took it back on {at}"), "ask the sender"),
        Gone::Locked => Message::new(
            Exit::Gone,
            format!("locked on {at}, after too many wrong passphrases"),
            "nobody can open it any more; ask the sender to send it again",
        ),
        Gone::Aborted => Message::new(Exit::Gone, "it was never complete", "ask the sender to send it again"),
    }
}

fn guesses_left(left: u8) -> Hint {
    match left {
        0 => "that was the last try: the next one locks the share".into(),
        1 => "one more may be tried, then the share is locked".into(),
        left => format!("{left} more may be tried, then the share is locked").into(),
    }
}

/// The claimant, in the words that the sender sees too.
fn by(claimant: Option<Claimant>) -> String {
    claimant.map(|claimant| format!(" ({})", openers_words(&claimant))).unwrap_or_default()
}
