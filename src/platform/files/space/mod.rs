//! Space on a disk.

use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as side;

/// Space on a disk or in a store, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free for ordinary users.
    pub free: u64,
    /// Total.
    pub total: u64,
    /// Left of what an operator allows, however much is free.
    pub left: Option<u64>,
}

/// The space on the file system of `path`. `None` if it reports none, as some file systems in user space.
///
/// # Errors
/// Any error of the file system.
pub fn free_space(path: &Path) -> io::Result<Option<Space>> {
    let (free, total) = side::free_and_total(path)?;
    Ok((total > 0).then_some(Space { free, total, left: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_no_more_free_space_than_it_has_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let space = free_space(directory.path()).unwrap().unwrap();
        assert!(space.free <= space.total && space.total > 1 << 20, "{space:?}");
        assert!(free_space(&directory.path().join("gone")).is_err());
    }
}
