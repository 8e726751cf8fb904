//! Errors of relays, and obstacles between this machine and a relay, in the user's words.

use crate::cli::output::errors::message::{Exit, Hint, Message};
use crate::cli::output::format::{binary, time};
use crate::relay::RelayError;
use crate::relay::clock::{Clock, SystemClock};
use crate::relay::obstacle::{Distrust, Obstacle};

/// A fault of a proxy in front of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ProxyFault {
    /// It drops the header with the credential.
    DropsAuthorization,
    /// It refuses a whole part.
    RefusesParts,
}

/// Whether an error is about the way to a relay, or a relay that has no room or no time: one that may answer later.
pub(super) fn is_unreachable(error: &RelayError) -> bool {
    match error {
        RelayError::Hindered(obstacle) => *obstacle != Obstacle::NoCertificates,
        RelayError::NoConnection(_)
        | RelayError::Unreachable(_)
        | RelayError::Busy { .. }
        | RelayError::SlowDown { .. }
        | RelayError::Timeout
        | RelayError::NoSpace { .. }
        | RelayError::BadChecksum
        | RelayError::NotTrusted(_)
        | RelayError::NotARelay
        | RelayError::Diverted => true,
        _ => false,
    }
}

/// An error that means the same for sending and opening. `safe`: what is true where it may be repeated.
pub(super) fn message(relay: &str, error: &RelayError, safe: &str) -> Message {
    match error {
        RelayError::NoConnection(why) | RelayError::Unreachable(why) => {
            Message::new(Exit::Unreachable, format!("{relay} cannot be reached: {why}"), safe)
        }
        RelayError::Busy { .. } | RelayError::SlowDown { .. } | RelayError::Timeout => {
            Message::new(Exit::Unreachable, format!("{relay} is busy"), safe)
        }
        RelayError::NoSpace { .. } => Message::new(Exit::Unreachable, format!("{relay} is full"), safe),
        RelayError::BadChecksum => {
            Message::new(Exit::Unreachable, format!("the line to {relay} garbles what it carries"), safe)
        }
        RelayError::Hindered(obstacle) => hindered(relay, obstacle, safe),
        RelayError::NotTrusted(why) => distrusted(relay, why),
        RelayError::Impostor => Message::new(
            Exit::Integrity,
            format!("what answers at {relay} is not the machine that the link names"),
            "nothing was opened: either the share has ended and something else is there now, or somebody on this network \
             meddles; ask the sender",
        ),
        RelayError::NotARelay | RelayError::Diverted => Message::new(
            Exit::Unreachable,
            format!("what answers at {relay} is not a share relay"),
            Hint::line("share relay check tells what is in the way; on a public Wi-Fi, log in first"),
        ),
        RelayError::TooLarge { max } => Message::new(
            Exit::Refused,
            format!("{relay} takes {} a share, and this is more", binary(*max)),
            "send less at once",
        ),
        RelayError::TooLongLived { .. } | RelayError::NotAllowed => {
            Message::new(Exit::Refused, format!("{relay} refuses: {error}"), "ask its operator")
        }
        RelayError::Gone { .. } | RelayError::Unknown | RelayError::WrongPassphrase { .. } => {
            Message::new(Exit::Gone, error.to_string(), "send it again")
        }
        RelayError::BadRequest | RelayError::IdTaken | RelayError::Committed | RelayError::PartsMissing => {
            let what = format!("{relay} answered: {error}");
            Message::new(Exit::Unexpected, what, "one of the two may need an update")
        }
    }
}

/// The variables that name a proxy, as the HTTP client reads them.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// An obstacle on this machine or its network: not the relay's fault.
pub(super) fn hindered(relay: &str, obstacle: &Obstacle, safe: &str) -> Message {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = *PROXIES.iter().find(is_set).unwrap_or(&PROXIES[0]);
    match obstacle {
        Obstacle::NoCertificates => Message::new(
            Exit::Local,
            "this machine has no certificates to check relays with",
            "install the package ca-certificates, or set SSL_CERT_FILE to a certificate file",
        ),
        Obstacle::NoNetwork => Message::new(
            Exit::Unreachable,
            format!("this machine has no route to {relay}"),
            format!("check that this machine is online; {safe}"),
        ),
        Obstacle::NoAddress(why) => Message::new(
            Exit::Unreachable,
            format!("the name {relay} cannot be looked up: {why}"),
            format!("check its spelling, and that this machine is online; {safe}"),
        ),
        Obstacle::NoProxy(why) => Message::new(
            Exit::Unreachable,
            format!("the proxy that {proxy} names cannot be reached: {why}"),
            format!("correct {proxy}, or unset it; {safe}"),
        ),
        Obstacle::ProxyPassword => Message::new(
            Exit::Unreachable,
            format!("the proxy that {proxy} names asks for a user name and a password"),
            format!("set {proxy}=http://USER:PASSWORD@HOST:PORT; {safe}"),
        ),
        Obstacle::ProxyRefuses => Message::new(
            Exit::Unreachable,
            format!("the proxy that {proxy} names does not connect to {relay}"),
            format!("ask who runs the proxy, or set NO_PROXY={relay}; {safe}"),
        ),
    }
}

/// A relay's certificate that this machine does not accept.
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
    Message::new(Exit::Unreachable, what, hint)
}

/// A proxy in front of a relay that does not let through what a relay needs.
pub(super) fn in_front(relay: &str, fault: ProxyFault) -> Message {
    let (does, hint) = match fault {
        ProxyFault::DropsAuthorization => ("takes the Authorization header away", "let the proxy pass that header on"),
        ProxyFault::RefusesParts => (
            "does not let a part of 4 MiB through",
            "let the proxy take bodies of 5 MiB; nginx: client_max_body_size 5m",
        ),
    };
    Message::new(Exit::Unreachable, format!("something in front of {relay} {does}"), hint)
}
