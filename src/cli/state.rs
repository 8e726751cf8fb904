//! What must outlive a run: this device's secret, and what is being opened. Never a link's secret.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::Common;
use crate::secret::{DeviceSecret, fill_random};

/// The state directory.
pub(super) struct State {
    root: PathBuf,
}

impl State {
    /// Opens the state directory, and makes it where it is missing.
    pub(super) fn open(common: &Common) -> io::Result<Self> {
        let root = match &common.state_dir {
            Some(root) => root.clone(),
            None => {
                let dirs = ProjectDirs::from("", "", "share").ok_or(io::ErrorKind::NotFound)?;
                // Only Linux has a directory for state.
                dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned()
            }
        };
        private_dir(&root)?;
        Ok(Self { root })
    }

    /// This device's secret, made and kept when it is first needed.
    pub(super) fn device(&self) -> io::Result<DeviceSecret> {
        let path = self.root.join("device");
        for _ in 0..3 {
            match fs::read(&path) {
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
            let mut random = [0; 8];
            fill_random(&mut random);
            let between = self.root.join(format!("device.{:016x}", u64::from_be_bytes(random)));
            let mut file = private(&between)?;
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            let linked = fs::hard_link(&between, &path);
            fs::remove_file(&between)?;
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => File::open(&self.root)?.sync_all()?,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// The directory of what is being opened.
    pub(super) fn opening(&self) -> io::Result<PathBuf> {
        let path = self.root.join("opening");
        private_dir(&path)?;
        Ok(path)
    }
}

fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A new file that only its owner can read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// All of a file that is open.
pub(super) fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
