//! Local and network failures before a relay is reached, found among the causes of an error.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use crate::relay::http::proxy::Proxy;
use crate::safe_text::{causes, os_words};

/// A failure on this computer or on its way to the network.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Obstacle {
    /// No CA certificates are installed.
    #[error("this computer has no CA certificates")]
    NoCertificates,
    /// No route to the network of the relay.
    #[error("this computer has no route to that network")]
    NoNetwork,
    /// No address for the name of the relay.
    #[error("the name cannot be looked up: {0}")]
    NoAddress(String),
    /// A name without a dot, which no computer on this network has.
    #[error("no computer on this network has that name")]
    UnknownName,
    /// The proxy does not answer.
    #[error("the proxy {0} cannot be reached: {1}")]
    NoProxy(Proxy, String),
    /// The proxy requires credentials, or does not accept those that it was sent.
    #[error("the proxy {0} {does}", does = .0.about_password())]
    ProxyPassword(Proxy),
    /// The proxy does not connect to the relay.
    #[error("the proxy {0} refuses the connection")]
    ProxyRefuses(Proxy),
    /// The proxy does not reach the relay.
    #[error("the proxy {0} does not get further: {1}")]
    ProxyFails(Proxy, String),
    /// An onion service, which only a proxy finds.
    #[error("an onion service can be reached only through a proxy")]
    OnionNeedsProxy,
    /// A web proxy would read the headers for a login.
    #[error("the proxy {0} would read the headers that are kept for the relay")]
    ReadsHeaders(Proxy),
    /// An https proxy does not carry this connection.
    #[error("the proxy {0} cannot be used: {1}")]
    NotByHttps(Proxy, NotByHttps),
    /// The service of a cloud that hands out credentials to its computers, at an address of the local network.
    #[error("no credentials are set, and the service that hands them out is not asked through a SOCKS proxy")]
    NoCredentials,
    /// A proxy does not carry TLS to an IPv6 address.
    #[error("an IPv6 address cannot be reached by https through the proxy {0}")]
    NotToIpv6(Proxy),
}

/// Connections that https proxies do not carry: the settings for TLS are the same for both.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotByHttps {
    /// A connection to a pinned key.
    #[error("an https proxy cannot carry links to the sender's computer")]
    Pin,
    /// A connection with a client certificate.
    #[error("an https proxy would be shown the client certificate")]
    Certificate,
}

/// Reasons to reject a certificate.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Distrust {
    /// It has expired, by the clock of this computer.
    #[error("expired")]
    Expired {
        /// When, Unix seconds, if that is known.
        at: Option<u64>,
    },
    /// It is not valid yet, by the clock of this computer.
    #[error("not valid yet")]
    NotYet {
        /// When it does, Unix seconds, if that is known.
        from: Option<u64>,
    },
    /// No trusted authority has signed it.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// It is for another name.
    #[error("issued for another name")]
    WrongName,
    /// Anything else, in the words of the library.
    #[error("{0}")]
    Other(String),
}

/// The last cause of an error: the operating system's words.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    // "failed to lookup address information: Name or service not known"
    os_words(&text).trim_start_matches("failed to lookup address information: ").to_owned()
}

/// The system's words for a failed connection to a SOCKS proxy. The HTTP client has them only in its text for
/// debugging.
fn system_words(error: &(dyn StdError + 'static)) -> String {
    let text = causes(error).last().map(|cause| format!("{cause:?}")).unwrap_or_default();
    let rest = text.split_once("message: \"").map(|(_, rest)| rest);
    let message = rest.and_then(|rest| rest.split_once('"')).map(|(message, _)| message);
    message.map_or_else(|| "no connection".to_owned(), os_words)
}

/// Whether the system's words for a failed look-up of a name mean that there is no such name: those of glibc, musl,
/// macOS and the BSDs, and Windows.
fn is_unknown(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    ["name or service not known", "name does not resolve", "servname provided, or not known", "no such host is known"]
        .iter()
        .any(|words| why.contains(words))
}

impl Obstacle {
    /// The obstacle that kept a connection from being made, if it was neither the relay's nor a proxy's. The HTTP
    /// client names some causes only in words.
    pub(super) fn to_connecting(error: &(dyn StdError + 'static)) -> Option<Self> {
        let words: Vec<String> = causes(error).map(ToString::to_string).collect();
        let is = |beginning: &str| words.iter().any(|words| words.starts_with(beginning));
        if is("dns error") || is("failed to lookup address information") {
            return Some(Self::NoAddress(innermost(error)));
        }
        let kinds = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let is_offline = |kind| matches!(kind, io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown);
        kinds.into_iter().any(is_offline).then_some(Self::NoNetwork)
    }

    /// The obstacle that `proxy` is to a connection.
    pub(super) fn of_proxy(error: &(dyn StdError + 'static), proxy: &Proxy) -> Option<Self> {
        let words: Vec<String> = causes(error).map(ToString::to_string).collect();
        let after = |beginning: &str| words.iter().find_map(|words| words.strip_prefix(beginning));
        let proxy = || proxy.clone();
        if let Some(why) = after("tunnel error: ") {
            return Some(match why {
                "proxy authorization required" => Self::ProxyPassword(proxy()),
                "failed to create underlying connection" => Self::NoProxy(proxy(), innermost(error)),
                _ => Self::ProxyRefuses(proxy()),
            });
        }
        Some(match after("SOCKS error: ")? {
            "failed to create underlying connection" => Self::NoProxy(proxy(), system_words(error)),
            "failed parsing server response" => Self::NoProxy(proxy(), "no SOCKS proxy answers there".to_owned()),
            "credentials not accepted" | "server does not support user/pass authentication" => {
                Self::ProxyPassword(proxy())
            }
            "connection not allowed" => Self::ProxyRefuses(proxy()),
            why if why.starts_with("io error") => {
                Self::ProxyFails(proxy(), "the proxy closed the connection".to_owned())
            }
            why => Self::ProxyFails(proxy(), why.to_owned()),
        })
    }

    /// This obstacle to reaching `host`. A name without a dot is one of the local network, and does not appear by
    /// itself, unless the network could not be asked.
    pub(super) fn at(self, host: Option<&str>) -> Self {
        let is_bare = host.is_some_and(|host| !host.trim_end_matches('.').contains(['.', ':']));
        match self {
            Self::NoAddress(why) if is_bare && is_unknown(&why) => Self::UnknownName,
            other => other,
        }
    }

    /// Whether the obstacle may disappear by itself.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoNetwork | Self::NoAddress(_) | Self::NoProxy(..) | Self::ProxyFails(..) => true,
            Self::NoCertificates
            | Self::ProxyPassword(_)
            | Self::ProxyRefuses(_)
            | Self::UnknownName
            | Self::OnionNeedsProxy
            | Self::ReadsHeaders(_)
            | Self::NotByHttps(..)
            | Self::NoCredentials
            | Self::NotToIpv6(_) => false,
        }
    }
}

impl Distrust {
    /// Why the certificate of a connection is not trusted, if that is what an error is about.
    pub(super) fn of(error: &rustls::Error) -> Option<Self> {
        let invalid = match error {
            rustls::Error::InvalidCertificate(invalid) => invalid,
            rustls::Error::NoCertificatesPresented => return Some(Self::Other(error.to_string())),
            _ => return None,
        };
        Some(match invalid {
            CertificateError::Expired => Self::Expired { at: None },
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired { at: Some(not_after.as_secs()) },
            CertificateError::NotValidYet => Self::NotYet { from: None },
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYet { from: Some(not_before.as_secs()) }
            }
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            _ => Self::Other(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_name_that_was_looked_up_in_vain_is_unknown() {
        let at = |host: &str, why: &str| Obstacle::NoAddress(why.to_owned()).at(Some(host)) == Obstacle::UnknownName;
        for system in [
            "name or service not known",
            "Name does not resolve",
            "nodename nor servname provided, or not known",
            "hostname nor servname provided, or not known",
            "No such host is known. (os error 11001)",
        ] {
            assert!(at("nas", system) && at("nas.", system), "{system}");
            assert!(!at("relay.example", system) && !at("[fe80::1]", system), "{system}");
        }
        assert!(!at("nas", "temporary failure in name resolution") && !at("nas", "Try again"));
        assert_eq!(Obstacle::NoNetwork.at(Some("nas")), Obstacle::NoNetwork);
    }
}
