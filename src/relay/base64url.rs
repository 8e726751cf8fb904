//! Bytes in JSON: base64url without padding (RFC 4648, section 5), for `#[serde(with)]`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&BASE64URL.encode(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(from)?;
    BASE64URL.decode(text).map(Bytes::from).map_err(|_| de::Error::custom("not base64url"))
}

/// The same for bytes that may be absent.
pub(crate) mod optional {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Bytes>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::serialize(bytes, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bytes>, D::Error> {
        #[derive(Deserialize)]
        struct Encoded(#[serde(with = "super")] Bytes);
        Ok(Option::<Encoded>::deserialize(from)?.map(|Encoded(bytes)| bytes))
    }
}
