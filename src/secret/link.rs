//! The link secret.

use std::fmt;

use zeroize::Zeroizing;

use super::random::fill_random;

/// Bytes of randomness in a link.
pub(super) const SECRET_LEN: usize = 24;
/// Bytes in a link: the flags and the secret.
pub(super) const PAYLOAD_LEN: usize = 1 + SECRET_LEN;

/// The flags of a link: facts about its share that a client needs before any request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Opening needs a passphrase.
    pub const PASSPHRASE: Self = Self(0x01);
    /// The sender's own computer serves the share, with the TLS key of the link.
    pub const DIRECT: Self = Self(0x02);

    /// The flags in `bits`; `None` if one of them is unknown.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !(Self::PASSPHRASE.0 | Self::DIRECT.0) == 0).then_some(Self(bits))
    }

    /// The byte in the link.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// These and `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The secret in the fragment of a link.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret {
    flags: Flags,
    bytes: Zeroizing<[u8; SECRET_LEN]>,
}

impl LinkSecret {
    /// A new random secret.
    pub fn random(flags: Flags) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        fill_random(&mut *bytes);
        Self { flags, bytes }
    }

    /// A secret read from a link.
    pub fn from_parts(flags: Flags, bytes: [u8; SECRET_LEN]) -> Self {
        Self { flags, bytes: Zeroizing::new(bytes) }
    }

    /// The flags of its link.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Whether a passphrase is needed.
    pub fn needs_passphrase(&self) -> bool {
        self.flags.contains(Flags::PASSPHRASE)
    }

    /// The flags and the secret: the input of the key schedule.
    pub(super) fn payload(&self) -> Zeroizing<[u8; PAYLOAD_LEN]> {
        let mut payload = Zeroizing::new([0; PAYLOAD_LEN]);
        payload[0] = self.flags.bits();
        payload[1..].copy_from_slice(&*self.bytes);
        payload
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSecret").field("flags", &self.flags).finish_non_exhaustive()
    }
}
