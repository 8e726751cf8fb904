//! The certificate of a relay, which is replaced while connections live.
//!
//! [`Certificates`] has the one that new connections get, and answers the challenges by which an ACME server validates
//! a name. [`files`] reads those of the operator, and [`acme`] gets those that a
//! relay orders itself. A connection keeps the certificate of its handshake.

pub mod acme;
mod challenges;
mod expiry;
pub mod files;
mod identity;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

pub(super) use self::challenges::ALPN;
use self::challenges::Challenges;
pub use self::identity::{Identity, IdentityError};

/// The state of a relay's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The names in it. Empty if there is none yet.
    pub names: Vec<String>,
    /// The last time at which it is valid, in Unix seconds. `None` if there is none yet.
    pub not_after: Option<u64>,
    /// The reason why it may soon be missing or is already: it is near its end, or cannot be got or renewed.
    pub problem: Option<String>,
}

/// The certificate that new connections get.
pub struct Certificates {
    current: RwLock<Option<Arc<CertifiedKey>>>,
    /// The only names for which there are connections, in lower case. `None`: any, and none.
    names: Option<Vec<String>>,
    challenges: Challenges,
    status: watch::Sender<CertificateStatus>,
}

impl Certificates {
    /// None yet. Connections for other names than `names`, if it lists any, are refused.
    pub fn new(names: Option<Vec<String>>) -> Arc<Self> {
        let status = watch::Sender::new(CertificateStatus::default());
        Arc::new(Self { current: RwLock::default(), names, challenges: Challenges::default(), status })
    }

    /// Follows what is known of the certificate.
    pub fn watch(&self) -> watch::Receiver<CertificateStatus> {
        self.status.subscribe()
    }

    /// Gives new connections this certificate.
    pub fn serve(&self, identity: &Identity) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(identity.certified.clone());
        self.status.send_modify(|status| {
            status.names.clone_from(&identity.names);
            status.not_after = Some(identity.not_after);
        });
    }

    /// Publishes why the certificate may soon be missing, or that nothing is wrong.
    fn note(&self, problem: Option<&str>) {
        self.status.send_if_modified(|status| {
            let is_new = status.problem.as_deref() != problem;
            status.problem = problem.map(str::to_owned);
            is_new
        });
    }

    /// Whether a handshake for `name` goes on.
    pub(super) fn has(&self, name: Option<&str>) -> bool {
        let Some(names) = &self.names else { return true };
        name.is_some_and(|name| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether a request for `host` is meant for this relay: it is a name of the certificate, or will be one.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_it = |name: &String| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        };
        match &self.names {
            Some(names) => names.iter().any(is_it),
            None => self.status.borrow().names.iter().any(is_it),
        }
    }

    /// The answer at the path of an HTTP-01 challenge with this token.
    pub(super) fn http_answer(&self, token: &str) -> Option<String> {
        self.challenges.http_answer(token)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // It offers nothing else (RFC 8737, 4).
        let is_challenge = hello.alpn().is_some_and(|protocols| protocols.eq([ALPN]));
        if is_challenge {
            return self.challenges.certificate(hello.server_name()?);
        }
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("status", &*self.status.borrow()).finish_non_exhaustive()
    }
}
