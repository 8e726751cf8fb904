//! The address of a relay, as people write it and as links hold it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use crate::secret::holds_key;

/// Reasons why a text is not the address of a relay.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RelayUrlError {
    /// Not a URL.
    #[error("expected an address like https://relay.example")]
    Unreadable,
    /// It contains the key of a share.
    #[error("this is a link, not a relay address; keep its key secret")]
    Link,
    /// A folder on another machine, or a relative path.
    #[error("expected a folder like file:///srv/share")]
    Folder,
    /// A bucket without a name, or with a port.
    #[error("expected a bucket like s3://bucket/prefix, with letters, digits, and - _ . = in its prefix")]
    Bucket,
    /// An unknown scheme.
    #[error("{0} is not supported: use https, file:///… for a folder, or s3://… for a bucket")]
    Scheme(String),
    /// http to a host that is not on a local network.
    #[error("plain http works only on local networks, and {0} is not on one: use https")]
    PlainHttp(String),
}

/// The schemes of buckets: S3 and compatible services, Google Cloud Storage, Azure Blob Storage.
const BUCKETS: [&str; 3] = ["s3", "gs", "az"];

/// The address of a relay, without a trailing slash, a query or a fragment: a server, or a folder or a bucket that
/// needs none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrl(Url);

impl RelayUrl {
    /// Reads an address. Without a scheme it is http for hosts that can only be on a local network, else https.
    ///
    /// # Errors
    /// [`RelayUrlError`], when the text is no address that a relay can have.
    pub fn parse(text: &str) -> Result<Self, RelayUrlError> {
        let text = text.trim();
        if holds_key(text) {
            return Err(RelayUrlError::Link);
        }
        if text.starts_with(['/', '.', '~']) || (text.starts_with("file:") && !text.starts_with("file:///")) {
            return Err(RelayUrlError::Folder);
        }
        let bucket = BUCKETS.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':')));
        // Names of buckets and prefixes are used as written: folding or decoding would change them.
        if bucket
            && (!text.contains("://") || text.contains('%') || text.split('/').any(|part| [".", ".."].contains(&part)))
        {
            return Err(RelayUrlError::Bucket);
        }
        let mut url = if text.contains("://") {
            Url::parse(text).map_err(|_| RelayUrlError::Unreadable)?
        } else {
            let url = Url::parse(&format!("http://{text}")).map_err(|_| RelayUrlError::Unreadable)?;
            if url.host().as_ref().is_some_and(is_local) {
                url
            } else {
                Url::parse(&format!("https://{text}")).map_err(|_| RelayUrlError::Unreadable)?
            }
        };
        if url.fragment().is_some() || url.query().is_some() {
            return Err(RelayUrlError::Unreadable);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RelayUrlError::Unreadable);
        }
        match url.scheme() {
            "https" => {}
            "file" if url.host().is_none() && url.to_file_path().is_ok() => {}
            "file" => return Err(RelayUrlError::Folder),
            scheme if BUCKETS.contains(&scheme) => {
                // A prefix is part of object names, which nothing decodes.
                let is_plain = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-_.=".contains(&c));
                let bucket = url.host_str().unwrap_or_default();
                let is_name = bucket.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_plain(bucket);
                if !is_name || url.port().is_some() || !is_plain(url.path()) {
                    return Err(RelayUrlError::Bucket);
                }
            }
            "http" if url.host().as_ref().is_some_and(is_local) => {}
            "http" => return Err(RelayUrlError::PlainHttp(url.host_str().unwrap_or_default().to_owned())),
            other => return Err(RelayUrlError::Scheme(other.to_owned())),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The folder, if it is one.
    pub fn folder(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// The bucket's scheme, its name, and the prefix of all object names, without slashes around it.
    pub fn bucket(&self) -> Option<(&str, &str, &str)> {
        let scheme = self.0.scheme();
        let bucket = BUCKETS.contains(&scheme);
        bucket.then(|| (scheme, self.0.host_str().unwrap_or_default(), self.0.path().trim_matches('/')))
    }

    /// Whether this is a store without a server: each client applies the rules itself.
    pub fn is_store(&self) -> bool {
        !matches!(self.0.scheme(), "http" | "https")
    }

    /// The name of this relay: its host, with its port unless that is the default one; or its folder or bucket.
    pub fn name(&self) -> String {
        if self.bucket().is_some() {
            return self.0.to_string();
        }
        if let Some(folder) = self.folder() {
            return folder.to_string_lossy().into_owned();
        }
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the relay is below the root of its host.
    pub fn has_path(&self) -> bool {
        !matches!(self.0.path(), "" | "/")
    }

    /// The path below which the relay is, without a slash at its end. `None` at the root of its host.
    pub fn base_path(&self) -> Option<String> {
        self.has_path().then(|| self.0.path().trim_end_matches('/').to_owned())
    }

    /// The scheme, host and port, without a slash at the end.
    pub fn without_path(&self) -> String {
        let mut url = self.0.clone();
        url.set_path("");
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// The URL of `path` (which begins with a slash) at this relay.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether nobody on the way can pose as this server: https, this computer itself, or an onion service.
    pub fn is_authentic(&self) -> bool {
        let is_sure = |host: &Host<&str>| is_own(host) || is_onion(host);
        self.is_https() || (self.0.scheme() == "http" && self.0.host().as_ref().is_some_and(is_sure))
    }

    /// Whether it is an onion service.
    pub(crate) fn is_onion(&self) -> bool {
        self.0.host().as_ref().is_some_and(is_onion)
    }

    /// The address itself.
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// Whether its host can only be on a local network, or is an onion service.
    pub fn is_local(&self) -> bool {
        self.0.host().as_ref().is_some_and(is_local)
    }

    /// The port, if there is one.
    pub fn port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    /// The same host and port with TLS: the address of a link with a pinned key, in whatever way it is written.
    #[must_use]
    pub fn over_tls(&self) -> Self {
        let mut url = self.0.clone();
        if url.scheme() == "http" {
            let port = url.port_or_known_default();
            // Both schemes are special, and a host is there.
            let _ = url.set_scheme("https");
            let _ = url.set_port(port);
        }
        Self(url)
    }

    /// Whether a bare link, which has no scheme, can name this relay: the scheme that its host implies must be its own.
    pub fn has_bare_form(&self) -> bool {
        !self.is_store() && Self::parse(&self.bare()).as_ref() == Ok(self)
    }

    /// The host and path as they stand in a bare link.
    pub(crate) fn bare(&self) -> String {
        format!("{}{}", self.name(), self.0.path().trim_end_matches('/'))
    }
}

impl fmt::Display for RelayUrl {
    /// With a trailing slash: the address of the relay's page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether a host is this computer itself.
pub(crate) fn is_own(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.to_canonical().is_loopback(),
        Host::Domain(name) => is_in_zone(name, "localhost"),
    }
}

/// Whether a host is an onion service, which only a proxy finds.
pub(crate) fn is_onion(host: &Host<&str>) -> bool {
    matches!(host, Host::Domain(name) if is_in_zone(name, "onion"))
}

/// Whether `name` is `zone`, or below it.
fn is_in_zone(name: &str, zone: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next();
    last.is_some_and(|last| last.eq_ignore_ascii_case(zone))
}

/// Whether a host can only be on a local network. Plain http is allowed there, since no authority issues certificates
/// for such hosts.
pub(crate) fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        Host::Ipv6(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => is_local(&Host::Ipv4(ip)),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.')
                || ["localhost", "local", "lan", "home.arpa", "onion"]
                    .iter()
                    .any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
        }
    }
}
