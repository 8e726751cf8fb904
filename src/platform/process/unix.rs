//! The side of macOS and the BSDs.

use std::time::Duration;

pub(super) use super::posix::{ask_to_end, is_executable, is_path, leave_session, spellings};
use super::posix::{disable_core_dumps, raise_descriptors};

/// `OPEN_MAX` of macOS, which refuses a higher limit where the hard limit is infinite.
const OPEN_MAX: u64 = 10_240;

pub(super) fn keep_memory_private() {
    disable_core_dumps();
}

/// `CLOCK_MONOTONIC` of macOS goes on while the computer sleeps.
#[cfg(target_vendor = "apple")]
pub(super) fn time_since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(not(target_vendor = "apple"))]
pub(super) fn time_since_boot() -> Duration {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

pub(super) fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

pub(super) fn take_all_descriptors() {
    if !raise_descriptors(None) {
        raise_descriptors(Some(OPEN_MAX));
    }
}
