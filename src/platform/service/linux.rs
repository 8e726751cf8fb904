//! Linux: systemd.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};
use socket2::SockRef;

use super::socket::{Socket, UNNAMED};
use crate::platform::socket_file::Listener;

/// The descriptor of the first socket that the service manager passes.
const FIRST_PASSED: usize = 3;

/// The sockets that the service manager passed, and their names.
pub(super) fn sockets() -> io::Result<Vec<(String, Socket)>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut passed = ListenFd::from_env();
    let mut names = names.split(':');
    let sockets = (0..passed.len()).map(|at| {
        let name = names.next().filter(|name| !name.is_empty()).unwrap_or(UNNAMED);
        let socket = match passed.take_tcp_listener(at) {
            Ok(listener) => listener.map(Socket::Tcp),
            Err(_) => passed.take_unix_listener(at).ok().flatten().map(|listener| Socket::File(Listener::of(listener))),
        };
        let socket = socket.filter(listens).ok_or_else(|| {
            let socket = FIRST_PASSED + at;
            io::Error::other(format!("descriptor {socket} is no socket that listens, of TCP or in the file system"))
        })?;
        Ok((name.to_owned(), socket))
    });
    sockets.collect()
}

/// Whether clients can connect to a socket: one that has an address only is none.
fn listens(socket: &Socket) -> bool {
    let listens = match socket {
        Socket::Tcp(listener) => SockRef::from(listener).is_listener(),
        Socket::File(listener) => listener.listens(),
    };
    listens.unwrap_or(false)
}

/// The socket of journald.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// Entries that journald did not take.
static LOST: AtomicU64 = AtomicU64::new(0);

pub(super) fn lost_entries() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The journal of systemd, by its native protocol.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    pub(super) fn open() -> io::Result<Self> {
        Self::at(JOURNAL.into())
    }

    fn at(path: PathBuf) -> io::Result<Self> {
        UnixDatagram::unbound()?.connect(&path)?;
        Ok(Self { socket: without_waiting()?, path })
    }

    /// Each entry looks for journald anew, since a restart gives it a new socket.
    pub(super) fn write(&self, fields: &[(String, String)]) {
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

#[derive(Debug)]
pub(super) struct Manager {
    messages: Option<Messages>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that the environment names.
    pub(super) fn find() -> Self {
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

    pub(super) fn notify(&self, state: &str) {
        if let Some(messages) = &self.messages {
            messages.send(state);
        }
    }

    pub(super) fn reloading(&self) {
        self.notify(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_micros()));
    }

    pub(super) fn is_there(&self) -> bool {
        self.messages.is_some()
    }

    pub(super) fn watchdog(&self) -> Option<Duration> {
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
fn monotonic_micros() -> u64 {
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
}
