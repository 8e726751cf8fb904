//! Linux, macOS and the BSDs.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, io};

use axum_server::Server;
use reqwest::ClientBuilder;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::platform::files::open_directory;

/// The address of a client.
type Peer = SocketAddr;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener(UnixListener);

impl Listener {
    /// Serves connections of HTTP.
    ///
    /// # Errors
    /// Those of the system.
    pub fn server(self) -> io::Result<Server<Peer>> {
        axum_server::from_unix(self.0)
    }
}

/// Sockets that a service manager passed.
#[cfg(system = "linux")]
impl Listener {
    pub(in crate::platform) fn of(listener: UnixListener) -> Self {
        Self(listener)
    }

    /// Whether clients can connect to it.
    pub(in crate::platform) fn listens(&self) -> io::Result<bool> {
        socket2::SockRef::from(&self.0).is_listener()
    }
}

pub(super) fn client(builder: ClientBuilder, path: &Path) -> io::Result<ClientBuilder> {
    Ok(builder.unix_socket(path))
}

/// Clients that wait to be accepted by a socket.
const BACKLOG: i32 = 64;

/// A socket that this process made.
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

pub(super) fn listen_privately(path: &Path) -> io::Result<(Listener, Made)> {
    // Of two processes that find the same abandoned socket, the second one must not remove the first one's new socket.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = open_directory(parent).inspect(|directory| drop(directory.lock()));
    if fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    bind_privately(&socket, path)?;
    socket.listen(BACKLOG)?;
    let made = Made::at(path)?;
    drop(directory);
    Ok((Listener(socket.into()), made))
}

/// Linux gives the file the mode of its socket.
#[cfg(system = "linux")]
fn bind_privately(socket: &Socket, path: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, fchmod};
    fchmod(socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(&SockAddr::unix(path)?)
}

/// The mode of a socket without a name cannot be changed. Nobody can connect before it listens.
#[cfg(system = "unix")]
fn bind_privately(socket: &Socket, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
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
        second.0.accept().unwrap();
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
}
