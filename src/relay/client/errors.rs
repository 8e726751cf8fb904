//! Translation of the HTTP client's errors into errors of relays.
//!
//! Ours contain no URL, unlike the HTTP client's messages.

use rustls::AlertDescription;

use crate::relay::RelayError;
use crate::relay::front::Front;
use crate::relay::http::Target;
use crate::relay::http::proxy::Proxy;
use crate::relay::obstacle::{Distrust, Obstacle, innermost};
use crate::safe_text::causes;

/// A part of the error of a client that finds no authorities.
const NO_CERTIFICATES: &str = "No CA certificates were loaded";

/// Translates the errors of the requests to one relay.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    is_pinned: bool,
    /// Whether the requests themselves go to the proxy, and not through it.
    is_plain: bool,
    has_identity: bool,
    proxy: Option<Proxy>,
}

impl Errors {
    /// The errors of a client of `target` behind `proxy`.
    pub(super) fn new(target: Target<'_>, proxy: Option<Proxy>) -> Self {
        Self {
            is_pinned: target.is_pinned,
            is_plain: target.url.scheme() == "http",
            has_identity: target.access.is_some_and(|access| access.identity.is_some()),
            proxy,
        }
    }

    /// The error of a request.
    pub(super) fn of(&self, error: reqwest::Error) -> RelayError {
        let host = error.url().and_then(|url| url.host_str()).map(str::to_owned);
        let error = error.without_url();
        if let Some(obstacle) = self.obstacle_of_proxy(&error) {
            return RelayError::Hindered(obstacle);
        }
        if let Some(tls) = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
            && let Some(error) = self.of_tls(tls, error.is_connect())
        {
            return error;
        }
        if error.is_builder() {
            let no_certificates = causes(&error).any(|cause| cause.to_string().contains(NO_CERTIFICATES));
            return if no_certificates {
                RelayError::Hindered(Obstacle::NoCertificates)
            } else {
                RelayError::NotTrusted(Distrust::Other(innermost(&error)))
            };
        }
        if error.is_connect() {
            if let Some(obstacle) = Obstacle::to_connecting(&error) {
                return RelayError::Hindered(obstacle.at(host.as_deref()));
            }
            let why = if error.is_timeout() { "no answer".to_owned() } else { innermost(&error) };
            return RelayError::NoConnection(why);
        }
        let what = if error.is_timeout() { "no answer" } else { "the connection broke" };
        RelayError::Unreachable(what.to_owned())
    }

    /// The obstacle to connecting that is the proxy's.
    fn obstacle_of_proxy(&self, error: &reqwest::Error) -> Option<Obstacle> {
        let proxy = self.proxy.as_ref().filter(|_| error.is_connect())?;
        if let Some(obstacle) = Obstacle::of_proxy(error, proxy) {
            return Some(obstacle);
        }
        if error.is_timeout() {
            return Some(Obstacle::ProxyFails(proxy.clone(), "no answer".to_owned()));
        }
        let asks_it = self.is_plain && !proxy.is_socks();
        asks_it.then(|| Obstacle::NoProxy(proxy.clone(), innermost(error)))
    }

    /// The error of a request that failed in TLS. `None`: it may be a broken connection.
    fn of_tls(&self, error: &rustls::Error, is_connect: bool) -> Option<RelayError> {
        if self.is_pinned {
            // Any error of TLS means that another computer answers, or tampers.
            return Some(RelayError::Impostor);
        }
        if let Some(distrust) = Distrust::of(error) {
            return Some(RelayError::NotTrusted(distrust));
        }
        match error {
            // The server does not speak TLS.
            rustls::Error::InvalidMessage(_) if is_connect => Some(RelayError::NotARelay),
            rustls::Error::AlertReceived(alert) if self.is_about_identity(*alert) => {
                Some(RelayError::Fronted { front: Front::Certificate { is_refused: self.has_identity }, sent: None })
            }
            _ => None,
        }
    }

    /// Whether an alert is about the certificate of the client, or its lack.
    fn is_about_identity(&self, alert: AlertDescription) -> bool {
        use AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired | Alert::BadCertificate | Alert::UnknownCA => true,
            Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::AccessDenied => self.has_identity,
            _ => false,
        }
    }

    /// The error of a web proxy that requires a password for a request.
    pub(super) fn password(&self) -> Option<RelayError> {
        Some(RelayError::Hindered(Obstacle::ProxyPassword(self.plain_proxy()?.clone())))
    }

    /// The web proxy that gets the requests themselves, and may answer them.
    pub(super) fn plain_proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| self.is_plain && !proxy.is_socks())
    }
}

/// The error of a request without an answer in time.
pub(super) fn silent() -> RelayError {
    RelayError::Unreachable("no answer".to_owned())
}
