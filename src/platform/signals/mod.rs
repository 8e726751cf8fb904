//! Requests of the user and of the system to stop this program or to read its files again.

#[cfg(system = "linux")]
mod linux;
#[cfg(unix)]
mod posix;
mod signal;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

#[cfg(unix)]
use posix as side;
#[cfg(system = "windows")]
use windows as side;

pub use self::signal::Signal;

/// Calls `heard` for each signal from now on, until `heard` returns false. SIGHUP stays ignored if this program was
/// started so, as by nohup(1). `lasts`: the command may outlive its terminal. macOS and the BSDs need another process
/// to find out whether SIGHUP is ignored, so there SIGHUP ends the other commands at once.
pub fn listen(lasts: bool, heard: impl Fn(Signal) -> bool + Clone + Send + 'static) {
    side::listen(lasts, &heard);
}
