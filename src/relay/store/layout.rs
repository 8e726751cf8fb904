//! Layout of a store: the only list of the names at its top.
//!
//! | name | holds |
//! |---|---|
//! | [`SHARES`] | the objects of shares, as `v1/<id>/…`; a store may spread them by the first two digits of the id |
//! | [`DUE`] | hints for the sweeper, as `due/<hour>/<second>-<id>` |
//! | [`PROBES`] | objects that a store is tried out with |
//! | [`MARKER`] | the object that lets a store be used without a server |
//! | [`STAGING`] | files of a folder that are not objects yet |
//! | [`LOCK`] | the file of a folder that its users lock |

use std::ffi::OsStr;

/// Directory of all shares.
pub const SHARES: &str = "v1";
/// Directory of the hints for the sweeper.
pub const DUE: &str = "due";
/// Directory of the objects that a store is tried out with.
pub const PROBES: &str = "probe";
/// Marks a store that anybody who can reach it may use without a server.
pub const MARKER: &str = "share-store";
/// Directory in which a folder writes objects before they have their names.
pub const STAGING: &str = "tmp";
/// Held by the one server of a folder, or shared by all who use it without one.
pub const LOCK: &str = "lock";

/// Directories at the top of a store.
pub const DIRECTORIES: [&str; 4] = [STAGING, SHARES, DUE, PROBES];

/// Whether something of this name at the top of a folder may be ours.
pub fn is_known(name: &OsStr) -> bool {
    DIRECTORIES.into_iter().chain([MARKER, LOCK]).any(|known| name == known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay() {
        assert_eq!(DIRECTORIES, ["tmp", "v1", "due", "probe"]);
        for name in ["tmp", "v1", "due", "probe", "lock", "share-store"] {
            assert!(is_known(OsStr::new(name)), "{name}");
        }
        assert!(!is_known(OsStr::new("v2")));
    }
}
