//! Properties of network interfaces other than their addresses, containers around this system, and options of sockets.

#[cfg(system = "linux")]
mod linux;
#[cfg(system = "unix")]
mod unix;
#[cfg(system = "windows")]
mod windows;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
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

/// Clients that wait to be accepted by a server. A system may allow fewer.
const MANY: i32 = 4096;

/// The command that lets a program listen on ports that need a privilege. The path of the program follows. Only Linux
/// has one.
pub const BIND_COMMAND: Option<&str> = side::BIND_COMMAND;

/// Listens at an address. At the unspecified one of IPv6, connections over IPv4 arrive too.
///
/// # Errors
/// Those of the system.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // On Windows this option would let two processes have one address.
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

/// An interface's hardware. Linux describes it in sysfs; other systems are judged by the names of interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each as the system has it")]
pub struct Hardware {
    /// Whether it has a hardware device.
    pub has_device: bool,
    /// Whether its type is that of a network, not of a tunnel; true if the system does not report a type.
    pub is_network: bool,
    /// Whether a program on this computer is its other end: TUN, TAP.
    pub is_program: bool,
    /// Whether it is a bridge without a device: to containers and virtual machines on this computer.
    pub is_inner_bridge: bool,
}

impl Hardware {
    /// The hardware of the interface `name`.
    pub fn of(name: &str) -> Self {
        side::hardware(name)
    }
}

/// A container or virtual machine around this system, whose addresses others may not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// Docker, Podman, LXC, systemd-nspawn, a pod of Kubernetes.
    Container,
    /// The virtual machine of the Windows Subsystem for Linux, version 2.
    Wsl,
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

/// Makes a client give up a connection when sent bytes stay unacknowledged for `longest`. Only Linux has such an option;
/// elsewhere the system decides.
pub fn give_up_after(client: ClientBuilder, longest: Duration) -> ClientBuilder {
    side::give_up_after(client, longest)
}
