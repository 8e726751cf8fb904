//! Errors of relays, and obstacles between this computer and a relay, in the user's words.

use std::time::Duration;

use crate::cli::output::errors::limits;
use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::errors::network::{distrusted, fronted, hindered};
use crate::cli::output::format::{binary, duration_words};
use crate::relay::RelayError;
use crate::relay::obstacle::Obstacle;
use crate::relay_url::RelayUrl;

/// A request of a command that neither sends nor opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Request {
    /// Connecting, before anything was requested.
    Connect,
    /// The state of a share.
    Status,
    /// The revocation of a share.
    Revoke,
    /// A test of the relay: `share relay use`, `share relay check`.
    Test,
}

/// A fault of a proxy in front of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ProxyFault {
    /// It drops the header with the credential.
    DropsAuthorization,
    /// The same, where the login has `Authorization`. Or the relay is older than that header.
    DropsShareAuthorization,
    /// It refuses a whole part.
    RefusesParts,
}

/// Whether a later run may succeed: the relay was not reached, was busy or full, or another server answered.
pub(super) fn is_unreachable(error: &RelayError) -> bool {
    match error {
        RelayError::Hindered(
            Obstacle::NoCertificates
            | Obstacle::OnionNeedsProxy
            | Obstacle::ReadsHeaders(_)
            | Obstacle::NotByHttps(..)
            | Obstacle::NotToIpv6(_)
            | Obstacle::NoCredentials,
        ) => false,
        RelayError::Fronted { front, .. } => front.may_pass(),
        RelayError::Hindered(_)
        | RelayError::NoConnection(_)
        | RelayError::Unreachable(_)
        | RelayError::Busy { .. }
        | RelayError::SlowDown { .. }
        | RelayError::ByProxy { .. }
        | RelayError::Timeout
        | RelayError::NoSpace { .. }
        | RelayError::BadChecksum
        | RelayError::NotTrusted(_)
        | RelayError::NotARelay
        | RelayError::Diverted
        | RelayError::Misdirected => true,
        _ => false,
    }
}

/// An error of `request` at the relay `url`; `relay` is its name.
pub(super) fn refused(relay: &str, url: &RelayUrl, request: Request, error: &RelayError) -> Message {
    match (request, error) {
        (_, RelayError::Misdirected) => misdirected(relay, url.to_string().trim_end_matches('/')),
        (Request::Test, _) => failed_test(relay, url, error),
        (Request::Status | Request::Revoke, RelayError::Unknown) => no_record(relay, request),
        (Request::Revoke, error) if error.is_unasked() => {
            message(relay, error, "nothing was revoked; it is safe to run this again")
        }
        (Request::Revoke, error) => {
            message(relay, error, "the share may or may not be revoked; it is safe to run this again")
        }
        (Request::Connect | Request::Status, error) => message(relay, error, SAFE),
    }
}

/// The hint where the end of a share is not known.
pub(super) const NO_RECORD: &str = "there is no record of whether this share was opened; ask the recipient";
/// The relay changed nothing, or repeating the request changes nothing more.
pub(super) const SAFE: &str = "it is safe to run this again";

/// A share that the relay has no record of.
fn no_record(relay: &str, request: Request) -> Message {
    let hint = match request {
        Request::Revoke => "the link does not work any more; ask the recipient whether this share was opened",
        _ => NO_RECORD,
    };
    Message::new(Exit::Gone, format!("{relay} has no record of this share"), hint)
}

/// An error of testing the relay at `url`.
fn failed_test(relay: &str, url: &RelayUrl, error: &RelayError) -> Message {
    let address = url.to_string();
    let address = address.trim_end_matches('/');
    match error {
        // A relay answered that there is nothing at this path.
        RelayError::Unknown if url.has_path() => Message::new(
            Exit::Unreachable,
            format!("{address} is not a share relay, but {} is", url.without_path()),
            Hint::run(format!("share relay check {}", url.without_path())),
        ),
        RelayError::Unknown | RelayError::NotARelay | RelayError::Diverted => Message::new(
            Exit::Unreachable,
            format!("{address} is not a share relay: another server answers there"),
            "check the address; on public Wi-Fi, log in first",
        ),
        RelayError::NotAllowed => Message::new(
            Exit::Refused,
            format!("{relay} does not accept this create token"),
            format!("it may have ended: ask the operator of {relay} for another one"),
        ),
        RelayError::NoConnection(why) | RelayError::Unreachable(why) => Message::new(
            Exit::Unreachable,
            format!("{relay} cannot be reached: {why}"),
            format!("check the address, and that the relay is running; {SAFE}"),
        ),
        error => message(relay, error, SAFE),
    }
}

/// An error that means the same for every request. `safe`: the hint where the command may be repeated.
pub(super) fn message(relay: &str, error: &RelayError, safe: &str) -> Message {
    if let Some(what) = limits::reason(relay, error) {
        return limits::message(what, error, safe);
    }
    match error {
        RelayError::NoConnection(why) | RelayError::Unreachable(why) => {
            Message::new(Exit::Unreachable, format!("{relay} cannot be reached: {why}"), safe)
        }
        RelayError::Busy { .. } | RelayError::SlowDown { .. } | RelayError::ByProxy { .. } | RelayError::Timeout => {
            Message::new(Exit::Unreachable, format!("{relay} is busy"), safe)
        }
        RelayError::NoSpace { .. } => Message::new(Exit::Unreachable, format!("{relay} is full"), safe),
        RelayError::BadChecksum => {
            Message::new(Exit::Unreachable, format!("data to or from {relay} is being corrupted in transit"), safe)
        }
        RelayError::Hindered(obstacle) => hindered(relay, obstacle, safe),
        RelayError::NotTrusted(why) => distrusted(relay, why),
        RelayError::Impostor => Message::new(
            Exit::Integrity,
            format!("the server at {relay} does not have the key that the link names"),
            "nothing was opened; the share has ended and another program answers there, or someone on this network \
             is interfering: ask the sender",
        ),
        RelayError::NotARelay | RelayError::Diverted => not_a_relay(relay),
        RelayError::Fronted { front, sent } => fronted(relay, front, sent.as_deref(), safe),
        RelayError::TooLarge { max } => Message::new(
            Exit::Refused,
            format!("this share is too large: {relay} accepts up to {}", binary(*max)),
            "send fewer or smaller files",
        ),
        RelayError::TooLongLived { max } => Message::new(
            Exit::Refused,
            format!("{relay} keeps shares for at most {}", duration_words(Duration::from_secs(*max))),
            format!("ask the operator of {relay}"),
        ),
        RelayError::Quota { .. } => Message::new(Exit::Refused, format!("{relay} refuses: {error}"), safe),
        RelayError::NotAllowed => {
            Message::new(Exit::Refused, format!("{relay} refuses: {error}"), format!("ask the operator of {relay}"))
        }
        RelayError::Gone { .. } | RelayError::Unknown | RelayError::WrongPassphrase { .. } => {
            Message::new(Exit::Gone, format!("{relay} answered: {error}"), "send the share again")
        }
        RelayError::TooLate { .. } => {
            Message::new(Exit::Gone, format!("too late: {error}"), format!("write to the operator of {relay}"))
        }
        RelayError::Misdirected => misdirected(relay, relay),
        RelayError::BadRequest
        | RelayError::EmptyPart
        | RelayError::IdTaken
        | RelayError::Committed
        | RelayError::PartDiffers
        | RelayError::PartsMissing
        | RelayError::OutOfRange { .. } => {
            let what = format!("{relay} answered: {error}");
            let cause = "this program or the relay may need an update";
            Message::new(Exit::Unexpected, what, Hint::line(format!("{cause}; to find out: share relay check {relay}")))
        }
    }
}

/// Another server at the address of a relay.
fn not_a_relay(relay: &str) -> Message {
    Message::new(
        Exit::Unreachable,
        format!("{relay} is not a share relay"),
        Hint::line(format!("on public Wi-Fi, log in first; to find the cause: share relay check {relay}")),
    )
}

/// A relay that does not answer at the address that the client used: `url`, or its name if only that is known.
fn misdirected(relay: &str, url: &str) -> Message {
    Message::new(
        Exit::Unreachable,
        format!("the relay at {relay} does not answer at this address"),
        Hint::line(format!("its operator must name the address: share relay --public-url {url}")),
    )
}

/// A proxy in front of a relay that does not pass on what a relay needs.
pub(super) fn in_front(relay: &str, fault: ProxyFault) -> Message {
    let (does, hint) = match fault {
        ProxyFault::DropsAuthorization => {
            ("removes the Authorization header", "configure the proxy to pass the Authorization header on")
        }
        ProxyFault::DropsShareAuthorization => {
            let what =
                format!("the header Share-Authorization does not reach {relay}, or its relay is too old to read it");
            let hint =
                "configure the proxy to pass Share-Authorization on, or to copy it to Authorization after the login";
            return Message::new(Exit::Unreachable, what, hint);
        }
        ProxyFault::RefusesParts => (
            "rejects uploads of 4 MiB",
            "configure the proxy to accept bodies of 5 MiB; nginx: client_max_body_size 5m",
        ),
    };
    Message::new(Exit::Unreachable, format!("a proxy in front of {relay} {does}"), hint)
}
