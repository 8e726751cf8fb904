//! The protocol in HTTP, for client and server: paths, headers and frames.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::relay::{Credential, Left, V1};
use crate::secret::{Id, Receipt, Token};

pub(super) const ABOUT: &str = "/.well-known/share";
pub(super) const CREATE: &str = "/v1/create";
pub(super) const ALLOWANCE: &str = "/v1/allowance";
pub(super) const PART: &str = "/v1/part/";
pub(super) const COMMIT: &str = "/v1/commit";
pub(super) const DEPOSIT: &str = "/v1/deposit";
pub(super) const LINK: &str = "/v1/link";
pub(super) const MANIFEST: &str = "/v1/manifest";
pub(super) const CLAIM: &str = "/v1/claim";
pub(super) const FINISH: &str = "/v1/finish";
pub(super) const REPORT: &str = "/v1/report";
pub(super) const OWNER: &str = "/v1/owner";

/// The header with the checksum of a whole part.
pub(super) const CHECKSUM: &str = "share-crc32c";
/// The header of a credential where `Authorization` belongs to a proxy in front of the relay.
pub(super) const SHARE_AUTHORIZATION: &str = "share-authorization";
/// A JSON object.
pub(super) const JSON: &str = "application/json";
/// An error.
pub(super) const PROBLEM: &str = "application/problem+json";
/// Bytes, or a framed JSON object and bytes.
pub(super) const BYTES: &str = "application/octet-stream";

/// The largest JSON object in a short body, and in front of the part of a deposit, in bytes.
pub(super) const MAX_JSON: usize = 256 * 1024;
/// The largest JSON object with a manifest, in bytes: a commit, and the answers to a look and a claim.
pub(super) const MAX_LONG_JSON: usize = 2 << 20;

// Clients of before left `v` out of the next four, so it may be absent.

/// The body of `manifest`.
#[derive(Serialize, Deserialize)]
pub(super) struct Proof {
    #[serde(default)]
    pub(super) v: V1,
    pub(super) proof: Token,
}

/// The body of `claim`.
#[derive(Serialize, Deserialize)]
pub(super) struct ClaimRequest {
    #[serde(default)]
    pub(super) v: V1,
    pub(super) proof: Token,
    pub(super) claim_token: Token,
}

/// The body of `finish`.
#[derive(Serialize, Deserialize)]
pub(super) struct FinishRequest {
    #[serde(default)]
    pub(super) v: V1,
    pub(super) receipt: Receipt,
}

/// The head of a `deposit`.
#[derive(Serialize, Deserialize)]
pub(super) struct Deposit<C, D> {
    #[serde(default)]
    pub(super) v: V1,
    pub(super) create: C,
    pub(super) commit: D,
}

/// The answer to a question for what is left of a create token.
#[derive(Serialize, Deserialize)]
pub(super) struct AllowanceResponse {
    pub(super) v: V1,
    pub(super) left: Left,
}

/// The answer to a revocation.
#[derive(Serialize, Deserialize)]
pub(super) struct Was {
    pub(super) was: crate::relay::ShareState,
}

/// The answer to a report.
#[derive(Serialize, Deserialize)]
pub(super) struct ReportResponse {
    pub(super) v: V1,
    /// When the share was first reported, Unix seconds.
    pub(super) at: u64,
}

/// An answer without content.
#[derive(Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) v: V1,
}

/// The value of the header of a credential.
pub(super) fn bearer(credential: &Credential) -> Zeroizing<String> {
    let (id, token) = (credential.id.as_bytes(), Zeroizing::new(BASE64URL.encode(credential.token.as_bytes())));
    Zeroizing::new(format!("Bearer {}.{}", BASE64URL.encode(id), *token))
}

/// Parses the value that [`bearer`] writes. The scheme may have any case (RFC 9110, 11.1) and several spaces after it.
pub(super) fn parse_bearer(value: &str) -> Option<Credential> {
    let (scheme, credential) = value.split_once(' ')?;
    let (id, token) = credential.trim_start_matches(' ').split_once('.')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut id_bytes = [0; 16];
    let mut token_bytes = Zeroizing::new([0; 32]);
    let complete = BASE64URL.decode_slice(id, &mut id_bytes) == Ok(16)
        && BASE64URL.decode_slice(token, &mut *token_bytes) == Ok(32);
    complete.then(|| Credential::new(Id::from_bytes(id_bytes), Token::from_bytes(*token_bytes)))
}

/// A frame: the length of a JSON object as four bytes, big-endian, and the object. A part follows.
pub(super) fn frame(json: &[u8]) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), json].concat()
}

/// Splits bytes into the JSON object of a frame, and the bytes after it.
pub(super) fn unframe(mut bytes: Bytes) -> Option<(Bytes, Bytes)> {
    let length = frame_len(&bytes, MAX_LONG_JSON)?;
    if bytes.len() < 4 + length {
        return None;
    }
    let after = bytes.split_off(4 + length);
    Some((bytes.split_off(4), after))
}

/// The length of the JSON object in a frame, at most `max` bytes.
pub(super) fn frame_len(bytes: &[u8], max: usize) -> Option<usize> {
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    usize::try_from(length).ok().filter(|length| *length <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_be_absent_and_is_1_otherwise() {
        let receipt = "A".repeat(43);
        let read = |v: &str| serde_json::from_str::<FinishRequest>(&format!(r#"{{{v}"receipt":"{receipt}"}}"#)).is_ok();
        assert!(read("") && read(r#""v":1,"#));
        for v in ["2", "0", "null", "\"1\"", "1.0", "true", "18446744073709551617"] {
            assert!(!read(&format!(r#""v":{v},"#)), "{v}");
        }
    }

    #[test]
    fn a_bearer_is_read_only_whole() {
        let credential = Credential::new(Id::from_bytes([1; 16]), Token::from_bytes([2; 32]));
        let text = bearer(&credential);
        let read = parse_bearer(&text).unwrap();
        assert!(read.id == credential.id && read.token == credential.token);
        for same in [text.replace("Bearer", "bEARER"), text.replace(' ', "   ")] {
            assert!(parse_bearer(&same).is_some_and(|read| read.token == credential.token), "{same}");
        }
        let other = text.replace("Bearer", "Basic");
        for damaged in ["", "Bearer ", "Bearer .", &text[..text.len() - 1], &text.replace('.', ""), &other, &text[7..]]
        {
            assert!(parse_bearer(damaged).is_none(), "{damaged}");
        }
    }
}
