//! Every error: what happened in the user's words, the next action, and the exit code. The whole table is here.

mod limits;
mod message;
mod network;
mod open;
mod relay;
mod report;
mod send;
mod unread;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub(in crate::cli) use self::limits::reason as refusal;
pub(in crate::cli) use self::message::{Exit, Hint, Message};
pub(in crate::cli) use self::relay::{ProxyFault, Request};
pub(in crate::cli) use self::report::{Unreportable, how_to_report};
pub(in crate::cli) use self::unread::Unread;
use crate::cli::output::format::{binary, quoted, size};
use crate::link::LinkError;
use crate::open::{OpenError, ReportError};
use crate::relay::RelayError;
use crate::relay::obstacle::Obstacle;
use crate::relay_url::{RelayUrl, RelayUrlError};
use crate::report::without_secret_keys;
use crate::safe_text::{printable, reason};
use crate::send::SendError;

/// Everything that can stop a command.
#[derive(Debug)]
pub(in crate::cli) enum Failure {
    /// The arguments or the environment do not allow the command.
    Usage { what: String, hint: Hint },
    /// A text is not a usable link.
    Link(LinkError),
    /// A text is not the address of a relay.
    RelayUrl(RelayUrlError),
    /// Sending failed. `gone`: the relay has certainly nothing left of the upload.
    Send { relay: String, error: SendError, gone: bool },
    /// The single file to send, of `len` bytes, is larger than the relay accepts.
    TooLarge { relay: String, file: String, len: u64, max: u64 },
    /// Opening failed. `ours`: this device has opened the share before. `kept`: a later run could resume.
    /// `direct`: the relay is the sender's computer.
    Open { relay: String, direct: bool, error: OpenError, ours: bool, kept: bool },
    /// Opening failed because the share has ended; this device can report it. `is_last`: it has had no other one open
    /// since.
    Reportable { ended: Box<Self>, is_last: bool },
    /// A share cannot be reported.
    Unreportable(Unreportable),
    /// The relay did not take a report to its operator, who can be reached at `contact`.
    Report { relay: String, contact: String, error: ReportError },
    /// An operator cannot read a report.
    Unread(Unread),
    /// Another request to a relay failed.
    Request { relay: String, url: Box<RelayUrl>, request: Request, error: RelayError },
    /// A bucket did not answer, for the reason in words.
    BucketUnreachable { bucket: String, why: String },
    /// There is an obstacle on the way to a bucket.
    BucketHindered { bucket: String, obstacle: Obstacle },
    /// A relay of this machine does not run, or is not ready.
    RelayDown { what: String, hint: Hint },
    /// A tunnel to this computer cannot be opened, or has ended.
    Tunnel { what: String, hint: Hint },
    /// A proxy in front of the relay interferes.
    InFront { relay: String, fault: ProxyFault },
    /// No share in the outbox matches.
    NotSentFromHere,
    /// A share has ended, and no opener has confirmed that it was opened.
    NotOpened(String),
    /// The program that served a share has stopped, and left no record of the share's end.
    ServerStopped,
    /// An error that several shares have in common: that of their relay.
    Common(Arc<Self>),
    /// Another process of this device is opening the share.
    BeingOpenedHere,
    /// This device has claimed the share and not finished.
    Begun,
    /// A local file or directory.
    Local { what: String, hint: Hint },
    /// The user answered no, or pressed Ctrl-C.
    Interrupted(Option<Hint>),
    /// A bug, or a system in a bad state.
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

    /// An I/O error at a path.
    pub(in crate::cli) fn path(path: &Path, error: &io::Error, hint: impl Into<Hint>) -> Self {
        Self::local(format!("{}: {}", printable(&path.to_string_lossy()), reason(error)), hint)
    }

    /// Whether a relay has no record of a share, or the program that served the share left none.
    pub(in crate::cli) fn is_no_record(&self) -> bool {
        let is_unknown = matches!(self, Self::Request { error: RelayError::Unknown, .. });
        is_unknown || matches!(self, Self::ServerStopped)
    }

    /// Whether a relay did not answer, or another server answered in its place.
    pub(in crate::cli) fn is_unreachable(&self) -> bool {
        match self {
            Self::Open { error: OpenError::Relay(error), .. } | Self::Request { error, .. } => {
                relay::is_unreachable(error)
            }
            Self::BucketUnreachable { .. } => true,
            Self::Common(error) => error.is_unreachable(),
            _ => false,
        }
    }

    /// The message for the user. It repeats no secret key of age, wherever the user put one.
    pub(in crate::cli) fn message(&self) -> Message {
        let Message { exit, what, hint } = self.worded();
        Message { exit, what: without_secret_keys(&what).into_owned(), hint: hint.map(Hint::without_secret_keys) }
    }

    fn worded(&self) -> Message {
        match self {
            Self::Usage { what, hint } => Message::new(Exit::Usage, what, hint),
            Self::Link(error) => Message::new(Exit::Usage, error.to_string(), link_hint(error)),
            Self::RelayUrl(error) => Message::new(
                Exit::Usage,
                format!("invalid relay address: {error}"),
                Hint::line("use --relay https://relay.example, or file:///srv/share for a folder"),
            ),
            Self::Send { relay, error, gone } => send::message(relay, error, *gone),
            Self::TooLarge { relay, file, len, max } => Message::new(
                Exit::Refused,
                format!("{} is {}; {relay} accepts up to {}", printable(file), size(*len), binary(*max)),
                Hint::run(format!("share send --direct {}", quoted(file))),
            ),
            Self::Open { relay, direct, error, ours, kept } => open::message(relay, *direct, error, *ours, *kept),
            Self::Reportable { ended, is_last } => Message { hint: Some(how_to_report(*is_last)), ..ended.message() },
            Self::Unread(why) => unread::message(why),
            Self::Unreportable(why) => report::unreportable(why),
            Self::Report { relay, contact, error } => report::message(relay, contact, error),
            Self::Request { relay, url, request, error } => relay::refused(relay, url, *request, error),
            Self::BucketUnreachable { bucket, why } => {
                Message::new(Exit::Unreachable, format!("{bucket} cannot be reached: {why}"), relay::SAFE)
            }
            Self::BucketHindered { bucket, obstacle } => network::hindered(bucket, obstacle, relay::SAFE),
            Self::RelayDown { what, hint } | Self::Tunnel { what, hint } => Message::new(Exit::Unreachable, what, hint),
            Self::InFront { relay, fault } => relay::in_front(relay, *fault),
            Self::NotSentFromHere => {
                Message::new(Exit::Gone, "no matching share was sent from this device", Hint::run("share list"))
            }
            Self::NotOpened(how) => {
                Message::new(Exit::Gone, how, "if the recipient still needs the content, send it again")
            }
            Self::ServerStopped => {
                Message::new(Exit::Gone, "the process that served this share has stopped", relay::NO_RECORD)
            }
            Self::Common(error) => error.message(),
            Self::BeingOpenedHere => Message::new(
                Exit::AlreadyOpened,
                "another `share` process on this device is already opening this share",
                "wait for it; if it fails, run this again",
            ),
            Self::Begun => Message::new(
                Exit::AlreadyOpened,
                "this device has already started to open this share",
                Hint::run("share open"),
            ),
            Self::Local { what, hint } => Message::new(Exit::Local, what, hint),
            Self::Interrupted(hint) => Message { exit: Exit::Interrupted, what: String::new(), hint: hint.clone() },
            Self::Unexpected(error) => Message::new(
                Exit::Unexpected,
                format!("{error:#}"),
                "this is a bug or a system failure; for details, run the command with -vv",
            ),
        }
    }
}

fn link_hint(error: &LinkError) -> Hint {
    match error {
        LinkError::NotALink => "a link looks like https://relay.example/#share1…".into(),
        LinkError::NoKey => "copy the whole link from the message, including the part after the #".into(),
        LinkError::Short(_) | LinkError::Long(_) | LinkError::Damaged => {
            "copy the whole link from the message again; no relay was contacted".into()
        }
        LinkError::Ambiguous => "copy only the link, on one line; no relay was contacted".into(),
        LinkError::Rewritten => Hint::line(
            "ask the sender for the link another way, or for one from share send --bare; no relay was contacted",
        ),
        LinkError::TooNew => "update share, then open the link again".into(),
        LinkError::BadRelay(RelayUrlError::PlainHttp(_)) => {
            "ask the sender for an https link: plain http can be intercepted".into()
        }
        LinkError::BadRelay(_) => "copy the whole link from the message again".into(),
    }
}

/// The error for a directory in place of a file.
pub(in crate::cli) fn is_a_directory(path: &Path) -> Failure {
    let name = path.file_name().map_or_else(|| "files".into(), |name| name.to_string_lossy().into_owned());
    let (shown, tar) = (path.to_string_lossy(), format!("{}.tar", name.trim_start_matches('-')));
    Failure::local(
        format!("{} is a directory", printable(&shown)),
        Hint::run(format!("tar c {} | share send -n {}", quoted(&shown), quoted(&tar))),
    )
}

/// The error for an existing file in place of a receipt.
pub(in crate::cli) fn in_the_way(path: &Path) -> Failure {
    Failure::local(
        format!("{} already exists", printable(&path.to_string_lossy())),
        "remove that file or specify another one; nothing was sent",
    )
}

/// The error for a file that would be overwritten.
pub(in crate::cli) fn exists(path: &Path) -> Failure {
    Failure::local(
        format!("{} already exists", printable(&path.to_string_lossy())),
        Hint::line("use -f to replace the file, or another path with -o; nothing was opened"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::obstacle::Distrust;

    #[test]
    fn unreachable_relays_are_those_that_end_with_that_exit_code() {
        let errors = [
            RelayError::NoConnection(String::new()),
            RelayError::Unreachable(String::new()),
            RelayError::Busy { after: 1 },
            RelayError::SlowDown { after: 1, limit: None },
            RelayError::ByProxy { status: 413, after: None },
            RelayError::Timeout,
            RelayError::NoSpace { after: 1 },
            RelayError::BadChecksum,
            RelayError::Hindered(Obstacle::NoNetwork),
            RelayError::Hindered(Obstacle::NoCertificates),
            RelayError::NotTrusted(Distrust::WrongName),
            RelayError::NotARelay,
            RelayError::Diverted,
            RelayError::Misdirected,
            RelayError::Impostor,
            RelayError::NotAllowed,
            RelayError::Quota { what: None, max: 1, until: None },
            RelayError::Unknown,
            RelayError::TooLarge { max: 1 },
            RelayError::WrongPassphrase { left: 1 },
            RelayError::BadRequest,
        ];
        for error in errors {
            let failure =
                Failure::Open { relay: String::new(), direct: false, error: error.into(), ours: false, kept: true };
            assert_eq!(failure.is_unreachable(), failure.message().exit == Exit::Unreachable, "{failure:?}");
            let Failure::Open { error: OpenError::Relay(error), .. } = failure else { unreachable!() };
            for request in [Request::Connect, Request::Status, Request::Revoke] {
                let (relay, url) = (String::new(), Box::new(RelayUrl::parse("https://relay.example").unwrap()));
                let failure = Failure::Request { relay, url, request, error: error.clone() };
                assert_eq!(failure.is_unreachable(), failure.message().exit == Exit::Unreachable, "{failure:?}");
            }
        }
    }
}
