//! Modes and owners.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::Access;

use crate::platform::files::opening::open_directory;

pub(super) fn is_own(data: &Metadata) -> bool {
    Some(data.uid()) == user_id()
}

pub(super) fn user_id() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

pub(super) fn have_one_owner(one: &Metadata, other: &Metadata) -> bool {
    one.uid() == other.uid()
}

pub(super) fn have_one_group(one: &Metadata, other: &Metadata) -> bool {
    one.gid() == other.gid()
}

pub(super) fn is_of_superuser(data: &Metadata) -> bool {
    data.uid() == 0
}

pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

pub(super) fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

pub(super) fn copy_access(from: &Metadata, to: &File) -> io::Result<()> {
    let is_now = to.metadata()?;
    if (is_now.uid(), is_now.gid()) != (from.uid(), from.gid()) {
        fchown(to, Some(from.uid()), Some(from.gid()))?;
    }
    to.set_permissions(from.permissions())
}

pub(super) fn give_to_owner_of(directory: &Metadata, file: &File) -> io::Result<()> {
    let is_ours = user_id() == Some(0) && is_of_superuser(&file.metadata()?);
    if is_ours && !is_of_superuser(directory) {
        fchown(file, Some(directory.uid()), Some(directory.gid()))?;
    }
    Ok(())
}

pub(super) fn share_with_group(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o660))
}

pub(super) fn share_directory_with_group(path: &Path) -> io::Result<()> {
    open_directory(path)?.set_permissions(Permissions::from_mode(0o2770))
}

pub(super) fn make_directory_private(directory: &File) -> io::Result<()> {
    directory.set_permissions(Permissions::from_mode(0o700))
}

pub(super) fn check_directory_access(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

pub(super) fn is_guarded(_: &Path) -> bool {
    true
}

pub(super) fn mode(data: &Metadata) -> u32 {
    data.permissions().mode()
}
