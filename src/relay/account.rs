//! Limits of create tokens, as the rules see them: a token is an account, and its shares are counted for each day.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::secret::Id;

/// Seconds of a day, which is one of UTC.
pub(in crate::relay) const DAY: u64 = 86_400;

/// The name of a create token in a store: 16 bytes of a hash of its hash. Neither can be computed from it, and no line
/// of an operator's file contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey(Id);

impl AccountKey {
    /// The name of the token with this SHA-256.
    pub fn of(token_hash: &[u8; 32]) -> Self {
        Self(digest(b"share.v1 account", token_hash))
    }

    /// The name of the share `id` among those of this account: the id does not follow from it.
    pub(in crate::relay) fn share(&self, id: &Id) -> Id {
        digest(b"share.v1 account share", &[*self.0.as_bytes(), *id.as_bytes()].concat())
    }

    /// 32 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.hex()
    }
}

/// The first 16 bytes of the SHA-256 of `kind`, one zero byte, and `value`.
fn digest(kind: &[u8], value: &[u8]) -> Id {
    let hash: [u8; 32] = Sha256::new().chain_update(kind).chain_update([0]).chain_update(value).finalize().into();
    Id::from_bytes(std::array::from_fn(|at| hash[at]))
}

impl Serialize for AccountKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for AccountKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let key = Id::from_hex(&String::deserialize(from)?);
        key.map(Self).ok_or_else(|| D::Error::custom("not the name of an account"))
    }
}

/// A create token that has limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// Its limits.
    #[serde(flatten)]
    pub limits: AccountLimits,
}

/// Limits of a create token. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLimits {
    /// The longest blob, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Bytes of new shares a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_a_day: Option<u64>,
    /// New shares a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares_a_day: Option<u64>,
}

impl AccountLimits {
    /// The longest blob, at a relay whose own limit is `max_bytes`.
    pub fn longest(&self, max_bytes: u64) -> u64 {
        [self.max_size, self.bytes_a_day].into_iter().flatten().fold(max_bytes, u64::min)
    }

    /// Whether shares are counted.
    pub fn are_daily(&self) -> bool {
        self.bytes_a_day.is_some() || self.shares_a_day.is_some()
    }
}

/// The rest of a create token's limits. A member without a limit is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// New shares until `resets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<u64>,
    /// The limit of new shares a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares_a_day: Option<u64>,
    /// Bytes of new shares until `resets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The limit of bytes a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_a_day: Option<u64>,
    /// The longest blob, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// When the limits of a day come back, Unix seconds.
    pub resets: u64,
    /// The end of the token, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay_and_reveal_no_token() {
        let key = AccountKey::of(&[7; 32]);
        assert_eq!(key.hex(), "e79f9092f83f290a9f2a84aeee578ddf");
        let share = key.share(&Id::from_bytes([9; 16]));
        assert_eq!(share.hex(), "63cdaaf8c79e821ab817d39ca18e3f02");
        let limits = AccountLimits { max_size: Some(5), bytes_a_day: None, shares_a_day: Some(2) };
        let text = serde_json::to_string(&Account { key, limits }).unwrap();
        assert_eq!(text, format!(r#"{{"key":"{}","max_size":5,"shares_a_day":2}}"#, key.hex()));
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), Account { key, limits });
        assert!(serde_json::from_str::<Account>(r#"{"key":"short"}"#).is_err());
    }
}
