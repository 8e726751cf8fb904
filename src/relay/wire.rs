//! The protocol in HTTP, for client and server: paths, headers, frames, and errors as problems (RFC 9457).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::relay::{Credential, Gone, RelayError, V1};
use crate::secret::{Claimant, Id, Receipt, Token};

pub(super) const PAGE: &str = "/";
/// Precedes the name of a file that the page loads.
pub(super) const PAGE_FILES: &str = "/page/";
pub(super) const ABOUT: &str = "/.well-known/share";
pub(super) const CREATE: &str = "/v1/create";
pub(super) const PART: &str = "/v1/part/";
pub(super) const COMMIT: &str = "/v1/commit";
pub(super) const DEPOSIT: &str = "/v1/deposit";
pub(super) const LINK: &str = "/v1/link";
pub(super) const MANIFEST: &str = "/v1/manifest";
pub(super) const CLAIM: &str = "/v1/claim";
pub(super) const FINISH: &str = "/v1/finish";
pub(super) const OWNER: &str = "/v1/owner";

/// The header with the checksum of a whole part.
pub(super) const CHECKSUM: &str = "share-crc32c";
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

/// The answer to a revocation.
#[derive(Serialize, Deserialize)]
pub(super) struct Was {
    pub(super) was: crate::relay::ShareState,
}

/// An answer without content.
#[derive(Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) v: V1,
}

/// The value of the `Authorization` header.
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

/// An error on the wire. Nothing of the request is echoed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimant: Option<Claimant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A problem of a request that no handler gets: it is refused for its form in HTTP alone. Our client makes no such
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpProblem {
    /// The path does not have this method.
    BadMethod,
    /// The path and query are too long.
    TargetTooLong,
    /// The head is too long, or has too many fields.
    HeadTooLong,
    /// A `Transfer-Encoding` other than `chunked`.
    UnknownCoding,
}

/// The fix of a misdirected request. Nothing of the request is echoed.
const MISDIRECTED: &str = "The Host header names no address of this relay. \
    If the relay is meant, its operator must name the address: share relay --public-url URL";

/// Prefix of all types of problems.
const URN: &str = "urn:share:";

impl Problem {
    /// An error as it is sent: its status, its body, and the seconds of its `Retry-After`.
    pub(super) fn of(error: &RelayError) -> (u16, Self, Option<u64>) {
        let plain = |status, kind: &str| (status, Self { r#type: format!("{URN}{kind}"), ..Self::default() }, None);
        let max = |status, kind, max| {
            let (status, problem, after) = plain(status, kind);
            (status, Self { max: Some(max), ..problem }, after)
        };
        let later = |status, kind, after| {
            let (status, problem, _) = plain(status, kind);
            (status, problem, Some(after))
        };
        match *error {
            RelayError::BadRequest => plain(400, "bad-request"),
            RelayError::EmptyPart => plain(400, "empty-part"),
            RelayError::BadChecksum => plain(400, "bad-checksum"),
            RelayError::TooLongLived { max: limit } => max(400, "too-long-lived", limit),
            RelayError::NotAllowed => plain(401, "not-allowed"),
            RelayError::WrongPassphrase { left } => {
                let (status, problem, after) = plain(403, "wrong-passphrase");
                (status, Self { left: Some(left), ..problem }, after)
            }
            RelayError::Unknown => plain(404, "unknown"),
            RelayError::Timeout => plain(408, "timeout"),
            RelayError::IdTaken => plain(409, "id-taken"),
            RelayError::Committed => plain(409, "sealed"),
            RelayError::PartDiffers => plain(409, "part-differs"),
            RelayError::PartsMissing => plain(409, "parts-missing"),
            RelayError::Gone { how, at, claimant, until } => {
                let (status, problem, after) = plain(410, gone_word(how));
                (status, Self { at: Some(at), claimant, until, ..problem }, after)
            }
            RelayError::TooLarge { max: limit } => max(413, "too-large", limit),
            RelayError::OutOfRange { max: limit } => max(416, "out-of-range", limit),
            RelayError::Misdirected => {
                let (status, problem, after) = plain(421, "misdirected");
                (status, Self { detail: Some(MISDIRECTED.to_owned()), ..problem }, after)
            }
            RelayError::SlowDown { after } => later(429, "slow-down", after),
            RelayError::Busy { after } => later(503, "busy", after),
            RelayError::NoSpace { after } => later(507, "no-space", after),
            // This relay is in front of another one, which cannot be reached.
            RelayError::NoConnection(_)
            | RelayError::Hindered(_)
            | RelayError::Unreachable(_)
            | RelayError::NotTrusted(_)
            | RelayError::NotARelay
            | RelayError::Diverted
            | RelayError::Impostor => later(503, "busy", 5),
        }
    }

    /// A problem of HTTP as it is sent: its status and its body.
    pub(super) fn of_http(problem: HttpProblem) -> (u16, Self) {
        let (status, word) = match problem {
            HttpProblem::BadMethod => (405, "bad-method"),
            HttpProblem::TargetTooLong => (414, "target-too-long"),
            HttpProblem::HeadTooLong => (431, "head-too-long"),
            HttpProblem::UnknownCoding => (501, "unknown-coding"),
        };
        (status, Self { r#type: format!("{URN}{word}"), ..Self::default() })
    }

    /// The error of an answer. `status` decides if the body is no problem of ours, as from a proxy. A word that is not
    /// known here comes from a newer relay: if the status does not ask for a repetition, the request is at fault.
    pub(super) fn read(status: u16, body: &[u8], retry_after: Option<u64>) -> RelayError {
        let after = retry_after.unwrap_or(5);
        let problem: Self = serde_json::from_slice(body).unwrap_or_default();
        let gone = |how| RelayError::Gone {
            how,
            at: problem.at.unwrap_or(0),
            claimant: problem.claimant,
            until: problem.until,
        };
        match problem.r#type.strip_prefix(URN).unwrap_or_default() {
            "bad-request" => RelayError::BadRequest,
            "empty-part" => RelayError::EmptyPart,
            "bad-checksum" => RelayError::BadChecksum,
            "too-long-lived" => RelayError::TooLongLived { max: problem.max.unwrap_or(0) },
            "not-allowed" => RelayError::NotAllowed,
            "wrong-passphrase" => RelayError::WrongPassphrase { left: problem.left.unwrap_or(0) },
            "unknown" => RelayError::Unknown,
            "timeout" => RelayError::Timeout,
            "id-taken" => RelayError::IdTaken,
            "sealed" => RelayError::Committed,
            "part-differs" => RelayError::PartDiffers,
            "parts-missing" => RelayError::PartsMissing,
            "already-opened" => gone(Gone::AlreadyOpened),
            "lapsed" => gone(Gone::Lapsed),
            "expired" => gone(Gone::Expired),
            "revoked" => gone(Gone::Revoked),
            "locked" => gone(Gone::Locked),
            "aborted" => gone(Gone::Aborted),
            "too-large" => RelayError::TooLarge { max: problem.max.unwrap_or(0) },
            "out-of-range" => RelayError::OutOfRange { max: problem.max.unwrap_or(0) },
            "misdirected" => RelayError::Misdirected,
            "slow-down" => RelayError::SlowDown { after },
            "busy" => RelayError::Busy { after },
            "no-space" => RelayError::NoSpace { after },
            word => match status {
                429 => RelayError::SlowDown { after },
                408 | 500 | 502..=504 | 520..=527 => RelayError::Busy { after },
                507 => RelayError::NoSpace { after },
                _ if !word.is_empty() => RelayError::BadRequest,
                // A proxy that refuses the request itself; a retry would not help.
                400 | 405 | 411 | 413 | 414 | 431 | 501 => RelayError::NotARelay,
                _ => RelayError::Diverted,
            },
        }
    }
}

fn gone_word(how: Gone) -> &'static str {
    match how {
        Gone::AlreadyOpened => "already-opened",
        Gone::Lapsed => "lapsed",
        Gone::Expired => "expired",
        Gone::Revoked => "revoked",
        Gone::Locked => "locked",
        Gone::Aborted => "aborted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_in_the_protocol_and_arrives_as_it_was_sent() {
        let claimant = Some(Claimant::from_bytes([7; 32]));
        for error in [
            RelayError::BadRequest,
            RelayError::EmptyPart,
            RelayError::BadChecksum,
            RelayError::TooLongLived { max: 5 },
            RelayError::NotAllowed,
            RelayError::WrongPassphrase { left: 3 },
            RelayError::Unknown,
            RelayError::Timeout,
            RelayError::IdTaken,
            RelayError::Committed,
            RelayError::PartDiffers,
            RelayError::PartsMissing,
            RelayError::Gone { how: Gone::AlreadyOpened, at: 9, claimant, until: None },
            RelayError::Gone { how: Gone::AlreadyOpened, at: 9, claimant, until: Some(11) },
            RelayError::Gone { how: Gone::Lapsed, at: 9, claimant: None, until: None },
            RelayError::Gone { how: Gone::Expired, at: 9, claimant: None, until: None },
            RelayError::Gone { how: Gone::Revoked, at: 9, claimant: None, until: None },
            RelayError::Gone { how: Gone::Locked, at: 9, claimant: None, until: None },
            RelayError::Gone { how: Gone::Aborted, at: 9, claimant: None, until: None },
            RelayError::TooLarge { max: 4 },
            RelayError::OutOfRange { max: 4096 },
            RelayError::Misdirected,
            RelayError::SlowDown { after: 1 },
            RelayError::Busy { after: 2 },
            RelayError::NoSpace { after: 60 },
        ] {
            let (status, problem, after) = Problem::of(&error);
            let row = format!("| `{}` | {status} |", problem.r#type.trim_start_matches(URN));
            assert!(include_str!("PROTOCOL.md").contains(&row), "{row}");
            let body = serde_json::to_vec(&problem).unwrap();
            assert_eq!(Problem::read(status, &body, after), error);
        }
    }

    #[test]
    fn problems_of_http_are_in_the_protocol_and_mean_a_bad_request_to_a_client() {
        use HttpProblem::{BadMethod, HeadTooLong, TargetTooLong, UnknownCoding};
        for problem in [BadMethod, TargetTooLong, HeadTooLong, UnknownCoding] {
            let (status, problem) = Problem::of_http(problem);
            let row = format!("| `{}` | {status} |", problem.r#type.trim_start_matches(URN));
            assert!(include_str!("PROTOCOL.md").contains(&row), "{row}");
            let body = serde_json::to_vec(&problem).unwrap();
            assert_eq!(Problem::read(status, &body, None), RelayError::BadRequest, "{row}");
        }
    }

    #[test]
    fn an_unknown_word_is_from_a_relay_and_no_word_is_from_a_proxy() {
        let newer = br#"{"type":"urn:share:too-blue"}"#;
        assert_eq!(Problem::read(400, newer, None), RelayError::BadRequest);
        assert_eq!(Problem::read(418, newer, None), RelayError::BadRequest);
        assert_eq!(Problem::read(503, newer, Some(7)), RelayError::Busy { after: 7 });
        assert_eq!(Problem::read(400, b"<html>", None), RelayError::NotARelay);
        assert_eq!(Problem::read(418, br#"{"type":"about:blank"}"#, None), RelayError::Diverted);
    }

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
