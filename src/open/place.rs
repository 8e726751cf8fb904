//! Received files, from the first byte to their final names.
//!
//! A file is written without a name where the file system can do that (`O_TMPFILE`), so that a program that is killed
//! leaves nothing; elsewhere under a hidden name, which the next attempt removes. It gets its name only when all of
//! the share was verified and flushed to the disk, in one step that never replaces anything, unless that was asked for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::secret::fill_random;

/// How hidden names begin, where a file cannot be without one.
const HIDDEN: &str = ".share-";

/// Where one file is to go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The final path.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Whether a file that has this name may be replaced.
    pub replace: bool,
}

/// A file that has its final name, and how it can be recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Where it is.
    pub path: PathBuf,
    /// The file system's number.
    pub device: u64,
    /// The file's number.
    pub inode: u64,
}

impl Placed {
    /// Whether the file is where it was put.
    pub fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|data| data.dev() == self.device && data.ino() == self.inode)
    }
}

/// A file without its final name.
struct Nameless {
    file: File,
    /// Its hidden name, where it has to have one.
    hidden: Option<PathBuf>,
    target: Target,
}

impl Nameless {
    fn create(target: Target) -> io::Result<Self> {
        let directory = parent(&target.path);
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(Self { file: File::from(fd), hidden: None, target }),
            // Not this file system, or not this kernel.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                let path = hidden_name(directory);
                let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
                Ok(Self { file, hidden: Some(path), target })
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Gives the file a name, which must be free.
    fn link(&self, path: &Path) -> io::Result<()> {
        match &self.hidden {
            Some(hidden) => fs::hard_link(hidden, path),
            None => {
                let source = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                rustix::fs::linkat(CWD, source, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
            }
        }
    }

    /// Gives the file its final name, or the next free one.
    fn place(self) -> io::Result<PathBuf> {
        let path = &self.target.path;
        if self.target.replace {
            let between = hidden_name(parent(path));
            self.link(&between)?;
            fs::rename(&between, path)?;
            return Ok(path.clone());
        }
        for attempt in 0..10_000u32 {
            let candidate = if attempt == 0 { path.clone() } else { numbered(path, attempt) };
            match self.link(&candidate) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|()| candidate),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Nameless {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            let _ = fs::remove_file(hidden);
        }
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn hidden_name(directory: &Path) -> PathBuf {
    let mut random = [0; 8];
    fill_random(&mut random);
    directory.join(format!("{HIDDEN}{:016x}", u64::from_be_bytes(random)))
}

/// `photo.jpg` → `photo (1).jpg`.
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem} ({number}){}", extension.unwrap_or_default()))
}

/// Whether a directory can take `size` bytes: a file can be created in it, and there is room.
pub fn preflight(directory: &Path, size: u64) -> io::Result<()> {
    drop(Nameless::create(Target { path: directory.join("probe"), size, replace: false })?);
    let stat = rustix::fs::statvfs(directory)?;
    if stat.f_bavail * stat.f_frsize < size { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// Removes what a killed program left in `directory` under a hidden name.
pub fn remove_leftovers(hidden: &[PathBuf]) {
    for path in hidden {
        let _ = fs::remove_file(path);
    }
}

/// The files of a share while their bytes come in, one after another.
pub struct Staging {
    files: Vec<Nameless>,
    /// Which one is being written, and how many of its bytes are missing.
    current: usize,
    missing: u64,
}

impl Staging {
    /// Creates a nameless file for each target, in the order of the share's bytes.
    pub fn create(targets: Vec<Target>) -> io::Result<Self> {
        let files: Vec<Nameless> = targets.into_iter().map(Nameless::create).collect::<io::Result<_>>()?;
        let missing = files.first().map_or(0, |file| file.target.size);
        Ok(Self { files, current: 0, missing })
    }

    /// Hidden names that are in use, for whoever has to clean up after a kill.
    pub fn hidden(&self) -> Vec<PathBuf> {
        self.files.iter().filter_map(|file| file.hidden.clone()).collect()
    }

    /// Where the files will be, before they are: enough to recognise them after a crash between this and
    /// [`Staging::place`].
    pub fn intended(&self) -> io::Result<Vec<Placed>> {
        self.files.iter().map(|file| recognise(&file.file, file.target.path.clone())).collect()
    }

    /// Flushes all files to the disk and gives them their names.
    pub fn place(self) -> io::Result<Vec<Placed>> {
        for file in &self.files {
            file.file.sync_all()?;
        }
        let mut placed = Vec::with_capacity(self.files.len());
        for file in self.files {
            let handle = file.file.try_clone()?;
            let path = file.place()?;
            File::open(parent(&path))?.sync_all()?;
            placed.push(recognise(&handle, path)?);
        }
        Ok(placed)
    }
}

fn recognise(file: &File, path: PathBuf) -> io::Result<Placed> {
    let data = file.metadata()?;
    Ok(Placed { path, device: data.dev(), inode: data.ino() })
}

impl Write for Staging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while self.missing == 0 && self.current + 1 < self.files.len() {
            self.current += 1;
            self.missing = self.files[self.current].target.size;
        }
        let count = usize::try_from(self.missing).unwrap_or(usize::MAX).min(bytes.len());
        if count == 0 && !bytes.is_empty() {
            // More than the manifest says: the share will be refused when its length is compared.
            return Ok(bytes.len());
        }
        let count = match self.files.get_mut(self.current) {
            Some(file) => file.file.write(&bytes[..count])?,
            None => bytes.len(),
        };
        self.missing -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
