//! Flags of `CreateFileW` (`winbase.h`).

use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::platform::files::errors::not_a_file;

/// Opens directories too.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// Opens a symbolic link, or another file that leads elsewhere, itself.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// The attribute of such a file.
const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;

pub(super) fn open_unfollowed(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    let leads_elsewhere = file.metadata()?.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0;
    if leads_elsewhere { Err(not_a_file()) } else { Ok(file) }
}

pub(super) fn entry_data(entry: &DirEntry) -> io::Result<Metadata> {
    if entry.file_type()?.is_file() { fs::symlink_metadata(entry.path()) } else { entry.metadata() }
}

pub(super) fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

pub(super) fn open_directory(path: &Path) -> io::Result<File> {
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    let directory = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if directory.metadata()?.is_dir() { Ok(directory) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// Opens a file or directory with the rights that flushing it takes.
pub(in crate::platform::files) fn open_to_flush(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}
