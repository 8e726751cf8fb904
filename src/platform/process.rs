//! This process and its children: limits, signals, users.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::OFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes as many file descriptors as the system lets this process have. Where that is refused, it works with those that
/// it has.
pub fn take_all_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Whether this program was started with a signal ignored (`SigIgn` of proc(5)), as by nohup(1).
pub fn ignores_signal(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (number - 1) & 1 == 1
}

/// A standard stream without the buffer of the standard library, for bytes.
///
/// # Errors
/// If the system has no descriptor left for it.
pub fn unbuffered(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

/// Whether a standard stream was closed when the program started: the runtime opens /dev/null in its place, for reading
/// and writing.
pub fn was_closed(stream: &impl AsFd) -> bool {
    let null = fs::metadata("/dev/null").map(|data| data.rdev());
    let is_null = rustix::fs::fstat(stream).is_ok_and(|stat| null.is_ok_and(|null| null == stat.st_rdev));
    is_null && rustix::fs::fcntl_getfl(stream).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
