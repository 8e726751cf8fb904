//! The place of a store: the directory that was given, or a private directory in it.
//!
//! Users other than the owner of a directory may enter many directories that people have: volumes of containers, USB
//! sticks, network drives. There, everything lies in a directory of our own.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::files::{self, Rights};
use crate::relay::store::folder::error::FolderError;
use crate::relay::store::layout::{DIRECTORIES, LOCK, MARKER, PRIVATE, SHARES};

/// The place of a store.
#[derive(Clone, Debug)]
pub struct Place {
    /// The directory, for people.
    pub path: PathBuf,
    /// Whether it is a private directory, since others may enter the one that was given, and no share is stored there.
    /// A first start may have failed for another reason.
    pub is_new_inside: bool,
    /// Whether other users can read what is in it, since the file system has no modes.
    pub is_readable_by_others: bool,
}

/// The location of a store, which may not exist yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the directory that was given.
    Direct,
    /// In the private directory in it.
    Inside {
        /// Whether that exists.
        exists: bool,
    },
}

/// Decides where the store in the directory `given` lies. `alone`: no other user needs access.
///
/// # Errors
/// [`FolderError::Two`] and [`FolderError::Exposed`] if one of two stores would be overlooked; [`FolderError::Io`].
pub fn locate(given: &Path, alone: bool) -> Result<Location, FolderError> {
    let failed = |error| FolderError::Io(given.to_owned(), error);
    let outer = fs::metadata(given).map_err(failed)?;
    if !outer.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let rights = Rights::of(&outer);
    let is_exposed = rights.admit_others() || (alone && rights.admit_group());
    let inside = given.join(PRIVATE);
    // In a private directory, a file of that name means nothing.
    let exists = entry(&inside).map_err(failed)?.is_some_and(|data| data.is_dir());
    let traces = traces(given, &outer).map_err(failed)?;
    // The group has access to a store that it shares.
    let is_accessible = |data: &Metadata| files::is_own(data) || Rights::of(data).admit_group();
    let foreign = traces.iter().find(|(_, data)| !is_accessible(data));
    match foreign.or(traces.first()) {
        None if exists || is_exposed => Ok(Location::Inside { exists }),
        Some((found, _)) if exists => Err(FolderError::Two { found: found.clone(), inside }),
        Some((found, _)) if rights.admit_others() || (is_exposed && foreign.is_some()) => {
            Err(FolderError::Exposed { given: given.to_owned(), found: found.clone(), inside })
        }
        _ => Ok(Location::Direct),
    }
}

/// The existing directory in which the store in `given` lies, or beside which it would be created.
///
/// # Errors
/// As [`locate`].
pub fn located(given: &Path) -> Result<PathBuf, FolderError> {
    Ok(match locate(given, false)? {
        Location::Inside { exists: true } => given.join(PRIVATE),
        _ => given.to_owned(),
    })
}

/// The files and directories that show a store in `directory` itself. If anyone may write there, those of users other
/// than the directory's owner do not count.
fn traces(directory: &Path, owner: &Metadata) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut found = Vec::new();
    for name in [LOCK, MARKER, SHARES] {
        let path = directory.join(name);
        let Some(data) = entry(&path)? else { continue };
        let fits = if name == SHARES { data.is_dir() } else { data.is_file() };
        let is_owners = files::is_own(&data) || files::have_one_owner(&data, owner);
        if fits && (is_owners || !Rights::of(owner).let_anyone_write()) {
            found.push((path, data));
        }
    }
    Ok(found)
}

/// The file, directory or symbolic link at `path`.
fn entry(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A place that is open.
pub(super) struct Found {
    pub(super) place: Place,
    /// The path for file operations.
    pub(super) root: PathBuf,
    /// The rights that others have in it.
    pub(super) rights: Rights,
    /// Open while the store is: the path for file operations may lead through it.
    pub(super) directory: Option<File>,
}

/// Opens the place of the store in `given`, or creates the private directory there. `alone`: no other user needs
/// access.
pub(super) fn find(given: &Path, alone: bool) -> Result<Found, FolderError> {
    let found = match locate(given, alone)? {
        Location::Inside { .. } => make(given, alone)?,
        Location::Direct => {
            let data = fs::metadata(given).map_err(|error| FolderError::Io(given.to_owned(), error))?;
            let place = Place { path: given.to_owned(), is_new_inside: false, is_readable_by_others: false };
            Found { place, root: given.to_owned(), rights: Rights::of(&data), directory: None }
        }
    };
    check(&found)?;
    Ok(found)
}

/// Opens the private directory in `given`, or creates it. Another user who may write to `given` could have put
/// something else in its place.
fn make(given: &Path, alone: bool) -> Result<Found, FolderError> {
    let path = given.join(PRIVATE);
    let failed = |error| FolderError::Io(path.clone(), error);
    let is_new = match files::private_directory().create(&path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(failed(error)),
    };
    if path.is_symlink() {
        return Err(FolderError::Link(path));
    }
    let directory = files::open_directory(&path).map_err(failed)?;
    let (outer, data) = (fs::metadata(given).map_err(failed)?, directory.metadata().map_err(failed)?);
    if !files::is_own(&data) {
        return Err(FolderError::NotOurs(path));
    }
    let lasting = files::lasting_path(&directory);
    let root = lasting.clone().unwrap_or_else(|| path.clone());
    let mut rights = Rights::of(&data);
    if rights.admit_others() || rights.admit_group() {
        // Kubernetes (`fsGroup`) gives everything in a volume to a group, before each start.
        let is_of_volume = alone && files::belong_to_one_group(&outer, &data);
        if !is_new && !is_of_volume && rights.admit_group_fully() && rights.pass_group_on() {
            return Err(FolderError::OfGroup(path));
        }
        let admitted_writers = rights.let_anyone_write() || (rights.admit_other_writers() && !is_of_volume);
        if admitted_writers && !is_new && fs::read_dir(&root).map_err(failed)?.next().is_some() {
            return Err(FolderError::Planted(path));
        }
        match files::make_directory_private(&directory) {
            Err(error) if !files::is_refusal(&error) => return Err(failed(error)),
            _ => rights = Rights::of(&directory.metadata().map_err(failed)?),
        }
    }
    if rights.admit_other_writers() {
        return Err(FolderError::Writable(path));
    }
    let outer = Rights::of(&outer);
    if lasting.is_none() && outer.admit_other_writers() && !outer.protect_names() {
        return Err(FolderError::Replaceable(path));
    }
    let is_readable_by_others = rights.admit_others() || rights.admit_group();
    let is_new_inside = !path.join(SHARES).exists();
    let place = Place { path, is_new_inside, is_readable_by_others };
    Ok(Found { place, root, rights, directory: Some(directory) })
}

/// Checks what lies at the top of a place. Other users who could write there may have made symbolic links. In a private
/// directory nothing may be theirs: who owns a directory can delete what is in it, through a descriptor that is open.
fn check(found: &Found) -> Result<(), FolderError> {
    let is_private = found.directory.is_some();
    for name in DIRECTORIES.into_iter().chain([LOCK, MARKER]) {
        let path = found.place.path.join(name);
        match entry(&found.root.join(name)) {
            Ok(Some(data)) if data.is_symlink() => return Err(FolderError::Link(path)),
            Ok(Some(data)) if is_private && !files::is_own(&data) => return Err(FolderError::NotOurs(path)),
            Ok(_) => {}
            Err(error) => return Err(FolderError::Io(found.place.path.clone(), error)),
        }
    }
    Ok(())
}
