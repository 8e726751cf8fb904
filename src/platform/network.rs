//! Properties of network interfaces other than their addresses, containers around this system, and options of sockets.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::platform::files::open_directory;

/// The directory in which Linux describes interfaces.
const INTERFACES: &str = "/sys/class/net";
/// `ARPHRD_ETHER` and `ARPHRD_INFINIBAND` of Linux. Interfaces of other types that have addresses are tunnels.
const NETWORKS: [&str; 2] = ["1", "32"];

/// Clients that wait to be accepted by a server. A system may allow fewer.
const MANY: i32 = 4096;

/// Listens at an address. At the unspecified one of IPv6, connections over IPv4 arrive too.
///
/// # Errors
/// Those of the system.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
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
        [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL]
            .map(|errno| Some(errno.raw_os_error()))
            .contains(&error.raw_os_error())
    };
    match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if lacks_ipv6(&error) => listen((Ipv4Addr::UNSPECIFIED, port).into()),
        listener => listener,
    }
}

/// An interface's hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each as the system has it")]
pub struct Hardware {
    /// Whether it has a hardware device.
    pub has_device: bool,
    /// Whether its type is one of `NETWORKS`; true if the system does not report a type.
    pub is_network: bool,
    /// Whether a program on this computer is its other end: TUN, TAP.
    pub is_program: bool,
    /// Whether it is a bridge without a device: to containers and virtual machines on this computer.
    pub is_inner_bridge: bool,
}

impl Hardware {
    /// The hardware of the interface `name`.
    pub fn of(name: &str) -> Self {
        Self::at(&Path::new(INTERFACES).join(name))
    }

    /// The hardware in the directory `path` of sysfs.
    pub(crate) fn at(path: &Path) -> Self {
        let link = fs::read_to_string(path.join("type")).ok();
        Self {
            has_device: path.join("device").exists(),
            is_network: link.is_none_or(|link| NETWORKS.contains(&link.trim())),
            is_program: path.join("tun_flags").exists(),
            is_inner_bridge: path.join("bridge").exists() && !leads_out(path),
        }
    }
}

/// Whether one of a bridge's ports is a device or is based on one. Then the bridge connects this computer to its
/// network.
fn leads_out(bridge: &Path) -> bool {
    let ports = fs::read_dir(bridge.join("brif")).into_iter().flatten().flatten();
    ports.map(|port| bridge.with_file_name(port.file_name())).any(|port| {
        let below = fs::read_dir(&port).into_iter().flatten().flatten();
        below
            .map(|entry| entry.file_name())
            .any(|name| name == "device" || name.to_string_lossy().starts_with("lower_"))
    })
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
    /// Detects a container or WSL.
    pub fn find() -> Option<Self> {
        Self::of(Path::new("/"), std::env::var_os("container").is_some())
    }

    fn of(root: &Path, is_declared: bool) -> Option<Self> {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default().to_lowercase();
        // WSL 1 has the addresses of Windows itself, and a release without this word.
        if read("proc/sys/kernel/osrelease").contains("microsoft-standard") {
            return Some(Self::Wsl);
        }
        let has_mark =
            [".dockerenv", "run/.containerenv", "run/systemd/container"].iter().any(|mark| root.join(mark).exists());
        let groups = read("proc/1/cgroup");
        let is_grouped =
            ["/docker", "/lxc", "kubepods", "containerd", "libpod"].iter().any(|name| groups.contains(name));
        (is_declared || has_mark || is_grouped).then_some(Self::Container)
    }
}

/// Lets the system accept at most `bytes` that it has not sent yet, besides those on their way. Without this it accepts
/// megabytes, and then nothing until a third of them has arrived, which can take minutes on a slow line.
///
/// # Errors
/// If the system lacks this.
pub fn limit_unsent(socket: &impl AsFd, bytes: u32) -> io::Result<()> {
    SockRef::from(socket).set_tcp_notsent_lowat(bytes)
}

/// Clients that wait to be accepted by a [private socket](listen_privately).
const BACKLOG: i32 = 64;

/// A socket in the file system that this process made.
#[derive(Debug)]
pub struct Made {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Made {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: file(path)? })
    }

    /// Removes the socket, unless another file has its place now.
    pub fn remove(&self) {
        if file(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Device and inode.
fn file(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|data| (data.dev(), data.ino()))
}

/// Listens on a new socket in the file system that only this user can use. Replaces a socket on which nobody listens.
///
/// # Errors
/// `AddrInUse` if another process listens there, or if the path is no socket; any other error of the file system.
pub fn listen_privately(path: &Path) -> io::Result<(UnixListener, Made)> {
    // Of two processes that find the same abandoned socket, the second one must not remove the first one's new socket.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = open_directory(parent).inspect(|directory| drop(directory.lock()));
    if fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Before it has a name: Linux gives the file the mode of its socket.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    let made = Made::at(path)?;
    drop(directory);
    Ok((socket.into(), made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_socket_replaces_only_one_on_which_nobody_listens() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let (first, made) = listen_privately(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(listen_privately(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(path.exists());
        // Its inode stays in use, as that of a socket does on which a process listens.
        fs::hard_link(&path, directory.path().join("elsewhere")).unwrap();
        let (second, own) = listen_privately(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        second.accept().unwrap();
        // The end of the first one leaves the socket of the second one.
        assert_ne!(made.file, own.file);
        made.remove();
        assert!(path.exists());
        own.remove();
        assert!(!path.exists());
        fs::write(&path, "a file").unwrap();
        assert_eq!(listen_privately(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    }

    #[test]
    fn an_enclosure_is_known_by_its_marks() {
        let scratch = std::env::temp_dir().join(format!("share-enclosure-{}", std::process::id()));
        let of = |mark: &str, content: &str| {
            let path = scratch.join(mark);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            let found = Enclosure::of(&scratch, false);
            fs::remove_file(path).unwrap();
            found
        };
        assert_eq!(of("proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n"), Some(Enclosure::Wsl));
        assert_eq!(of("proc/sys/kernel/osrelease", "6.1.0-27-amd64\n"), None);
        for mark in [".dockerenv", "run/.containerenv", "run/systemd/container"] {
            assert_eq!(of(mark, ""), Some(Enclosure::Container), "{mark}");
        }
        assert_eq!(of("proc/1/cgroup", "12:pids:/kubepods/besteffort/pod1\n"), Some(Enclosure::Container));
        assert_eq!(of("proc/1/cgroup", "0::/init.scope\n"), None);
        assert_eq!(Enclosure::of(&scratch, true), Some(Enclosure::Container));
        fs::remove_dir_all(&scratch).unwrap();
    }
}
