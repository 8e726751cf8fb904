//! Errors on the wire: problems (RFC 9457).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::relay::head::Head;
use crate::relay::{Gone, Limit, LimitOf, RelayError};
use crate::secret::Claimant;

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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    of: Option<LimitOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A word, or `None` for one that only newer relays use.
fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(from)?).ok())
}

/// The word of a limit.
fn word(limit: impl Serialize) -> Option<String> {
    serde_json::to_value(limit).ok()?.as_str().map(str::to_owned)
}

/// The limit of that word, unless only newer relays have it.
fn parse_word<T: DeserializeOwned>(word: Option<String>) -> Option<T> {
    serde_json::from_value(word?.into()).ok()
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
const MISDIRECTED: &str = "This relay does not serve the host in the Host header. \
    If you meant this relay, ask its operator to run: share relay --public-url URL";

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
            RelayError::TooLate { at } => {
                let (status, problem, after) = plain(410, "too-late");
                (status, Self { at: Some(at), ..problem }, after)
            }
            RelayError::TooLarge { max: limit } => max(413, "too-large", limit),
            RelayError::OutOfRange { max: limit } => max(416, "out-of-range", limit),
            RelayError::Misdirected => {
                let (status, problem, after) = plain(421, "misdirected");
                (status, Self { detail: Some(MISDIRECTED.to_owned()), ..problem }, after)
            }
            RelayError::SlowDown { after, limit } => {
                let (status, problem, after) = later(429, "slow-down", after);
                let (what, of) = limit.map(|Limit { what, of }| (what, of)).unzip();
                (status, Self { limit: what.and_then(word), of, ..problem }, after)
            }
            RelayError::Quota { what, max: limit, until } => {
                let (status, problem, after) = max(403, "quota", limit);
                (status, Self { limit: what.and_then(word), until, ..problem }, after)
            }
            RelayError::Busy { after } => later(503, "busy", after),
            RelayError::NoSpace { after } => later(507, "no-space", after),
            // This relay is in front of another one, which cannot be reached.
            RelayError::NoConnection(_)
            | RelayError::Hindered(_)
            | RelayError::Unreachable(_)
            | RelayError::ByProxy { .. }
            | RelayError::NotTrusted(_)
            | RelayError::NotARelay
            | RelayError::Diverted
            | RelayError::Fronted { .. }
            | RelayError::Impostor => later(503, "busy", 5),
        }
    }

    /// The word that names it.
    pub(super) fn word(&self) -> &str {
        self.r#type.strip_prefix(URN).unwrap_or_default()
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

    /// The error of an answer. Its head decides if the body is no problem of ours, as from a proxy. A word that is not
    /// known here comes from a newer relay: if the status does not ask for a repetition, the request is at fault.
    pub(super) fn read(head: &Head, body: &[u8], retry_after: Option<u64>) -> RelayError {
        let status = head.status;
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
            "too-late" => RelayError::TooLate { at: problem.at.unwrap_or(0) },
            "too-large" => RelayError::TooLarge { max: problem.max.unwrap_or(0) },
            "out-of-range" => RelayError::OutOfRange { max: problem.max.unwrap_or(0) },
            "misdirected" => RelayError::Misdirected,
            "slow-down" => RelayError::SlowDown {
                after,
                limit: parse_word(problem.limit).zip(problem.of).map(|(what, of)| Limit { what, of }),
            },
            "quota" => RelayError::Quota {
                what: parse_word(problem.limit),
                max: problem.max.unwrap_or(0),
                until: problem.until,
            },
            "busy" => RelayError::Busy { after },
            "no-space" => RelayError::NoSpace { after },
            // A newer relay.
            word if !word.is_empty() => match status {
                429 => RelayError::SlowDown { after, limit: None },
                408 | 500 | 502..=504 => RelayError::Busy { after },
                507 => RelayError::NoSpace { after },
                _ => RelayError::BadRequest,
            },
            _ => Self::read_foreign(head, body, retry_after),
        }
    }

    /// The error of an answer that is not a relay's.
    fn read_foreign(head: &Head, body: &[u8], retry_after: Option<u64>) -> RelayError {
        if let Some(front) = head.front(body) {
            return RelayError::Fronted { front, sent: None };
        }
        match head.status {
            status @ (408 | 413 | 429 | 500 | 502..=504 | 507 | 520..=527) => {
                RelayError::ByProxy { status, after: retry_after }
            }
            // A proxy that refuses the request itself; a retry would not help.
            400 | 405 | 411 | 414 | 431 | 501 => RelayError::NotARelay,
            _ => RelayError::Diverted,
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
    use crate::relay::front::Front;
    use crate::relay::{Daily, Limited};

    fn read(status: u16, body: &[u8], after: Option<u64>) -> RelayError {
        Problem::read(&Head { status, ..Head::default() }, body, after)
    }

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
            RelayError::TooLate { at: 9 },
            RelayError::TooLarge { max: 4 },
            RelayError::OutOfRange { max: 4096 },
            RelayError::Misdirected,
            RelayError::SlowDown { after: 1, limit: None },
            RelayError::SlowDown { after: 9, limit: Some(Limit { what: Limited::Uploads, of: LimitOf::Token }) },
            RelayError::SlowDown { after: 9, limit: Some(Limit { what: Limited::Reports, of: LimitOf::Address }) },
            RelayError::Quota { what: Some(Daily::Bytes), max: 1 << 30, until: Some(1_800_000_000) },
            RelayError::Quota { what: Some(Daily::Shares), max: 5, until: None },
            RelayError::Quota { what: None, max: 5, until: Some(1) },
            RelayError::Busy { after: 2 },
            RelayError::NoSpace { after: 60 },
        ] {
            let (status, problem, after) = Problem::of(&error);
            let row = format!("| `{}` | {status} |", problem.r#type.trim_start_matches(URN));
            assert!(include_str!("PROTOCOL.md").contains(&row), "{row}");
            let body = serde_json::to_vec(&problem).unwrap();
            assert_eq!(read(status, &body, after), error);
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
            assert_eq!(read(status, &body, None), RelayError::BadRequest, "{row}");
        }
    }

    #[test]
    fn an_unknown_word_is_from_a_relay_and_no_word_is_from_a_proxy() {
        let newer = br#"{"type":"urn:share:too-blue"}"#;
        assert_eq!(read(400, newer, None), RelayError::BadRequest);
        assert_eq!(read(418, newer, None), RelayError::BadRequest);
        assert_eq!(read(503, newer, Some(7)), RelayError::Busy { after: 7 });
        assert_eq!(read(429, newer, None), RelayError::SlowDown { after: 5, limit: None });
        let newer = br#"{"type":"urn:share:quota","limit":"moons","max":3,"until":9}"#;
        assert_eq!(read(403, newer, None), RelayError::Quota { what: None, max: 3, until: Some(9) });
        for status in [413, 429, 502, 507] {
            let foreign = read(status, b"<html>", Some(9));
            assert_eq!(foreign, RelayError::ByProxy { status, after: Some(9) });
        }
        assert_eq!(read(400, b"<html>", None), RelayError::NotARelay);
        assert_eq!(read(418, br#"{"type":"about:blank"}"#, None), RelayError::Diverted);
        // A login answers with the same status as a relay, whose own words count.
        let login = Head { status: 401, challenges: vec!["Basic".to_owned()], is_secure: true, ..Head::default() };
        let password = RelayError::Fronted { front: Front::Password, sent: None };
        assert_eq!(Problem::read(&login, b"<html>", None), password);
        let own = br#"{"type":"urn:share:not-allowed"}"#;
        assert_eq!(Problem::read(&login, own, None), RelayError::NotAllowed);
    }
}
