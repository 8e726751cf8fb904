//! Decisions of the operator, and everything that requests have in common.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::relay::{Admission, Create, Relay};
use crate::relay_url::RelayUrl;
use crate::secret::DirectKey;

/// The port of a server, where none is specified.
pub const PORT: u16 = 4080;
/// The most connections of a relay: a client has three.
const MAX_CONNECTIONS: usize = 4096;
/// The time that a server which stops gives to the requests that are running.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Decisions of the operator of a server.
#[derive(Debug)]
pub struct ServerOptions {
    /// Permission to create shares here.
    pub create: CreatePolicy,
    /// The address by which people reach this server, if it is another one than it listens on.
    pub public_url: Option<RelayUrl>,
    /// The key for TLS, besides plain HTTP on the same port.
    pub direct: Option<DirectKey>,
    /// Whether plain HTTP is accepted. Without it, only TLS with that key is, and browsers get nothing.
    pub plain: bool,
    /// The time that a server which stops gives to the requests that are running.
    pub drain: Duration,
    /// The most connections at once; more are closed at the door.
    pub max_connections: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            create: CreatePolicy::default(),
            public_url: None,
            direct: None,
            plain: true,
            drain: DRAIN_TIME,
            max_connections: MAX_CONNECTIONS,
        }
    }
}

/// Permission to create shares at a server.
#[derive(Clone, Default)]
pub enum CreatePolicy {
    /// For programs on the same machine, directly and not through a proxy.
    #[default]
    Loopback,
    /// For anybody.
    Open,
    /// For holders of one of these tokens, of which the server has the SHA-256.
    Tokens(Vec<[u8; 32]>),
    /// For nobody: shares come in another way.
    Closed,
}

impl CreatePolicy {
    /// The SHA-256 of a create token.
    pub fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }

    /// Whether `create` may be announced; `is_local` if its sender is on this machine.
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

    /// The policy as clients see it; `is_local` for those on this machine.
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

/// Everything that requests have in common.
pub(super) struct Server {
    pub(super) relay: Arc<dyn Relay>,
    pub(super) options: ServerOptions,
    /// The address that it listens on.
    pub(super) listens: SocketAddr,
}
