//! Settings of the HTTP client for relays and object stores.

mod network;
mod no_proxy;
pub(super) mod proxies;
pub(super) mod proxy;

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};
use url::Url;

pub use self::network::{Access, CertificatesError, Identity, Network};
use crate::platform::network::give_up_after;
use crate::relay::http::proxy::Proxy;
use crate::relay::obstacle::{NotByHttps, Obstacle};

/// Time to establish a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The same through a SOCKS proxy, which answers when the connection behind it stands.
const SOCKS_CONNECT_TIME: Duration = Duration::from_mins(1);
/// The longest silence on a connection.
pub(super) const IDLE_TIME: Duration = Duration::from_mins(1);
/// The proxy of requests that must not be sent: no connection to port 0 is possible.
const NOWHERE: &str = "http://127.0.0.1:0";
/// The slowest rate of a body, in bytes a second.
const SLOWEST: u64 = 8 * 1024;

/// A client that gives up on a connection after a silence of `idle`, and uses no proxy. It follows no redirects and
/// repeats no requests: its caller decides which requests may be repeated.
pub(super) fn direct_builder(idle: Duration) -> ClientBuilder {
    // Fails only if a provider is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        // Its reading of the environment ignores what it cannot use, and connects directly.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIME.min(idle))
        .tcp_nodelay(true)
        .http1_only()
        .referer(false)
        .retry(retry::never());
    // Detects a dead connection during a body; a slow one is no error.
    give_up_after(client, idle)
}

/// The server that a client is for.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// Its address.
    pub(super) url: &'a Url,
    /// Whether one key is accepted there, and no certificate.
    pub(super) is_pinned: bool,
    /// The headers and the certificate for a login in front of it.
    pub(super) access: Option<&'a Access>,
}

impl<'a> Target<'a> {
    /// A server whose certificate is checked.
    pub(super) fn to(url: &'a Url) -> Self {
        Self { url, is_pinned: false, access: None }
    }
}

/// A client of one server, through the proxy of `network` that leads there.
///
/// # Errors
/// The proxy cannot be used for this server.
pub(super) fn builder(
    idle: Duration,
    network: &Network,
    target: Target<'_>,
) -> Result<(ClientBuilder, Option<Proxy>), Obstacle> {
    let proxy = network.proxy_to(target.url)?;
    let mut builder = direct_builder(idle);
    let identity = target.access.and_then(Access::identity);
    if let Some(proxy) = proxy.as_ref().filter(|proxy| proxy.is_https()) {
        // The proxy would be verified by the same settings: it does not have the pinned key, and would get the
        // certificate of the client.
        let why = if identity.is_some() { Some(NotByHttps::Certificate) } else { None };
        let why = if target.is_pinned { Some(NotByHttps::Pin) } else { why };
        if let Some(why) = why {
            return Err(Obstacle::NotByHttps(proxy.clone(), why));
        }
    }
    let has_headers = target.access.is_some_and(|access| !access.headers.is_empty());
    if let Some(proxy) = proxy.as_ref().filter(|proxy| has_headers && !proxy.is_socks()) {
        // To http relays, web proxies forward each request, and read it.
        if target.url.scheme() == "http" {
            return Err(Obstacle::ReadsHeaders(proxy.clone()));
        }
    }
    let checks = target.url.scheme() == "https" || proxy.as_ref().is_some_and(Proxy::is_https);
    builder = if checks && !target.is_pinned {
        network.trusted_by(builder)
    } else {
        // Reading the system's certificates would take longer than a small share.
        builder.tls_certs_only([])
    };
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    if let Some(proxy) = &proxy {
        builder = through(builder, proxy, idle)?;
    }
    Ok((builder, proxy))
}

/// `builder`, with `proxy` for everything.
fn through(builder: ClientBuilder, proxy: &Proxy, idle: Duration) -> Result<ClientBuilder, Obstacle> {
    let time = time_to_connect(proxy.is_socks(), idle);
    let client = reqwest::Proxy::all(proxy.url().clone());
    let client = client.map_err(|error| Obstacle::NoProxy(proxy.clone(), error.to_string()))?;
    Ok(builder.proxy(client).connect_timeout(time))
}

/// The time for a connection through a proxy. It ends before that of its request, whose error would not name the proxy.
fn time_to_connect(is_socks: bool, idle: Duration) -> Duration {
    let time = if is_socks { SOCKS_CONNECT_TIME } else { CONNECT_TIME };
    time.min(idle.mul_f64(0.9))
}

/// A client whose requests go to several hosts, as those of a store do: each through the proxy that leads to it.
pub(super) fn wide_builder(idle: Duration, network: &Network) -> ClientBuilder {
    let proxies = network.proxies().clone();
    let time = time_to_connect(proxies.have_socks(), idle);
    let custom = reqwest::Proxy::custom(move |url| match proxies.to(url) {
        Ok(proxy) => proxy.map(|proxy| proxy.url().clone()),
        Err(_) => Url::parse(NOWHERE).ok(),
    });
    network.trusted_by(direct_builder(idle)).proxy(custom).connect_timeout(time)
}

/// The longest time for a body of `len` bytes at the slowest rate, shared with one more body.
pub(super) fn time_for(len: u64, idle: Duration) -> Duration {
    idle + Duration::from_secs(2 * len / SLOWEST)
}
