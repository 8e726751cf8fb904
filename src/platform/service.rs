//! The service manager (systemd): sockets that it passes to a service, messages about the state of the service, and the
//! journal. `sd_listen_fds(3)`, `sd_notify(3)` and <https://systemd.io/JOURNAL_NATIVE_PROTOCOL> describe the protocols.

use std::io;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;
use std::time::Duration;

use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};

/// The name that a socket has if the service manager gave it none.
const UNNAMED: &str = "unknown";

/// A socket that listens.
#[derive(Debug)]
pub enum Socket {
    /// At a network address.
    Tcp(TcpListener),
    /// In the file system.
    Unix(UnixListener),
}

/// The sockets that the service manager passed to this process, by their names.
#[derive(Debug, Default)]
pub struct Sockets(Vec<(String, Socket)>);

impl Sockets {
    /// Takes the sockets. No child process inherits them, nor the variables that announce them. Must be called before
    /// the process has a second thread, since it changes the environment.
    ///
    /// # Errors
    /// A descriptor is no socket that listens.
    pub fn take() -> io::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let mut names = names.split(':');
        let sockets = (0..passed.len()).map(|at| {
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or(UNNAMED);
            let socket = match passed.take_tcp_listener(at) {
                Ok(listener) => listener.map(Socket::Tcp),
                Err(_) => passed.take_unix_listener(at)?.map(Socket::Unix),
            };
            let missing = || io::Error::other("a socket of the service manager is missing");
            Ok((name.to_owned(), socket.ok_or_else(missing)?))
        });
        sockets.collect::<io::Result<Vec<_>>>().map(Self)
    }

    /// Removes the first socket with a name. A socket that has none counts as `relay`, if it is the only one.
    pub fn remove(&mut self, name: &str) -> Option<Socket> {
        let is_alone = self.0.len() == 1;
        let is_meant = |given: &str| given == name || (is_alone && name == "relay" && given == UNNAMED);
        let at = self.0.iter().position(|(given, _)| is_meant(given))?;
        Some(self.0.remove(at).1)
    }

    /// The names of the sockets that were not removed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// The socket of journald.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// The journal of systemd, by its native protocol.
#[derive(Debug)]
pub struct Journal(UnixDatagram);

impl Journal {
    /// Connects to journald.
    ///
    /// # Errors
    /// It does not run here.
    pub fn open() -> io::Result<Self> {
        Self::at(JOURNAL.as_ref())
    }

    fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        Ok(Self(socket))
    }

    /// Writes an entry with these fields. One that journald does not take is lost: no request waits for it.
    pub fn write(&self, fields: &[(String, String)]) {
        let mut entry = Vec::new();
        for (name, value) in fields {
            // The form for values of any bytes: no value can end early and add a field.
            entry.extend_from_slice(name.as_bytes());
            entry.push(b'\n');
            entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
            entry.extend_from_slice(value.as_bytes());
            entry.push(b'\n');
        }
        let _ = self.0.send(&entry);
    }
}

/// The service manager that started this process, if there is one.
#[derive(Debug)]
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that the environment names.
    pub fn find() -> Self {
        let address = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let bytes = name.as_encoded_bytes();
            match bytes.split_first()? {
                (b'@', name) => SocketAddr::from_abstract_name(name).ok(),
                (b'/', _) => SocketAddr::from_pathname(&name).ok(),
                _ => None,
            }
        });
        let is_ours = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid.parse() == Ok(std::process::id()));
        let limit = std::env::var("WATCHDOG_USEC").ok().filter(|_| is_ours);
        Self {
            socket: address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address))),
            watchdog: limit.and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).map(Duration::from_micros),
        }
    }

    /// Sends a state, one assignment a line. A manager that does not listen is no error: the service works without it.
    pub fn notify(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }

    /// Whether there is a manager.
    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// The longest time between two signs of life, if the manager watches this process.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_there())
    }
}

/// The monotonic clock, in microseconds.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let [seconds, nanos] = [now.tv_sec, now.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    seconds * 1_000_000 + nanos / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_journal_cannot_add_a_field() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        let fields = [("MESSAGE", "two\nlines"), ("PRIORITY", "6")];
        Journal::at(&path).unwrap().write(&fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut entry = [0; 100];
        let len = journald.recv(&mut entry).unwrap();
        let expected = b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY\n\x01\0\0\0\0\0\0\x006\n";
        assert_eq!(&entry[..len], expected);
    }

    #[test]
    fn a_socket_is_found_by_its_name_or_alone() {
        let socket = || Socket::Tcp(TcpListener::bind("127.0.0.1:0").unwrap());
        let named = |names: &[&str]| Sockets(names.iter().map(|name| ((*name).to_owned(), socket())).collect());
        let mut two = named(&["http", "relay"]);
        assert!(two.remove("relay").is_some() && two.remove("relay").is_none());
        assert_eq!(two.names().collect::<Vec<_>>(), ["http"]);
        assert!(named(&["unknown"]).remove("relay").is_some());
        assert!(named(&["unknown"]).remove("admin").is_none());
        assert!(named(&["unknown", "http"]).remove("relay").is_none());
    }
}
