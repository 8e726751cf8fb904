//! The hosts of a request: its target (the `Host` header) and its peer.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, Version};

use super::limits::Client;
use crate::relay::RelayError;
use crate::relay::certificate::Certificates;
use crate::relay::here::canonical;
use crate::relay_url::RelayUrl;

/// The host in a `Host` header, without its port.
#[derive(Debug, PartialEq, Eq)]
enum HostName {
    Address(IpAddr),
    Localhost,
    Other,
}

impl HostName {
    fn parse(host: &str) -> Self {
        if let Ok(address) = host.parse::<SocketAddr>() {
            return Self::Address(address.ip());
        }
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Self::Address(ip);
        }
        let name = without_port(host);
        if name.eq_ignore_ascii_case("localhost") { Self::Localhost } else { Self::Other }
    }

    /// Whether it is a loopback name or address.
    fn is_local(&self) -> bool {
        match self {
            Self::Address(ip) => ip.is_loopback(),
            Self::Localhost => true,
            Self::Other => false,
        }
    }
}

/// A host that is no address, without its port.
fn without_port(host: &str) -> &str {
    let is_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
    host.rsplit_once(':').filter(is_port).map_or(host, |(name, _)| name)
}

/// Fails unless the `Host` header names the server that listens on `listens` and is known as `public_url`, or by
/// another name of its certificate. Without `listens` no address or name of this computer is its own. Prevents DNS
/// rebinding: a foreign page must not reach a relay on a private network under a name of its own.
///
/// # Errors
/// [`RelayError::BadRequest`] unless there is exactly one host, [`RelayError::Misdirected`] if it is another one.
pub(super) fn expect_meant(
    uri: &Uri,
    headers: &HeaderMap,
    listens: Option<SocketAddr>,
    public_url: Option<&RelayUrl>,
    certificates: Option<&Certificates>,
) -> Result<(), RelayError> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|value| value.to_str().ok()), hosts.next()) else {
        return Err(RelayError::BadRequest);
    };
    // The request line may have the host too (RFC 9112, 3.2.2); then it must be the same.
    if uri.authority().is_some_and(|authority| authority.as_str() != host) {
        return Err(RelayError::Misdirected);
    }
    if public_url.is_some_and(|url| canonical(&url.name()) == canonical(host)) {
        return Ok(());
    }
    if certificates.is_some_and(|certificates| certificates.is_for(without_port(host))) {
        return Ok(());
    }
    let Some(listens) = listens else { return Err(RelayError::Misdirected) };
    let host = HostName::parse(host);
    let is_ours = |ip| ip == listens.ip() || listens.ip().is_unspecified();
    let is_meant = host.is_local() || matches!(host, HostName::Address(ip) if is_ours(ip));
    if is_meant { Ok(()) } else { Err(RelayError::Misdirected) }
}

/// Whether the host of a request is this computer itself.
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    HostName::parse(host).is_local()
}

/// Whether a request comes from this computer, was not forwarded by a proxy, and names this computer. One of HTTP/1.0
/// counts as forwarded: some proxies use that version unless told otherwise, and then add no header.
#[derive(Clone, Copy, Debug)]
pub(super) struct IsLocal(pub(super) bool);

impl<S: Sync> FromRequestParts<S> for IsLocal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_here = parts.extensions.get::<Client>().is_some_and(|client| client.is_here);
        Ok(Self(is_here && parts.version != Version::HTTP_10 && is_local(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_and_without_its_port() {
        let six = HostName::Address("::1".parse().unwrap());
        for (text, expected) in [
            ("127.0.0.1:80", HostName::Address(IpAddr::from([127, 0, 0, 1]))),
            ("192.0.2.1", HostName::Address(IpAddr::from([192, 0, 2, 1]))),
            ("[::1]:80", HostName::Address("::1".parse().unwrap())),
            ("[::1]", six),
            ("LocalHost:4080", HostName::Localhost),
            ("localhost", HostName::Localhost),
            ("localhost.evil.example", HostName::Other),
            ("", HostName::Other),
        ] {
            assert_eq!(HostName::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_request_for_another_name_or_for_two_is_not_meant() {
        let url = RelayUrl::parse("https://relay.example").unwrap();
        let (listens, everywhere) = ("192.0.2.1:80".parse().ok(), "0.0.0.0:80".parse().ok());
        let (uri, certificates) = (Uri::from_static("/"), Certificates::new(Some(vec!["other.example".to_owned()])));
        let is_meant = |hosts: &[(&'static str, &'static str)], listens: Option<SocketAddr>| {
            let mut all = HeaderMap::new();
            for (name, value) in hosts {
                all.append(*name, value.parse().unwrap());
            }
            expect_meant(&uri, &all, listens, Some(&url), Some(&*certificates))
        };
        let (meant, other, malformed) = (Ok(()), Err(RelayError::Misdirected), Err(RelayError::BadRequest));
        assert_eq!(is_meant(&[("host", "192.0.2.1")], listens), meant);
        assert_eq!(is_meant(&[("host", "127.0.0.1:80")], listens), meant);
        assert_eq!(is_meant(&[("host", "RELAY.example")], listens), meant);
        assert_eq!(is_meant(&[("host", "Other.example:4443")], listens), meant);
        assert_eq!(is_meant(&[("host", "other.example.")], listens), meant);
        assert_eq!(is_meant(&[("host", "other.example:x@evil.example")], listens), other);
        assert_eq!(is_meant(&[("host", "192.0.2.2")], listens), other);
        assert_eq!(is_meant(&[("host", "192.0.2.2")], everywhere), meant);
        assert_eq!(is_meant(&[("host", "evil.example")], everywhere), other);
        assert_eq!(is_meant(&[("host", "localhost"), ("host", "evil.example")], listens), malformed);
        assert_eq!(is_meant(&[], listens), malformed);
        for (host, expected) in
            [("Relay.example:443", meant.clone()), ("127.0.0.1", other.clone()), ("192.0.2.1", other.clone())]
        {
            assert_eq!(is_meant(&[("host", host)], None), expected, "{host}");
        }
    }
}
