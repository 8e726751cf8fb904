//! The network interfaces of this machine, and the kind of each: by its flags, its hardware and its prefix, and by its
//! name only where those do not decide.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::platform::network::Hardware;

/// How the names of interfaces begin that lead to containers and virtual machines of this one.
const MACHINES: [&str; 12] =
    ["docker", "br-", "veth", "virbr", "lxc", "lxd", "incus", "podman", "cni", "flannel", "cali", "vmnet"];

/// The machines that an interface leads to. The best comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InterfaceKind {
    /// A network of other machines.
    Network,
    /// A private network over other networks.
    Tunnel,
    /// Containers and virtual machines of this one.
    Machines,
}

/// The machines that can send packets to an address. The best comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// RFC 1918.
    Private,
    /// Shared by a carrier or a virtual private network (RFC 6598).
    Shared,
    /// RFC 4193.
    UniqueLocal,
    /// Everybody, unless a firewall keeps them out.
    Global,
}

impl Scope {
    /// `None`: an address that no other machine reaches, or only with the name of an interface.
    pub fn of(ip: IpAddr) -> Option<Self> {
        match ip.to_canonical() {
            IpAddr::V4(ip) if ip.is_private() => Some(Self::Private),
            IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64 => Some(Self::Shared),
            IpAddr::V4(ip) if ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.octets()[0] == 0 => {
                None
            }
            IpAddr::V4(ip) if ip.is_broadcast() => None,
            IpAddr::V4(_) => Some(Self::Global),
            IpAddr::V6(ip) if ip.is_unique_local() => Some(Self::UniqueLocal),
            IpAddr::V6(ip) => (ip.segments()[0] & 0xe000 == 0x2000).then_some(Self::Global),
        }
    }
}

/// An address of this machine that another machine may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The address.
    pub ip: IpAddr,
    /// The name of its interface.
    pub name: String,
    /// The kind of its interface.
    pub kind: InterfaceKind,
    /// The machines that can send packets to it.
    pub scope: Scope,
    /// Whether there is a device behind the interface: then this is not a container with a network of its own.
    pub has_device: bool,
    /// Whether it is ready and, of its kind, the way to the rest of the world.
    rank: (bool, bool),
}

/// The addresses of this machine that others may reach, the best first: of a network before those of a tunnel, and of
/// each those that nobody else in the world reaches before others.
pub(super) fn own() -> Vec<Own> {
    let routes = default_routes();
    let found = if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter_map(|interface| {
        let ip = interface.ip();
        let has_neighbors = match &interface.addr {
            if_addrs::IfAddr::V4(address) => address.prefixlen < 32,
            if_addrs::IfAddr::V6(address) => address.prefixlen < 128,
        };
        let hardware = Hardware::of(&interface.name);
        let has_device = hardware.has_device;
        // Clouds and DHCPv6 give such prefixes to real interfaces, too.
        let is_alone = !has_neighbors && !has_device;
        let kind = kind(hardware, &interface.name, interface.is_p2p() || is_alone);
        let rank = (!interface.is_oper_up(), !routes.contains(&ip));
        Some(Own { ip, name: interface.name, kind, scope: Scope::of(ip)?, has_device, rank })
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|own| (own.kind, own.rank.0, own.scope, own.rank.1, own.ip));
    found
}

/// The kind of the interface `name`. `is_tunnel`: by its flags or prefix.
fn kind(hardware: Hardware, name: &str, is_tunnel: bool) -> InterfaceKind {
    if hardware.is_inner_bridge || MACHINES.iter().any(|prefix| name.starts_with(prefix)) {
        InterfaceKind::Machines
    } else if is_tunnel || !hardware.is_network || hardware.is_program {
        InterfaceKind::Tunnel
    } else {
        InterfaceKind::Network
    }
}

/// The addresses from which this machine would speak to the rest of the world. Nothing is sent.
fn default_routes() -> Vec<IpAddr> {
    // Addresses for documentation (RFC 5737, RFC 3849), which nobody has.
    let ways: [(SocketAddr, IpAddr); 2] = [
        ((Ipv4Addr::UNSPECIFIED, 0).into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        ((Ipv6Addr::UNSPECIFIED, 0).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
    ];
    let from = |(own, other): (SocketAddr, IpAddr)| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect((other, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    ways.into_iter().filter_map(from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_known_by_what_they_are() {
        let network = Hardware { has_device: false, is_network: true, is_program: false, is_inner_bridge: false };
        for (name, hardware, expected) in [
            ("wlan0", Hardware { has_device: true, ..network }, InterfaceKind::Network),
            ("lan", network, InterfaceKind::Network),
            ("CloudflareWARP", Hardware { is_network: false, is_program: true, ..network }, InterfaceKind::Tunnel),
            ("ztabc", Hardware { is_program: true, ..network }, InterfaceKind::Tunnel),
            ("office", Hardware { is_network: false, ..network }, InterfaceKind::Tunnel),
            ("guests", Hardware { is_inner_bridge: true, ..network }, InterfaceKind::Machines),
            ("docker0", network, InterfaceKind::Machines),
        ] {
            assert_eq!(kind(hardware, name, false), expected, "{name}");
        }
        assert_eq!(kind(network, "wlan0", true), InterfaceKind::Tunnel, "its flags or its prefix say so");
    }

    #[test]
    fn addresses_that_lead_to_nobody_are_none() {
        for (ip, scope) in [
            ("192.168.1.23", Some(Scope::Private)),
            ("100.64.1.2", Some(Scope::Shared)),
            ("fd00::2", Some(Scope::UniqueLocal)),
            ("141.20.5.6", Some(Scope::Global)),
            ("2001:db8:1::5", Some(Scope::Global)),
            ("127.0.0.1", None),
            ("169.254.1.1", None),
            ("0.0.0.0", None),
            ("255.255.255.255", None),
            ("224.0.0.1", None),
            ("::1", None),
            ("fe80::1", None),
            ("ff02::1", None),
        ] {
            assert_eq!(Scope::of(ip.parse().unwrap()), scope, "{ip}");
        }
    }
}
