//! The proxies that a user has set, and which of them leads to a host.

use std::ffi::OsString;

use url::{Host, Url};

use super::no_proxy::NoProxy;
use super::proxy::{BadProxy, Proxy, Source};
use crate::relay::obstacle::Obstacle;
use crate::relay_url::{is_local, is_onion, is_own};

/// The value that switches all proxies off.
const NONE: &str = "none";

/// The variables for http addresses, in the order of precedence.
const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
/// The variables for https addresses.
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
/// The variables for all addresses that have none of their own.
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
/// The variables that list the hosts without a proxy.
const NO: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A text that is set as a proxy and cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{origin}: {why}")]
pub struct ProxyError {
    /// The place of its setting.
    pub origin: Source,
    /// The reason.
    pub why: BadProxy,
}

/// The proxies of a user. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    explicit: Option<Proxy>,
    http: Option<Proxy>,
    https: Option<Proxy>,
    all: Option<Proxy>,
    none: NoProxy,
}

impl Proxies {
    /// Reads the proxy that the user set for this program, or "none", and otherwise those of the environment. An empty
    /// value is none.
    ///
    /// # Errors
    /// [`ProxyError`] if any of the values in use cannot be used: a connection beside the proxy would reveal what the
    /// proxy is there to hide.
    pub fn read(
        explicit: Option<(&str, Source)>,
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, ProxyError> {
        let parse = |text: &str, source| Proxy::parse(text, source).map_err(|why| ProxyError { origin: source, why });
        let set = |name: &&'static str| {
            let value = variable(name).filter(|value| !value.to_string_lossy().trim().is_empty())?;
            Some((*name, value))
        };
        let none = NO.iter().find_map(set).map(|(_, list)| NoProxy::parse(&list.to_string_lossy()));
        let none = none.unwrap_or_default();
        match explicit {
            Some((text, _)) if text.trim().eq_ignore_ascii_case(NONE) => return Ok(Self::default()),
            Some((text, source)) => {
                return Ok(Self { explicit: Some(parse(text, source)?), none, ..Self::default() });
            }
            None => {}
        }
        // Clients of a CGI script set its variable HTTP_PROXY, by their header `Proxy`.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let first = |names: [&'static str; 2]| {
            let mut usable = names.iter().filter(|name| !(is_cgi && **name == "HTTP_PROXY"));
            let found = usable.find_map(set);
            // Text that is not UTF-8 becomes text that is no address of a proxy.
            found.map(|(name, value)| parse(&value.to_string_lossy(), Source::Variable(name))).transpose()
        };
        Ok(Self { explicit: None, http: first(HTTP)?, https: first(HTTPS)?, all: first(ALL)?, none })
    }

    /// The proxy that leads to `url`. Never looks up a name.
    ///
    /// # Errors
    /// [`Obstacle::OnionNeedsProxy`] for an onion service without one: a look-up of its name would reveal it.
    /// [`Obstacle::NotToIpv6`].
    pub(super) fn to(&self, url: &Url) -> Result<Option<Proxy>, Obstacle> {
        let Some(host) = url.host() else { return Ok(None) };
        if is_own(&host) {
            return Ok(None);
        }
        let of_environment = if url.scheme() == "https" { &self.https } else { &self.http };
        let chosen = self.explicit.as_ref().or(of_environment.as_ref()).or(self.all.as_ref());
        if is_onion(&host) {
            return chosen.map(|proxy| Some(proxy.clone().looking_up())).ok_or(Obstacle::OnionNeedsProxy);
        }
        let is_beside =
            |proxy: &&Proxy| self.none.contains(&host, url.port_or_known_default()) || self.is_too_far(proxy, &host);
        match chosen.filter(|proxy| !is_beside(proxy)) {
            // The HTTP client takes the brackets for a part of the name in the certificate.
            Some(proxy) if url.scheme() == "https" && matches!(host, Host::Ipv6(_)) => {
                Err(Obstacle::NotToIpv6(proxy.clone()))
            }
            proxy => Ok(proxy.cloned()),
        }
    }

    /// Whether a host is on the local network, and `proxy` is a web proxy of the environment: that one is for hosts
    /// beyond it.
    fn is_too_far(&self, proxy: &Proxy, host: &Host<&str>) -> bool {
        self.explicit.is_none() && !proxy.is_socks() && is_local(host)
    }

    /// Whether one of them is a SOCKS proxy.
    pub(super) fn have_socks(&self) -> bool {
        let all = [&self.explicit, &self.http, &self.https, &self.all];
        all.into_iter().flatten().any(Proxy::is_socks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(explicit: Option<&str>, variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let variable =
            |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(*value));
        Proxies::read(explicit.map(|text| (text, Source::Argument)), variable)
    }

    /// The proxy that leads to `url`, in words; "" for none.
    fn to(explicit: Option<&str>, variables: &[(&str, &str)], url: &str) -> String {
        match read(explicit, variables).unwrap().to(&Url::parse(url).unwrap()) {
            Ok(proxy) => proxy.map(|proxy| proxy.to_string()).unwrap_or_default(),
            Err(obstacle) => obstacle.to_string(),
        }
    }

    #[test]
    fn the_first_setting_that_is_not_empty_leads_to_a_host() {
        let all = [("ALL_PROXY", "socks5h://a:1"), ("https_proxy", ""), ("HTTPS_PROXY", "b"), ("http_proxy", "c:3")];
        assert_eq!(to(None, &all, "https://relay.example"), "http://b:80 (set by HTTPS_PROXY)");
        assert_eq!(to(None, &all, "http://relay.example"), "http://c:3 (set by http_proxy)");
        assert_eq!(to(None, &all[..1], "http://10.0.0.1"), "socks5h://a:1 (set by ALL_PROXY)");
        assert_eq!(to(Some("socks5://d"), &all, "https://relay.example"), "socks5://d:1080 (set by --proxy)");
        for none in ["none", " None "] {
            assert_eq!(to(Some(none), &all, "https://relay.example"), "");
        }
        // The header `Proxy` of a request to a CGI script.
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil"), ("ALL_PROXY", "socks5h://a:1")];
        assert_eq!(to(None, &cgi, "http://relay.example"), "socks5h://a:1 (set by ALL_PROXY)");
        assert_eq!(to(None, &cgi[1..], "http://relay.example"), "http://evil:80 (set by HTTP_PROXY)");
    }

    #[test]
    fn this_computer_and_listed_hosts_are_reached_directly() {
        let set = [("all_proxy", "socks5h://a:1"), ("NO_PROXY", "10.0.0.0/8,.corp,relay.example")];
        for url in ["http://127.0.0.1:4080", "http://localhost", "http://[::1]:1", "http://a.localhost"] {
            assert_eq!(to(Some("socks5h://b:2"), &set, url), "", "{url}");
        }
        for url in ["http://10.1.2.3", "https://x.corp", "https://relay.example", "https://a.relay.example"] {
            assert_eq!(to(None, &set, url), "", "{url}");
        }
        assert_eq!(to(None, &set, "http://192.168.1.5"), "socks5h://a:1 (set by all_proxy)");
        // The web proxy of a company is for hosts beyond the local network, unless it was set for this program.
        let web = [("http_proxy", "w:1"), ("https_proxy", "w:1")];
        for url in ["http://192.168.1.5", "http://nas", "https://10.1.2.3:4000"] {
            assert_eq!(to(None, &web, url), "", "{url}");
            assert_eq!(to(Some("w:1"), &[], url), "http://w:1 (set by --proxy)", "{url}");
        }
    }

    #[test]
    fn proxies_carry_no_tls_to_an_ipv6_address() {
        for proxy in ["socks5h://a:1", "w:1"] {
            let carried = to(Some(proxy), &[], "https://[fd00::5]:4080");
            assert!(carried.contains("IPv6 address"), "{carried}");
            assert!(to(Some(proxy), &[], "http://[fd00::5]:4080").ends_with(":1 (set by --proxy)"));
            assert_eq!(to(Some(proxy), &[("no_proxy", "fd00::/8")], "https://[fd00::5]:4080"), "");
        }
    }

    #[test]
    fn an_onion_service_is_reached_by_a_proxy_or_not_at_all() {
        let needs = Obstacle::OnionNeedsProxy.to_string();
        for url in ["http://a.onion", "http://A.ONION.:80", "https://b.a.onion"] {
            assert_eq!(to(None, &[], url), needs, "{url}");
            assert_eq!(to(Some("none"), &[("all_proxy", "x")], url), needs, "{url}");
            let beside = [("all_proxy", "socks5://a:1"), ("no_proxy", "onion,*")];
            assert_eq!(to(None, &beside, url), "socks5h://a:1 (set by all_proxy)", "{url}");
        }
        assert_eq!(to(None, &[("http_proxy", "w:1")], "http://a.onion"), "http://w:1 (set by http_proxy)");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_an_error_and_no_password_is_shown() {
        for (value, error) in [
            ("socks4://a:1", "ALL_PROXY: socks4 proxies are not supported"),
            ("ftp://a", "ALL_PROXY: ftp proxies are not supported"),
            ("socks5h://a:0", "ALL_PROXY: a proxy has no port 0"),
            ("socks5h://a:1/path", "ALL_PROXY: a proxy's address ends after its port"),
            ("http://", "ALL_PROXY: not the address of a proxy"),
            ("socks5h:127.0.0.1:9050", "ALL_PROXY: not the address of a proxy"),
            ("http://a b", "ALL_PROXY: not the address of a proxy"),
        ] {
            assert_eq!(read(None, &[("ALL_PROXY", value)]).unwrap_err().to_string(), error, "{value}");
        }
        let desktop = read(None, &[("ALL_PROXY", "socks://user:secret@[::1]:9050/")]).unwrap();
        let proxy = desktop.to(&Url::parse("https://relay.example").unwrap()).unwrap().unwrap();
        assert_eq!(proxy.to_string(), "socks5h://[::1]:9050 (set by ALL_PROXY)");
        assert_eq!(proxy.address_with("USER:PASSWORD@"), "socks5h://USER:PASSWORD@[::1]:9050");
        assert!(proxy.has_password() && !format!("{desktop:?}").contains("secret"), "{desktop:?}");
    }
}
