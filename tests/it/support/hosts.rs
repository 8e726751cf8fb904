//! Hosts with addresses of their own, for the tests of what a relay owes to each address.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::sandbox::{RelayProcess, SHARE, Sandbox};
use super::time_limit::skip;

/// Set in a run of a test among the hosts of `tests/hosts`.
const INSIDE: &str = "SHARE_TEST_HOSTS";

/// A host of `tests/hosts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostName {
    Relay,
    /// Has several addresses more.
    A,
    B,
    C,
}

impl HostName {
    fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
        }
    }

    pub(crate) fn namespace(self) -> String {
        format!("/run/netns/{}", self.name())
    }

    /// The address that its connections have unless another one is chosen.
    pub(crate) fn address(self) -> IpAddr {
        let number = match self {
            Self::Relay => 1,
            Self::A => 2,
            Self::B => 3,
            Self::C => 4,
        };
        Ipv4Addr::new(10, 77, 0, number).into()
    }

    /// Runs `work` in a thread on this host: its sockets are there.
    pub(crate) fn run<T: Send + 'static>(self, work: impl AsyncFnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        thread::spawn(move || {
            let namespace = File::open(self.namespace()).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work())
        })
    }

    /// The relay's address of the other family.
    pub(crate) const RELAY_6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1));

    /// Twenty more addresses of host a.
    pub(crate) fn more_of_a() -> Vec<IpAddr> {
        (1..=20).map(|number| Ipv4Addr::new(10, 77, 1, number).into()).collect()
    }

    /// The addresses of host a in one IPv6 network.
    pub(crate) fn network_of_a() -> Vec<IpAddr> {
        (1..=64).map(|number| Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0xa, number).into()).collect()
    }
}

/// Whether this run of a test is among the hosts. Otherwise the test of this name is run again there, and must succeed.
pub(crate) fn among_hosts(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let can = Command::new("unshare").args(["--user", "--map-root-user", "--net", "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        skip("no network namespaces");
        return false;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts");
    let mut again = Command::new(script);
    again.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--include-ignored", "--nocapture"]);
    let status = again.env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "{test}, among hosts: {status}");
    false
}

/// A relay on its host, on all of its addresses, for anyone.
pub(crate) fn relay_among_hosts(sandbox: &Sandbox) -> RelayProcess {
    let store = format!("file://{}", sandbox.path("store").display());
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", HostName::Relay.namespace())).args([SHARE, "relay", "--listen", "[::]:0"]);
    command.args(["--plain-http", "--anyone", "--store", &store, "--reserve", "0"]);
    sandbox.start_as_relay(sandbox.prepare(command))
}
