//! A store in a directory.
//!
//! An object is written to a staging file, flushed, renamed to its own name unless that exists, and its directory is
//! flushed. So an object is either whole and durable, or does not exist. A crash leaves at most a staging file, which
//! the next start removes. Shares are spread over 256 directories to keep each one small. Files are readable only by
//! their owner, or by the group that may write to the folder itself.

mod access;
mod staging;
mod tree;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;

use self::access::FolderAccess;
use self::staging::{Staged, remove_staged};
use self::tree::{remove_empty, sharded, walk};
use crate::durable_fs::{sync_file_system, try_lock};
use crate::platform::files::{self, Rights};
use crate::relay::store::layout::{DIRECTORIES, LOCK, STAGING};
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{Content, RelayError};

/// Bytes that one call on a blocking thread writes or reads.
const HOP: usize = 256 << 10;
/// Age at which staging files of a shared folder are removed.
const STALE: Duration = Duration::from_hours(24);

/// Errors of opening a folder as a store.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another relay uses it.
    #[error("another relay is using {0}")]
    InUse(PathBuf),
    /// Its file system has no locks, so another relay could not be detected.
    #[error("files in {0} cannot be locked, so a second relay would not be detected")]
    Unlockable(PathBuf),
    /// Users outside its group have access.
    #[error("{0} can be read by other users of this machine")]
    Exposed(PathBuf),
    /// It lacks the setgid bit, so members of its group could not read each other's files.
    #[error("new files in {0} do not inherit its group")]
    Ungrouped(PathBuf),
    /// It cannot be created or read.
    #[error("{0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
}

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
    root: PathBuf,
    access: FolderAccess,
    /// Locked while this store is open.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the store in `root`, or creates it, and locks it against programs with another kind of [`Sharing`].
    ///
    /// # Errors
    /// All of [`FolderError`].
    pub fn open(root: &Path, sharing: Sharing) -> Result<Self, FolderError> {
        let shared = sharing != Sharing::Alone;
        let failed = |error| FolderError::Io(root.to_owned(), error);
        FolderAccess::Owner.make_dirs(root).map_err(failed)?;
        let data = fs::metadata(root).map_err(failed)?;
        if !data.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let rights = Rights::of(&data);
        if rights.admit_others() {
            return Err(FolderError::Exposed(root.to_owned()));
        }
        // In a new folder there is nothing to flush.
        let is_new = !shared && fs::read_dir(root).map_err(failed)?.next().is_none();
        let access = match (shared && rights.admit_group_fully(), rights.pass_group_on()) {
            (true, true) => FolderAccess::Group,
            (true, false) => return Err(FolderError::Ungrouped(root.to_owned())),
            (false, _) => FolderAccess::Owner,
        };
        // Another user who may write to the folder could have made symbolic links in it.
        for name in DIRECTORIES {
            if root.join(name).is_symlink() {
                return Err(failed(io::Error::other(format!("{name} in this folder is a symbolic link"))));
            }
        }
        access.make_dirs(&root.join(STAGING)).map_err(failed)?;
        let lock = match sharing {
            Sharing::Alone => {
                let file = access.open_file(&root.join(LOCK), false).map_err(failed)?;
                match try_lock(&file).map_err(failed)? {
                    Some(true) => Some(file),
                    Some(false) => return Err(FolderError::InUse(root.to_owned())),
                    None => return Err(FolderError::Unlockable(root.to_owned())),
                }
            }
            Sharing::WithOthers => lock_shared(root, access)?,
            Sharing::WithItsServer => None,
        };
        remove_staged(&root.join(STAGING), if shared { STALE } else { Duration::ZERO }).map_err(failed)?;
        if !shared && !is_new {
            // An earlier process may have died before it flushed its files. Programs that share a folder flush what
            // they rely on.
            let directory = File::open(root).map_err(failed)?;
            sync_file_system(&directory).map_err(failed)?;
        }
        Ok(Self { root: root.to_owned(), access, _lock: lock })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(sharded(name))
    }
}

/// Takes the shared lock of a folder, against servers that use it alone. Without locks in the file system no such
/// server starts.
fn lock_shared(root: &Path, access: FolderAccess) -> Result<Option<File>, FolderError> {
    let path = root.join(LOCK);
    let file = match access.open_file(&path, true) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(&path),
        made => made,
    };
    match file.as_ref().map(File::try_lock_shared) {
        Ok(Ok(())) => Ok(file.ok()),
        Ok(Err(fs::TryLockError::WouldBlock)) => Err(FolderError::InUse(root.to_owned())),
        Ok(Err(fs::TryLockError::Error(_))) | Err(_) => Ok(None),
    }
}

/// Runs file operations on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(StoreError::Failed("interrupted".to_owned())))
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
        // No thread blocks while the network fills the buffer. A full buffer is written by one call.
        let mut buffer = BytesMut::with_capacity(HOP);
        while let Some(chunk) = chunks.next().await {
            let mut chunk = chunk.map_err(StoreError::Content)?;
            while !chunk.is_empty() {
                let room = (HOP - buffer.len()).min(chunk.len());
                buffer.extend_from_slice(&chunk.split_to(room));
                if buffer.len() == HOP {
                    (staged, buffer) = blocking(move || {
                        staged.file.write_all(&buffer)?;
                        buffer.clear();
                        Ok((staged, buffer))
                    })
                    .await?;
                }
            }
        }
        blocking(move || {
            staged.file.write_all(&buffer)?;
            Ok(staged.keep(&target)?)
        })
        .await
    }

    async fn read(&self, name: &str, offset: u64) -> Result<Option<Content>, StoreError> {
        let path = self.path(name);
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
            if len <= HOP as u64 {
                let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
                file.take(len).read_to_end(&mut bytes)?;
                return Ok(Some(Content::Whole(bytes.into())));
            }
            Ok(Some(Content::Stream { len, chunks: read_chunks(file, len).boxed() }))
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
        let root = self.root.clone();
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
                remove_empty(&root, directory)?;
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

/// The bytes of a file, in pieces of [`HOP`]. Reuses the memory of pieces that were sent.
fn read_chunks(file: File, len: u64) -> impl futures_util::Stream<Item = Result<Bytes, RelayError>> + Send {
    stream::try_unfold((file, len, [Bytes::new(), Bytes::new()]), |(file, missing, [older, newer])| async move {
        if missing == 0 {
            return Ok(None);
        }
        let read = blocking(move || {
            let mut file = file;
            let want = usize::try_from(missing).unwrap_or(HOP).min(HOP);
            let mut buffer = older.try_into_mut().unwrap_or_default();
            buffer.resize(want, 0);
            file.read_exact(&mut buffer)?;
            Ok((file, buffer.freeze()))
        });
        match read.await {
            Ok((file, piece)) => {
                let missing = missing - piece.len() as u64;
                Ok(Some((piece.clone(), (file, missing, [newer, piece]))))
            }
            Err(_) => Err(RelayError::BUSY),
        }
    })
}
