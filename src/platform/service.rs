//! The service manager (systemd): sockets that it passes to a service, messages about the state of the service, and the
//! journal. `sd_listen_fds(3)`, `sd_notify(3)` and <https://systemd.io/JOURNAL_NATIVE_PROTOCOL> describe the protocols.

use std::io;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};
use socket2::SockRef;

/// The name that a socket has if the service manager gave it none.
const UNNAMED: &str = "unknown";
/// The descriptor of the first socket that the service manager passes.
const FIRST_PASSED: usize = 3;

/// A socket that listens.
#[derive(Debug)]
pub enum Socket {
    /// At a network address.
    Tcp(TcpListener),
    /// In the file system.
    Unix(UnixListener),
}

impl Socket {
    /// Whether clients can connect to it: a socket that has an address only is none.
    fn listens(&self) -> bool {
        let listens = match self {
            Self::Tcp(listener) => SockRef::from(listener).is_listener(),
            Self::Unix(listener) => SockRef::from(listener).is_listener(),
        };
        listens.unwrap_or(false)
    }
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
                Err(_) => passed.take_unix_listener(at).ok().flatten().map(Socket::Unix),
            };
            let socket = socket.filter(Socket::listens).ok_or_else(|| {
                let socket = FIRST_PASSED + at;
                io::Error::other(format!("descriptor {socket} is no socket that listens, of TCP or in the file system"))
            })?;
            Ok((name.to_owned(), socket))
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

/// Entries that journald did not take.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many entries of the journal were lost, since journald did not take them.
pub fn lost_entries() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The journal of systemd, by its native protocol.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// Finds journald.
    ///
    /// # Errors
    /// It does not run here.
    pub fn open() -> io::Result<Self> {
        Self::at(JOURNAL.into())
    }

    fn at(path: PathBuf) -> io::Result<Self> {
        UnixDatagram::unbound()?.connect(&path)?;
        Ok(Self { socket: without_waiting()?, path })
    }

    /// Writes an entry with these fields. One that journald does not take at once is lost, and counted: no request
    /// waits for it. Each entry looks for journald anew, since a restart gives it a new socket.
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
        if self.socket.send_to(&entry, &self.path).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A socket that sends at once or not at all.
fn without_waiting() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The service manager that started this process, if there is one.
#[derive(Debug)]
pub struct Manager {
    messages: Option<Messages>,
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
            messages: address.and_then(|address| Messages::to(address).ok()),
            watchdog: limit.and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).map(Duration::from_micros),
        }
    }

    /// Sends a state, one assignment a line, without waiting. A manager that does not listen is no error: the service
    /// works without it.
    pub fn notify(&self, state: &str) {
        if let Some(messages) = &self.messages {
            messages.send(state);
        }
    }

    /// Whether there is a manager.
    pub fn is_there(&self) -> bool {
        self.messages.is_some()
    }

    /// The longest time between two signs of life, if the manager watches this process.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_there())
    }
}

/// Messages that may wait for a busy service manager; further ones are lost.
const MAX_WAITING: usize = 32;

/// Sends messages to the service manager, in their order. While it is busy, they wait in a thread of their own.
#[derive(Debug)]
struct Messages {
    socket: UnixDatagram,
    address: SocketAddr,
    later: SyncSender<String>,
    /// Messages that were given to the thread and are not sent yet.
    waiting: Arc<AtomicUsize>,
}

impl Messages {
    fn to(address: SocketAddr) -> io::Result<Self> {
        let (later, messages) = mpsc::sync_channel::<String>(MAX_WAITING);
        let (patient, to) = (UnixDatagram::unbound()?, address.clone());
        let waiting = Arc::<AtomicUsize>::default();
        let left = waiting.clone();
        thread::Builder::new().name("service-manager".to_owned()).spawn(move || {
            for message in messages {
                let _ = patient.send_to_addr(message.as_bytes(), &to);
                left.fetch_sub(1, Ordering::Release);
            }
        })?;
        Ok(Self { socket: without_waiting()?, address, later, waiting })
    }

    fn send(&self, message: &str) {
        if self.waiting.load(Ordering::Acquire) == 0 {
            let sent = self.socket.send_to_addr(message.as_bytes(), &self.address);
            if !sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return;
            }
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.later.try_send(message.to_owned()).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
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
        Journal::at(path).unwrap().write(&fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut entry = [0; 100];
        let len = journald.recv(&mut entry).unwrap();
        let expected = b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY\n\x01\0\0\0\0\0\0\x006\n";
        assert_eq!(&entry[..len], expected);
    }

    /// Runs something that must not wait.
    fn at_once(does: impl FnOnce() + Send + 'static) {
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            does();
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(30)).expect("it waits");
    }

    #[test]
    fn a_journald_that_stands_still_holds_up_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _silent = UnixDatagram::bind(&path).unwrap();
        let journal = Arc::new(Journal::at(path.clone()).unwrap());
        let (full, before) = (journal.clone(), lost_entries());
        let entry = |text: &str| [("MESSAGE".to_owned(), text.to_owned())];
        at_once(move || (0..10_000).for_each(|_| full.write(&entry("lost"))));
        assert!(lost_entries() > before);
        // It has started again, with a new socket.
        std::fs::remove_file(&path).unwrap();
        let journald = UnixDatagram::bind(&path).unwrap();
        journald.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        journal.write(&entry("found"));
        let mut bytes = [0; 100];
        let len = journald.recv(&mut bytes).unwrap();
        assert!(bytes[..len].ends_with(b"found\n"));
    }

    #[test]
    fn a_busy_service_manager_gets_each_message_later() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let other = without_waiting().unwrap();
        let earlier = (0..1_000_000).take_while(|_| other.send_to(b"earlier", &path).is_ok()).count();
        let messages = Messages::to(SocketAddr::from_pathname(&path).unwrap()).unwrap();
        at_once(move || {
            messages.send("RELOADING=1");
            messages.send("READY=1");
            (0..1000).for_each(|_| messages.send("WATCHDOG=1"));
        });
        let next = || {
            let mut bytes = [0; 100];
            let len = manager.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..len].to_vec()).unwrap()
        };
        assert!((0..earlier).all(|_| next() == "earlier"));
        assert_eq!([next(), next(), next()], ["RELOADING=1", "READY=1", "WATCHDOG=1"]);
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
