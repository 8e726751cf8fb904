//! Answers to the challenges of an ACME server, which connects to the name that it validates: over TLS on port 443
//! (TLS-ALPN-01, RFC 8737), or over HTTP on port 80 (HTTP-01, RFC 8555, 8.3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

/// The protocol that only challenges use (RFC 8737, 6.2).
pub(in crate::relay) const ALPN: &[u8] = b"acme-tls/1";

/// The answers that are waited for.
#[derive(Default)]
pub(super) struct Challenges(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    /// Certificates by name, in lower case.
    tls: HashMap<String, Arc<CertifiedKey>>,
    /// Key authorizations by token.
    http: HashMap<String, String>,
}

impl Challenges {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers TLS-ALPN-01 for `name` with the SHA-256 of a key authorization.
    ///
    /// # Errors
    /// The name cannot be in a certificate.
    pub(super) fn answer_by_tls(&self, name: &str, digest: &[u8]) -> Result<(), String> {
        let certificate = challenge_certificate(name, digest).map_err(|error| error.to_string())?;
        self.answers().tls.insert(name.to_ascii_lowercase(), Arc::new(certificate));
        Ok(())
    }

    /// Answers HTTP-01 for a token with its key authorization.
    pub(super) fn answer_by_http(&self, token: &str, authorization: &str) {
        self.answers().http.insert(token.to_owned(), authorization.to_owned());
    }

    /// Forgets all answers.
    pub(super) fn clear(&self) {
        *self.answers() = Answers::default();
    }

    pub(super) fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.answers().tls.get(&name.to_ascii_lowercase()).cloned()
    }

    pub(super) fn http_answer(&self, token: &str) -> Option<String> {
        self.answers().http.get(token).cloned()
    }
}

/// The self-signed certificate that answers TLS-ALPN-01 for `name`.
fn challenge_certificate(name: &str, digest: &[u8]) -> Result<CertifiedKey, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = ring::sign::any_supported_type(&PrivateKeyDer::try_from(key.serialize_der())?)?;
    // A check would refuse its critical extension, which is only for the ACME server.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
