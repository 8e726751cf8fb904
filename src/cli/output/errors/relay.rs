//! Errors of relays, and obstacles between this computer and a relay, in the user's words.

use std::time::Duration;

use crate::cli::output::errors::limits;
use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::format::{binary, duration_words, time};
use crate::relay::RelayError;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::obstacle::{Distrust, Obstacle};
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
    /// It refuses a whole part.
    RefusesParts,
}

/// Whether a later run may succeed: the relay was not reached, was busy or full, or another server answered.
pub(super) fn is_unreachable(error: &RelayError) -> bool {
    match error {
        RelayError::Hindered(obstacle) => *obstacle != Obstacle::NoCertificates,
        RelayError::NoConnection(_)
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
const SAFE: &str = "it is safe to run this again";

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
        RelayError::NotARelay | RelayError::Diverted => Message::new(
            Exit::Unreachable,
            format!("{relay} is not a share relay"),
            Hint::line(format!("on public Wi-Fi, log in first; to find the cause: share relay check {relay}")),
        ),
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

/// A relay that does not answer at the address that the client used: `url`, or its name if only that is known.
fn misdirected(relay: &str, url: &str) -> Message {
    Message::new(
        Exit::Unreachable,
        format!("the relay at {relay} does not answer at this address"),
        Hint::line(format!("its operator must name the address: share relay --public-url {url}")),
    )
}

/// The variables that name a proxy, as the HTTP client reads them.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// An obstacle on this computer or its network: not the relay's fault.
pub(super) fn hindered(relay: &str, obstacle: &Obstacle, safe: &str) -> Message {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = *PROXIES.iter().find(is_set).unwrap_or(&PROXIES[0]);
    match obstacle {
        Obstacle::NoCertificates => Message::new(
            Exit::Local,
            "this computer has no CA certificates, so it cannot verify relays",
            "install the package ca-certificates, or set SSL_CERT_FILE to a certificate file",
        ),
        Obstacle::NoNetwork => Message::new(
            Exit::Unreachable,
            format!("this computer has no route to {relay}"),
            format!("check that this computer is online; {safe}"),
        ),
        Obstacle::NoAddress(why) => Message::new(
            Exit::Unreachable,
            format!("the name {relay} cannot be looked up: {why}"),
            format!("check the spelling, and that this computer is online; {safe}"),
        ),
        Obstacle::UnknownName => Message::new(
            Exit::Unreachable,
            format!("no computer on this network has the name {relay}"),
            Hint::line("check the relay's address, which looks like https://relay.example"),
        ),
        Obstacle::NoProxy(why) => Message::new(
            Exit::Unreachable,
            format!("the proxy set in {proxy} cannot be reached: {why}"),
            format!("correct or unset {proxy}; {safe}"),
        ),
        Obstacle::ProxyPassword => Message::new(
            Exit::Unreachable,
            format!("the proxy set in {proxy} requires a user name and a password"),
            format!("set {proxy}=http://USER:PASSWORD@HOST:PORT; {safe}"),
        ),
        Obstacle::ProxyRefuses => Message::new(
            Exit::Unreachable,
            format!("the proxy set in {proxy} does not connect to {relay}"),
            format!("ask the proxy's operator, or set NO_PROXY={relay}; {safe}"),
        ),
    }
}

/// A relay's certificate that this computer does not accept.
fn distrusted(relay: &str, why: &Distrust) -> Message {
    let clock = || {
        let now = time(SystemClock.now());
        format!("if the time is not {now}, set this computer's clock; otherwise tell the relay's operator")
    };
    let (what, hint) = match why {
        Distrust::Expired { at } => {
            let at = at.map(|at| format!(" on {}", time(at))).unwrap_or_default();
            (format!("the certificate of {relay} expired{at}"), clock())
        }
        Distrust::NotYet { from } => {
            let from = from.map_or_else(|| "yet".to_owned(), |from| format!("before {}", time(from)));
            (format!("the certificate of {relay} is not valid {from}"), clock())
        }
        Distrust::UnknownIssuer => (
            format!("the certificate of {relay} is from an issuer that this computer does not trust"),
            "on public Wi-Fi, log in first; if the relay has a certificate authority of its own, set SSL_CERT_FILE to \
             its certificate; otherwise someone may be intercepting the connection"
                .to_owned(),
        ),
        Distrust::WrongName => (
            format!("the server at {relay} has a certificate for another name"),
            "check the relay's address; on public Wi-Fi, log in first; otherwise someone may be intercepting the \
             connection"
                .to_owned(),
        ),
        Distrust::Other(why) => (
            format!("the certificate of {relay} cannot be trusted: {why}"),
            "on public Wi-Fi, log in first; otherwise someone may be intercepting the connection: tell the relay's \
             operator"
                .to_owned(),
        ),
    };
    Message::new(Exit::Unreachable, what, hint)
}

/// A proxy in front of a relay that does not pass on what a relay needs.
pub(super) fn in_front(relay: &str, fault: ProxyFault) -> Message {
    let (does, hint) = match fault {
        ProxyFault::DropsAuthorization => {
            ("removes the Authorization header", "configure the proxy to pass the Authorization header on")
        }
        ProxyFault::RefusesParts => (
            "rejects uploads of 4 MiB",
            "configure the proxy to accept bodies of 5 MiB; nginx: client_max_body_size 5m",
        ),
    };
    Message::new(Exit::Unreachable, format!("a proxy in front of {relay} {does}"), hint)
}
