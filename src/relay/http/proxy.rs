//! One proxy, and where it was set.

use std::fmt;

use url::Url;

/// The port of a SOCKS proxy whose address has none.
const SOCKS_PORT: u16 = 1080;

/// The place of a proxy's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the option `--proxy`.
    Argument,
    /// In an environment variable.
    Variable(&'static str),
    /// In the settings of the user.
    Settings,
}

impl fmt::Display for Source {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Argument => "--proxy",
            Self::Variable(name) => name,
            Self::Settings => "config.toml",
        })
    }
}

/// Reasons why a text is not the address of a proxy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadProxy {
    /// A scheme that is not supported.
    #[error("{0} proxies are not supported")]
    Scheme(String),
    /// Port 0.
    #[error("a proxy has no port 0")]
    Port,
    /// A path, a query or a fragment.
    #[error("a proxy's address ends after its port")]
    Path,
    /// Anything else.
    #[error("not the address of a proxy")]
    Unreadable,
}

/// A proxy. Its text has neither its user name nor its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Box<Setting>);

#[derive(Clone, PartialEq, Eq)]
struct Setting {
    url: Url,
    source: Source,
}

impl Proxy {
    /// Reads an address. Without a scheme it is that of an http proxy; `socks` is what desktops write for `socks5h`.
    ///
    /// # Errors
    /// [`BadProxy`], when the text is no address of a proxy.
    pub fn parse(text: &str, source: Source) -> Result<Self, BadProxy> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = match scheme.to_ascii_lowercase() {
            scheme if scheme == "socks" => "socks5h".to_owned(),
            scheme => scheme,
        };
        if !["http", "https", "socks5", "socks5h"].contains(&&*scheme) {
            let is_name = scheme.bytes().all(|c| c.is_ascii_alphanumeric()) && (1..=12).contains(&scheme.len());
            return Err(if is_name { BadProxy::Scheme(scheme) } else { BadProxy::Unreadable });
        }
        let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| BadProxy::Unreadable)?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(BadProxy::Unreadable);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(BadProxy::Path);
        }
        if url.port() == Some(0) {
            return Err(BadProxy::Port);
        }
        if url.port_or_known_default().is_none() {
            url.set_port(Some(SOCKS_PORT)).map_err(|()| BadProxy::Unreadable)?;
        }
        // The HTTP client connects directly if it cannot read the address of a proxy.
        let is_uri = url.as_str().parse::<http::Uri>().is_ok_and(|uri| uri.authority().is_some());
        if !is_uri || reqwest::Proxy::all(url.clone()).is_err() {
            return Err(BadProxy::Unreadable);
        }
        Ok(Self(Box::new(Setting { url, source })))
    }

    /// Its address, with user name and password.
    pub(super) fn url(&self) -> &Url {
        &self.0.url
    }

    /// Its scheme.
    pub fn scheme(&self) -> &str {
        self.0.url.scheme()
    }

    /// Whether it carries any connection, and no requests of its own.
    pub fn is_socks(&self) -> bool {
        self.scheme().starts_with("socks")
    }

    /// Whether the connection to the proxy itself is encrypted.
    pub fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    /// Whether it has a user name or a password.
    pub fn has_password(&self) -> bool {
        !self.0.url.username().is_empty() || self.0.url.password().is_some()
    }

    /// The refusal of a user without its password, as a verb with its object.
    pub(in crate::relay) fn about_password(&self) -> &'static str {
        if self.has_password() { "does not accept that password" } else { "requires a user name and a password" }
    }

    /// The address with this text before its host: `socks5h://USER:PASSWORD@127.0.0.1:9050`.
    pub fn address_with(&self, user: &str) -> String {
        let host = self.0.url.host_str().unwrap_or_default();
        let port = self.0.url.port_or_known_default().unwrap_or(SOCKS_PORT);
        format!("{}://{user}{host}:{port}", self.scheme())
    }

    /// The same proxy, which also looks up the names of hosts.
    #[must_use]
    pub(super) fn looking_up(mut self) -> Self {
        if self.scheme() == "socks5" {
            // Both schemes are special to nobody, so this cannot fail.
            let _ = self.0.url.set_scheme("socks5h");
        }
        self
    }
}

/// The scheme, the host and the port, and where it was set.
impl fmt::Display for Proxy {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} (set by {})", self.address_with(""), self.0.source)
    }
}

/// The same as [`Display`](fmt::Display).
impl fmt::Debug for Proxy {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Proxy({self})")
    }
}
