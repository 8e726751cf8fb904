//! This process and other programs: limits, privacy, clocks, names.

#[cfg(system = "linux")]
mod linux;
#[cfg(unix)]
mod posix;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

use std::env;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

#[cfg(system = "linux")]
use linux as side;
#[cfg(system = "unix")]
use unix as side;
#[cfg(system = "windows")]
use windows as side;

/// Disables core dumps of this process and its children. On Linux it also forbids other processes of this user to read
/// its memory; other systems let them, if they may debug it. On Windows it does nothing.
pub fn keep_memory_private() {
    side::keep_memory_private();
}

/// Starts a new session, so that closing the terminal, or Ctrl-C there, does not end this process. Windows has no
/// sessions of this kind.
pub fn leave_session() {
    side::leave_session();
}

/// Sends SIGTERM to a child. Windows has no signal for that: a child there can only be killed.
pub fn ask_to_end(child: &Child) {
    side::ask_to_end(child);
}

/// The time since an arbitrary start, with the time that the computer was suspended. Where the system has no such clock
/// (BSDs), it is the time of day, which may be set.
pub fn time_since_boot() -> Duration {
    side::time_since_boot()
}

/// The name of this machine.
pub fn host_name() -> Option<String> {
    side::host_name().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The path of a program, given by its path or by its name on `PATH`. On Windows the name may lack its extension.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let spellings = side::spellings(name);
    if side::is_path(name) {
        return spellings.into_iter().map(PathBuf::from).find(|path| path.is_file());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| spellings.iter().map(move |name| directory.join(name)).collect::<Vec<_>>())
        .find(|path| path.is_file() && side::is_executable(path))
}

/// Raises the limit of open files to the largest that this user may have. An error leaves it as it is. Windows has no
/// limit.
pub fn take_all_descriptors() {
    side::take_all_descriptors();
}
