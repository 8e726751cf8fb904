//! Translation of the HTTP client's errors into errors of relays.
//!
//! Ours contain no URL, unlike the HTTP client's messages.

use crate::relay::RelayError;
use crate::relay::http::proxy::Proxy;
use crate::relay::obstacle::{Distrust, Obstacle, innermost};
use crate::safe_text::causes;

/// Translates the errors of the requests to one relay.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    /// Whether its key is pinned.
    pub(super) is_pinned: bool,
    /// The proxy that leads to it.
    pub(super) proxy: Option<Proxy>,
}

impl Errors {
    /// The error of a request.
    pub(super) fn of(&self, error: reqwest::Error) -> RelayError {
        let host = error.url().and_then(|url| url.host_str()).map(str::to_owned);
        let error = error.without_url();
        if let Some(tls) = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            if self.is_pinned {
                // Any error of TLS means that another computer answers, or tampers.
                return RelayError::Impostor;
            }
            if let Some(distrust) = Distrust::of(tls) {
                return RelayError::NotTrusted(distrust);
            }
            match tls {
                // The server does not speak TLS.
                rustls::Error::InvalidMessage(_) if error.is_connect() => return RelayError::NotARelay,
                // Any other error may be a broken connection.
                _ => {}
            }
        }
        if error.is_builder() {
            // Building the client fails only if there are no certificates.
            return RelayError::Hindered(Obstacle::NoCertificates);
        }
        if error.is_connect() {
            if let Some(obstacle) = Obstacle::to_connecting(&error, self.proxy.as_ref()) {
                return RelayError::Hindered(obstacle.at(host.as_deref()));
            }
            let why = if error.is_timeout() { "no answer".to_owned() } else { innermost(&error) };
            return RelayError::NoConnection(why);
        }
        let what = if error.is_timeout() { "no answer" } else { "the connection broke" };
        RelayError::Unreachable(what.to_owned())
    }
}

/// The error of a request without an answer in time.
pub(super) fn silent() -> RelayError {
    RelayError::Unreachable("no answer".to_owned())
}
