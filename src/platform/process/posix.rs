//! The part that Linux, macOS and the BSDs have in common.

use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit, setsid};

pub(super) fn disable_core_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

pub(super) fn leave_session() {
    let _ = setsid();
}

pub(super) fn ask_to_end(child: &Child) {
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
}

pub(super) fn is_path(name: &str) -> bool {
    name.contains('/')
}

pub(super) fn spellings(name: &str) -> [String; 1] {
    [name.to_owned()]
}

pub(super) fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Raises the limit of open files to the hard limit, or to `bound` if that is lower. Returns whether the system allows
/// it.
pub(super) fn raise_descriptors(bound: Option<u64>) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let current = match bound {
        // A limit that is higher already stays.
        Some(bound) if limit.current.is_none_or(|current| current >= bound) => return true,
        Some(bound) => Some(limit.maximum.map_or(bound, |most| most.min(bound))),
        None => limit.maximum,
    };
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_ok()
}
