//! The hosts that are reached without a proxy: the value of `NO_PROXY`.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// Their only port that is meant. `None`: all.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// All hosts.
    All,
    /// A domain and everything below it, in lower case, without dots around it.
    Domain(String),
    /// The addresses of a network.
    Network(IpNet),
}

/// The hosts that are reached without a proxy. No name is looked up to compare its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<Entry>);

impl NoProxy {
    /// Reads entries between commas or blanks: `*`, domains with and without a leading dot, addresses and networks. A
    /// port may follow a domain or an address.
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    /// Whether `port` of `host` is in the list.
    pub(super) fn contains(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let is_meant = |entry: &Entry| entry.port.is_none() || entry.port == port;
        self.0.iter().any(|entry| is_meant(entry) && entry.hosts.contain(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        // The colons of an IPv6 address without brackets are its own.
        let parts = text.rsplit_once(':').filter(|(hosts, _)| !hosts.contains(':') || hosts.ends_with(']'));
        match parts.and_then(|(hosts, port)| Some((hosts, port.parse().ok()?))) {
            Some((hosts, port)) => Self { hosts: Hosts::parse(hosts), port: Some(port) },
            None => Self { hosts: Hosts::parse(text), port: None },
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Self {
        let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map(IpNet::from);
        match address.or_else(|_| text.parse()) {
            Ok(network) => Self::Network(network),
            Err(_) if text == "*" => Self::All,
            Err(_) => Self::Domain(text.trim_start_matches('*').trim_matches('.').to_ascii_lowercase()),
        }
    }

    fn contain(&self, host: &Host<&str>) -> bool {
        let is_in = |network: &IpNet, address: IpAddr| network.contains(&address.to_canonical());
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let above = name.strip_suffix(domain.as_str());
                !domain.is_empty() && above.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
            (Self::Network(network), Host::Ipv4(address)) => is_in(network, (*address).into()),
            (Self::Network(network), Host::Ipv6(address)) => is_in(network, (*address).into()),
            (Self::Domain(_), _) | (Self::Network(_), Host::Domain(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_domains_addresses_networks_or_all() {
        let list = NoProxy::parse("example.com, .intern *.corp\t10.0.0.0/8,192.168.1.5,[fd00::1],fe80::/10,,.");
        let has = |host: &str| list.contains(&Host::parse(host).unwrap().as_ref_host(), Some(443));
        for host in ["example.com", "EXAMPLE.com.", "a.example.com", "intern", "b.intern", "x.corp", "10.1.2.3"] {
            assert!(has(host), "{host}");
        }
        for host in ["192.168.1.5", "[fd00::1]", "[fe80::7]", "[::ffff:10.0.0.1]"] {
            assert!(has(host), "{host}");
        }
        for host in ["notexample.com", "example.org", "11.0.0.1", "192.168.1.6", "[fd00::2]", "com"] {
            assert!(!has(host), "{host}");
        }
        assert!(NoProxy::parse("*").contains(&Host::Domain("any.example"), None));
        assert!(!NoProxy::parse(" , ").contains(&Host::Domain("any.example"), None));
        let with_ports = NoProxy::parse("a.example:80,192.168.1.5:81,[fd00::1]:82");
        for (host, own) in [("a.example", 80), ("x.a.example", 80), ("192.168.1.5", 81), ("[fd00::1]", 82)] {
            let host = Host::parse(host).unwrap();
            for port in [80, 81, 82] {
                assert_eq!(with_ports.contains(&host.as_ref_host(), Some(port)), port == own, "{host}:{port}");
            }
        }
    }

    trait AsRefHost {
        fn as_ref_host(&self) -> Host<&str>;
    }

    impl AsRefHost for Host<String> {
        fn as_ref_host(&self) -> Host<&str> {
            match self {
                Host::Domain(name) => Host::Domain(name),
                Host::Ipv4(address) => Host::Ipv4(*address),
                Host::Ipv6(address) => Host::Ipv6(*address),
            }
        }
    }
}
