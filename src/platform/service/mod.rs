//! The service manager (systemd): sockets that it passes to a service, messages about the state of the service, and the
//! journal. `sd_listen_fds(3)`, `sd_notify(3)` and <https://systemd.io/JOURNAL_NATIVE_PROTOCOL> describe the protocols.
//! Only Linux has it: elsewhere no manager passes a socket or gets a message, and there is no journal.

#[cfg(not(system = "linux"))]
mod elsewhere;
#[cfg(system = "linux")]
mod linux;
mod socket;

use std::io;
use std::time::Duration;

#[cfg(not(system = "linux"))]
use elsewhere as side;
#[cfg(system = "linux")]
use linux as side;

pub use self::socket::Socket;
use self::socket::UNNAMED;

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
        side::sockets().map(Self)
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

/// How many entries of the journal were lost, since journald did not take them.
pub fn lost_entries() -> u64 {
    side::lost_entries()
}

/// The journal of systemd.
#[derive(Debug)]
pub struct Journal(side::Journal);

impl Journal {
    /// Finds journald.
    ///
    /// # Errors
    /// It does not run here.
    pub fn open() -> io::Result<Self> {
        side::Journal::open().map(Self)
    }

    /// Writes an entry with these fields. One that journald does not take at once is lost, and counted: no request
    /// waits for it.
    pub fn write(&self, fields: &[(String, String)]) {
        self.0.write(fields);
    }
}

/// The service manager that started this process, if there is one.
#[derive(Debug)]
pub struct Manager(side::Manager);

impl Manager {
    /// Finds the manager.
    pub fn find() -> Self {
        Self(side::Manager::find())
    }

    /// Sends a state, one assignment a line, without waiting. A manager that does not listen is no error: the service
    /// works without it.
    pub fn notify(&self, state: &str) {
        self.0.notify(state);
    }

    /// Notes that the service reads its files again. `READY=1` notes the end of that.
    pub fn reloading(&self) {
        self.0.reloading();
    }

    /// Whether there is a manager.
    pub fn is_there(&self) -> bool {
        self.0.is_there()
    }

    /// The longest time between two signs of life, if the manager watches this process.
    pub fn watchdog(&self) -> Option<Duration> {
        self.0.watchdog()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

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
