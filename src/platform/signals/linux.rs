//! The side of Linux.

use std::fs;

use tokio::signal::unix::SignalKind;

pub(super) fn hears_hangup(_lasts: bool) -> bool {
    !ignores_hangup()
}

/// Whether this program was started with SIGHUP ignored (`SigIgn` of proc(5)).
pub(super) fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (SignalKind::hangup().as_raw_value() - 1) & 1 == 1
}
