//! Certificates that a relay orders itself, by ACME (RFC 8555).
//!
//! instant-acme signs and parses; the order of the steps, the waits and the files are ours. Everything that happened is
//! on the disk before the next step depends on it: a relay that starts again serves the certificate that it has, and
//! asks the ACME server no sooner than it would have without the restart.

mod attempts;
mod failure;
mod http;
mod order;
mod storage;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{Account, CertificateIdentifier, Error, NewAccount};
use thiserror::Error as ThisError;
use tokio::sync::Notify;
use tokio::time::timeout;

use self::attempts::Attempts;
use self::failure::{Failure, Kind};
use self::http::AcmeHttp;
use self::order::{Method, Ordering};
use self::storage::Storage;
use super::expiry::{self, Expiry};
use super::{Certificates, Identity};
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
        let http = AcmeHttp::new(options.directory.clone(), options.authority.as_deref(), clock.clone())
            .map_err(|error| AcmeError::Client(error.to_string()))?;
        match storage.account().map_err(files)? {
            None if !options.accept_terms => expect_no_terms(&http, &options.server).await?,
            _ => {}
        }
        let current = storage.certificate().map_err(files)?;
        if let Some(identity) = &current {
            certificates.serve(identity);
        }
        let attempts = storage.attempts();
        Ok(Self { options, http, storage, clock, certificates, current, attempts })
    }

    /// Orders certificates whenever one is due, until it is dropped. `hurry` asks for an attempt at once after one that
    /// failed.
    pub async fn keep_current(mut self, hurry: Arc<Notify>) {
        let mut expiry = Expiry::default();
        loop {
            let reason = self.attempts.reason.clone();
            expiry.check(&self.certificates, self.current.as_ref(), reason.as_deref(), self.clock.now());
            let now = self.clock.now();
            if now < self.due(now) && self.attempts.may_ask(now) {
                self.ask().await;
                self.keep_attempts(&self.attempts);
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
            begun.fail(Kind::Silent, "the last attempt was interrupted", &*self.clock);
            self.keep_attempts(&begun);
            if let Err(failure) = self.attempt().await {
                if failure.kind == Kind::NoAccount {
                    self.forget_account();
                }
                self.attempts.fail(failure.kind, &failure.text, &*self.clock);
                let next = expiry::date(self.attempts.allowed(self.clock.now()));
                tracing::warn!(next, "there is no new certificate: {}", failure.text);
            }
            self.keep_attempts(&self.attempts);
        }
    }

    fn keep_attempts(&self, attempts: &Attempts) {
        if let Err(error) = self.storage.keep_attempts(attempts) {
            tracing::warn!("cannot write to the state directory: {}", reason_of(&error));
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
        renewal.max(self.attempts.allowed(now))
    }

    /// Asks the server when it would like the certificate to be renewed, which may be sooner than usual if it has to
    /// revoke many.
    async fn ask(&mut self) {
        let suggestion = match (self.replaceable(), self.account().await) {
            (Some(id), Ok(account)) => account.renewal_info(&id).await.ok(),
            _ => None,
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

    /// Gets a certificate, keeps it and serves it.
    async fn attempt(&mut self) -> Result<(), Failure> {
        self.http.begin();
        let account = self.account().await?;
        let has_suggestions = self.http.noted().directory.is_some_and(|directory| directory.renewal_info.is_some());
        let ordering = Ordering {
            // A server that does not like it gets the next order without.
            replaces: self.replaceable().filter(|_| has_suggestions && self.attempts.failures == 0),
            names: &self.options.names,
            method: self.method(),
            server: &self.options.server,
            http: &self.http,
            certificates: &self.certificates,
        };
        tracing::info!(names = self.options.names.join(" "), "ordering a certificate");
        let obtained = ordering.run(&account).await?;
        // One that cannot be kept is served all the same. The next start orders another one.
        if let Err(error) = self.storage.keep_certificate(&obtained.chain, &obtained.key) {
            tracing::warn!("cannot write the certificate to the state directory: {}", reason_of(&error));
        }
        self.certificates.serve(&obtained.identity);
        tracing::info!(until = expiry::date(obtained.identity.not_after), "got a certificate");
        self.attempts.succeed(self.clock.now(), obtained.identity.lifetime());
        self.current = Some(obtained.identity);
        Ok(())
    }

    /// HTTP-01 where it is served, and every second time TLS-ALPN-01, which may work where the other one does not.
    fn method(&self) -> Method {
        if self.options.has_http && self.attempts.failures.is_multiple_of(2) { Method::Http } else { Method::Tls }
    }

    /// The account at the server, made if there is none.
    async fn account(&self) -> Result<Account, Failure> {
        let files = |error: io::Error| Failure::new(Kind::Refused, format!("the account: {}", reason_of(&error)));
        let stored = self.storage.account().map_err(files)?;
        let (terms, contact) = match stored {
            Some(storage::Account { terms, contact, credentials: Some(credentials) }) => {
                let builder = Account::builder_with_http(Box::new(self.http.clone()));
                let account = builder.from_credentials(credentials).await.map_err(|error| self.failure(&error))?;
                return self.checked(account, terms, contact).await;
            }
            Some(stored) => (stored.terms, stored.contact),
            None => (None, None),
        };
        let directory = self.http.directory().await.map_err(|error| self.failure(&error))?;
        let is_accepted = self.options.accept_terms || terms.is_some() || directory.meta.terms_of_service.is_none();
        if !is_accepted {
            let what = format!("{} has terms now: start once with --accept-terms", self.options.server);
            return Err(Failure::new(Kind::Refused, what));
        }
        let contact = self.options.contact.clone().or(contact);
        let addresses: Vec<_> = contact.iter().map(|mail| format!("mailto:{mail}")).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &addresses, terms_of_service_agreed: true, only_return_existing: false };
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let created = builder.create(&new, self.options.directory.clone(), None).await;
        let (account, credentials) = created.map_err(|error| self.failure(&error))?;
        tracing::info!(server = self.options.server, "made an account at the ACME server");
        let terms = directory.meta.terms_of_service;
        let kept = storage::Account { terms, contact, credentials: Some(credentials) };
        self.storage.keep_account(&kept).map_err(files)?;
        Ok(account)
    }

    /// An account from the files, after a look at what may have changed since: the terms and the contact.
    async fn checked(
        &self,
        account: Account,
        terms: Option<String>,
        contact: Option<String>,
    ) -> Result<Account, Failure> {
        let directory = self.http.noted().directory.unwrap_or_default();
        let changed = directory.meta.terms_of_service.filter(|new| terms.as_ref() != Some(new));
        if let Some(new) = &changed {
            tracing::warn!(terms = %crate::safe_text::printable(new), "the ACME server has new terms");
        }
        let new_contact = self.options.contact.clone().filter(|new| contact.as_ref() != Some(new));
        if let Some(mail) = &new_contact {
            let address = format!("mailto:{mail}");
            account.update_contacts(&[&address]).await.map_err(|error| self.failure(&error))?;
        }
        if changed.is_some() || new_contact.is_some() {
            let files = |error: io::Error| Failure::new(Kind::Refused, format!("the account: {}", reason_of(&error)));
            let credentials = self.storage.account().map_err(files)?.and_then(|stored| stored.credentials);
            let kept = storage::Account { terms: changed.or(terms), contact: new_contact.or(contact), credentials };
            self.storage.keep_account(&kept).map_err(files)?;
        }
        Ok(account)
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

/// The reason of an error of a file, with the text of our own ones.
fn reason_of(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::InvalidData { error.to_string() } else { reason(error) }
}
