//! Volume and file index.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use winapi_util::Handle;
use winapi_util::file::{Information, information};

/// Units of 100 ns in a second.
const UNITS: u64 = 10_000_000;

pub(super) fn marks(file: &File) -> io::Result<(u64, u64, u64, (i64, i64))> {
    let data = information(file)?;
    let created = data.creation_time().unwrap_or_default();
    let created = ((created / UNITS).cast_signed(), (created % UNITS * 100).cast_signed());
    Ok((data.volume_serial_number(), data.file_index(), data.file_size(), created))
}

/// A file system without indices reports 0 ([MS-FSCC] 2.4.26), one whose indices are longer than 64 bits all ones.
pub(super) fn is_index(index: u64) -> bool {
    index != 0 && index != u64::MAX
}

pub(super) fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let (there, here) = (information(Handle::from_path_any(path)?)?, information(file)?);
    if !is_index(here.file_index()) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let place = |data: &Information| (data.volume_serial_number(), data.file_index());
    Ok(place(&there) == place(&here))
}

pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 would make all files of such a volume one.
    #[test]
    fn an_index_that_all_files_have_identifies_none() {
        assert!(!is_index(0) && !is_index(u64::MAX) && is_index(1));
    }

    #[test]
    fn two_files_of_one_length_differ_in_their_times_too() {
        let directory = tempfile::tempdir().unwrap();
        let marks = |name: &str| marks(&File::create(directory.path().join(name)).unwrap()).unwrap();
        let ((_, _, _, one), (_, _, _, other)) = (marks("one"), marks("two"));
        assert!(one > (0, 0) && one <= other && other.1 < 1_000_000_000);
    }
}
