//! The state directory: data and files that outlive a run. This device's secret, create tokens, credentials for
//! logins in front of relays, the outbox, the journal of openings, what can be reported. A link's secret is never among
//! them.

pub(crate) mod access;
pub mod journal;
pub mod outbox;
pub mod reportable;
mod tokens;

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::durable_fs::{parent, rename_new_anywhere, sync, sync_dir, written_beside};
pub(crate) use crate::durable_fs::{private, private_dir, write_private};
use crate::platform::files;
use crate::secret::DeviceSecret;

/// The state directory.
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Opens the state directory at `root`, and makes it where it is missing.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        private_dir(&root)?;
        Ok(Self { root })
    }

    /// This device's secret, made and kept when it is first needed.
    ///
    /// # Errors
    /// The file cannot be read or written, or does not hold 32 bytes ([`io::ErrorKind::InvalidData`]).
    pub fn device(&self) -> io::Result<DeviceSecret> {
        let path = self.root.join("device");
        for _ in 0..3 {
            match fs::read(&path) {
                // A program was killed after it took the name, on a file system that has no better way.
                Ok(bytes) if bytes.is_empty() => {
                    write_private(&path, DeviceSecret::random().as_bytes())?;
                    continue;
                }
                Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
                    Ok(bytes) => return Ok(DeviceSecret::from_bytes(bytes)),
                    Err(_) => {
                        let what = format!("{} is damaged", path.display());
                        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            // Many programs may start at once: the first one's secret is everybody's. It has its name only when it is
            // whole, so nobody reads half of it.
            let secret = DeviceSecret::random();
            let between = written_beside(&path, secret.as_bytes())?;
            let named = rename_new_anywhere(&between, &path);
            match named.inspect_err(|_| drop(fs::remove_file(&between))) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_dir(&self.root)?,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Whether there ever was anything of one kind.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.root.join(name).is_dir()
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A directory of its own for one kind of thing.
    pub(crate) fn subdirectory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.root.join(name);
        private_dir(&path)?;
        Ok(path)
    }
}

/// A URL as the name of a file.
fn escaped(url: &str) -> String {
    let letter = |c: u8| {
        if c.is_ascii_alphanumeric() || c == b'.' { char::from(c).to_string() } else { format!("%{c:02x}") }
    };
    url.bytes().map(letter).collect()
}

/// Makes `bytes` the content of a file, durably, as [`write_private`] does, with the owner and the mode of `like`.
pub(crate) fn replace(path: &Path, bytes: &[u8], like: &Metadata) -> io::Result<()> {
    let between = written_beside(path, bytes)?;
    let renamed = File::open(&between)
        .and_then(|file| files::copy_access(like, &file).and_then(|()| sync(&file)))
        .and_then(|()| files::rename(&between, path));
    renamed.inspect_err(|_| drop(fs::remove_file(&between)))?;
    sync_dir(parent(path))
}

/// All of a file that is open.
pub(crate) fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
