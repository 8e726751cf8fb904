//! A store in a directory.
//!
//! An object is written to a staging file, flushed, renamed to its own name unless that exists, and its directory is
//! flushed. So an object is either whole and durable, or does not exist. A crash leaves at most a staging file, which
//! the next start removes. Shares are spread over 256 directories to keep each one small. Files are readable only by
//! their owner, or by the group that may write to the folder itself.

mod access;
mod error;
mod pieces;
mod place;
mod staging;
mod steps;
mod synchronized;
mod tree;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

use self::access::{FolderAccess, flushes_directories};
pub use self::error::FolderError;
use self::pieces::Pieces;
use self::place::Found;
pub use self::place::{Location, Place, locate, located};
use self::staging::{Staged, remove_staged};
use self::steps::{Pace, STEP, blocking};
pub use self::synchronized::{Synchronizer, synchronizer};
use self::tree::{remove_empty, sharded, walk};
use crate::durable_fs::sync_below;
use crate::platform::files;
use crate::relay::store::layout::{LOCK, STAGING};
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{Content, RelayError};

/// Age at which staging files of a shared folder are removed.
const STALE: Duration = Duration::from_hours(24);

/// Other programs that may use a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// None.
    Alone,
    /// Other programs that share the folder.
    WithOthers,
    /// Its server, which holds the lock.
    WithItsServer,
}

/// Objects as files below a directory.
pub struct Folder {
    place: Place,
    root: PathBuf,
    access: FolderAccess,
    pace: Arc<Pace>,
    /// The directory that `root` may lead through.
    _directory: Option<File>,
    /// Locked while this store is open.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the store in `given`, or creates it, and locks it against programs with another kind of [`Sharing`]. If
    /// other users may enter `given`, everything lies in a private directory in it.
    ///
    /// # Errors
    /// All of [`FolderError`].
    pub fn open(given: &Path, sharing: Sharing) -> Result<Self, FolderError> {
        let shared = sharing != Sharing::Alone;
        let failed = |error| FolderError::Io(given.to_owned(), error);
        let mut access = FolderAccess { group: false, flushes_directories: true };
        // Flushed when it is known whether the file system offers that.
        let mut unflushed = Vec::new();
        let mut later = |path: &Path| -> io::Result<()> {
            unflushed.push(path.to_owned());
            Ok(())
        };
        access.make_dirs_with(given, &mut later).map_err(failed)?;
        let Found { place, root, rights, directory } = place::find(given, !shared)?;
        if place.path != given {
            later(given).map_err(failed)?;
        }
        // In a new folder there is nothing to flush.
        let is_new = !shared && fs::read_dir(&root).map_err(failed)?.next().is_none();
        access.group = match (shared && directory.is_none() && rights.admit_group_fully(), rights.pass_group_on()) {
            (true, false) => return Err(FolderError::Ungrouped(given.to_owned())),
            (is_shared, _) => is_shared,
        };
        let staging = root.join(STAGING);
        access.make_dirs_with(&staging, &mut later).map_err(failed)?;
        access.flushes_directories = flushes_directories(&root, &staging).map_err(failed)?;
        for path in unflushed {
            access.sync_dir(&path).map_err(failed)?;
        }
        let lock = match sharing {
            Sharing::Alone => Some(lock_alone(&place.path, &root, access)?),
            Sharing::WithOthers => lock_shared(&place.path, &root, access)?,
            Sharing::WithItsServer => None,
        };
        remove_staged(&staging, if shared { STALE } else { Duration::ZERO }).map_err(failed)?;
        if !shared && !is_new {
            // An earlier process may have died before it flushed its files. Programs that share a folder flush what
            // they rely on.
            sync_below(&root, access.flushes_directories).map_err(failed)?;
        }
        Ok(Self { place, root, access, pace: Arc::default(), _directory: directory, _lock: lock })
    }

    /// The place of its files.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(sharded(name))
    }
}

/// Takes the lock of the store in `root`, which is called `name`, for this process alone.
fn lock_alone(name: &Path, root: &Path, access: FolderAccess) -> Result<File, FolderError> {
    let opened = access.open_file(&root.join(LOCK), false);
    let file = opened.map_err(|error| FolderError::Io(name.to_owned(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse(name.to_owned())),
        Err(TryLockError::Error(error)) => Err(FolderError::Unlockable(name.to_owned(), error)),
    }
}

/// Takes the shared lock of a store, against servers that use it alone. Without locks in the file system no such
/// server starts.
fn lock_shared(name: &Path, root: &Path, access: FolderAccess) -> Result<Option<File>, FolderError> {
    let path = root.join(LOCK);
    let file = match access.open_file(&path, true) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            files::open_unfollowed(OpenOptions::new().read(true), &path)
        }
        made => made,
    };
    match file.as_ref().map(File::try_lock_shared) {
        Ok(Ok(())) => Ok(file.ok()),
        Ok(Err(TryLockError::WouldBlock)) => Err(FolderError::InUse(name.to_owned())),
        Ok(Err(TryLockError::Error(_))) | Err(_) => Ok(None),
    }
}

#[async_trait]
impl Store for Folder {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let target = self.path(name);
        let mut staged = Staged::new(&self.root.join(STAGING), self.access)?;
        let mut chunks = match content {
            Content::Whole(bytes) => {
                return blocking(move || {
                    staged.file.write_all(&bytes)?;
                    Ok(staged.keep(&target)?)
                })
                .await;
            }
            Content::Stream { chunks, .. } | Content::Unsized(chunks) => chunks,
        };
        // No thread blocks while the network sends them. Many are written by one call.
        let mut pieces = Pieces::default();
        while let Some(piece) = chunks.next().await {
            pieces.push(piece.map_err(StoreError::Content)?);
            if pieces.are_many() {
                let write = move || {
                    pieces.write_to(&staged.file)?;
                    Ok((staged, pieces))
                };
                (staged, pieces) = self.pace.step(write).await?;
            }
        }
        blocking(move || {
            pieces.write_to(&staged.file)?;
            Ok(staged.keep(&target)?)
        })
        .await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let (path, pace) = (self.path(name), self.pace.clone());
        blocking(move || {
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let len = file.metadata()?.len().saturating_sub(offset);
            if offset > 0 && len > 0 {
                file.seek(SeekFrom::Start(offset))?;
            }
            if len <= STEP as u64 {
                let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
                file.take(len).read_to_end(&mut bytes)?;
                return Ok(Some(Content::Whole(bytes.into())));
            }
            Ok(Some(Content::Stream { len, chunks: read_chunks(file, len, pace).boxed() }))
        })
        .await
    }

    async fn list(&self, prefix: &str, before: Option<&str>) -> Result<Vec<Object>, StoreError> {
        let (root, prefix, before) = (self.root.clone(), prefix.to_owned(), before.map(str::to_owned));
        blocking(move || {
            let mut found = Vec::new();
            let (directory, _) = prefix.rsplit_once('/').unwrap_or(("", &prefix));
            walk(&root.join(sharded(directory)), directory, &prefix, before.as_deref(), &mut found)?;
            found.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, names: &[String]) -> Result<(), StoreError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        let (root, access) = (self.root.clone(), self.access);
        blocking(move || {
            let mut directories = BTreeSet::new();
            for path in &paths {
                match fs::remove_file(path) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
                directories.extend(path.parent().map(Path::to_owned));
            }
            for directory in directories.iter().rev() {
                remove_empty(&root, directory, access)?;
            }
            Ok(())
        })
        .await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let staging = self.root.join(STAGING);
        blocking(move || Ok(remove_staged(&staging, STALE)?)).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let root = self.root.clone();
        blocking(move || Ok(files::free_space(&root)?)).await
    }

    async fn keeps_versions(&self, _: &str) -> Result<Option<bool>, StoreError> {
        Ok(Some(false))
    }
}

/// The bytes of a file, in pieces of [`STEP`]. Reuses the memory of pieces that were sent.
fn read_chunks(
    file: File,
    len: u64,
    pace: Arc<Pace>,
) -> impl futures_util::Stream<Item = Result<Bytes, RelayError>> + Send {
    let state = (file, len, [Bytes::new(), Bytes::new()], pace);
    stream::try_unfold(state, |(file, missing, [older, newer], pace)| async move {
        if missing == 0 {
            return Ok(None);
        }
        let read = pace.step(move || {
            let mut file = file;
            let want = usize::try_from(missing).unwrap_or(STEP).min(STEP);
            let mut buffer = older.try_into_mut().unwrap_or_default();
            buffer.resize(want, 0);
            file.read_exact(&mut buffer)?;
            Ok((file, buffer.freeze()))
        });
        match read.await {
            Ok((file, piece)) => {
                let missing = missing - piece.len() as u64;
                Ok(Some((piece.clone(), (file, missing, [newer, piece], pace))))
            }
            Err(_) => Err(RelayError::BUSY),
        }
    })
}
