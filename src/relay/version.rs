//! The version of the protocol.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number 1, in every JSON object of this version of the protocol. Any other number is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            1 => Ok(Self),
            _ => Err(D::Error::custom("unsupported version of the protocol")),
        }
    }
}
