//! The access lists that files inherit.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::platform::files::opening::open_to_flush;

pub(super) fn is_own(_: &Metadata) -> bool {
    true
}

pub(super) fn user_id() -> Option<u32> {
    None
}

pub(super) fn have_one_owner(_: &Metadata, _: &Metadata) -> bool {
    true
}

pub(super) fn have_one_group(_: &Metadata, _: &Metadata) -> bool {
    false
}

pub(super) fn is_of_superuser(_: &Metadata) -> bool {
    false
}

pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

pub(super) fn private_directory() -> DirBuilder {
    DirBuilder::new()
}

pub(super) fn copy_access(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

pub(super) fn give_to_owner_of(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

pub(super) fn share_with_group(_: &File) -> io::Result<()> {
    Ok(())
}

pub(super) fn share_directory_with_group(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn make_directory_private(_: &File) -> io::Result<()> {
    Ok(())
}

/// Asks for the right to list the directory and to add files to it, with which it is also opened to be flushed.
pub(super) fn check_directory_access(path: &Path) -> io::Result<()> {
    open_to_flush(path).map(drop)
}

pub(super) fn is_guarded(path: &Path) -> bool {
    let Some(Ok(profile)) = std::env::home_dir().map(fs::canonicalize) else { return false };
    fs::canonicalize(path).is_ok_and(|path| path.starts_with(profile))
}

/// The mode of a directory that admits nobody but its owner.
pub(super) fn mode(_: &Metadata) -> u32 {
    0o700
}
