//! The certificate of `share relay`.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use tokio::sync::Notify;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;
use url::{Host, Url};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::relay::listening::{self, HTTPS};
use crate::relay::certificate::acme::{Acme, AcmeError, AcmeOptions, LETS_ENCRYPT};
use crate::relay::certificate::files::{CertificateFiles, FilesError};
use crate::relay::certificate::{CertificateStatus, Certificates, IdentityError};
use crate::relay::clock::SystemClock;
use crate::relay::metrics::{Certificate, Metrics};
use crate::relay::server::ServerOptions;
use crate::relay_url::RelayUrl;

/// How often the relay looks at the clock for a renewal.
const LOOK_TIME: Duration = Duration::from_mins(1);

/// The longest part of a name in DNS, in bytes.
const MAX_LABEL: usize = 63;

/// The heading of these options.
const CERTIFICATE: &str = "Certificate";

/// The certificate of a relay that runs here.
#[derive(Args)]
#[command(next_help_heading = CERTIFICATE)]
pub(super) struct TlsArgs {
    /// Get and renew a certificate for NAME, and listen on port 443 (repeatable)
    #[arg(long, value_name = "NAME", value_parser = domain, value_hint = ValueHint::Hostname)]
    domain: Vec<String>,
    /// Accept the terms of the certificate authority
    #[arg(long, requires = "domain")]
    accept_terms: bool,
    /// Get certificates from the ACME server at URL [default: Let's Encrypt]
    #[arg(
        long, value_name = "URL", value_parser = directory, value_hint = ValueHint::Url, requires = "domain",
        hide_short_help = true
    )]
    acme_directory: Option<Url>,
    /// Trust the certificates in FILE (PEM) for the ACME server [default: those of the system]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "domain", hide_short_help = true)]
    acme_ca: Option<PathBuf>,
    /// Let the certificate authority write to MAIL
    #[arg(
        long, value_name = "MAIL", value_parser = mail, value_hint = ValueHint::EmailAddress, requires = "domain",
        hide_short_help = true
    )]
    acme_contact: Option<String>,
    /// Use the certificate chain in FILE (PEM), and listen on port 443
    #[arg(
        long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key", conflicts_with = "domain"
    )]
    tls_cert: Option<PathBuf>,
    /// Use the private key in FILE (PEM)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Redirect plain HTTP on ADDRESS (port 80) to https, and let the authority use it
    #[arg(
        long, value_name = "ADDRESS", value_parser = listening::address, value_hint = ValueHint::Other,
        hide_short_help = true
    )]
    http_listen: Option<SocketAddr>,
}

/// The name of a host, as a certificate has it.
fn domain(text: &str) -> Result<String, String> {
    let expected = || "expected a name of this machine in DNS, like relay.example".to_owned();
    if text.contains('*') {
        return Err("wildcards need a certificate of your own: use --tls-cert".to_owned());
    }
    match Host::parse(text.trim_end_matches('.')).map_err(|_| expected())? {
        Host::Domain(name) if name.split('.').all(is_label) => Ok(name),
        _ => Err(expected()),
    }
}

/// Whether this is a part of a host's name (RFC 1123, 2.1).
fn is_label(label: &str) -> bool {
    let is_plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (1..=MAX_LABEL).contains(&label.len()) && is_plain && !label.starts_with('-') && !label.ends_with('-')
}

/// The address of the directory of an ACME server.
fn directory(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host());
    url.ok_or_else(|| "expected an https address, like https://acme.example/directory".to_owned())
}

/// A mail address, as far as it must have the form of one.
fn mail(text: &str) -> Result<String, String> {
    let is_mail = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, ',' | '?' | '<' | '>'));
    (is_mail && is_plain).then(|| text.to_owned()).ok_or_else(|| "expected a mail address".to_owned())
}

/// The task that keeps a certificate current.
type Keeper = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The TLS of a relay.
pub(super) struct Tls {
    certificates: Arc<Certificates>,
    /// The address of the relay, by its certificate. `None` if it has no name.
    url: Option<RelayUrl>,
    /// The listener for plain HTTP.
    redirects: Option<TcpListener>,
    keeper: Keeper,
    /// Makes `keeper` look at once.
    hurry: Arc<Notify>,
}

impl Tls {
    /// Makes a server use the certificate. Returns the tasks that keep it current and known, until they are aborted.
    pub(super) fn begin(self, options: &mut ServerOptions, metrics: Arc<Metrics>, cx: &Context) -> [JoinHandle<()>; 3] {
        let (mut status, mut reloads, hurry) = (self.certificates.watch(), cx.signals.reloads(), self.hurry);
        (options.certificates, options.redirects) = (Some(self.certificates), self.redirects);
        let publish = move |status: &mut Receiver<CertificateStatus>| {
            let until = status.borrow_and_update().not_after;
            metrics.set_certificate(until.map_or(Certificate::Missing, Certificate::Until));
        };
        // The first time now, before anything asks for it.
        publish(&mut status);
        let known = async move {
            while status.changed().await.is_ok() {
                publish(&mut status);
            }
        };
        let reloaded = async move {
            while reloads.next().await.is_some() {
                hurry.notify_one();
            }
        };
        [tokio::spawn(self.keeper), tokio::spawn(known), tokio::spawn(reloaded)]
    }
}

impl TlsArgs {
    /// Whether the relay has a certificate.
    pub(super) fn is_given(&self) -> bool {
        !self.domain.is_empty() || self.tls_cert.is_some()
    }

    /// Reads what there is of a certificate. `port` is where the relay listens.
    pub(super) async fn prepare(&self, port: u16, cx: &Context) -> Result<Option<Tls>, Failure> {
        let hurry = Arc::<Notify>::default();
        let (certificates, url, keeper) = match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => {
                let files = CertificateFiles { chain: chain.clone(), key: key.clone() };
                let current = files.load().map_err(|error| unusable(&error))?;
                let (certificates, name) = (Certificates::new(None), current.names.iter().find(|name| is_host(name)));
                certificates.serve(&current);
                let url = name.and_then(|name| address(name, port));
                let keeper: Keeper =
                    Box::pin(files.keep_current(certificates.clone(), current, Arc::new(SystemClock), hurry.clone()));
                (certificates, url, keeper)
            }
            _ if self.domain.is_empty() => {
                return match self.http_listen {
                    None => Ok(None),
                    Some(_) => Err(Failure::usage(
                        "--http-listen redirects to https, which this relay does not serve",
                        Hint::line("add --domain NAME, or --tls-cert FILE and --tls-key FILE"),
                    )),
                };
            }
            _ => {
                let certificates = Certificates::new(Some(self.domain.clone()));
                let acme = Acme::open(self.acme(cx)?, certificates.clone(), Arc::new(SystemClock));
                let acme = cx.or_interrupted(acme).await?.map_err(|error| refused(&error))?;
                let url = self.domain.first().and_then(|name| address(name, HTTPS));
                let keeper: Keeper = Box::pin(acme.keep_current(hurry.clone()));
                (certificates, url, keeper)
            }
        };
        let redirects = self.http_listen.map(|address| listening::bind("--http-listen", address)).transpose()?;
        Ok(Some(Tls { certificates, url, redirects, keeper, hurry }))
    }

    fn acme(&self, cx: &Context) -> Result<AcmeOptions, Failure> {
        let directory = self.acme_directory.as_ref().map_or(LETS_ENCRYPT, Url::as_str).to_owned();
        let server = Url::parse(&directory).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let unusable = |error: std::io::Error| {
            let what = format!("cannot use the state directory: {}", crate::safe_text::reason(&error));
            Failure::local(what, Hint::line("use --state-dir with a directory that you can write to"))
        };
        let root = cx.state().and_then(|state| state.subdirectory("acme")).map_err(unusable)?;
        let read = |path: &PathBuf| {
            let hint = Hint::line("use --acme-ca with a file of certificates in PEM");
            std::fs::read(path).map_err(|error| Failure::path(path, &error, hint))
        };
        let authority = self.acme_ca.as_ref().map(read).transpose()?;
        let mut names: Vec<String> = Vec::new();
        for name in &self.domain {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if directory == LETS_ENCRYPT
            && let Some(name) = names.iter().find(|name| !name.contains('.'))
        {
            return Err(Failure::usage(
                format!("--domain {name}: Let's Encrypt gives certificates only for names that the internet has"),
                Hint::line("use the full name of this machine in DNS, or another ACME server with --acme-directory"),
            ));
        }
        Ok(AcmeOptions {
            directory,
            server,
            authority,
            names,
            contact: self.acme_contact.clone(),
            accept_terms: self.accept_terms,
            has_http: self.http_listen.is_some(),
            root,
            look_time: LOOK_TIME,
            network: cx.network()?.clone(),
        })
    }
}

/// The address of a relay: the one that its operator announces, or that of its certificate.
///
/// # Errors
/// There is none, and plain HTTP has to be redirected to it.
pub(super) fn known_as(public_url: Option<RelayUrl>, tls: Option<&Tls>) -> Result<Option<RelayUrl>, Failure> {
    let url = public_url.or_else(|| tls?.url.clone());
    if url.is_none() && tls.is_some_and(|tls| tls.redirects.is_some()) {
        return Err(Failure::usage(
            "--http-listen redirects to the name of this relay, and its certificate has none",
            Hint::line("add --public-url URL with its address"),
        ));
    }
    Ok(url)
}

/// Whether a name in a certificate is that of one host.
fn is_host(name: &str) -> bool {
    matches!(Host::parse(name), Ok(Host::Domain(_))) && !name.contains('*')
}

/// The address of a relay with this name.
fn address(name: &str, port: u16) -> Option<RelayUrl> {
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    RelayUrl::parse(&format!("https://{name}{port}/")).ok()
}

/// Files of a certificate that cannot be used.
fn unusable(error: &FilesError) -> Failure {
    let hint = match error {
        FilesError::Irregular(_) => Hint::line("use files: the relay reads them again when they change"),
        FilesError::Unreadable(..) => Hint::line("use --tls-cert and --tls-key with files that this user can read"),
        FilesError::Unusable(_, IdentityError::NoKey) => {
            Hint::line("use --tls-key with a key without a passphrase: openssl pkey -in KEY -out NEW-KEY removes it")
        }
        FilesError::Unusable(_, IdentityError::Mismatch) => {
            Hint::line("use --tls-key with the key of that certificate")
        }
        FilesError::Unusable(..) => {
            Hint::line("use --tls-cert with a chain of certificates, the server's own first, in PEM")
        }
    };
    Failure::local(error.to_string(), hint)
}

/// Certificates that cannot be ordered.
fn refused(error: &AcmeError) -> Failure {
    let what = error.to_string();
    match error {
        AcmeError::Terms { .. } => {
            Failure::usage(what, Hint::line("read them; if you accept them, start once with --accept-terms"))
        }
        AcmeError::UnknownTerms { .. } => {
            Failure::usage(what, Hint::line("check --acme-directory; to accept the terms all the same: --accept-terms"))
        }
        AcmeError::ExternalAccount { .. } => {
            Failure::usage(what, Hint::line("use another --acme-directory, or --tls-cert FILE and --tls-key FILE"))
        }
        AcmeError::Locked(_) => {
            Failure::local(what, Hint::line("stop the other relay, or use another directory with --state-dir DIR"))
        }
        AcmeError::Damaged(_) => Failure::local(what, Hint::line("delete that file: the relay makes a new account")),
        AcmeError::Files(..) => {
            Failure::local(what, Hint::line("use --state-dir with a directory that you can write to"))
        }
        AcmeError::Client(_) => {
            Failure::local(what, Hint::line("install the package ca-certificates, or use --ca FILE"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_the_name_of_one_host() {
        assert_eq!(domain("Relay.Example."), Ok("relay.example".to_owned()));
        assert_eq!(domain("bücher.example"), Ok("xn--bcher-kva.example".to_owned()));
        let long = format!("{}.example", "a".repeat(MAX_LABEL + 1));
        for text in [
            "",
            ".",
            "*.example",
            "192.0.2.1",
            "[::1]",
            "relay.example:443",
            "https://relay.example",
            "a b",
            "_x.example",
            "relay..example",
            "-a.example",
            &long,
        ] {
            assert!(domain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_acme_server_is_asked_over_https() {
        assert!(directory("https://acme.example/directory").is_ok());
        for text in ["http://acme.example/directory", "acme.example", "https://", "file:///x"] {
            assert!(directory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_contact_is_one_mail_address() {
        assert!(mail("admin@relay.example").is_ok());
        for text in ["admin", "@x", "x@", "a@b,c@d", "a b@c", "a@b?cc=d"] {
            assert!(mail(text).is_err(), "{text}");
        }
    }
}
