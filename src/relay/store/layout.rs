//! Layout of a store: the list of all names at its top level.
//!
//! | name | holds |
//! |---|---|
//! | [`SHARES`] | the objects of shares, as `v1/<id>/…`; a store may spread them by the first two digits of the id |
//! | [`DUE`] | hints for the sweeper, as `due/<hour>/<second>-<id>` |
//! | [`USED`] | what create tokens have used, as `used/<day>/<account>/<share>-<bytes>` |
//! | [`REPORTS`] | the index of reported shares, as `reports/<id>-<bytes>`; the suffix [`KEPT`] marks those that are kept |
//! | [`PROBES`] | objects from tests of the store |
//! | [`MARKER`] | the object that lets a store be used without a server |
//! | [`STAGING`] | staging files of a folder |
//! | [`LOCK`] | the lock file of a folder |
//! | [`PRIVATE`] | the directory in which everything else lies if other users may enter the folder |

use std::ffi::OsStr;

/// Directory of all shares.
pub const SHARES: &str = "v1";
/// Directory of the hints for the sweeper.
pub const DUE: &str = "due";
/// Directory of the objects that count what create tokens have used.
pub const USED: &str = "used";
/// Directory of the index of reported shares.
pub const REPORTS: &str = "reports";
/// The end of the name of a reported share whose data is kept longer than that of others.
pub const KEPT: &str = "-kept";
/// Directory of the objects from tests of the store.
pub const PROBES: &str = "probe";
/// Object that marks a store for use without a server.
pub const MARKER: &str = "share-store";
/// Directory of the staging files of a folder.
pub const STAGING: &str = "tmp";
/// Lock file: exclusive for a server that uses the folder alone, shared for clients without a server.
pub const LOCK: &str = "lock";
/// Directory, inside a folder that other users may enter, in which everything lies.
pub const PRIVATE: &str = "share-relay";

/// Directories at the top of a store.
pub const DIRECTORIES: [&str; 6] = [STAGING, SHARES, DUE, USED, REPORTS, PROBES];

/// Whether a store may have this name at its top level.
pub fn is_known(name: &OsStr) -> bool {
    DIRECTORIES.into_iter().chain([MARKER, LOCK]).any(|known| name == known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay() {
        assert_eq!(DIRECTORIES, ["tmp", "v1", "due", "used", "reports", "probe"]);
        for name in ["tmp", "v1", "due", "used", "reports", "probe", "lock", "share-store"] {
            assert!(is_known(OsStr::new(name)), "{name}");
        }
        assert!(!is_known(OsStr::new("v2")));
        assert_eq!((PRIVATE, KEPT), ("share-relay", "-kept"));
    }
}
