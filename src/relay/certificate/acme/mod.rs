//! Certificates that a relay orders itself, by ACME (RFC 8555).
//!
//! instant-acme signs and parses; the order of the steps, the waits and the files are ours. Everything that happened is
//! on the disk before the next step depends on it: the key of an account before the account, an order with its key
//! before the certificate. A relay that starts again serves the certificate that it has, goes on with the order that it
//! began, and asks the ACME server no sooner than it would have without the restart.

mod account;
mod attempts;
mod failure;
mod http;
mod order;
mod storage;

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use instant_acme::{CertificateIdentifier, Error};
use thiserror::Error as ThisError;
use tokio::sync::Notify;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::attempts::Attempts;
use self::failure::{Failure, Kind, reason_of, unwritable};
use self::http::AcmeHttp;
use self::order::{Method, Obtained, Ordering};
use self::storage::Storage;
use super::expiry::{self, Expiry};
use super::{Certificates, Identity};
use crate::relay::Network;
use crate::relay::clock::Clock;
use crate::safe_text::reason;

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The part of its lifetime that a certificate has left when it is renewed: one in so many.
const RENEWAL: u64 = 3;

/// How certificates are ordered.
#[derive(Clone, Debug)]
pub struct AcmeOptions {
    /// The address of the ACME server's directory, with https.
    pub directory: String,
    /// The host of that address.
    pub server: String,
    /// The certificates by which the ACME server is trusted (PEM). `None`: those of the system.
    pub authority: Option<Vec<u8>>,
    /// The names of the certificate, in lower case.
    pub names: Vec<String>,
    /// A mail address for the ACME server.
    pub contact: Option<String>,
    /// Whether the operator accepts the terms of the ACME server.
    pub accept_terms: bool,
    /// Whether plain HTTP is served where an ACME server asks for it.
    pub has_http: bool,
    /// The directory of the files.
    pub root: PathBuf,
    /// How often the clock is looked at.
    pub look_time: Duration,
    /// How to connect to the server.
    pub network: Network,
}

/// Why certificates cannot be ordered. None of these ends by itself.
#[derive(Debug, ThisError)]
pub enum AcmeError {
    /// The terms were not accepted.
    #[error("the terms of the ACME server {server} are not accepted yet: {terms}")]
    Terms {
        /// The host of the server.
        server: String,
        /// Their address.
        terms: String,
    },
    /// The terms were not accepted, and their address could not be asked for.
    #[error("the terms of the ACME server {server} are not accepted yet, and it could not be asked for them: {why}")]
    UnknownTerms {
        /// The host of the server.
        server: String,
        /// The reason.
        why: String,
    },
    /// The server only serves accounts of its own customers.
    #[error("the ACME server {server} requires an account at its operator, which is not supported")]
    ExternalAccount {
        /// The host of the server.
        server: String,
    },
    /// Another process has the files.
    #[error("another process orders certificates with the files in {}", .0.display())]
    Locked(PathBuf),
    /// The file of the account cannot be understood, and there is no certificate.
    #[error("{0}")]
    Damaged(String),
    /// The files cannot be read or written.
    #[error("cannot use the files in {}: {}", .0.display(), reason(.1))]
    Files(PathBuf, io::Error),
    /// There is no HTTP client.
    #[error("no https connection is possible from this machine: {0}")]
    Client(String),
}

/// The client of one ACME server.
pub struct Acme {
    options: AcmeOptions,
    http: AcmeHttp,
    storage: Storage,
    clock: Arc<dyn Clock>,
    certificates: Arc<Certificates>,
    current: Option<Identity>,
    attempts: Attempts,
    /// A certificate that could not be written.
    unkept: Option<Unkept>,
}

/// A certificate that is only in memory.
struct Unkept {
    chain: String,
    key: Zeroizing<String>,
    /// The problem.
    text: String,
}

impl Acme {
    /// Reads the files, and gives `certificates` the certificate in them. Asks the server only for its terms, if they
    /// were not accepted before.
    ///
    /// # Errors
    /// Terms that are not accepted, and files that cannot be used.
    pub async fn open(
        options: AcmeOptions,
        certificates: Arc<Certificates>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AcmeError> {
        let files = |error| AcmeError::Files(options.root.clone(), error);
        let storage = Storage::open(&options.root, &options.server, &options.directory).map_err(files)?;
        let storage = storage.ok_or_else(|| AcmeError::Locked(options.root.clone()))?;
        let http = AcmeHttp::new(&options.directory, options.authority.as_deref(), &options.network, clock.clone())
            .map_err(AcmeError::Client)?;
        let current = storage.certificate().map_err(files)?;
        match storage.account() {
            Ok(None) if !options.accept_terms => expect_no_terms(&http, &options.server).await?,
            Ok(_) => {}
            // The next attempt to renew it says so.
            Err(_) if current.is_some() => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(AcmeError::Damaged(error.to_string()));
            }
            Err(error) => return Err(files(error)),
        }
        if let Some(identity) = &current {
            certificates.serve(identity);
        }
        let attempts = storage.attempts().for_names(&options.names);
        Ok(Self { options, http, storage, clock, certificates, current, attempts, unkept: None })
    }

    /// Orders certificates whenever one is due, until it is dropped. `hurry` asks for an attempt at once after one that
    /// failed.
    pub async fn keep_current(mut self, hurry: Arc<Notify>) {
        let mut expiry = Expiry::default();
        self.log_wait();
        loop {
            self.keep_unkept();
            let reason = self.unkept.as_ref().map(|unkept| unkept.text.clone()).or_else(|| self.attempts.problem());
            expiry.check(&self.certificates, self.current.as_ref(), reason.as_deref(), self.clock.now());
            let now = self.clock.now();
            if now < self.due(now) && self.attempts.may_ask(now) {
                if AssertUnwindSafe(self.ask()).catch_unwind().await.is_err() {
                    self.attempts.suggest(None, None, &*self.clock);
                }
                let _ = self.keep_attempts(&self.attempts);
            }
            let due = self.due(now);
            if now < due {
                let pause = Duration::from_secs(due - now).min(self.options.look_time);
                if timeout(pause, hurry.notified()).await.is_ok() {
                    self.attempts.hurry();
                }
                continue;
            }
            // If this process dies in between, the next one does not ask at once.
            let mut begun = self.attempts.clone();
            begun.fail(&Failure::new(Kind::Silent, "the last attempt was interrupted"), &*self.clock);
            let writable = self.keep_attempts(&begun);
            if let Err(failure) = unless_panicked(self.attempt(writable)).await {
                if failure.kind == Kind::NoAccount {
                    self.forget_account();
                }
                self.attempts.fail(&failure, &*self.clock);
                let next = expiry::date(self.attempts.allowed(self.clock.now()));
                tracing::warn!(next, "there is no new certificate: {}", failure.text);
            }
            let _ = self.keep_attempts(&self.attempts);
        }
    }

    /// Says why nothing is tried now, after a start during a wait.
    fn log_wait(&self) {
        let (now, Some(reason)) = (self.clock.now(), &self.attempts.reason) else { return };
        let due = self.due(now);
        if now < due {
            let advice = if self.attempts.is_limited() { "" } else { " (SIGHUP tries at once)" };
            tracing::warn!(next = expiry::date(due), "there is no new certificate: {reason}{advice}");
        }
    }

    fn keep_attempts(&self, attempts: &Attempts) -> io::Result<()> {
        self.storage.keep_attempts(attempts).inspect_err(|error| tracing::warn!("{}", unwritable(error).text))
    }

    /// Writes a certificate that could not be written before.
    fn keep_unkept(&mut self) {
        let Some(unkept) = &self.unkept else { return };
        if self.storage.keep_certificate(&unkept.chain, &unkept.key).is_ok() {
            self.storage.forget_order();
            self.unkept = None;
            tracing::info!("the certificate is in the state directory now");
        }
    }

    /// Makes the next attempt make another account, under the terms that were accepted.
    fn forget_account(&self) {
        let forgotten = self.storage.account().and_then(|stored| match stored {
            Some(stored) => self.storage.keep_account(&storage::Account { credentials: None, ..stored }),
            None => Ok(()),
        });
        if let Err(error) = forgotten {
            tracing::warn!("cannot write to the state directory: {}", reason_of(&error));
        }
    }

    /// When the next attempt is, in Unix seconds.
    fn due(&self, now: u64) -> u64 {
        let covering = self.current.as_ref().filter(|identity| identity.covers(&self.options.names));
        let renewal = covering.map_or(0, |identity| {
            let at = identity.not_after - identity.lifetime() / RENEWAL;
            self.attempts.suggested.map_or(at, |suggested| suggested.min(at))
        });
        let rests = covering.is_none() && self.attempts.is_resting();
        if rests { renewal } else { renewal.max(self.attempts.allowed(now)) }
    }

    /// Asks the server when it would like the certificate to be renewed, which may be sooner than usual if it has to
    /// revoke many.
    async fn ask(&mut self) {
        let suggestion = match self.replaceable() {
            Some(id) => match self.known_account().await {
                Ok(Some(account)) => account.renewal_info(&id).await.ok(),
                _ => None,
            },
            None => None,
        };
        let (window, again) = suggestion.map(|(info, again)| (info.suggested_window, again.as_secs())).unzip();
        let window = window.map(|window| {
            [window.start, window.end].map(|time| u64::try_from(time.unix_timestamp()).unwrap_or_default())
        });
        self.attempts.suggest(window, again, &*self.clock);
    }

    /// The identifier of the certificate at the server.
    fn replaceable(&self) -> Option<CertificateIdentifier<'static>> {
        let [issuer, serial] = self.current.as_ref()?.id.as_ref()?;
        Some(CertificateIdentifier::new(issuer.as_slice().into(), serial.as_slice().into()).into_owned())
    }

    /// Gets a certificate, keeps it and serves it. `writable` is whether the state directory can be written. Without
    /// that nothing is made at the server: it would be lost, and made again.
    async fn attempt(&mut self, writable: io::Result<()>) -> Result<(), Failure> {
        let now = self.clock.now();
        let order = self.storage.order().filter(|order| order.is_for(&self.options.names, now));
        let begun = order.filter(|_| self.unkept.is_none());
        if begun.is_none() {
            writable.map_err(|error| unwritable(&error))?;
        }
        self.http.begin();
        let account = match self.known_account().await? {
            Some(account) => account,
            None => self.make_account().await?,
        };
        let has_suggestions = self.http.noted().directory.is_some_and(|directory| directory.renewal_info.is_some());
        let ordering = Ordering {
            // A server that does not like it gets the next order without.
            replaces: self.replaceable().filter(|_| has_suggestions && self.attempts.failures == 0),
            names: &self.options.names,
            method: self.method(),
            server: &self.options.server,
            http: &self.http,
            storage: &self.storage,
            certificates: &self.certificates,
            begun,
            now,
        };
        let Obtained { chain, key, identity } = ordering.run(&account).await?;
        // The order stays until its certificate is kept: the next start downloads it again.
        match self.storage.keep_certificate(&chain, &key) {
            Ok(()) => {
                self.storage.forget_order();
                self.unkept = None;
            }
            Err(error) => {
                let text = unwritable(&error).text;
                tracing::warn!("the certificate is only in memory: {text}");
                self.unkept = Some(Unkept { chain, key, text });
            }
        }
        self.certificates.serve(&identity);
        tracing::info!(until = expiry::date(identity.not_after), "got a certificate");
        self.attempts.succeed(self.clock.now(), identity.lifetime());
        self.current = Some(identity);
        Ok(())
    }

    /// HTTP-01 where it is served, and every second time TLS-ALPN-01, which may work where the other one does not.
    fn method(&self) -> Method {
        if self.options.has_http && self.attempts.failures.is_multiple_of(2) { Method::Http } else { Method::Tls }
    }

    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error, &self.options.server, &self.http.noted())
    }
}

/// Fails if a server has terms: they were not accepted.
async fn expect_no_terms(http: &AcmeHttp, server: &str) -> Result<(), AcmeError> {
    let server = server.to_owned();
    match http.directory().await {
        Ok(directory) if directory.meta.external_account_required => Err(AcmeError::ExternalAccount { server }),
        Ok(directory) => match directory.meta.terms_of_service {
            Some(terms) => Err(AcmeError::Terms { server, terms: crate::safe_text::printable(&terms) }),
            None => Ok(()),
        },
        Err(error) => {
            let why = Failure::of(&error, &server, &http.noted()).text;
            Err(AcmeError::UnknownTerms { server, why })
        }
    }
}

/// The result of an attempt, which fails if it panics: the next one may not.
async fn unless_panicked(attempt: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let panicked = || Failure::new(Kind::Refused, "the attempt ended by an error of this program");
    AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_attempt_that_panics_has_failed() {
        let failure = unless_panicked(async { panic!("expected in this test") }).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Refused);
    }
}
