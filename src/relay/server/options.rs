//! Options of the operator, and the state that all requests share.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::watch;

use super::limits::{Limiter, Limits};
use super::room::Room;
use super::tokens::{CreateToken, CreateTokens};
use crate::relay::certificate::Certificates;
use crate::relay::here::Here;
use crate::relay::metrics::Metrics;
use crate::relay::{Admission, Relay, RelayError};
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
    /// How to reach the operator, for everybody.
    pub contact: Option<String>,
    /// The key for TLS on the same port as plain HTTP.
    pub direct: Option<DirectKey>,
    /// The certificates for TLS, without which no request is accepted then. `direct` excludes them.
    pub certificates: Option<Arc<Certificates>>,
    /// A listener for plain HTTP that redirects to `public_url`, and answers challenges for `certificates`.
    pub redirects: Option<TcpListener>,
    /// More listeners for the same service as the main one.
    pub more: Vec<TcpListener>,
    /// Answers the question whether an address leads to this process, under any host.
    pub here: Option<Arc<Here>>,
    /// Whether only `public_url` names this server: a tunnel ends here, and no address of this computer is meant.
    pub only_public: bool,
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

impl ServerOptions {
    /// Whether browsers get the page that sends: not from a sender's own computer, which takes no shares of others.
    pub(super) fn sends(&self) -> bool {
        !matches!(self.create, CreatePolicy::Closed)
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            create: CreatePolicy::default(),
            public_url: None,
            contact: None,
            direct: None,
            certificates: None,
            redirects: None,
            more: Vec::new(),
            here: None,
            only_public: false,
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
    /// Holders of one of these create tokens.
    Tokens(Arc<CreateTokens>),
    /// No client.
    Closed,
}

impl CreatePolicy {
    /// The create token that authorizes a new share, if one is needed; `is_local` for a client on this computer.
    ///
    /// # Errors
    /// [`RelayError::NotAllowed`].
    pub(super) fn admit(&self, token: Option<&str>, is_local: bool) -> Result<Option<CreateToken>, RelayError> {
        match self {
            Self::Open => Ok(None),
            Self::Loopback if is_local => Ok(None),
            Self::Loopback | Self::Closed => Err(RelayError::NotAllowed),
            Self::Tokens(known) => known.find(token.unwrap_or_default()).map(Some).ok_or(RelayError::NotAllowed),
        }
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
        if options.only_public {
            limiter.expect_tunnel();
        }
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
