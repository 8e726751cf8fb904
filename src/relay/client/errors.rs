//! Errors of the HTTP client, translated into errors of relays.
//!
//! None of ours carries a URL: the HTTP client puts all of it into its messages.

use crate::relay::RelayError;
use crate::relay::obstacle::{Distrust, Obstacle, innermost};
use crate::safe_text::causes;

/// The error of a relay that is known by its key: any error of TLS means that another machine answers, or tampers.
pub(super) fn pinned_failure(error: reqwest::Error) -> RelayError {
    let tls = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if tls.is_some() { RelayError::Impostor } else { failure(error) }
}

/// The error of a relay whose certificate names it, or that has none.
pub(super) fn failure(error: reqwest::Error) -> RelayError {
    let error = error.without_url();
    if let Some(tls) = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        if let Some(distrust) = Distrust::of(tls) {
            return RelayError::NotTrusted(distrust);
        }
        match tls {
            // It answers, in the clear.
            rustls::Error::InvalidMessage(_) if error.is_connect() => return RelayError::NotARelay,
            // Anything else may be the line.
            _ => {}
        }
    }
    if error.is_builder() {
        // All that the client asks of this machine when it is made.
        return RelayError::Hindered(Obstacle::NoCertificates);
    }
    if error.is_connect() {
        if let Some(obstacle) = Obstacle::to_connecting(&error) {
            return RelayError::Hindered(obstacle);
        }
        let why = if error.is_timeout() { "it does not answer".to_owned() } else { innermost(&error) };
        return RelayError::NoConnection(why);
    }
    let what = if error.is_timeout() { "it does not answer" } else { "the connection broke" };
    RelayError::Unreachable(what.to_owned())
}

/// The error of a relay that takes a request, and does not answer in time.
pub(super) fn silent() -> RelayError {
    RelayError::Unreachable("it does not answer".to_owned())
}
