//! `GetDiskFreeSpaceEx`.

use std::io;
use std::path::Path;

pub(super) fn free_and_total(path: &Path) -> io::Result<(u64, u64)> {
    let stats = fs4::statvfs(path)?;
    Ok((stats.available_space(), stats.total_space()))
}
