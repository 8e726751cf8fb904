//! A certificate in files of the operator, read again when they change.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::expiry::{self, Expiry};
use super::{Certificates, Identity, IdentityError};
use crate::platform::files;
use crate::relay::clock::Clock;
use crate::safe_text::{printable, reason};

/// How often the files are looked at.
const LOOK_TIME: Duration = Duration::from_secs(2);
/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A certificate chain and its key, in PEM files. They may be one file.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, with the server's own certificate first.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why the files cannot be used.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("cannot read {}: {}", printable(&.0.display().to_string()), reason(.1))]
    Unreadable(PathBuf, io::Error),
    /// It is a pipe or the like, which cannot be read again.
    #[error("{} is not a regular file", printable(&.0.display().to_string()))]
    Irregular(PathBuf),
    /// Their content cannot be used.
    #[error("cannot use {}: {}", printable(&.0.display().to_string()), .1)]
    Unusable(PathBuf, IdentityError),
}

impl CertificateFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or used, or they do not belong together.
    pub fn load(&self) -> Result<Identity, FilesError> {
        let (chain, key) = (read(&self.chain)?, read(&self.key)?);
        Identity::from_pem(&chain, &key).map_err(|error| {
            let path = if error.is_of_key() { &self.key } else { &self.chain };
            FilesError::Unusable(path.clone(), error)
        })
    }

    /// The metadata that changes with the files. Links are followed: certbot and Kubernetes replace those.
    fn seen(&self) -> [Option<Metadata>; 2] {
        [&self.chain, &self.key].map(|path| fs::metadata(path).ok())
    }

    /// Gives `certificates` the files' new content whenever they change or `reload` is notified, until it is dropped. A
    /// pair that cannot be used is logged, and the one before stays. `current` is what was read at first.
    pub async fn keep_current(
        self,
        certificates: Arc<Certificates>,
        current: Identity,
        clock: Arc<dyn Clock>,
        reload: Arc<Notify>,
    ) {
        let (mut current, mut failure, mut expiry) = (current, None::<String>, Expiry::default());
        // Not those of the first reading, after which they may have changed already.
        let mut seen = [None, None];
        loop {
            expiry.check(&certificates, Some(&current), failure.as_deref(), clock.now());
            let is_asked = timeout(LOOK_TIME, reload.notified()).await.is_ok();
            let now = self.seen();
            let is_changed = !seen.iter().zip(&now).all(|(before, now)| is_same(before.as_ref(), now.as_ref()));
            // A pair that was read while it was written gets another chance, whatever the times of the files are.
            if !is_changed && !is_asked && failure.is_none() {
                continue;
            }
            seen = now;
            match self.load() {
                Ok(identity) => {
                    failure = None;
                    if is_asked || !is_same_pair(&identity, &current) {
                        tracing::info!(until = expiry::date(identity.not_after), "the certificate was read again");
                    }
                    certificates.serve(&identity);
                    current = identity;
                }
                Err(error) => {
                    let error = error.to_string();
                    if is_asked || failure.as_ref() != Some(&error) {
                        tracing::warn!("the previous certificate stays in use: {error}");
                    }
                    failure = Some(error);
                }
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FilesError> {
    let unreadable = |error| FilesError::Unreadable(path.to_owned(), error);
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FilesError::Irregular(path.to_owned()));
    }
    files::read_short(path, MAX_FILE).map_err(unreadable)
}

fn is_same(before: Option<&Metadata>, now: Option<&Metadata>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            let is_unchanged = before.len() == now.len() && before.modified().ok() == now.modified().ok();
            is_unchanged && files::is_same(before, now)
        }
        (before, now) => before.is_none() && now.is_none(),
    }
}

fn is_same_pair(one: &Identity, other: &Identity) -> bool {
    one.certified.cert == other.certified.cert
}
