//! The side of macOS and the BSDs.

use std::io;
use std::time::Duration;

use reqwest::ClientBuilder;
use rustix::io::Errno;
use tokio::net::TcpStream;

use super::kinds::{Enclosure, Hardware};

pub(super) const NO_SUCH_FAMILY: i32 = Errno::AFNOSUPPORT.raw_os_error();

/// How the names of interfaces begin that are tunnels, or whose other end is a program.
const TUNNELS: [&str; 12] = ["utun", "tun", "tap", "wg", "ipsec", "ppp", "gif", "stf", "gre", "ovpn", "zt", "feth"];
/// How the names of interfaces begin that lead to virtual machines and jails of this computer.
const INNER: [&str; 4] = ["vmenet", "epair", "vnet", "vether"];
/// The same on macOS: shared networks and those of virtual machines are `bridge100` and further ones; `bridge0` is
/// that of Thunderbolt, and users make others. On a BSD a bridge may be the way to the network.
const INNER_BRIDGES: &str = "bridge10";

pub(super) fn hardware(name: &str) -> Hardware {
    let begins = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
    let is_program = begins(&TUNNELS);
    let is_inner_bridge = begins(&INNER) || (cfg!(target_vendor = "apple") && name.starts_with(INNER_BRIDGES));
    Hardware { has_device: !is_program && !is_inner_bridge, is_network: true, is_program, is_inner_bridge }
}

pub(super) fn enclosure() -> Option<Enclosure> {
    None
}

pub(super) fn limit_unsent(_: &TcpStream, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn give_up_after(client: ClientBuilder, _: Duration) -> ClientBuilder {
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_known_by_the_names_of_interfaces() {
        for (name, is_program, is_inner_bridge) in [
            ("en0", false, false),
            ("em0", false, false),
            ("bridge0", false, false),
            ("bridge1", false, false),
            ("bridge100", false, cfg!(target_vendor = "apple")),
            ("utun3", true, false),
            ("wg0", true, false),
            ("epair0a", false, true),
        ] {
            let has_device = !is_program && !is_inner_bridge;
            let expected = Hardware { has_device, is_network: true, is_program, is_inner_bridge };
            assert_eq!(hardware(name), expected, "{name}");
        }
    }
}
