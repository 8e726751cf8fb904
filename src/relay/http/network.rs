//! How every client of this program connects: its proxies, and the certificate authorities that it trusts in addition.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, ClientBuilder};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use url::Url;
use zeroize::Zeroizing;

use super::proxies::Proxies;
use super::proxy::Proxy;
use crate::relay::obstacle::Obstacle;

/// Reasons why a file of certificates cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CertificatesError {
    /// It has none.
    #[error("contains no certificate")]
    NoCertificate,
    /// It has one that cannot be read.
    #[error("contains a damaged certificate")]
    BadCertificate,
    /// Its private key is damaged, or that of another certificate.
    #[error("does not match its private key")]
    OtherKey,
}

/// How clients connect. The default has neither proxies nor authorities of its own.
#[derive(Clone, Debug, Default)]
pub struct Network {
    proxies: Proxies,
    authorities: Vec<Certificate>,
}

impl Network {
    /// A network with `proxies`.
    pub fn new(proxies: Proxies) -> Self {
        Self { proxies, authorities: Vec::new() }
    }

    /// The same, with the authorities in `pem` in addition to those of the system.
    ///
    /// # Errors
    /// [`CertificatesError::NoCertificate`] and [`CertificatesError::BadCertificate`].
    pub fn trusting(self, pem: &[u8]) -> Result<Self, CertificatesError> {
        let mut roots = RootCertStore::empty();
        let read = |authority: Result<CertificateDer<'_>, _>| {
            let authority = authority.ok()?;
            roots.add(authority.clone()).ok()?;
            Certificate::from_der(&authority).ok()
        };
        let authorities: Option<Vec<_>> = CertificateDer::pem_slice_iter(pem).map(read).collect();
        match authorities {
            Some(authorities) if authorities.is_empty() => Err(CertificatesError::NoCertificate),
            Some(authorities) => Ok(Self { authorities, ..self }),
            None => Err(CertificatesError::BadCertificate),
        }
    }

    /// The proxy that leads to `url`.
    ///
    /// # Errors
    /// [`Obstacle::OnionNeedsProxy`].
    pub(in crate::relay) fn proxy_to(&self, url: &Url) -> Result<Option<Proxy>, Obstacle> {
        self.proxies.to(url)
    }

    /// Whether one of its proxies is a SOCKS proxy.
    pub(in crate::relay) fn has_socks(&self) -> bool {
        self.proxies.have_socks()
    }

    /// The proxies.
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// `builder`, with the authorities in addition to those of the system.
    pub(super) fn trusted_by(&self, builder: ClientBuilder) -> ClientBuilder {
        builder.tls_certs_merge(self.authorities.iter().cloned())
    }
}

/// A client certificate with its private key.
#[derive(Clone)]
pub struct Identity(reqwest::Identity);

impl Identity {
    /// Reads a certificate, those of its issuers, and the private key (PEM).
    ///
    /// # Errors
    /// Any [`CertificatesError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificatesError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|_| CertificatesError::BadCertificate)?;
        if chain.is_empty() {
            return Err(CertificatesError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| CertificatesError::OtherKey)?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|_| CertificatesError::OtherKey)?;
        reqwest::Identity::from_pem(pem).map(Self).map_err(|_| CertificatesError::BadCertificate)
    }
}

/// Headers and a certificate for the login in front of one relay. They are sent to its origin only.
#[derive(Clone, Default)]
pub struct Access {
    /// Headers of each request: names and values.
    pub headers: Vec<(String, Zeroizing<String>)>,
    /// A client certificate.
    pub identity: Option<Identity>,
}

impl Access {
    /// Whether the login takes the header `Authorization`.
    pub fn has_authorization(&self) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    }

    /// The headers, whose values are not for logs. `None` if one is not a header.
    pub(in crate::relay) fn header_map(&self) -> Option<HeaderMap> {
        let header = |(name, value): &(String, Zeroizing<String>)| {
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
        };
        self.headers.iter().map(header).collect()
    }

    /// The certificate, as the HTTP client takes it.
    pub(super) fn identity(&self) -> Option<reqwest::Identity> {
        self.identity.as_ref().map(|identity| identity.0.clone())
    }
}
