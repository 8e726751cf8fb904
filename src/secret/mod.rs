//! The link secret, and everything that is derived from it.
//!
//! A link has 24 random bytes and one byte of flags. HKDF-SHA-256 derives from them the share's id, the tokens that a
//! relay checks, and the two age identities of its manifest and its blob. A passphrase is stretched by scrypt and mixed
//! into the keys, so that ciphertext stays unreadable even if a relay does not check the passphrase.
//!
//! Secrets cannot be printed by accident: they have no `Display`, their `Debug` shows only the type, and they are wiped
//! from memory when dropped. `relay/PROTOCOL.md` specifies the derivation; tests compare it with known answers.

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
