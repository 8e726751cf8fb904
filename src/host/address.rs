//! The address at which a hosted share can be reached: one of this machine's, never all of them at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::error::HostError;
use crate::host::interfaces;
use crate::host::interfaces::{InterfaceKind, Own, Scope};
use crate::platform::network::Enclosure;
use crate::relay::server::PORT;

/// How long an address of IPv6 may take until it can be used.
const CLAIM_TIME: Duration = Duration::from_secs(3);

/// Ports that are tried until one is free for both addresses.
const MAX_ATTEMPTS: usize = 32;

/// The address, interface or tunnel that the user chose to listen on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChosenAddress<'a> {
    /// An address, perhaps with a port.
    pub listen: Option<&'a str>,
    /// The name of an interface.
    pub interface: Option<&'a str>,
    /// A tunnel leads to this machine from elsewhere.
    pub has_tunnel: bool,
}

/// The address to listen on, and its surroundings.
pub struct ListenAddress {
    /// The address.
    pub ip: IpAddr,
    /// The port, if one was set.
    port: Option<u16>,
    has_tunnel: bool,
    /// The interface that has this address, where it was found and not set.
    pub own: Option<Own>,
    /// The other addresses of this machine that might do.
    pub others: Vec<Own>,
    /// An obstacle that may stand between this address and the network.
    pub enclosure: Option<Enclosure>,
}

impl ListenAddress {
    /// Finds it.
    ///
    /// # Errors
    /// [`HostError::NotAnAddress`], [`HostError::EveryInterface`], [`HostError::NoSuchInterface`].
    pub(super) fn find(wanted: ChosenAddress<'_>) -> Result<Self, HostError> {
        let listen = wanted.listen.map(str::trim).filter(|text| !text.is_empty());
        let at =
            |ip, port| Self { ip, port, has_tunnel: wanted.has_tunnel, own: None, others: Vec::new(), enclosure: None };
        match listen.map(parse).transpose()? {
            Some((ip, _)) if ip.is_unspecified() => Err(HostError::EveryInterface(ip)),
            Some((ip, port)) => {
                let own = interfaces::own().into_iter().find(|own| own.ip == ip);
                let enclosure = own.as_ref().and_then(enclosure);
                Ok(Self { enclosure, ..at(ip, port) })
            }
            None => match choose(interfaces::own(), wanted.interface)? {
                _ if wanted.has_tunnel && wanted.interface.is_none() => Ok(at(Ipv4Addr::LOCALHOST.into(), None)),
                (None, others) => Ok(Self { others, ..at(Ipv4Addr::LOCALHOST.into(), None) }),
                (Some(own), others) => {
                    let (ip, enclosure) = (own.ip, enclosure(&own));
                    Ok(Self { own: Some(own), others, enclosure, ..at(ip, None) })
                }
            },
        }
    }

    /// Whether everybody in the world may come, so that nothing is served in the clear.
    pub fn is_public(&self) -> bool {
        !self.has_tunnel && Scope::of(self.ip) == Some(Scope::Global)
    }

    /// Listens for a tunnel that this program opens: on the port that was set or any, of this computer's IPv4 address
    /// for itself and of the IPv6 one. A tunnel's program may use either, so no other program may have that port.
    ///
    /// # Errors
    /// [`HostError::CannotListen`].
    pub(super) fn pair(&self) -> Result<(TcpListener, Option<TcpListener>), HostError> {
        let bind = |ip, port| {
            let address = SocketAddr::new(ip, port);
            TcpListener::bind(address).map_err(|error| HostError::CannotListen { address, error })
        };
        let mut attempts = 0;
        loop {
            attempts += 1;
            let listener = bind(self.ip, self.port.unwrap_or(0))?;
            if self.ip != Ipv4Addr::LOCALHOST {
                return Ok((listener, None));
            }
            let port = listener.local_addr().map_err(HostError::NoAddress)?.port();
            match bind(Ipv6Addr::LOCALHOST.into(), port) {
                Ok(pair) => return Ok((listener, Some(pair))),
                Err(HostError::CannotListen { address, error }) if error.kind() == io::ErrorKind::AddrInUse => {
                    if matches!(self.port, Some(1..)) || attempts == MAX_ATTEMPTS {
                        return Err(HostError::CannotListen { address, error });
                    }
                }
                // This computer has no IPv6.
                Err(_) => return Ok((listener, None)),
            }
        }
    }

    /// Listens for the share with this number: on the port that was set, and those after it; or the usual one and
    /// those after it, or any.
    ///
    /// # Errors
    /// [`HostError::CannotListen`].
    pub(super) fn listener(&self, number: usize) -> Result<TcpListener, HostError> {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let port = match self.port {
            Some(0) => 0,
            set => set.unwrap_or(PORT).saturating_add(number),
        };
        let bind = || {
            let bound = TcpListener::bind((self.ip, port));
            // A tunnel leads to a port that was chosen before.
            if self.port.is_none() && !self.has_tunnel {
                bound.or_else(|_| TcpListener::bind((self.ip, 0)))
            } else {
                bound
            }
        };
        let (mut bound, begun) = (bind(), Instant::now());
        // A new address of IPv6 can be used when no neighbor has claimed it for a second (RFC 4862, 5.4).
        while bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
            && self.ip.is_ipv6()
            && self.own.is_some()
            && begun.elapsed() < CLAIM_TIME
        {
            thread::sleep(Duration::from_millis(100));
            bound = bind();
        }
        bound.map_err(|error| HostError::CannotListen { address: SocketAddr::new(self.ip, port), error })
    }
}

/// An address, perhaps with a port.
fn parse(text: &str) -> Result<(IpAddr, Option<u16>), HostError> {
    match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
        (Ok(address), _) => Ok((address.ip(), Some(address.port()))),
        (_, Ok(ip)) => Ok((ip, None)),
        _ => Err(HostError::NotAnAddress),
    }
}

/// The container or WSL that may keep other machines from an address. The virtual interface of a container has no
/// device.
fn enclosure(own: &Own) -> Option<Enclosure> {
    let found = Enclosure::find().filter(|_| own.kind == InterfaceKind::Network)?;
    (found == Enclosure::Wsl || !own.has_device).then_some(found)
}

/// The best of the addresses `found`, which stand in order, and the others: on the interface that was named, or on one
/// that leads to other machines.
fn choose(found: Vec<Own>, interface: Option<&str>) -> Result<(Option<Own>, Vec<Own>), HostError> {
    let may_be = |own: &&Own| interface.map_or(own.kind != InterfaceKind::Machines, |name| own.name == name);
    let best = found.iter().find(may_be).cloned();
    if let (None, Some(name)) = (&best, interface) {
        let known = found.into_iter().map(|own| own.name).collect();
        return Err(HostError::NoSuchInterface { name: name.to_owned(), known });
    }
    let is_other = |own: &Own| own.kind != InterfaceKind::Machines && Some(own.ip) != best.as_ref().map(|own| own.ip);
    let others = found.into_iter().filter(is_other).collect();
    Ok((best, others))
}
