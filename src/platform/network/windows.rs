//! The side of Windows.

use std::io;
use std::time::Duration;

use reqwest::ClientBuilder;
use tokio::net::TcpStream;

use super::kinds::{Enclosure, Hardware};

/// `WSAEAFNOSUPPORT`.
pub(super) const NO_SUCH_FAMILY: i32 = 10047;

/// Words in the names of interfaces that are tunnels.
const TUNNELS: [&str; 7] = ["tailscale", "wireguard", "openvpn", "tap-windows", "zerotier", "vpn", "warp"];
/// Words in the names of interfaces that lead to virtual machines of this computer.
const INNER: [&str; 4] = ["(default switch)", "(wsl", "vmware", "virtualbox"];

/// Judges by the name, which users may change.
pub(super) fn hardware(name: &str) -> Hardware {
    let name = name.to_lowercase();
    let contains = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let (is_program, is_inner_bridge) = (contains(&TUNNELS), contains(&INNER));
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
