//! The side of Windows.

use std::env;
use std::path::Path;
use std::process::Child;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Extensions of programs that the system starts without a shell.
const PROGRAMS: [&str; 4] = [".exe", ".com", ".cmd", ".bat"];

pub(super) fn keep_memory_private() {}

pub(super) fn leave_session() {}

pub(super) fn ask_to_end(_: &Child) {}

/// `Instant` is the performance counter, which goes on while the computer sleeps.
pub(super) fn time_since_boot() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

pub(super) fn host_name() -> Option<String> {
    env::var("COMPUTERNAME").ok()
}

pub(super) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', ':'])
}

pub(super) fn spellings(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    if PROGRAMS.iter().any(|extension| lower.ends_with(extension)) {
        return vec![name.to_owned()];
    }
    PROGRAMS.iter().map(|extension| format!("{name}{extension}")).collect()
}

/// A file's extension decides.
pub(super) fn is_executable(_: &Path) -> bool {
    true
}

pub(super) fn take_all_descriptors() {}
