//! `O_TMPFILE`, and `/proc/self/fd`.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};

use crate::platform::files::identity::leads_to;

pub(super) fn create_unnamed(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR)?))
}

pub(super) fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(CWD, descriptor_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// The path by which this process, or a child that inherits the descriptor, can open `file` again.
pub(in crate::platform) fn descriptor_path(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

pub(super) fn lasting_path(directory: &File) -> Option<PathBuf> {
    let path = descriptor_path(directory);
    leads_to(&path, directory).is_ok_and(|leads| leads).then_some(path)
}
