//! The private folder in which shares lie while they are served, and the folders that killed programs have left.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::host::error::HostError;
use crate::platform::files;
use crate::relay::clock::SystemClock;
use crate::relay::rules::{Policy, StoreRelay};
use crate::relay::store::folder::{Folder, Sharing, located};
use crate::relay::store::layout::LOCK;
use crate::secret::random_hex;
use crate::state::{StateDir, private};

/// Room that stays free on the disk, in bytes.
const RESERVE: u64 = 64 << 20;
/// The largest share, in bytes: the list of its parts must fit into an answer.
const LARGEST: u64 = 256 << 30;
/// The beginning of the names of folders.
const FOLDER: &str = "share-direct-";
/// In the directory of folders, the lock for making or removing one.
const TURN: &str = "lock";
/// The age below which a folder in the temporary directory may belong to a program that has yet to lock it.
const YOUNG: Duration = Duration::from_mins(2);

/// The rules over such a folder. There is one clock.
fn rules(folder: Folder) -> Arc<StoreRelay> {
    let policy =
        Policy { max_bytes: LARGEST, grace: Duration::ZERO, reserve: Some(RESERVE), direct: true, ..Policy::default() };
    Arc::new(StoreRelay::new(Arc::new(folder), Arc::new(SystemClock), policy))
}

/// A directory that goes with this value.
pub(super) struct PrivateFolder(PathBuf);

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl PrivateFolder {
    /// Makes a folder in the state directory, and the rules over it. Removes those that killed programs have left.
    ///
    /// # Errors
    /// [`HostError::NoFolder`], [`HostError::Unfit`].
    pub(super) fn make(state: io::Result<StateDir>) -> Result<(Self, Arc<StoreRelay>), HostError> {
        let kept = state.and_then(|state| {
            remove_leftovers(&state);
            folders(&state)
        });
        let (directory, _turn) = match kept {
            Ok((directory, turn)) => (directory, Some(turn)),
            // Ciphertext may lie in a temporary directory as well, under a name that nobody can guess.
            Err(_) => (std::env::temp_dir(), None),
        };
        let ours = Self(directory.join(format!("{FOLDER}{}", random_hex::<8>())));
        let made = files::private_directory().create(&ours.0);
        made.map_err(|error| HostError::NoFolder { directory, error })?;
        let folder = Folder::open(&ours.0, Sharing::Alone).map_err(HostError::Unfit)?;
        Ok((ours, rules(folder)))
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Fails where the disk has no room for `needed` bytes.
    ///
    /// # Errors
    /// [`HostError::NoRoom`].
    pub(super) fn expect_room(&self, needed: u64) -> Result<(), HostError> {
        // A file system that cannot be asked may have room; one that does not count has none.
        let free = files::free_space(&self.0).map_or(u64::MAX, |space| space.map_or(0, |space| space.free));
        if free < needed.saturating_add(RESERVE) { Err(HostError::NoRoom) } else { Ok(()) }
    }
}

/// The directory of these folders, and our turn to make or remove one: nobody removes one that is just being made.
fn folders(state: &StateDir) -> io::Result<(PathBuf, File)> {
    let directory = state.subdirectory("direct")?;
    let turn = private(&directory.join(TURN))?;
    turn.lock()?;
    Ok((directory, turn))
}

/// Whether a program holds the lock of the folder, and so serves it. Any error other than `NotFound` counts as held: a
/// folder that stays is a small harm.
fn is_held(path: &Path) -> bool {
    let place = located(path).unwrap_or_else(|_| path.to_owned());
    match File::open(place.join(LOCK)) {
        // Shared: two processes that test the lock at the same time must not see each other as its holder.
        Ok(lock) => lock.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The relay over the folder `name` of another program of this machine, while that program serves it: the sender may
/// ask about the share and revoke it from here as well. That program sees it. `None`: nobody serves it any more.
pub fn beside(name: &str, state: Option<&StateDir>) -> Option<Arc<StoreRelay>> {
    if !is_folder(name) {
        return None;
    }
    let directory = state.and_then(|state| state.subdirectory("direct").ok());
    let found = directory.into_iter().chain([std::env::temp_dir()]).map(|directory| directory.join(name));
    let path = found.into_iter().find(|path| is_held(path))?;
    Folder::open(&path, Sharing::WithItsServer).ok().map(rules)
}

/// Whether a name is one that we give to folders.
fn is_folder(name: &str) -> bool {
    let random = name.strip_prefix(FOLDER);
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// Removes the folders whose programs are gone. Other files there are not ours.
pub fn remove_leftovers(state: &StateDir) {
    if state.has("direct")
        && let Ok((directory, _turn)) = folders(state)
    {
        remove_abandoned(&directory, Duration::ZERO);
    }
    // Here nobody takes turns.
    remove_abandoned(&std::env::temp_dir(), YOUNG);
}

fn remove_abandoned(directory: &Path, older: Duration) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(is_folder) {
            continue;
        }
        // Neither the target of a link nor another user's folder is removed.
        let Ok(data) = fs::symlink_metadata(entry.path()) else { continue };
        let is_ours = data.is_dir() && files::is_own(&data);
        let age = data.modified().ok().and_then(|made| made.elapsed().ok()).unwrap_or_default();
        if is_ours && age >= older && !is_held(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_ours() {
        assert!(is_folder("share-direct-0123456789abcdef"));
        for other in ["share-direct-0123456789abcde", "share-direct-0123456789abcdeg", "0123456789abcdef", "photos"] {
            assert!(!is_folder(other), "{other}");
        }
    }
}
