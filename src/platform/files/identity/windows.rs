//! Volume and file index.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use winapi_util::Handle;
use winapi_util::file::information;

pub(super) fn marks(file: &File) -> io::Result<(u64, u64, u64, (i64, i64))> {
    let data = information(file)?;
    Ok((data.volume_serial_number(), data.file_index(), data.file_size(), (0, 0)))
}

pub(super) fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let (there, here) = (information(Handle::from_path_any(path)?)?, information(file)?);
    let place = |data: &winapi_util::file::Information| (data.volume_serial_number(), data.file_index());
    Ok(place(&there) == place(&here))
}

pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}
