//! Properties of network interfaces other than their addresses, containers around this system, and options of sockets.

mod kinds;
#[cfg(system = "linux")]
mod linux;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::time::Duration;

#[cfg(system = "linux")]
use linux as side;
use reqwest::ClientBuilder;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;
#[cfg(system = "unix")]
use unix as side;
#[cfg(system = "windows")]
use windows as side;

pub use self::kinds::{Enclosure, Hardware};

/// Clients that wait to be accepted by a server. A system may allow fewer.
const MANY: i32 = 4096;

/// The ports that need a privilege. Windows has none.
pub const PRIVILEGED: Range<u16> = 0..if cfg!(windows) { 0 } else { 1024 };

/// Whether a program can be allowed to listen on ports that need a privilege (capabilities).
pub const HAS_CAPABILITIES: bool = cfg!(system = "linux");

/// Listens at an address. At the unspecified one of IPv6, connections over IPv4 arrive too.
///
/// # Errors
/// Those of the system.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // OpenBSD refuses a socket for both.
        socket.set_only_v6(false).map_err(|error| io::Error::new(io::ErrorKind::AddrNotAvailable, error))?;
    }
    // On Windows this option would let two processes have one address. Without it, another process of the same user may
    // still listen at a more specific address with this port; the option that prevents that has no safe function.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(MANY)?;
    Ok(socket.into())
}

/// Listens on a port of all interfaces, for IPv4 and, if this system has it, IPv6.
///
/// # Errors
/// Those of the system.
pub fn listen_everywhere(port: u16) -> io::Result<TcpListener> {
    let lacks_ipv6 = |error: &io::Error| {
        error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(side::NO_SUCH_FAMILY)
    };
    match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if lacks_ipv6(&error) => listen((Ipv4Addr::UNSPECIFIED, port).into()),
        listener => listener,
    }
}

impl Hardware {
    /// The hardware of the interface `name`.
    pub fn of(name: &str) -> Self {
        side::hardware(name)
    }
}

impl Enclosure {
    /// Detects a container or WSL, in which only Linux runs.
    pub fn find() -> Option<Self> {
        side::enclosure()
    }
}

/// Lets the system accept at most `bytes` that it has not sent yet, besides those on their way. Without this it accepts
/// megabytes, and then nothing until a third of them has arrived, which can take minutes on a slow line.
///
/// # Errors
/// The system lacks this: it is set on Linux only.
pub fn limit_unsent(socket: &TcpStream, bytes: u32) -> io::Result<()> {
    side::limit_unsent(socket, bytes)
}

/// Makes a client give up a connection when sent bytes stay unacknowledged for `longest`. Only Linux has such an
/// option; elsewhere the system decides.
pub fn give_up_after(client: ClientBuilder, longest: Duration) -> ClientBuilder {
    side::give_up_after(client, longest)
}
