//! A store in a directory.
//!
//! An object is created under a temporary name, written, flushed to the disk, moved to its own name unless there is
//! one already, and its directory flushed: so an object is either whole and durable, or not there. A crash leaves at
//! most a temporary file, which the next start removes. Shares are spread over 256 directories, so that none grows
//! long. Everything is readable by its owner only, or by the group that may write to the folder itself.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;

use crate::durable_fs::{parent, rename_new, sync, sync_dir, sync_file_system, try_lock};
use crate::platform::files::{self, Rights};
use crate::relay::store::layout::{DIRECTORIES, LOCK, SHARES, STAGING};
use crate::relay::store::{Created, Object, Space, Store, StoreError};
use crate::relay::{Content, RelayError};
use crate::secret::random_hex;

/// Bytes that go from the network to the disk, or back, in one hop to a blocking thread.
const HOP: usize = 256 << 10;
/// Staging files older than this belong to nobody, where several servers share a folder.
const STALE: Duration = Duration::from_hours(24);

/// Why a folder cannot be a store.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another relay has it.
    #[error("another relay is using {0}")]
    InUse(PathBuf),
    /// Its file system has no locks, so nothing keeps another relay out.
    #[error("files in {0} cannot be locked, so a second relay would not be noticed")]
    Unlockable(PathBuf),
    /// Others may look into it.
    #[error("{0} can be read by other users of this machine")]
    Exposed(PathBuf),
    /// What one member of its group writes, the others could not read.
    #[error("{0} does not pass its group on to what is made in it")]
    Ungrouped(PathBuf),
    /// It cannot be made or read.
    #[error("{0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// Who else may be at work in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Alone,
    /// Others who say the same.
    WithOthers,
    /// Its one server, which knows.
    WithItsServer,
}

/// Objects as files below a directory.
pub struct Folder {
    root: PathBuf,
    access: Access,
    /// Locked for as long as this store is open.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the store in `root`, which is created where it is missing, and locks it against those who would have it
    /// otherwise.
    pub fn open(root: &Path, sharing: Sharing) -> Result<Self, FolderError> {
        let shared = sharing != Sharing::Alone;
        let failed = |error| FolderError::Io(root.to_owned(), error);
        Access::Owner.make_dirs(root).map_err(failed)?;
        let data = fs::metadata(root).map_err(failed)?;
        if !data.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let rights = Rights::of(&data);
        if rights.admit_others() {
            return Err(FolderError::Exposed(root.to_owned()));
        }
        // Nothing of a predecessor is in a folder that was made just now: then there is nothing to flush.
        let is_new = !shared && fs::read_dir(root).map_err(failed)?.next().is_none();
        let access = match (shared && rights.admit_group_fully(), rights.pass_group_on()) {
            (true, true) => Access::Group,
            (true, false) => return Err(FolderError::Ungrouped(root.to_owned())),
            (false, _) => Access::Owner,
        };
        // Where somebody else may write, a name may be a link to anywhere.
        for name in DIRECTORIES {
            if root.join(name).is_symlink() {
                return Err(failed(io::Error::other(format!("{name} in it is a link to somewhere else"))));
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
            // What a predecessor wrote and could not flush any more is durable from here on. Where there are others at
            // work, each of them flushes what it relies on.
            let directory = File::open(root).map_err(failed)?;
            sync_file_system(&directory).map_err(failed)?;
        }
        Ok(Self { root: root.to_owned(), access, _lock: lock })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(sharded(name))
    }

    fn staged(&self) -> io::Result<Staged> {
        let path = self.root.join(STAGING).join(random_hex::<16>());
        Ok(Staged { file: self.access.open_file(&path, true)?, path, access: self.access, kept: false })
    }
}

/// Locks a folder against those who want it for themselves. Where files cannot be locked, nobody can.
fn lock_shared(root: &Path, access: Access) -> Result<Option<File>, FolderError> {
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

/// `v1/<id>/…` lies in `v1/<first two digits>/<id>/…`.
fn sharded(name: &str) -> String {
    match name.strip_prefix(SHARES).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if rest.len() > 2 && rest.is_char_boundary(2) => format!("{SHARES}/{}/{rest}", &rest[..2]),
        _ => name.to_owned(),
    }
}

/// A file that has no name of its own yet, and goes when it gets none.
struct Staged {
    file: File,
    path: PathBuf,
    access: Access,
    kept: bool,
}

impl Staged {
    /// Gives the file its name, unless that is taken.
    fn keep(mut self, target: &Path) -> io::Result<Created> {
        sync(&self.file)?;
        let directory = parent(target);
        let mut moved = rename_new(&self.path, target);
        // Others remove directories that are empty, and may be faster than we are.
        for _ in 0..20 {
            if !moved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            match self.access.make_dirs(directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => made?,
            }
            moved = rename_new(&self.path, target);
        }
        let creation = match moved {
            Ok(()) => {
                self.kept = true;
                Created::New
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Created::Exists,
            Err(error) => return Err(error),
        };
        // Also for an object that somebody else has just created: what is answered must be durable.
        match sync_dir(directory) {
            // Deleted again by somebody else.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(creation),
            synced => synced.map(|()| creation),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Who may read and write what is in a folder.
#[derive(Clone, Copy)]
enum Access {
    Owner,
    /// The folder's own group: people who share it.
    Group,
}

impl Access {
    fn open_file(self, path: &Path, new: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        files::private(options.read(true).write(true));
        if new {
            options.create_new(true)
        } else {
            options.create(true).truncate(false)
        };
        let file = options.open(path)?;
        match self {
            // Said again, since the process's mask has taken from it. Another member's file is right already.
            Self::Group if new => files::share_with_group(&file)?,
            Self::Group | Self::Owner => {}
        }
        Ok(file)
    }

    /// Creates a directory and its parents, each of them durable and private.
    fn make_dirs(self, path: &Path) -> io::Result<()> {
        // Also of one that is there: perhaps it was made a moment ago. A directory above the store may be one that we
        // can pass through and not read; then it is not ours to flush.
        let durable = || sync_dir(parent(path));
        let create = || files::private_directory().create(path);
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not every file system that has a directory lets one be made in it.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                self.make_dirs(parent.ok_or(error)?)?;
                // Once: below a link that leads nowhere nothing can be made.
                create()
            }
            created => created,
        };
        match created {
            Ok(()) => {
                if let Self::Group = self {
                    files::share_directory_with_group(path)?;
                }
                durable()
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => durable(),
            Err(error) => Err(error),
        }
    }
}

/// Whether a name is one of those that files have before they have their own.
fn is_staged(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|c| c.is_ascii_hexdigit())
}

fn remove_staged(directory: &Path, older: Duration) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // What somebody else has put there is not ours to remove.
        let is_ours = entry.file_name().to_str().is_some_and(is_staged) && entry.file_type()?.is_file();
        if !is_ours {
            continue;
        }
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if older.is_zero() || age.is_some_and(|age| age > older) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Runs file operations where they may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.unwrap_or_else(|_| Err(StoreError::Failed("interrupted".to_owned())))
}

#[async_trait]
impl Store for Folder {
    async fn create(&self, name: &str, content: Content) -> Result<Created, StoreError> {
        let target = self.path(name);
        let mut staged = self.staged()?;
        let mut chunks = match content {
            Content::Whole(bytes) => {
                return blocking(move || {
                    staged.file.write_all(&bytes)?;
                    Ok(staged.keep(&target)?)
                })
                .await;
            }
            Content::Stream { chunks, .. } => chunks,
        };
        // The network fills a buffer while no thread waits for it; a full one is written in one hop.
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
            if offset > 0 {
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

/// Flushes a directory after a deletion, and removes it and its parents while they are empty.
fn remove_empty(root: &Path, directory: &Path) -> io::Result<()> {
    let mut directory = directory;
    while directory.starts_with(root) && directory != root {
        if fs::remove_dir(directory).is_err() {
            break;
        }
        let Some(parent) = directory.parent() else { break };
        directory = parent;
    }
    match sync_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Collects the objects below the directory `path`, whose name as an object would be `directory`, that begin with
/// `prefix` and sort before `before`.
fn walk(
    path: &Path,
    directory: &str,
    prefix: &str,
    before: Option<&str>,
    found: &mut Vec<Object>,
) -> Result<(), StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(component) = entry.file_name().into_string() else { continue };
        if directory == SHARES && component.len() == 2 {
            // A shard has no part in the names below it.
            walk(&entry.path(), directory, prefix, before, found)?;
            continue;
        }
        let name = if directory.is_empty() { component } else { format!("{directory}/{component}") };
        let wanted = name.starts_with(prefix) || prefix.starts_with(&format!("{name}/"));
        if !wanted || before.is_some_and(|before| name.as_str() >= before) {
            continue;
        }
        match entry.metadata() {
            Ok(data) if data.is_dir() => walk(&entry.path(), &name, prefix, before, found)?,
            Ok(data) => {
                let written = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                found.push(Object { name, len: data.len(), written: written.unwrap_or_default().as_secs() });
            }
            // Deleted while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The bytes of a file, one hop at a time; the memory of a piece that was sent is used again.
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
