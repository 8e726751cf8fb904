//! How a command connects: its proxies, and the certificate authorities that it trusts in addition.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::cli::config::{self, Config};
use crate::cli::output::errors::Failure;
use crate::relay::{BadProxy, CertificatesError, Network, Proxies, Proxy, ProxyError, Source};
use crate::safe_text::printable;

/// The variable of `--proxy`.
const PROXY: &str = "SHARE_PROXY";
/// The hint for a file of authorities that cannot be used.
const CA_HINT: &str = "specify a file of certificates in PEM";

/// The network of a command. Its options are read when the command first connects: one that does not connect cannot
/// fail for them.
pub(super) struct Setting {
    proxy: Option<String>,
    ca: Option<PathBuf>,
    network: OnceLock<Network>,
}

impl Setting {
    /// The values of `--proxy` and `--ca`.
    pub(super) fn new(proxy: Option<String>, ca: Option<PathBuf>) -> Self {
        Self { proxy, ca, network: OnceLock::new() }
    }

    /// Whether the arguments have the password of a proxy, which other users of this computer can read.
    pub(super) fn shows_password(&self) -> bool {
        let shown = self.proxy.as_deref().filter(|text| std::env::var(PROXY).as_deref() != Ok(text));
        shown.and_then(|text| Proxy::parse(text, Source::Argument).ok()).is_some_and(|proxy| proxy.has_password())
    }

    /// Whether `config` has the password of a proxy, and other users of this computer can read its file.
    pub(super) fn discloses_password(config: &Config) -> bool {
        let proxy = config.proxy.as_deref().and_then(|text| Proxy::parse(text, Source::Settings).ok());
        proxy.is_some_and(|proxy| proxy.has_password()) && Config::is_disclosed()
    }

    /// The network, by these options, the environment and `config`.
    ///
    /// # Errors
    /// A proxy that cannot be used, and a file of authorities that cannot be read.
    pub(super) fn get(&self, config: &Config) -> Result<&Network, Failure> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let read = self.read(config)?;
        Ok(self.network.get_or_init(|| read))
    }

    fn read(&self, config: &Config) -> Result<Network, Failure> {
        let is_variable = |text: &str| std::env::var(PROXY).as_deref() == Ok(text);
        let source = |text| if is_variable(text) { Source::Variable(PROXY) } else { Source::Argument };
        let given = self.proxy.as_deref().map(|text| (text, source(text)));
        let configured = || config.proxy.as_deref().map(|text| (text, Source::Settings));
        let is_set = |(text, _): &(&str, Source)| !text.trim().is_empty();
        let explicit = given.filter(is_set).or_else(|| configured().filter(is_set));
        let proxies = Proxies::read(explicit, std::env::var_os).map_err(|error| unusable(&error))?;
        let ca = self.ca.as_deref().or(config.ca.as_deref());
        let Some(path) = ca.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Network::new(proxies));
        };
        let pem = std::fs::read(path).map_err(|error| Failure::path(path, &error, CA_HINT))?;
        Network::new(proxies).trusting(&pem).map_err(|error| unusable_ca(path, &error))
    }
}

fn unusable_ca(path: &Path, error: &CertificatesError) -> Failure {
    Failure::usage(format!("{} {error}", printable(&path.to_string_lossy())), CA_HINT)
}

/// The error of a proxy that cannot be used.
fn unusable(error: &ProxyError) -> Failure {
    let hint = match error.why {
        BadProxy::Scheme(_) => "use socks5h://HOST:PORT or http://HOST:PORT",
        BadProxy::Port | BadProxy::Path | BadProxy::Unreadable => "an address looks like socks5h://HOST:PORT",
    };
    match error.origin {
        Source::Settings => config::wrong("proxy", &error.why.to_string()),
        Source::Argument | Source::Variable(_) => Failure::usage(error.to_string(), hint),
    }
}
