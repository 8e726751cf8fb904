//! `access/<origin>`: the headers and the certificate that this device sends to a login in front of a relay.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::durable_fs::{lock, parent, sync_dir};
use crate::relay_url::RelayUrl;
use crate::state::{StateDir, escaped, private, write_private};

/// The version of the file.
const V1: u8 = 1;

/// The headers and the certificate for the origin of a relay. Values are secrets: they are never printed.
#[derive(Clone, Default)]
pub(crate) struct KeptAccess {
    /// Headers that each request has: names and values.
    pub(crate) headers: Vec<(String, Zeroizing<String>)>,
    /// The file of a client certificate.
    pub(crate) client_cert: Option<PathBuf>,
    /// The file of its private key, if it is another one.
    pub(crate) client_key: Option<PathBuf>,
}

impl KeptAccess {
    /// Whether it has neither headers nor a certificate.
    pub(crate) fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.client_cert.is_none()
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    origin: String,
    headers: Vec<(String, String)>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
}

impl StateDir {
    /// The headers and the certificate for the origin of `relay`.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged ([`io::ErrorKind::InvalidData`]).
    pub(crate) fn access(&self, relay: &RelayUrl) -> io::Result<KeptAccess> {
        let bytes = match fs::read(self.access_path(relay)) {
            Ok(bytes) => Zeroizing::new(bytes),
            // A name that is too long for a file was never kept.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
                return Ok(KeptAccess::default());
            }
            Err(error) => return Err(error),
        };
        let kept: Option<Kept> = serde_json::from_slice(&bytes).ok();
        let kept = kept.filter(|kept| kept.v == V1 && kept.origin == origin(relay));
        let Kept { headers, client_cert, client_key, .. } = kept.ok_or_else(damaged)?;
        let headers = headers.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect();
        Ok(KeptAccess { headers, client_cert, client_key })
    }

    /// Changes what is kept for the origin of `relay`, and returns it. Programs that run at once keep each other's
    /// changes.
    ///
    /// # Errors
    /// The file cannot be read, written or removed, or is damaged.
    pub(crate) fn change_access(
        &self,
        relay: &RelayUrl,
        change: impl FnOnce(&mut KeptAccess),
    ) -> io::Result<KeptAccess> {
        let locked = private(&self.path(LOCK))?;
        lock(&locked)?;
        let mut access = self.access(relay)?;
        change(&mut access);
        self.keep_access(relay, &access)?;
        Ok(access)
    }

    /// Keeps `access` for the origin of `relay`; an empty one removes the file.
    fn keep_access(&self, relay: &RelayUrl, access: &KeptAccess) -> io::Result<()> {
        let path = self.access_path(relay);
        if access.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.and_then(|()| sync_dir(parent(&path))),
            };
        }
        self.subdirectory(ACCESS)?;
        let headers = access.headers.iter().map(|(name, value)| (name.clone(), String::clone(value))).collect();
        let KeptAccess { client_cert, client_key, .. } = access.clone();
        let kept = Kept { v: V1, origin: origin(relay), headers, client_cert, client_key };
        write_private(&path, &Zeroizing::new(serde_json::to_vec(&kept)?))
    }

    /// The file for the origin of `relay`.
    pub(crate) fn access_path(&self, relay: &RelayUrl) -> PathBuf {
        self.path(ACCESS).join(escaped(&origin(relay)))
    }
}

/// The name of the directory.
const ACCESS: &str = "access";
/// The file that a program locks to change one in the directory.
const LOCK: &str = "access.lock";

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")
}

/// The scheme, host and port of `relay`: other relays of the same origin share them.
fn origin(relay: &RelayUrl) -> String {
    relay.without_path()
}
