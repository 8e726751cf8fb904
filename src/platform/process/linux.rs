//! The side of Linux.

use std::fs;
use std::time::Duration;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::time::{ClockId, clock_gettime};

pub(super) use super::posix::{ask_to_end, is_executable, is_path, leave_session, spellings};
use super::posix::{disable_core_dumps, raise_descriptors};

pub(super) fn keep_memory_private() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    disable_core_dumps();
}

pub(super) fn time_since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

pub(super) fn host_name() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/hostname").ok()
}

pub(super) fn take_all_descriptors() {
    raise_descriptors(None);
}
