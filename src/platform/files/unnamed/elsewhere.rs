//! Systems on which every file has a name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn create_unnamed(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn link_unnamed(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn lasting_path(_: &File) -> Option<PathBuf> {
    None
}
