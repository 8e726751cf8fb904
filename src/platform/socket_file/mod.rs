//! Sockets in the file system, by which programs on this machine reach a server. Not supported on Windows.

#[cfg(unix)]
mod posix;
#[cfg(system = "windows")]
mod windows;

use std::io;
use std::path::Path;

#[cfg(unix)]
use posix as side;
use reqwest::ClientBuilder;
#[cfg(system = "windows")]
use windows as side;

pub use self::side::{Listener, Made};

/// Whether this system has such sockets.
pub const EXIST: bool = cfg!(unix);

/// Listens on a new socket that only this user can use. Replaces a socket on which nobody listens.
///
/// # Errors
/// `AddrInUse` if another process listens there, or if the path is no socket; any other error of the file system;
/// `Unsupported` on Windows.
pub fn listen_privately(path: &Path) -> io::Result<(Listener, Made)> {
    side::listen_privately(path)
}

/// Makes a client connect to the socket at `path`, whatever address it is asked for.
///
/// # Errors
/// `Unsupported` on Windows.
pub fn client(builder: ClientBuilder, path: &Path) -> io::Result<ClientBuilder> {
    side::client(builder, path)
}
