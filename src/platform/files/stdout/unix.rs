//! The descriptor of standard output.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{OFlags, fcntl_getfl};

pub(super) fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

pub(super) fn stdout_is_closed() -> bool {
    let device = |data: io::Result<std::fs::Metadata>| data.map(|data| data.rdev()).ok();
    let null = device(std::fs::metadata("/dev/null"));
    let is_null = null.is_some() && device(stdout().and_then(|stdout| stdout.metadata())) == null;
    is_null && fcntl_getfl(io::stdout()).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
