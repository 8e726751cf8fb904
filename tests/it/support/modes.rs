//! Modes of files. Windows has none: there, nothing is set and nothing is expected.

#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Asserts the mode of a file or directory, without its type.
#[cfg(unix)]
#[track_caller]
pub(crate) fn expect_mode(path: impl AsRef<Path>, expected: u32) {
    let path = path.as_ref();
    let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, expected, "{} has the mode {mode:o}", path.display());
}

#[cfg(not(unix))]
pub(crate) fn expect_mode(path: impl AsRef<Path>, _: u32) {
    assert!(path.as_ref().exists());
}

/// Changes the mode of a file or directory.
#[cfg(unix)]
pub(crate) fn set_mode(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn set_mode(path: impl AsRef<Path>, _: u32) {
    assert!(path.as_ref().exists());
}
