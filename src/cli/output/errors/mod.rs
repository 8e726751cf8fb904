//! Every error: what happened in the user's words, the next action, and the exit code. The whole table is here.

mod message;
mod open;
mod relay;
mod send;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub(in crate::cli) use self::message::{Exit, Hint, Message};
pub(in crate::cli) use self::relay::ProxyFault;
use crate::cli::output::format::{binary, quoted, size};
use crate::link::LinkError;
use crate::open::OpenError;
use crate::relay_url::RelayUrlError;
use crate::safe_text::{printable, reason};
use crate::send::SendError;

/// Everything that can stop a command.
#[derive(Debug)]
pub(in crate::cli) enum Failure {
    /// The arguments, or the surroundings, don't allow it.
    Usage { what: String, hint: Hint },
    /// The link is not one.
    Link(LinkError),
    /// An address is not one.
    RelayUrl(RelayUrlError),
    /// Sending did not work. `gone`: nothing of it is left there, for certain.
    Send { relay: String, error: SendError, gone: bool },
    /// The one file that is sent, of `len` bytes, is larger than what the relay takes.
    TooLarge { relay: String, file: String, len: u64, max: u64 },
    /// Opening did not work. `ours`: this device has opened it before. `kept`: a later run could resume.
    /// `direct`: the relay is the sender's own machine.
    Open { relay: String, direct: bool, error: OpenError, ours: bool, kept: bool },
    /// A proxy in front of the relay is in the way.
    InFront { relay: String, fault: ProxyFault },
    /// Nothing in the outbox is called that.
    NotSentFromHere,
    /// A share that was sent has ended, and nobody has confirmed that it was opened.
    NotOpened(String),
    /// There is no record of what became of a share.
    NoRecord(String),
    /// An error that stops several things at once: a relay that all of them need.
    Common(Arc<Self>),
    /// Another program of this device is at it.
    BeingOpenedHere,
    /// This device has claimed it and not finished.
    Begun,
    /// A file or directory of this machine.
    Local { what: String, hint: Hint },
    /// The user answered no, or pressed Ctrl-C.
    Interrupted(Option<Hint>),
    /// A bug, or a machine in a bad state.
    Unexpected(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Unexpected(error)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl Failure {
    pub(in crate::cli) fn usage(what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    pub(in crate::cli) fn local(what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Local { what: what.into(), hint: hint.into() }
    }

    /// Something about a path went wrong.
    pub(in crate::cli) fn path(path: &Path, error: &io::Error, hint: impl Into<Hint>) -> Self {
        Self::local(format!("{}: {}", printable(&path.to_string_lossy()), reason(error)), hint)
    }

    /// Whether a relay did not answer, or something answered in its place.
    pub(in crate::cli) fn is_unreachable(&self) -> bool {
        match self {
            Self::Open { error: OpenError::Relay(error), .. } => relay::is_unreachable(error),
            Self::Common(error) => error.is_unreachable(),
            _ => false,
        }
    }

    /// The message for the user.
    pub(in crate::cli) fn message(&self) -> Message {
        match self {
            Self::Usage { what, hint } => Message::new(Exit::Usage, what, hint),
            Self::Link(error) => Message::new(Exit::Usage, error.to_string(), link_hint(error)),
            Self::RelayUrl(error) => Message::new(
                Exit::Usage,
                format!("the relay's address cannot be used: {error}"),
                Hint::line("--relay https://relay.example, or file:///srv/share for a folder"),
            ),
            Self::Send { relay, error, gone } => send::message(relay, error, *gone),
            Self::TooLarge { relay, file, len, max } => Message::new(
                Exit::Refused,
                format!("{} is {}; {relay} takes {} a share", printable(file), size(*len), binary(*max)),
                Hint::line(format!("on the same network: share send --direct {}", quoted(file))),
            ),
            Self::Open { relay, direct, error, ours, kept } => open::message(relay, *direct, error, *ours, *kept),
            Self::InFront { relay, fault } => relay::in_front(relay, *fault),
            Self::NotSentFromHere => Message::new(
                Exit::Gone,
                "nothing like that was sent from here",
                Hint::line("share list shows what was; share peek asks as its recipient"),
            ),
            Self::NotOpened(how) => Message::new(Exit::Gone, how, "send it again, if it is still wanted"),
            Self::NoRecord(why) => {
                Message::new(Exit::Gone, why, "whether it was opened, nobody can tell any more: ask the recipient")
            }
            Self::Common(error) => error.message(),
            Self::BeingOpenedHere => Message::new(
                Exit::AlreadyOpened,
                "it is being opened here, by another program of this device",
                "wait for that one; if it fails, run this again",
            ),
            Self::Begun => Message::new(
                Exit::AlreadyOpened,
                "this device has already started to open this share",
                Hint::run("share open"),
            ),
            Self::Local { what, hint } => Message::new(Exit::Local, what, hint),
            Self::Interrupted(hint) => Message { exit: Exit::Interrupted, what: String::new(), hint: hint.clone() },
            Self::Unexpected(error) => {
                Message::new(Exit::Unexpected, format!("{error:#}"), "this should not happen; -vv shows more")
            }
        }
    }
}

fn link_hint(error: &LinkError) -> Hint {
    match error {
        LinkError::NotALink => "a link looks like https://relay.example/#share1…".into(),
        LinkError::NoKey => "go back to the message and copy the whole link, with what is behind the #".into(),
        LinkError::Short(_) | LinkError::Long(_) | LinkError::Damaged => {
            "copy the whole link from the message again; nothing was asked and nothing was opened".into()
        }
        LinkError::Ambiguous => "copy the link alone, in one line; nothing was asked and nothing was opened".into(),
        LinkError::Rewritten => {
            Hint::line("ask the sender to send the link another way, or with share send --bare; no relay was contacted")
        }
        LinkError::TooNew => "update share, then open it".into(),
        LinkError::BadRelay(RelayUrlError::PlainHttp(_)) => {
            "ask the sender for an https link: on this way everybody could read along".into()
        }
        LinkError::BadRelay(_) => "copy the whole link from the message again".into(),
    }
}

/// A directory where a file belongs.
pub(in crate::cli) fn is_a_directory(path: &Path) -> Failure {
    let name = path.file_name().map_or_else(|| "files".into(), |name| name.to_string_lossy().into_owned());
    let (shown, tar) = (path.to_string_lossy(), format!("{}.tar", name.trim_start_matches('-')));
    Failure::local(
        format!("{} is a directory", printable(&shown)),
        Hint::run(format!("tar c {} | share send -n {}", quoted(&shown), quoted(&tar))),
    )
}

/// A file where a new one should be.
pub(in crate::cli) fn in_the_way(path: &Path) -> Failure {
    Failure::local(
        format!("{} exists already", printable(&path.to_string_lossy())),
        "nothing was sent; take it away, or name another file",
    )
}

/// A file that would be overwritten.
pub(in crate::cli) fn exists(path: &Path) -> Failure {
    Failure::local(
        format!("{} exists already", printable(&path.to_string_lossy())),
        "nothing is lost; -f replaces it, another -o keeps it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::RelayError;
    use crate::relay::obstacle::{Distrust, Obstacle};

    #[test]
    fn unreachable_relays_are_those_that_end_with_that_exit_code() {
        let errors = [
            RelayError::NoConnection(String::new()),
            RelayError::Unreachable(String::new()),
            RelayError::Busy { after: 1 },
            RelayError::SlowDown { after: 1 },
            RelayError::Timeout,
            RelayError::NoSpace { after: 1 },
            RelayError::BadChecksum,
            RelayError::Hindered(Obstacle::NoNetwork),
            RelayError::Hindered(Obstacle::NoCertificates),
            RelayError::NotTrusted(Distrust::WrongName),
            RelayError::NotARelay,
            RelayError::Diverted,
            RelayError::Impostor,
            RelayError::NotAllowed,
            RelayError::Unknown,
            RelayError::TooLarge { max: 1 },
            RelayError::WrongPassphrase { left: 1 },
            RelayError::BadRequest,
        ];
        for error in errors {
            let failure =
                Failure::Open { relay: String::new(), direct: false, error: error.into(), ours: false, kept: true };
            assert_eq!(failure.is_unreachable(), failure.message().exit == Exit::Unreachable, "{failure:?}");
        }
    }
}
