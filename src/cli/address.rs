//! Which address of this machine others on its network reach: private, of a real interface, and never all at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use super::failure::{Trouble, reason};
use super::output::Output;
use crate::link::RelayUrl;

/// The port that is taken if it is free.
pub(super) const PORT: u16 = 4080;

/// Where to listen: an address, and a port if one was said.
pub(super) fn address(said: Option<&str>, has_tunnel: bool, output: &Output) -> Result<(IpAddr, Option<u16>), Trouble> {
    let said = said.map(str::trim).filter(|said| !said.is_empty());
    let (ip, port) = match said {
        None if has_tunnel => (Ipv4Addr::LOCALHOST.into(), None),
        None => (own_address(output), None),
        Some(said) => match (said.parse::<SocketAddr>(), said.parse::<IpAddr>()) {
            (Ok(address), _) => (address.ip(), Some(address.port())),
            (_, Ok(ip)) => (ip, None),
            _ => return Err(Trouble::usage("--listen takes an address of this machine", "--listen 192.168.1.23:4080")),
        },
    };
    if ip.is_unspecified() {
        return Err(Trouble::usage(
            format!("{ip} is every network that this machine is on"),
            "--listen the address of one of them",
        ));
    }
    if !has_tunnel && RelayUrl::parse(&format!("http://{}/", SocketAddr::new(ip, PORT))).is_err() {
        return Err(Trouble::usage(
            format!("{ip} can be reached from everywhere, and browsers would come in the clear"),
            "run a relay with a certificate there: share help relay",
        ));
    }
    Ok((ip, port))
}

/// How the names of interfaces begin that lead to no other machine of this network, or into somebody else's.
const VIRTUAL: [&str; 20] = [
    "docker",
    "br-",
    "veth",
    "virbr",
    "lxc",
    "lxd",
    "podman",
    "cni",
    "flannel",
    "cali",
    "vmnet",
    "vboxnet",
    "tun",
    "tap",
    "utun",
    "wg",
    "ppp",
    "zt",
    "tailscale",
    "nordlynx",
];

/// The private address of this machine on its network.
fn own_address(output: &Output) -> IpAddr {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let found: Vec<_> = interfaces.into_iter().map(|interface| (interface.ip(), interface.name)).collect();
    choose(&found, default_route()).unwrap_or_else(|| {
        output.warn("this computer is on no local network: only programs on it can open the link");
        Ipv4Addr::LOCALHOST.into()
    })
}

/// The address from which this machine would speak to the rest of the world. Nothing is sent.
fn default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation (RFC 5737), which nobody has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The best of the addresses `found`: private; on a real interface, if there is one; IPv4 before IPv6, and the default
/// route's before others.
fn choose(found: &[(IpAddr, String)], default_route: Option<IpAddr>) -> Option<IpAddr> {
    let is_virtual = |name: &str| VIRTUAL.iter().any(|prefix| name.starts_with(prefix));
    let rank = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) if ip.is_private() => Some(0),
        // Shared by a carrier or a virtual private network (RFC 6598).
        IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64 => Some(1),
        IpAddr::V6(ip) if ip.is_unique_local() => Some(2),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    let ranked =
        found.iter().filter_map(|(ip, name)| Some((is_virtual(name), rank(ip)?, Some(*ip) != default_route, *ip)));
    ranked.min().map(|(.., ip)| ip)
}

/// Listens for the share with this number: on the port that was said, and those after it; or the usual one and those
/// after it, or any.
pub(super) fn listener(ip: IpAddr, said: Option<u16>, number: usize, has_tunnel: bool) -> Result<TcpListener, Trouble> {
    let number = u16::try_from(number).unwrap_or(u16::MAX);
    let port = match said {
        Some(0) => 0,
        said => said.unwrap_or(PORT).saturating_add(number),
    };
    let mut bound = TcpListener::bind((ip, port));
    // A tunnel leads to a port that was chosen before.
    if said.is_none() && !has_tunnel {
        bound = bound.or_else(|_| TcpListener::bind((ip, 0)));
    }
    bound.map_err(|error| {
        let address = SocketAddr::new(ip, port);
        Trouble::local(format!("{address} cannot be listened on: {}", reason(&error)), "another --listen ADDRESS")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'a>(found: &[(&'a str, &'a str)], route: &str) -> Option<String> {
        let found: Vec<_> = found.iter().map(|(name, ip)| (ip.parse().unwrap(), (*name).to_owned())).collect();
        choose(&found, route.parse().ok()).map(|ip| ip.to_string())
    }

    #[test]
    fn the_address_is_the_one_of_the_real_network() {
        let (docker, wifi, vpn) = (("docker0", "172.17.0.1"), ("wlan0", "192.168.1.23"), ("tun0", "10.8.0.2"));
        let (cable, mesh, lan6) = (("eth0", "10.0.0.5"), ("tailscale0", "100.64.1.2"), ("eth0", "fd00::2"));
        assert_eq!(chosen(&[docker, wifi, vpn], vpn.1).unwrap(), wifi.1);
        assert_eq!(chosen(&[docker, wifi, cable], cable.1).unwrap(), cable.1);
        assert_eq!(chosen(&[lan6, cable], "").unwrap(), cable.1);
        assert_eq!(chosen(&[lan6, docker], "").unwrap(), lan6.1);
        assert_eq!(chosen(&[docker, mesh], "").unwrap(), docker.1, "better than nothing");
        assert_eq!(chosen(&[mesh], "").unwrap(), mesh.1);
        for world in ["93.184.215.14", "2606:2800::1", "127.0.0.1", "fe80::1", "169.254.1.1"] {
            assert_eq!(chosen(&[("eth0", world)], world), None, "not to the world, and not to nobody");
        }
    }
}
