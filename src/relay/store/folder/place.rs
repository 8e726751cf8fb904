//! The place of a store: the directory that was given, or a private directory in it.
//!
//! Users other than the owner of a directory may enter many directories that people have: volumes of containers, USB
//! sticks, network drives. There, everything lies in a directory of our own.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::files::{self, Rights};
use crate::relay::store::folder::error::FolderError;
use crate::relay::store::layout::{LOCK, MARKER, PRIVATE, SHARES};

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

/// The directory that a store would use in `given`: the private one in it, if there is one.
pub fn located(given: &Path) -> PathBuf {
    let inside = given.join(PRIVATE);
    let is_directory = fs::symlink_metadata(&inside).is_ok_and(|data| data.is_dir());
    if is_directory && !holds_store(given) { inside } else { given.to_owned() }
}

/// Whether a new store in `given` would lie in a private directory in it. `alone`: no other user needs access.
pub fn would_lie_inside(given: &Path, alone: bool) -> bool {
    let exposed = |data| is_exposed(Rights::of(&data), alone);
    !holds_store(given) && (located(given) != given || fs::metadata(given).is_ok_and(exposed))
}

fn is_exposed(rights: Rights, alone: bool) -> bool {
    rights.admit_others() || (alone && rights.admit_group())
}

/// Whether a store lies in the directory itself. Files that another user has made there do not count.
fn holds_store(directory: &Path) -> bool {
    let Ok(owner) = fs::metadata(directory) else { return false };
    [LOCK, MARKER].into_iter().any(|name| {
        let found = fs::symlink_metadata(directory.join(name));
        found.is_ok_and(|data| data.is_file() && (files::is_own(&data) || files::have_one_owner(&data, &owner)))
    })
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

/// Finds the place of the store in `given`, or creates the private directory there. `alone`: no other user needs
/// access.
pub(super) fn find(given: &Path, alone: bool) -> Result<Found, FolderError> {
    let failed = |error| FolderError::Io(given.to_owned(), error);
    let data = fs::metadata(given).map_err(failed)?;
    if !data.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let rights = Rights::of(&data);
    let inside = given.join(PRIVATE);
    if !holds_store(given) {
        let existing = match fs::symlink_metadata(&inside) {
            Ok(data) => Some(data),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        // In a private directory, a file of that name means nothing.
        if existing.as_ref().is_some_and(Metadata::is_dir) || is_exposed(rights, alone) {
            return open_inside(given, rights, inside, existing.is_some());
        }
    } else if rights.admit_others() {
        return Err(FolderError::Exposed(given.to_owned()));
    }
    let place = Place { path: given.to_owned(), is_new_inside: false, is_readable_by_others: false };
    Ok(Found { place, root: given.to_owned(), rights, directory: None })
}

/// Opens the private directory `path` in `given`, or creates it. Another user who may write to `given` could have put
/// something else in its place.
fn open_inside(given: &Path, outer: Rights, path: PathBuf, exists: bool) -> Result<Found, FolderError> {
    let failed = |error| FolderError::Io(path.clone(), error);
    let mut is_new = false;
    if !exists {
        match files::private_directory().create(&path) {
            Ok(()) => is_new = true,
            // Another process of ours was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if path.is_symlink() {
        return Err(FolderError::Link(path));
    }
    let directory = files::open_directory(&path).map_err(failed)?;
    let data = directory.metadata().map_err(failed)?;
    if !files::is_own(&data) {
        return Err(FolderError::NotOurs(path));
    }
    let mut rights = Rights::of(&data);
    if rights.admit_others() || rights.admit_group() {
        if rights.admit_group_fully() && rights.pass_group_on() && !is_new {
            return Err(FolderError::OfGroup(path));
        }
        match files::make_directory_private(&directory) {
            Err(error) if !files::is_refusal(&error) => return Err(failed(error)),
            _ => rights = Rights::of(&directory.metadata().map_err(failed)?),
        }
    }
    if rights.admit_other_writers() {
        return Err(FolderError::Writable(path));
    }
    let root = match files::lasting_path(&directory) {
        Some(root) => root,
        None if outer.admit_other_writers() && !outer.protect_names() => {
            return Err(FolderError::Writable(given.to_owned()));
        }
        None => path.clone(),
    };
    let is_readable_by_others = rights.admit_others() || rights.admit_group();
    let is_new_inside = !path.join(SHARES).exists();
    let place = Place { path, is_new_inside, is_readable_by_others };
    Ok(Found { place, root, rights, directory: Some(directory) })
}
