//! A certificate chain with its key.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectAltName};

/// A certificate chain with its key, and what the relay reads in it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    /// Its names: of hosts in lower case, and addresses.
    pub names: Vec<String>,
    /// The time from which on it is valid, in Unix seconds.
    pub not_before: u64,
    /// The last time at which it is valid, in Unix seconds.
    pub not_after: u64,
    /// The identifier of its issuer's key, and its serial number: both identify it (RFC 9773, 4.1).
    pub(super) id: Option<[Vec<u8>; 2]>,
}

/// Why a certificate cannot be used with a key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// There is no certificate.
    #[error("there is no certificate in the file (expected PEM: -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// The certificate cannot be read.
    #[error("the certificate is damaged")]
    DamagedCertificate,
    /// There is no key.
    #[error("there is no private key without a passphrase in the file (expected PEM: -----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// The key cannot be used.
    #[error("the private key is damaged or of an unsupported kind (supported are RSA, P-256, P-384 and Ed25519)")]
    UnusableKey,
    /// They do not belong together.
    #[error("the private key is not that of the certificate")]
    Mismatch,
}

impl IdentityError {
    /// Whether the error is in the key.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::UnusableKey)
    }
}

impl Identity {
    /// The chain in `chain`, the server's certificate first, and the first key in `key`, both PEM.
    ///
    /// # Errors
    /// One of them cannot be used, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| IdentityError::DamagedCertificate)?;
        let first = chain.first().ok_or(IdentityError::NoCertificate)?;
        let parsed = Certificate::from_der(first).map_err(|_| IdentityError::DamagedCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => IdentityError::NoKey,
            _ => IdentityError::UnusableKey,
        })?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::Mismatch,
            Error::InvalidCertificate(_) => IdentityError::DamagedCertificate,
            _ => IdentityError::UnusableKey,
        })?;
        let validity = &parsed.tbs_certificate.validity;
        Ok(Self {
            certified: Arc::new(certified),
            names: names(&parsed),
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            id: id(&parsed),
        })
    }

    /// The time for which it is valid, in seconds.
    pub(super) fn lifetime(&self) -> u64 {
        self.not_after.saturating_sub(self.not_before)
    }

    /// Whether it has all of `names`.
    pub(super) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }
}

/// The names of hosts, and the addresses, for which a certificate is.
fn names(certificate: &Certificate) -> Vec<String> {
    let Ok(Some((_, all))) = certificate.tbs_certificate.get::<SubjectAltName>() else { return Vec::new() };
    let name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::IpAddress(ip) => match *ip.as_bytes() {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            ref bytes => <[u8; 16]>::try_from(bytes).ok().map(|ip| std::net::Ipv6Addr::from(ip).to_string()),
        },
        _ => None,
    };
    all.0.iter().filter_map(name).collect()
}

/// The identifier of the issuer's key, and the serial number as DER has it.
fn id(certificate: &Certificate) -> Option<[Vec<u8>; 2]> {
    let (_, issuer) = certificate.tbs_certificate.get::<AuthorityKeyIdentifier>().ok()??;
    let serial = certificate.tbs_certificate.serial_number.to_der().ok()?;
    // Without the tag and the length, which is short: a serial number has 20 bytes at most.
    Some([issuer.key_identifier?.as_bytes().to_vec(), serial.get(2..)?.to_vec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = include_bytes!("../../../tests/certificates/good.pem");
    const STRANGER: &[u8] = include_bytes!("../../../tests/certificates/stranger.pem");
    const KEY: &[u8] = include_bytes!("../../../tests/certificates/key.pem");

    #[test]
    fn a_certificate_has_names_and_times() {
        let identity = Identity::from_pem(GOOD, KEY).unwrap();
        assert_eq!(identity.names, ["127.0.0.1"]);
        assert!(identity.lifetime() > 90 * 365 * 86_400, "{identity:?}");
        assert!(identity.covers(&["127.0.0.1".to_owned()]) && !identity.covers(&["relay.example".to_owned()]));
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_explained() {
        let broken = |chain: &[u8], key: &[u8]| Identity::from_pem(chain, key).unwrap_err();
        assert_eq!(broken(b"", KEY), IdentityError::NoCertificate);
        assert_eq!(broken(KEY, KEY), IdentityError::NoCertificate);
        assert_eq!(broken(&GOOD[..GOOD.len() / 2], KEY), IdentityError::DamagedCertificate);
        assert_eq!(broken(GOOD, GOOD), IdentityError::NoKey);
        assert_eq!(broken(GOOD, &KEY[..KEY.len() / 2]), IdentityError::UnusableKey);
        assert_eq!(broken(STRANGER, KEY), IdentityError::Mismatch);
        let empty = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(broken(empty, KEY), IdentityError::DamagedCertificate);
    }
}
