//! Requests of the user and of the system to stop this program or to read its files again.

#[cfg(system = "linux")]
mod linux;
#[cfg(unix)]
mod posix;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

#[cfg(unix)]
use posix as side;
#[cfg(system = "windows")]
use windows as side;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C (SIGINT).
    Interrupt,
    /// SIGTERM, SIGQUIT. On Windows: Ctrl-Break, a closed console, the end of the session, the end of the system.
    End,
    /// SIGHUP. Windows has none.
    Hangup,
}

/// Calls `heard` for each signal from now on, until it returns false. SIGHUP stays ignored if this program was started
/// so, as by nohup(1).
pub fn listen(heard: impl Fn(Signal) -> bool + Clone + Send + 'static) {
    side::listen(&heard);
}
