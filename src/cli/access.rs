//! The headers and client certificates for logins in front of relays, which `share relay use` keeps.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::relay::client::endpoint::Endpoint;
use crate::relay::{Access, Identity};
use crate::relay_url::RelayUrl;
use crate::safe_text::printable;
use crate::state::access::KeptAccess;

/// The hint for a damaged file of ours.
const AGAIN: &str = "remove that file, then specify the headers and the certificate again";
/// The hint for a certificate that cannot be used.
const CHAIN: &str = "the file must have the certificate, then those of its issuers, in PEM";
/// The hint for a file that cannot be read.
const KEPT: &str = "to specify another certificate: share relay use URL --client-cert FILE";

impl Context {
    /// The headers and the certificate for a login in front of `endpoint`. They never go to a sender's own computer.
    ///
    /// # Errors
    /// They are kept, and cannot be read.
    pub(super) fn access(&self, endpoint: &Endpoint) -> Result<Option<Access>, Failure> {
        if endpoint.is_direct() || endpoint.url.is_store() {
            return Ok(None);
        }
        loaded(&self.kept_access(&endpoint.url)?)
    }

    /// The headers and the files that are kept for the origin of `url`.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn kept_access(&self, url: &RelayUrl) -> Result<KeptAccess, Failure> {
        // Without a state directory nothing is kept.
        let Ok(state) = self.state() else { return Ok(KeptAccess::default()) };
        let failed = |error| Failure::path(&state.access_path(url), &error, Hint::line(AGAIN));
        state.access(url).map_err(failed)
    }
}

/// The headers of `kept`, and the certificate in its files.
///
/// # Errors
/// A file cannot be read, or does not have what it should.
pub(super) fn loaded(kept: &KeptAccess) -> Result<Option<Access>, Failure> {
    if kept.is_empty() {
        return Ok(None);
    }
    let identity = kept.client_cert.as_deref().map(|cert| identity(cert, kept.client_key.as_deref())).transpose()?;
    Ok(Some(Access { headers: kept.headers.clone(), identity }))
}

/// The certificate in the file `cert`, with the private key in `key`, or in the same file.
fn identity(cert: &Path, key: Option<&Path>) -> Result<Identity, Failure> {
    let read = |path: &Path| {
        let bytes = fs::read(path).map_err(|error| Failure::path(path, &error, Hint::line(KEPT)))?;
        Ok::<_, Failure>(Zeroizing::new(bytes))
    };
    let shown = |path: &Path| printable(&path.to_string_lossy());
    let key_path = key.unwrap_or(cert);
    let (of_cert, of_key) = (read(cert)?, read(key_path)?);
    let has = |words: &[u8]| of_key.windows(words.len()).any(|window| window == words);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        let command = format!("openssl pkey -in {} -out KEY", quoted(&key_path.to_string_lossy()));
        return Err(Failure::usage(format!("{} is encrypted", shown(key_path)), Hint::run(command)));
    }
    if !has(b"PRIVATE KEY-----") {
        let hint = Hint::line("specify the file of the key with --client-key");
        return Err(Failure::usage(format!("{} contains no private key", shown(key_path)), hint));
    }
    // The key is the first one in the text.
    let pem = Zeroizing::new([&of_key[..], b"\n", if key.is_some() { &of_cert } else { b"" }].concat());
    Identity::from_pem(&pem).map_err(|error| Failure::usage(format!("{} {error}", shown(cert)), Hint::line(CHAIN)))
}
