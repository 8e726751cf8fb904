//! Options of the operator, and the state that all requests share.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use super::limits::{Limiter, Limits};
use super::room::Room;
use crate::relay::certificate::Certificates;
use crate::relay::metrics::Metrics;
use crate::relay::{Admission, Create, Relay};
use crate::relay_url::RelayUrl;
use crate::secret::DirectKey;

/// The default port of a server.
pub const PORT: u16 = 4080;
/// The default time for running requests when the server stops.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Options of the operator of a server.
#[derive(Debug)]
pub struct ServerOptions {
    /// The policy of admission.
    pub create: CreatePolicy,
    /// The address in links, if the server listens on another one.
    pub public_url: Option<RelayUrl>,
    /// The key for TLS on the same port as plain HTTP.
    pub direct: Option<DirectKey>,
    /// The certificates for TLS, without which no request is accepted then. `direct` excludes them.
    pub certificates: Option<Arc<Certificates>>,
    /// A listener for plain HTTP that redirects to `public_url`, and answers challenges for `certificates`.
    pub redirects: Option<TcpListener>,
    /// Whether plain HTTP is accepted. If not, only TLS with that key is, which browsers cannot use.
    pub plain: bool,
    /// The default time for running requests when the server stops.
    pub drain: Duration,
    /// The limit of connections at once. Further ones are closed.
    pub max_connections: usize,
    /// The limits of each client.
    pub limits: Limits,
    /// The counts for the operator.
    pub metrics: Arc<Metrics>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            create: CreatePolicy::default(),
            public_url: None,
            direct: None,
            certificates: None,
            redirects: None,
            plain: true,
            drain: DRAIN_TIME,
            max_connections: Limits::ALL_CONNECTIONS,
            limits: Limits::default(),
            metrics: Arc::default(),
        }
    }
}

/// The policy of admission: the clients that may create shares.
#[derive(Clone, Default)]
pub enum CreatePolicy {
    /// Programs on the same computer, not through a proxy.
    #[default]
    Loopback,
    /// Everyone.
    Open,
    /// Holders of a create token with one of these SHA-256 hashes.
    Tokens(Vec<[u8; 32]>),
    /// No client.
    Closed,
}

impl CreatePolicy {
    /// The SHA-256 of a create token.
    pub fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    /// Whether the policy allows `create`; `is_local` if the client is on this computer.
    pub(super) fn allows(&self, create: &Create, is_local: bool) -> bool {
        match self {
            Self::Open => true,
            Self::Loopback => is_local,
            Self::Closed => false,
            Self::Tokens(known) => {
                let hash = Self::hash(create.create_token.as_deref().unwrap_or_default());
                known.iter().fold(false, |found, token| found | bool::from(token.ct_eq(&hash)))
            }
        }
    }

    /// The hash of the create token that allows `create`, if one is needed.
    pub(super) fn token(&self, create: &Create) -> Option<[u8; 32]> {
        let is_needed = matches!(self, Self::Tokens(_));
        create.create_token.as_deref().filter(|_| is_needed).map(Self::hash)
    }

    /// The policy as clients learn it; `is_local` for one on this computer.
    pub(super) fn admission(&self, is_local: bool) -> Admission {
        match self {
            Self::Open => Admission::Open,
            Self::Loopback if is_local => Admission::Open,
            Self::Loopback | Self::Tokens(_) | Self::Closed => Admission::Token,
        }
    }
}

impl fmt::Debug for CreatePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Open => "Open",
            Self::Tokens(_) => "Tokens(…)",
            Self::Closed => "Closed",
        })
    }
}

/// The state that all requests share.
pub(super) struct Server {
    pub(super) relay: Arc<dyn Relay>,
    pub(super) options: ServerOptions,
    /// The address that it listens on.
    pub(super) listens: SocketAddr,
    /// The counts of all clients.
    pub(super) limiter: Arc<Limiter>,
    /// The path of the address in links, without a slash at its end, if it has one.
    pub(super) base: Option<Arc<str>>,
    /// Memory for long bodies.
    pub(super) bodies: Room,
    /// Memory for long answers.
    pub(super) answers: Room,
    /// Whether a request for a foreign host was logged.
    pub(super) misdirected: AtomicBool,
    /// Whether the server stops. Requests that wait for an event are answered at once then.
    pub(super) stopping: watch::Sender<bool>,
}

impl Server {
    /// The output of `work`, unless the server stops before.
    pub(super) async fn unless_stopping<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            output = work => Some(output),
            _ = stopping.wait_for(|stopping| *stopping) => None,
        }
    }

    pub(super) fn new(relay: Arc<dyn Relay>, options: ServerOptions, listens: SocketAddr) -> Self {
        let base = options.public_url.as_ref().and_then(RelayUrl::base_path).map(Arc::from);
        let limiter = Arc::new(Limiter::new(&options.limits));
        Self {
            relay,
            options,
            listens,
            limiter,
            base,
            bodies: Room::default(),
            answers: Room::default(),
            misdirected: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
        }
    }
}
