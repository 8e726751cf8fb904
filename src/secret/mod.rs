//! The link secret, and everything that is derived from it.
//!
//! A link carries 24 random bytes and one byte of flags. From these two come, by HKDF-SHA-256, the share's id, the
//! tokens that a relay checks, and the two age identities that open its manifest and its blob. A passphrase, where
//! there is one, is stretched by scrypt and mixed into the keys themselves, so that a relay that ignored it would
//! still hold nothing it could open.
//!
//! Nothing in this module can be printed by accident: secrets have no `Display`, a `Debug` that says only their
//! type, and are wiped from memory when they are dropped. The derivation is specified in `relay/PROTOCOL.md` and held
//! by known answers in the tests.

mod bytes;
mod derive;
mod device;
mod direct;
mod fragment;
mod id;
mod keys;
mod link;
mod passphrase;
mod random;
mod receipt;
mod token;
mod wiped;

pub use device::DeviceSecret;
pub use direct::{DirectKey, Pin};
pub use fragment::FragmentError;
pub(crate) use fragment::{FRAGMENT_PREFIX, holds_key};
pub use id::Id;
pub use keys::Keys;
pub use link::{Flags, LinkSecret};
pub use random::{fill_random, hex, random_hex};
pub use receipt::{Receipt, ReceiptKey};
pub use token::{Claimant, Role, Token, Verifier};
pub use wiped::Wiped;
