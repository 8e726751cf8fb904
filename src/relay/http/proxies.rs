//! The proxies that a user has set, and which of them leads to a host.

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
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProxyError> {
        let parse = |text: &str, source| Proxy::parse(text, source).map_err(|why| ProxyError { origin: source, why });
        let set = |name: &&'static str| {
            let value = variable(name).filter(|value| !value.trim().is_empty())?;
            Some((*name, value))
        };
        let none = NO.iter().find_map(set).map_or_else(NoProxy::default, |(_, list)| NoProxy::parse(&list));
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
            found.map(|(name, value)| parse(&value, Source::Variable(name))).transpose()
        };
        Ok(Self { explicit: None, http: first(HTTP)?, https: first(HTTPS)?, all: first(ALL)?, none })
    }

    /// The proxy that leads to `url`. Never looks up a name.
    ///
    /// # Errors
    /// [`Obstacle::OnionNeedsProxy`] for an onion service without one: a look-up of its name would reveal it.
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
        let is_beside = |proxy: &&Proxy| self.none.contains(&host) || self.is_too_far(proxy, &host);
        Ok(chosen.filter(|proxy| !is_beside(proxy)).cloned())
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
