//! The files of one ACME server in the state directory: the account, the certificate with its key, the attempts. Only
//! this user can read them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::attempts::Attempts;
use crate::durable_fs::{private, private_dir, try_lock, write_private};
use crate::relay::certificate::Identity;

const LOCK: &str = "lock";
const CERTIFICATE: &str = "certificate.pem";

/// The account at an ACME server.
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    /// The address of the terms that were accepted. `None` if the server has none.
    pub(super) terms: Option<String>,
    pub(super) contact: Option<String>,
    /// The key, PKCS #8 as base64url. It is here before the server knows it, and a server has one account for a key.
    pub(super) key: Option<String>,
    /// The key and the address of the account. `None` until the server knows it.
    pub(super) credentials: Option<AccountCredentials>,
}

/// The longest time for which an order is gone on with, in seconds. Servers forget them sooner or later.
const MAX_AGE: u64 = 7 * 24 * 3600;

/// An order that was begun. It is on the disk, so that a certificate is made once, whatever happens then.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Its address.
    pub(super) url: String,
    pub(super) names: Vec<String>,
    /// The key of the certificate, in PEM.
    pub(super) key: String,
    /// When it was begun, in Unix seconds.
    pub(super) at: u64,
}

impl Begun {
    /// Whether it still is the order of these names.
    pub(super) fn is_for(&self, names: &[String], now: u64) -> bool {
        self.names == names && now.abs_diff(self.at) < MAX_AGE
    }
}

/// The files of one ACME server.
pub(super) struct Storage {
    root: PathBuf,
    /// Locked, so that no other process orders certificates with these files. Without it nothing is ordered.
    lock: io::Result<File>,
}

impl Storage {
    /// The files below `root` for the ACME server with this directory. `None` if another process uses them.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(root: &Path, server: &str, directory_url: &str) -> io::Result<Option<Self>> {
        let hash = Sha256::digest(directory_url);
        let host: String =
            server.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let name = format!("{host}-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
        let root = root.join(name);
        private_dir(&root)?;
        let lock = match private(&root.join(LOCK)) {
            Ok(lock) => lock,
            // Its certificate can be served all the same.
            Err(error) if root.join(CERTIFICATE).exists() => return Ok(Some(Self { root, lock: Err(error) })),
            Err(error) => return Err(error),
        };
        // Without locks there is no second process, as far as anybody can know.
        Ok((try_lock(&lock)? != Some(false)).then_some(Self { root, lock: Ok(lock) }))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.root.join(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| self.damaged(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn damaged(&self, name: &str) -> io::Error {
        let path = self.root.join(name);
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display()))
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        if let Err(error) = &self.lock {
            return Err(error.kind().into());
        }
        write_private(&self.root.join(name), &serde_json::to_vec(value)?)
    }

    /// # Errors
    /// Those of the file system, and a file that cannot be understood.
    pub(super) fn account(&self) -> io::Result<Option<Account>> {
        self.read("account.json")
    }

    pub(super) fn keep_account(&self, account: &Account) -> io::Result<()> {
        self.write("account.json", account)
    }

    /// The attempts so far; none if the file is damaged, since it only delays.
    pub(super) fn attempts(&self) -> Attempts {
        self.read("attempts.json").ok().flatten().unwrap_or_default()
    }

    pub(super) fn keep_attempts(&self, attempts: &Attempts) -> io::Result<()> {
        self.write("attempts.json", attempts)
    }

    /// The order that was begun last, unless its certificate was kept.
    pub(super) fn order(&self) -> Option<Begun> {
        self.read("order.json").ok().flatten()
    }

    /// Keeps an order with its key, before the server may make a certificate for them.
    pub(super) fn keep_order(&self, begun: &Begun) -> io::Result<()> {
        self.write("order.json", begun)
    }

    /// Forgets the order. One that cannot be removed is too old some day.
    pub(super) fn forget_order(&self) {
        let _ = fs::remove_file(self.root.join("order.json"));
    }

    /// The certificate, if there is one that can be used.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn certificate(&self) -> io::Result<Option<Identity>> {
        match fs::read(self.root.join(CERTIFICATE)) {
            Ok(pem) => Ok(Identity::from_pem(&pem, &pem).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a certificate with its key in one file, so that they always belong together.
    pub(super) fn keep_certificate(&self, chain: &str, key: &str) -> io::Result<()> {
        write_private(&self.root.join(CERTIFICATE), [key, chain].concat().as_bytes())
    }
}
