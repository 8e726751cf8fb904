//! The subjects of limits: network addresses and create tokens.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use crate::relay::LimitOf;

/// The bits of an IPv6 address that a provider gives to one customer. The customer chooses the others.
const IPV6_PREFIX: u32 = 64;
/// The bits that the addresses of one customer have in common, if a provider gives more of them to each.
const NETWORK_PREFIX: u32 = 48;
/// An IPv6 /48 may use as much as this many addresses.
pub(super) const ADDRESSES_OF_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
/// The first 96 bits of an IPv4 address that is translated for IPv6 (RFC 6052): `64:ff9b::/96`.
const TRANSLATED: u128 = 0x0064_ff9b << 96;

/// A subject that limits apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::relay::server) enum Subject {
    /// An IPv4 address, or the first address of an IPv6 /64.
    Address(IpAddr),
    /// The first address of an IPv6 /48, which counts what its addresses use together.
    Network(Ipv6Addr),
    /// The SHA-256 of a create token.
    Token([u8; 32]),
}

impl Subject {
    /// The subject that `ip` belongs to.
    pub(super) fn of_address(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => match u32::try_from(ip.to_bits() ^ TRANSLATED) {
                Ok(v4) => IpAddr::V4(v4.into()),
                Err(_) => IpAddr::V6(first(ip, IPV6_PREFIX)),
            },
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// This subject, and the network that it is in.
    pub(in crate::relay::server) fn with_network(self) -> impl Iterator<Item = Self> {
        let network = match self {
            Self::Address(IpAddr::V6(ip)) => Some(Self::Network(first(ip, NETWORK_PREFIX))),
            Self::Address(IpAddr::V4(_)) | Self::Network(_) | Self::Token(_) => None,
        };
        [Some(self), network].into_iter().flatten()
    }

    /// The word for it in a refusal.
    pub(super) fn kind(&self) -> LimitOf {
        match self {
            Self::Address(_) | Self::Network(_) => LimitOf::Address,
            Self::Token(_) => LimitOf::Token,
        }
    }
}

/// The first address of the network of `ip` that has so many bits.
fn first(ip: Ipv6Addr, prefix: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << (128 - prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ip: &str) -> Subject {
        Subject::of_address(ip.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_subject() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    }

    #[test]
    fn a_translated_address_is_the_ipv4_address() {
        assert_eq!(of("64:ff9b::192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("64:ff9b::192.0.2.1"), of("64:ff9b::192.0.2.2"));
        assert_eq!(of("64:ff9b::1:192.0.2.1"), of("64:ff9b::2:192.0.2.2"), "this is no translated address");
    }

    #[test]
    fn an_ipv6_address_is_in_a_network() {
        let network = |ip: &str| of(ip).with_network().nth(1);
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:2:2::1"));
        assert_eq!((network("192.0.2.1"), network("64:ff9b::192.0.2.1")), (None, None));
    }
}
