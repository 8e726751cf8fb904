//! Proxies that the operator trusts to name the client, and the client of a request.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Headers that a proxy adds. A request with one of them comes through a proxy.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
    "true-client-ip",
];

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay::server) struct Peer {
    /// Its address, by TCP.
    pub(in crate::relay::server) address: SocketAddr,
    /// Its announcement by the PROXY protocol.
    pub(in crate::relay::server) announced: Option<Announced>,
}

/// The client in a PROXY protocol header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay::server) enum Announced {
    /// The client.
    Client(IpAddr),
    /// A client that the proxy does not name.
    Unknown,
    /// No client: the proxy itself connects, to check the relay.
    Proxy,
}

impl Peer {
    /// The client, or the proxy nearest to it, as far as the connection tells.
    pub(super) fn source(&self) -> IpAddr {
        match self.announced {
            Some(Announced::Client(ip)) => ip.to_canonical(),
            Some(Announced::Unknown | Announced::Proxy) | None => self.address.ip().to_canonical(),
        }
    }
}

/// The networks of proxies that the operator trusts.
#[derive(Clone, Debug, Default)]
pub(super) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(networks.to_vec())
    }

    pub(super) fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// The client of a request, by the headers of trusted proxies; `None` if they name none, or contradict each other.
    /// A client can forge a header that its proxy does not set, so all that are there must agree. `X-Real-IP` is the
    /// address from which the last proxy got the request: the client's, or that of another proxy.
    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let listed = |name: &'static str, read: fn(&str) -> Vec<Option<IpAddr>>| {
            let name = HeaderName::from_static(name);
            let values = headers.get_all(&name).iter();
            let hops: Vec<_> = values.flat_map(|value| value.to_str().map_or_else(|_| vec![None], read)).collect();
            headers.contains_key(&name).then(|| self.outermost(&hops))
        };
        let client = match (listed("x-forwarded-for", comma_separated), listed("forwarded", forwarded)) {
            (Some(one), Some(other)) => one.filter(|_| one == other),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => None,
        };
        let mut real = headers.get_all("x-real-ip").iter().map(|value| value.to_str().ok().and_then(node));
        client.filter(|client| real.all(|ip| ip.is_some_and(|ip| ip.to_canonical() == *client || self.trusts(ip))))
    }

    /// The last hop that is not a trusted proxy, from the right; the first one if all are trusted. `None` if a hop
    /// before it is no address: the last proxy that is known stands for its client.
    fn outermost(&self, hops: &[Option<IpAddr>]) -> Option<IpAddr> {
        let mut known = None;
        for hop in hops.iter().rev() {
            let Some(ip) = hop else { return known };
            known = Some(ip.to_canonical());
            if !self.trusts(*ip) {
                break;
            }
        }
        known
    }

    /// The client of a request with these headers on a connection from `peer`.
    pub(super) fn client(&self, peer: &Peer, headers: &HeaderMap) -> Source {
        let (connected, source) = (peer.address.ip().to_canonical(), peer.source());
        let has_headers = FORWARDING.iter().any(|name| headers.contains_key(*name));
        let is_forwarded = has_headers || peer.announced.is_some();
        let is_trusted = self.trusts(source);
        // A proxy that does not know the client of a connection passes its headers on as they are.
        let has_meaning = is_trusted && peer.announced != Some(Announced::Unknown);
        let named = self.forwarded_for(headers).filter(|_| has_meaning);
        let ip = named.unwrap_or(source);
        // A trusted proxy names every client of its own, and stands for those that it does not name.
        let is_unnamed = has_headers && !is_trusted && peer.announced.is_none();
        let is_ours = connected.is_loopback() && (!is_forwarded || is_unnamed);
        let may_be_nameless = is_ours || matches!(peer.announced, Some(Announced::Proxy));
        let oversight = if connected.is_loopback() && is_unnamed {
            Some(Oversight::UnnamedProxy)
        } else if is_trusted && named.is_none() && !may_be_nameless {
            Some(Oversight::NamelessClient)
        } else {
            None
        };
        Source { ip, is_this_machine: is_ours, is_forwarded, oversight }
    }
}

/// The origin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The client's address, or that of the proxy nearest to it.
    pub(super) ip: IpAddr,
    /// A program of this machine made it, or a proxy of this machine that is not named: it is not limited by address.
    pub(super) is_this_machine: bool,
    /// A proxy forwarded it, trusted or not.
    pub(super) is_forwarded: bool,
    /// The setting that the operator has to make.
    pub(super) oversight: Option<Oversight>,
}

/// A setting of the operator that is missing, so that limits do not count for each client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oversight {
    /// A proxy of this machine forwarded a request, and is not among the trusted ones.
    UnnamedProxy,
    /// A trusted proxy forwarded a request and named no client, or several.
    NamelessClient,
}

/// The hops of `X-Forwarded-For`.
fn comma_separated(value: &str) -> Vec<Option<IpAddr>> {
    value.split(',').map(node).collect()
}

/// The hops of `Forwarded` (RFC 7239): the parameter `for` of each element.
fn forwarded(value: &str) -> Vec<Option<IpAddr>> {
    let client = |element: &str| {
        let mut clients = split_unquoted(element, ';').into_iter().filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then(|| unquoted(value.trim()))
        });
        // Two of them are malformed.
        clients.next().filter(|_| clients.next().is_none()).flatten().and_then(|text| node(&text))
    };
    split_unquoted(value, ',').into_iter().map(client).collect()
}

/// Splits at `separator` outside of quoted strings.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(|c| {
        let ends = c == separator && !is_quoted;
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && is_quoted && !is_escaped;
        ends
    })
    .collect()
}

/// A token as it is, or the text of a quoted string.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let (mut text, mut is_escaped) = (String::new(), false);
    for c in inner.strip_suffix('"')?.chars() {
        is_escaped = c == '\\' && !is_escaped;
        if !is_escaped {
            text.push(c);
        }
    }
    Some(text)
}

/// The address of a node, with or without its port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`. `None` for
/// `unknown`, an obfuscated name such as `_hidden`, and anything else.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (ip, port) = rest.split_once(']')?;
        return (port.is_empty() || is_port(port)).then(|| ip.parse().map(IpAddr::V6).ok()).flatten();
    }
    let (ip, _) = text.rsplit_once(':').filter(|(ip, _)| is_port(&text[ip.len()..]))?;
    ip.parse().map(IpAddr::V4).ok()
}

/// Whether a text is a colon and a port, perhaps an obfuscated one (RFC 7239, 6).
fn is_port(text: &str) -> bool {
    let is_named = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.strip_prefix(':').is_some_and(|port| match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.chars().all(is_named),
        None => port.parse::<u16>().is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:f::/48"].map(|network| network.parse().unwrap());
        TrustedProxies::new(&networks)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn peer(ip: &str) -> Peer {
        Peer { address: SocketAddr::new(ip.parse().unwrap(), 9), announced: None }
    }

    /// The client of a request from the trusted proxy 10.0.0.1.
    fn client(pairs: &[(&'static str, &str)]) -> String {
        proxies().client(&peer("10.0.0.1"), &headers(pairs)).ip.to_string()
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_trusted() {
        for (list, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 , 10.0.0.2", "192.0.2.1"),
            ("127.0.0.1, 192.0.2.1", "192.0.2.1"),
            ("198.51.100.7, 192.0.2.1, 10.3.0.2, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711, 2001:db8:f::2", "2001:db8::1"),
            ("::ffff:192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"),
            // A hop that is no address ends the list: the proxy before it counts.
            ("192.0.2.1, unknown", "10.0.0.1"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, , 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", list)]), expected, "{list}");
        }
        assert_eq!(client(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2")]), "192.0.2.2");
        assert_eq!(client(&[]), "10.0.0.1");
        assert_eq!(client(&[("x-real-ip", "192.0.2.1")]), "10.0.0.1", "a client can set this header too");
    }

    #[test]
    fn forwarded_is_read_with_quotes_brackets_and_ports() {
        for (list, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.1;proto=https;by=203.0.113.43", "192.0.2.1"),
            ("by=203.0.113.43; FOR = \"192.0.2.1:80\"", "192.0.2.1"),
            ("for=\"192.0.2.1:_port\"", "192.0.2.1"),
            ("for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
            ("for=198.51.100.7;host=\"a, for=203.0.113.1; b\", for=192.0.2.1", "192.0.2.1"),
            ("for=192.0.2.1;host=\"a\\\", for=203.0.113.1\"", "192.0.2.1"),
            ("for=\"\\1\\92.0.2.1\"", "192.0.2.1"),
            ("for=192.0.2.1, for=_hidden", "10.0.0.1"),
            ("for=192.0.2.1, for=\"_gazonk\", for=10.0.0.2", "10.0.0.2"),
            ("for=unknown, for=10.0.0.2", "10.0.0.2"),
            ("for=192.0.2.1;for=192.0.2.2", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("for=\"192.0.2.1", "10.0.0.1"),
        ] {
            assert_eq!(client(&[("forwarded", list)]), expected, "{list}");
        }
    }

    #[test]
    fn headers_that_disagree_count_for_the_proxy() {
        let both = |list, element| client(&[("x-forwarded-for", list), ("forwarded", element)]);
        assert_eq!(both("192.0.2.1", "for=192.0.2.1"), "192.0.2.1");
        assert_eq!(both("192.0.2.1", "for=192.0.2.2"), "10.0.0.1");
        assert_eq!(both("192.0.2.1", "for=unknown"), "10.0.0.1");
        assert_eq!(both("unknown", "for=192.0.2.1"), "10.0.0.1");
    }

    #[test]
    fn the_address_that_a_proxy_calls_real_must_agree() {
        let real = |list, ip| client(&[("x-forwarded-for", list), ("x-real-ip", ip)]);
        assert_eq!(real("192.0.2.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(real("192.0.2.1, 10.0.0.2", "10.0.0.2"), "192.0.2.1", "another proxy is in between");
        assert_eq!(real("198.51.100.7", "192.0.2.1"), "10.0.0.1", "the client chose what the proxy passed on");
        assert_eq!(real("192.0.2.1", "somewhere"), "10.0.0.1");
        let twice = [("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1"), ("x-real-ip", "192.0.2.2")];
        assert_eq!(client(&twice), "10.0.0.1");
    }

    #[test]
    fn a_proxy_that_names_no_client_is_noticed() {
        let is_nameless = |announced, pairs| {
            let source = proxies().client(&Peer { announced, ..peer("10.0.0.1") }, &headers(pairs));
            source.oversight == Some(Oversight::NamelessClient)
        };
        let named = [("x-forwarded-for", "192.0.2.1")];
        assert!(is_nameless(None, &[]) && is_nameless(None, &[("x-real-ip", "192.0.2.1")]));
        assert!(is_nameless(Some(Announced::Unknown), &named));
        assert!(!is_nameless(None, &named) && !is_nameless(Some(Announced::Proxy), &[]));
        assert!(!is_nameless(Some(Announced::Client([192, 0, 2, 1].into())), &[]));
        assert_eq!(proxies().client(&peer("127.0.0.1"), &headers(&[])).oversight, None, "a program of this machine");
        assert_eq!(proxies().client(&peer("192.0.2.1"), &headers(&[])).oversight, None);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = headers(&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")]);
        for stranger in ["203.0.113.9", "::1", "2001:db8::9"] {
            assert_eq!(proxies().client(&peer(stranger), &forged).ip.to_string(), stranger);
        }
        assert_eq!(proxies().client(&peer("::ffff:10.0.0.1"), &forged).ip.to_string(), "192.0.2.1");
        // The PROXY protocol names a client, whose headers mean nothing; or another proxy, whose do.
        let announced = |ip: &str| Peer { announced: Some(Announced::Client(ip.parse().unwrap())), ..peer("10.0.0.1") };
        assert_eq!(proxies().client(&announced("203.0.113.9"), &forged).ip.to_string(), "203.0.113.9");
        assert_eq!(proxies().client(&announced("10.0.0.5"), &forged).ip.to_string(), "192.0.2.1");
        // A client that the PROXY protocol does not name sent its headers itself.
        for (announced, expected) in [(Announced::Unknown, "10.0.0.1"), (Announced::Proxy, "192.0.2.1")] {
            let peer = Peer { announced: Some(announced), ..peer("10.0.0.1") };
            assert_eq!(proxies().client(&peer, &forged).ip.to_string(), expected);
        }
    }

    #[test]
    fn only_a_direct_request_is_of_this_machine() {
        let direct = proxies().client(&peer("127.0.0.1"), &headers(&[]));
        assert!(direct.is_this_machine && !direct.is_forwarded);
        let mapped = proxies().client(&peer("::ffff:127.0.0.1"), &headers(&[]));
        assert!(mapped.is_this_machine && !mapped.is_forwarded);
        for name in FORWARDING {
            for value in ["127.0.0.1", "for=127.0.0.1", "unknown"] {
                // The trusted proxy at 127.0.0.1 forwards: the client is limited, and not local, whatever it claims.
                let forwarded = proxies().client(&peer("127.0.0.1"), &headers(&[(name, value)]));
                assert!(forwarded.is_forwarded && !forwarded.is_this_machine, "{name}: {value}");
                // A proxy that is not named: not local, but not limited by address either.
                let unnamed = proxies().client(&peer("::1"), &headers(&[(name, value)]));
                assert!(unnamed.is_forwarded && unnamed.is_this_machine, "{name}");
                assert_eq!(unnamed.oversight, Some(Oversight::UnnamedProxy));
            }
        }
        for announced in [Announced::Unknown, Announced::Proxy, Announced::Client("127.0.0.1".parse().unwrap())] {
            let peer = Peer { announced: Some(announced), ..peer("127.0.0.1") };
            let source = proxies().client(&peer, &headers(&[]));
            assert!(source.is_forwarded && !source.is_this_machine, "{announced:?}");
        }
    }
}
