//! The subjects of limits: network addresses and create tokens.

use std::net::{IpAddr, Ipv6Addr};

use crate::relay::LimitOf;

/// The bits of an IPv6 address that a provider gives to one customer. The customer chooses the others.
const IPV6_PREFIX: u32 = 64;

/// A subject that limits apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::relay::server) enum Subject {
    /// An IPv4 address, or the first address of an IPv6 /64.
    Address(IpAddr),
    /// The SHA-256 of a create token.
    Token([u8; 32]),
}

impl Subject {
    /// The subject that `ip` belongs to.
    pub(super) fn of_address(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << (128 - IPV6_PREFIX)))),
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// The word for it in a refusal.
    pub(super) fn kind(&self) -> LimitOf {
        match self {
            Self::Address(_) => LimitOf::Address,
            Self::Token(_) => LimitOf::Token,
        }
    }
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
}
