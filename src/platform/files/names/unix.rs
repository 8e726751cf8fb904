//! Renames on Linux (`renameat2`), macOS (`renameatx_np`) and the BSDs, which have none that never replaces.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

#[cfg(any(target_vendor = "apple", target_os = "linux"))]
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux")))]
pub(super) fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(super) fn is_of_a_stream(_: &OsStr) -> bool {
    false
}
