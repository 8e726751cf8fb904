//! Types of a fixed number of bytes.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// A type of a fixed number of public bytes. Serialized as base64url.
macro_rules! public_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps bytes that came from a store or from the wire.
            pub fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes themselves.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl PartialEq for $name {
            /// Compares in constant time.
            fn eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
            }
        }

        impl Eq for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&$crate::secret::bytes::encode(&self.0))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::secret::bytes::decode(from).map(|bytes| Self(*bytes))
            }
        }
    };
}

/// A type of 32 secret bytes. Serialized as base64url, never printed, wiped when dropped.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub(super) zeroize::Zeroizing<[u8; 32]>);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&$crate::secret::bytes::encode(&*self.0))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::secret::bytes::decode(from).map(Self)
            }
        }
    };
}

pub(super) use {public_bytes, secret_bytes};

/// Bytes as base64url.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(BASE64URL.encode(bytes))
}

/// Reads what [`encode`] wrote.
pub(super) fn decode<'de, const N: usize, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<[u8; N]>, D::Error> {
    let text = Zeroizing::new(String::deserialize(from)?);
    let mut bytes = Zeroizing::new([0; N]);
    match BASE64URL.decode_slice(text.as_bytes(), &mut *bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(de::Error::custom("not the expected number of bytes in base64url")),
    }
}
