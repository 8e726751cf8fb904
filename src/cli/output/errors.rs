//! Every error: what happened in the user's words, what to do, and the exit code. The whole table is here.

use std::io;
use std::path::Path;

use crate::cli::output::format::{binary, duration, quoted, time};
use crate::link::LinkError;
use crate::manifest::ManifestError;
use crate::open::OpenError;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::{Gone, RelayError};
use crate::relay_url::RelayUrlError;
use crate::safe_text::{printable, reason};
use crate::secret::Claimant;
use crate::send::SendError;
use crate::wordlist::openers_words;

/// What the process ends with. Documented in the README and in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Unexpected = 1,
    Usage = 2,
    AlreadyOpened = 3,
    Gone = 4,
    WrongPassphrase = 5,
    Unreachable = 6,
    Integrity = 7,
    Local = 8,
    Refused = 9,
    Interrupted = 130,
}

/// What is true after most failures to send.
const NOTHING_LEFT: &str = "nothing was left there; it is safe to repeat";

/// Everything that can stop a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments, or the surroundings, don't allow it.
    Usage { what: String, hint: String },
    /// The link is not one.
    Link(LinkError),
    /// An address is not one.
    RelayUrl(RelayUrlError),
    /// Sending did not work.
    /// `gone`: nothing of it is left there, for certain.
    Send { relay: String, error: SendError, gone: bool },
    /// Opening did not work. `ours`: this device has opened it before. `kept`: it could go on.
    /// `direct`: the relay is the sender's own machine.
    Open { relay: String, direct: bool, error: OpenError, ours: bool, kept: bool },
    /// Nothing in the outbox is called that.
    NotSentFromHere,
    /// A share that was sent has ended, and nobody has confirmed that it was opened.
    NotOpened(String),
    /// Nobody can tell what became of a share.
    NobodyKnows(String),
    /// What went wrong was put into words before.
    Explained(Message),
    /// Another program of this device is at it.
    BeingOpenedHere,
    /// This device has claimed it and not finished.
    Begun,
    /// A file or directory of this machine.
    Local { what: String, hint: String },
    /// The person said no, or Ctrl-C.
    Interrupted(Option<String>),
    /// A bug, or a machine in a bad state.
    Unexpected(anyhow::Error),
}

/// An error as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) exit: Exit,
    /// Empty where the person knows.
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
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
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn local(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Local { what: what.into(), hint: hint.into() }
    }

    /// Something about a path went wrong.
    pub(crate) fn path(path: &Path, error: &io::Error, hint: impl Into<String>) -> Self {
        Self::local(format!("{}: {}", printable(&path.to_string_lossy()), reason(error)), hint)
    }

    pub(crate) fn explain(&self) -> Message {
        let told = |exit, what: String, hint: &str| Message { exit, what, hint: Some(hint.to_owned()) };
        match self {
            Self::Usage { what, hint } => told(Exit::Usage, what.clone(), hint),
            Self::Link(error) => told(Exit::Usage, error.to_string(), link_hint(error)),
            Self::RelayUrl(error) => told(
                Exit::Usage,
                format!("the relay's address cannot be used: {error}"),
                "--relay https://relay.example, or file:///srv/share for a folder",
            ),
            Self::Send { relay, error, gone } => {
                let told = send(relay, error);
                match (gone, told.exit) {
                    // What the relay may have of it is unreadable, and goes by itself.
                    (false, Exit::Unreachable) if told.hint.as_deref() == Some(NOTHING_LEFT) => {
                        Message { hint: Some("no link was made; it is safe to repeat".to_owned()), ..told }
                    }
                    _ => told,
                }
            }
            Self::NotSentFromHere => told(
                Exit::Gone,
                "nothing like that was sent from here".to_owned(),
                "share list shows what was; share peek asks as its recipient",
            ),
            Self::NotOpened(how) => told(Exit::Gone, how.clone(), "send it again, if it is still wanted"),
            Self::NobodyKnows(why) => {
                told(Exit::Gone, why.clone(), "whether it was opened, nobody can tell any more: ask the recipient")
            }
            Self::Explained(explanation) => explanation.clone(),
            Self::Open {
                relay,
                direct: true,
                error: OpenError::Relay(RelayError::NoConnection(why) | RelayError::Unreachable(why)),
                ..
            } => told(
                Exit::Unreachable,
                format!("the sender's machine, {relay}, cannot be reached: {why}"),
                "is share still running there, and are you on the same network? It is safe to repeat",
            ),
            Self::Open { relay, direct, error, ours, kept } => {
                let mut told = open(relay, error, *ours);
                if let (true, OpenError::Broke { .. }) = (direct, error) {
                    told.hint = Some("run the same command again on this device, while share runs there".to_owned());
                }
                match error {
                    OpenError::Write(_) | OpenError::Broke { .. } if !kept => Message {
                        hint: Some(
                            "this device could keep nothing, so it cannot go on: ask the sender to send it again"
                                .to_owned(),
                        ),
                        ..told
                    },
                    _ => told,
                }
            }
            Self::BeingOpenedHere => told(
                Exit::AlreadyOpened,
                "it is being opened here, by another program of this device".to_owned(),
                "wait for that one; if it fails, run this again",
            ),
            Self::Begun => told(
                Exit::AlreadyOpened,
                "this device has begun to open it".to_owned(),
                "share open goes on, on this device",
            ),
            Self::Local { what, hint } => told(Exit::Local, what.clone(), hint),
            Self::Interrupted(hint) => Message { exit: Exit::Interrupted, what: String::new(), hint: hint.clone() },
            Self::Unexpected(error) => {
                told(Exit::Unexpected, format!("{error:#}"), "this should not happen; -vv shows more")
            }
        }
    }
}

fn link_hint(error: &LinkError) -> &'static str {
    match error {
        LinkError::NotALink => "a link looks like https://relay.example/#share1…",
        LinkError::NoKey => "go back to the message and copy the whole link, with what is behind the #",
        LinkError::Short(_) | LinkError::Long(_) | LinkError::Damaged => {
            "copy the whole link from the message again; nothing was asked and nothing was opened"
        }
        LinkError::Ambiguous => "copy the link alone, in one line; nothing was asked and nothing was opened",
        LinkError::Rewritten => {
            "ask the sender to send the link another way, or with share send --bare; no relay was contacted"
        }
        LinkError::TooNew => "update share, then open it",
        LinkError::BadRelay(RelayUrlError::PlainHttp(_)) => {
            "ask the sender for an https link: on this way everybody could read along"
        }
        LinkError::BadRelay(_) => "copy the whole link from the message again",
    }
}

fn send(relay: &str, error: &SendError) -> Message {
    let told = |exit, what: String, hint: &str| Message { exit, what, hint: Some(hint.to_owned()) };
    match error {
        SendError::Read { name, error } => told(
            Exit::Local,
            format!("{}: {}", printable(name), reason(error)),
            "nothing was sent; it is safe to repeat",
        ),
        SendError::Empty => told(
            Exit::Local,
            "standard input is empty".to_owned(),
            "nothing was sent: did the command before the pipe fail?",
        ),
        SendError::Manifest(error) => {
            told(Exit::Usage, error.to_string(), "send fewer files at once, or a tar of them")
        }
        SendError::Local(error) => told(Exit::Local, reason(error), "nothing was sent; it is safe to repeat"),
        SendError::Relay(error) => match error {
            RelayError::TooLarge { max } => told(
                Exit::Refused,
                format!("{relay} takes {} a share, and this is more", binary(*max)),
                "send less at once, or use another relay",
            ),
            RelayError::TooLongLived { max } => {
                let hint = format!("--expire {}", duration(*max));
                told(Exit::Refused, format!("{relay} keeps nothing for that long"), &hint)
            }
            RelayError::NotAllowed => told(
                Exit::Refused,
                format!("{relay} takes shares only from people who have its create token"),
                "ask its operator for one, then: share relay use URL",
            ),
            RelayError::Unknown => any(relay, &RelayError::NotARelay, ""),
            RelayError::Gone { .. } => {
                told(Exit::Unreachable, format!("{relay} gave the upload up before it was complete"), NOTHING_LEFT)
            }
            error => any(relay, error, NOTHING_LEFT),
        },
    }
}

fn open(relay: &str, error: &OpenError, ours: bool) -> Message {
    let told = |exit, what: String, hint: &str| Message { exit, what, hint: Some(hint.to_owned()) };
    match error {
        OpenError::Corrupt => told(
            Exit::Integrity,
            "what came from the relay is damaged or was changed".to_owned(),
            "nothing was saved; tell the sender, and don't trust this relay",
        ),
        OpenError::Manifest(ManifestError::TooNew) => {
            told(Exit::Usage, ManifestError::TooNew.to_string(), "update share, then open it")
        }
        OpenError::Manifest(error) => told(Exit::Integrity, error.to_string(), "nothing was opened; tell the sender"),
        OpenError::Write(error) => told(
            Exit::Local,
            format!("it could not be written: {}", reason(error)),
            "it is not lost: when that is mended, run the same command again on this device",
        ),
        OpenError::WrongPassphrase => told(
            Exit::WrongPassphrase,
            "wrong passphrase".to_owned(),
            "this device has begun to open it, and may try as often as it likes",
        ),
        OpenError::Broke { percent, until, .. } => told(
            Exit::Unreachable,
            format!("the connection to {relay} broke at {percent} %"),
            &format!("run the same command again on this device, until {}", time(*until)),
        ),
        OpenError::Relay(RelayError::Gone { how, at, claimant, until }) => match how {
            Gone::AlreadyOpened if ours => told(
                Exit::AlreadyOpened,
                format!("already opened on {}, on this device{}", time(*at), by(*claimant)),
                "a link opens once; ask the sender to send it again",
            ),
            Gone::AlreadyOpened if let Some(until) = until => told(
                Exit::AlreadyOpened,
                format!("being opened since {} on another device{}, and not finished", time(*at), by(*claimant)),
                &format!(
                    "if that was you, open the link there again: it resumes until {}; if not, tell the sender",
                    time(*until)
                ),
            ),
            Gone::AlreadyOpened => told(
                Exit::AlreadyOpened,
                format!("already opened on {}, on another device{}", time(*at), by(*claimant)),
                "if that was not you, someone else has seen it: tell the sender",
            ),
            Gone::Lapsed => told(
                Exit::Gone,
                format!("this device began to open it, and had until {} to go on", time(*at)),
                "ask the sender to send it again",
            ),
            Gone::Expired => {
                told(Exit::Gone, format!("expired unopened on {}", time(*at)), "ask the sender to send it again")
            }
            Gone::Revoked => told(Exit::Gone, format!("the sender took it back on {}", time(*at)), "ask the sender"),
            Gone::Locked => told(
                Exit::Gone,
                format!("locked on {}, after too many wrong passphrases", time(*at)),
                "nobody can open it any more; ask the sender to send it again",
            ),
            Gone::Aborted => told(Exit::Gone, "it was never complete".to_owned(), "ask the sender to send it again"),
        },
        OpenError::Relay(RelayError::Unknown) => told(
            Exit::Gone,
            format!("{relay} knows no such share"),
            "it may have ended more than 30 days ago; ask the sender to send it again",
        ),
        OpenError::Relay(RelayError::WrongPassphrase { left }) => told(
            Exit::WrongPassphrase,
            "wrong passphrase".to_owned(),
            &match left {
                0 => "that was the last try: the next one locks the share".to_owned(),
                1 => "one more may be tried, then the share is locked".to_owned(),
                left => format!("{left} more may be tried, then the share is locked"),
            },
        ),
        OpenError::Relay(error) => any(relay, error, "nothing is lost; it is safe to repeat"),
    }
}

/// What is the same for sending and opening.
fn any(relay: &str, error: &RelayError, safe: &str) -> Message {
    let told = |exit, what: String, hint: &str| Message { exit, what, hint: Some(hint.to_owned()) };
    match error {
        RelayError::NoConnection(why) | RelayError::Unreachable(why) => {
            told(Exit::Unreachable, format!("{relay} cannot be reached: {why}"), safe)
        }
        RelayError::Busy { .. } | RelayError::SlowDown { .. } | RelayError::Timeout => {
            told(Exit::Unreachable, format!("{relay} is busy"), safe)
        }
        RelayError::NoSpace { .. } => told(Exit::Unreachable, format!("{relay} is full"), safe),
        RelayError::BadChecksum => {
            told(Exit::Unreachable, format!("the line to {relay} garbles what it carries"), safe)
        }
        RelayError::Hindered(obstacle) => hindered(relay, obstacle, safe),
        RelayError::NotTrusted(why) => distrusted(relay, why),
        RelayError::Impostor => told(
            Exit::Integrity,
            format!("what answers at {relay} is not the machine that the link names"),
            "nothing was opened: either the share has ended and something else is there now, or somebody on this network \
             meddles; ask the sender",
        ),
        RelayError::NotARelay | RelayError::Diverted => told(
            Exit::Unreachable,
            format!("what answers at {relay} is not a share relay"),
            "share relay check tells what is in the way; on a public Wi-Fi, log in first",
        ),
        RelayError::TooLarge { max } => told(
            Exit::Refused,
            format!("{relay} takes {} a share, and this is more", binary(*max)),
            "send less at once",
        ),
        RelayError::TooLongLived { .. } | RelayError::NotAllowed => {
            told(Exit::Refused, format!("{relay} refuses: {error}"), "ask its operator")
        }
        RelayError::Gone { .. } | RelayError::Unknown | RelayError::WrongPassphrase { .. } => {
            told(Exit::Gone, error.to_string(), "send it again")
        }
        RelayError::BadRequest | RelayError::IdTaken | RelayError::Committed | RelayError::PartsMissing => {
            told(Exit::Unexpected, format!("{relay} answered: {error}"), "one of the two may need an update")
        }
    }
}

/// The variables that name a proxy, as the HTTP client reads them.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What is in the way here, and not the relay's fault.
fn hindered(relay: &str, obstacle: &Obstacle, safe: &str) -> Message {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = *PROXIES.iter().find(is_set).unwrap_or(&PROXIES[0]);
    let told = |exit, what: String, hint: String| Message { exit, what, hint: Some(hint) };
    match obstacle {
        Obstacle::NoCertificates => told(
            Exit::Local,
            "this machine has no certificates to check relays with".to_owned(),
            "install the package ca-certificates, or set SSL_CERT_FILE to a certificate file".to_owned(),
        ),
        Obstacle::NoNetwork => told(
            Exit::Unreachable,
            format!("this machine has no route to {relay}"),
            format!("check that this machine is online; {safe}"),
        ),
        Obstacle::NoAddress(why) => told(
            Exit::Unreachable,
            format!("the name {relay} cannot be looked up: {why}"),
            format!("check its spelling, and that this machine is online; {safe}"),
        ),
        Obstacle::NoProxy(why) => told(
            Exit::Unreachable,
            format!("the proxy that {proxy} names cannot be reached: {why}"),
            format!("correct {proxy}, or unset it; {safe}"),
        ),
        Obstacle::ProxyPassword => told(
            Exit::Unreachable,
            format!("the proxy that {proxy} names asks for a user name and a password"),
            format!("set {proxy}=http://USER:PASSWORD@HOST:PORT; {safe}"),
        ),
        Obstacle::ProxyRefuses => told(
            Exit::Unreachable,
            format!("the proxy that {proxy} names does not connect to {relay}"),
            format!("ask who runs the proxy, or set NO_PROXY={relay}; {safe}"),
        ),
    }
}

/// What is wrong with a relay's certificate, or with this machine's opinion of it.
fn distrusted(relay: &str, why: &Distrust) -> Message {
    let now = time(SystemClock.now());
    let date = |at: &Option<u64>| at.map(|at| format!(" on {}", time(at))).unwrap_or_default();
    let (what, hint) = match why {
        Distrust::Expired { at } => (
            format!("the certificate of {relay} expired{}, by the clock of this machine", date(at)),
            format!("if it is not {now}, set the clock; if it is, tell the relay's operator"),
        ),
        Distrust::NotYet { from } => (
            format!("the certificate of {relay} becomes valid only{}, by the clock of this machine", date(from)),
            format!("if it is not {now}, set the clock; if it is, tell the relay's operator"),
        ),
        Distrust::UnknownIssuer => (
            format!("{relay} has a certificate from an issuer that this machine does not know"),
            "on a public Wi-Fi, log in first; if the relay has an issuer of its own, set SSL_CERT_FILE to its \
             certificate; otherwise somebody may be listening"
                .to_owned(),
        ),
        Distrust::WrongName => (
            format!("what answers at {relay} has a certificate for another name"),
            "check the spelling of the relay; on a public Wi-Fi, log in first; otherwise somebody may be listening"
                .to_owned(),
        ),
        Distrust::Other(why) => (
            format!("{relay} has a certificate that cannot be trusted: {why}"),
            "on a public Wi-Fi, log in first; otherwise somebody may be listening: tell the relay's operator"
                .to_owned(),
        ),
    };
    Message { exit: Exit::Unreachable, what, hint: Some(hint) }
}

/// Who it was, in the words that the sender sees too.
fn by(claimant: Option<Claimant>) -> String {
    claimant.map(|claimant| format!(" ({})", openers_words(&claimant))).unwrap_or_default()
}

/// A directory where a file belongs.
pub(crate) fn is_a_directory(path: &Path) -> Failure {
    let name = path.file_name().map_or_else(|| "files".into(), |name| name.to_string_lossy().into_owned());
    let (shown, tar) = (path.to_string_lossy(), format!("{}.tar", name.trim_start_matches('-')));
    Failure::local(
        format!("{} is a directory", printable(&shown)),
        format!("tar c {} | share send -n {}", quoted(&shown), quoted(&tar)),
    )
}

/// A file where a new one should be.
pub(crate) fn in_the_way(path: &Path) -> Failure {
    Failure::local(
        format!("{} exists already", printable(&path.to_string_lossy())),
        "nothing was sent; take it away, or name another file",
    )
}

/// A file that would be overwritten.
pub(crate) fn exists(path: &Path) -> Failure {
    Failure::local(
        format!("{} exists already", printable(&path.to_string_lossy())),
        "nothing is lost; -f replaces it, another -o keeps it",
    )
}
