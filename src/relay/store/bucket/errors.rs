//! Errors of a bucket: decided by the status and the code of its answer, and by the causes of a broken connection.

use std::io;

use object_store::Error;

use crate::relay::obstacle::{Distrust, Obstacle};
use crate::relay::store::StoreError;
use crate::safe_text::{causes, os_words};

/// An answer of a bucket that reports an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorResponse {
    /// Status of an answer that failed as a whole. `None`: it succeeded, and some of its objects failed.
    pub(super) status: Option<u16>,
    /// The store's codes for the errors, such as `NoSuchKey`, if it has any.
    pub(super) codes: Vec<String>,
    /// Whether its text names a header that makes a creation conditional.
    pub(super) names_condition: bool,
}

impl ErrorResponse {
    /// Whether the answer to a conditional creation means that the store has no such creation. Stores differ in how
    /// they say it.
    fn refuses_condition(&self) -> bool {
        match (self.status, self.code()) {
            (Some(501), _)
            | (_, Some("NotImplemented" | "UnsupportedHeader" | "ConditionHeadersNotSupported"))
            | (Some(405), Some("MethodNotAllowed")) => true,
            (Some(400 | 405 | 422), _) => self.names_condition,
            _ => false,
        }
    }

    /// The code of the first error other than a missing object, or else of the first error.
    fn code(&self) -> Option<&str> {
        let codes = || self.codes.iter().map(String::as_str);
        codes().find(|code| !is_absence(code)).or_else(|| codes().next())
    }
}

/// Whether a code means that the object does not exist. Other answers with status 404, as from a gateway that restarts,
/// do not mean that.
fn is_absence(code: &str) -> bool {
    matches!(code, "NoSuchKey" | "BlobNotFound")
}

/// A failed operation: the error of the crate, whose text has the names of objects in it, and the bucket's answer.
#[derive(Debug)]
pub(super) struct Failed {
    /// The error of the crate.
    pub(super) error: Error,
    /// The answer, if there was one.
    pub(super) answer: Option<ErrorResponse>,
}

impl Failed {
    /// Whether the object does not exist.
    pub(super) fn is_absent(&self) -> bool {
        self.answer.as_ref().and_then(ErrorResponse::code).is_some_and(is_absence)
    }

    /// The error of a conditional creation.
    pub(super) fn of_creation(self) -> StoreError {
        if self.answer.as_ref().is_some_and(ErrorResponse::refuses_condition) {
            return StoreError::Unable(
                "the bucket does not support conditional writes (If-None-Match), so a share could be opened twice",
            );
        }
        self.into()
    }
}

impl From<Failed> for StoreError {
    /// An error with our text. The crate's text has names of objects, which contain ids.
    fn from(failed: Failed) -> Self {
        let answer = failed.answer.as_ref();
        let (code, status) = (answer.and_then(ErrorResponse::code), answer.and_then(|answer| answer.status));
        in_words(code, status).unwrap_or_else(|| match obstacle(&failed.error) {
            Some(obstacle) if !obstacle.may_pass() => Self::Hindered(obstacle.clone()),
            _ => Self::Failed(reason(&failed.error)),
        })
    }
}

/// The text for an answer that failed as a whole or has a known code.
fn in_words(code: Option<&str>, status: Option<u16>) -> Option<StoreError> {
    let refused = |why: &str| StoreError::Refused(why.to_owned());
    Some(match (code, status) {
        (Some("RequestTimeTooSkewed"), _) => refused("the local clock is off by many minutes"),
        (Some("ExpiredToken" | "TokenRefreshRequired"), _) => refused("these credentials have expired"),
        (Some("InvalidAccessKeyId" | "InvalidToken" | "AuthenticationFailed"), _) | (_, Some(401)) => {
            refused("the bucket does not accept these credentials")
        }
        (Some("SignatureDoesNotMatch"), _) => refused("the secret key does not match the access key"),
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"), _)
        | (_, Some(301)) => refused("the bucket is in another region"),
        (Some("NoSuchBucket" | "ContainerNotFound"), _) => refused("there is no such bucket"),
        (Some("AccessDenied" | "AllAccessDisabled"), _) | (_, Some(403)) => {
            refused("no credentials are set, or they do not allow this request")
        }
        (Some("QuotaExceeded" | "XMinioStorageFull" | "StorageFull"), _) | (_, Some(507)) => StoreError::NoSpace,
        (Some("NotImplemented"), _) | (_, Some(501)) => {
            StoreError::Unable("the bucket does not support an operation that relays need")
        }
        (_, Some(404)) => StoreError::Failed("the server is not a bucket".to_owned()),
        (None, Some(405)) => refused("the server is not a bucket"),
        // Some of these are faults of one transfer.
        (Some(code), Some(400)) if !PASSING.contains(&code) && is_code(code) => {
            refused(&format!("the bucket rejects the request: {code}"))
        }
        (_, Some(status)) => StoreError::Failed(format!("status {status}")),
        (_, None) => return None,
    })
}

/// Codes with status 400 after which the same request may succeed.
const PASSING: [&str; 7] = [
    "RequestTimeout",
    "IncompleteBody",
    "BadDigest",
    "InvalidDigest",
    "XAmzContentSHA256Mismatch",
    "SlowDown",
    "InternalError",
];

/// Whether a text looks like the code of an error, and can be shown.
fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// The obstacle that the client of the bucket found.
fn obstacle(error: &Error) -> Option<&Obstacle> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The reason for a missing answer: an obstacle on this machine, or the operating system's text.
fn reason(error: &Error) -> String {
    if let Some(obstacle) = obstacle(error) {
        return obstacle.to_string();
    }
    if let Some(distrust) = causes(error).find_map(|cause| cause.downcast_ref()).and_then(Distrust::of) {
        return format!("the certificate cannot be trusted: {distrust}");
    }
    if let Some(obstacle) = Obstacle::to_connecting(error) {
        return obstacle.to_string();
    }
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    let text = io.map_or_else(|| "no answer".to_owned(), ToString::to_string);
    os_words(&text)
}

/// The crate's text about settings, which has no names of objects.
pub(super) fn innermost(error: &Error) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(status: Option<u16>, codes: &[&str]) -> String {
        let error = Error::Generic { store: "bucket", source: "secret/name".into() };
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let answer = ErrorResponse { status, codes, names_condition: false };
        StoreError::from(Failed { error, answer: Some(answer) }).to_string()
    }

    #[test]
    fn code_decides_before_status() {
        assert_eq!(words(Some(403), &["RequestTimeTooSkewed"]), "the local clock is off by many minutes");
        assert_eq!(words(Some(403), &[]), "no credentials are set, or they do not allow this request");
        assert_eq!(words(Some(507), &[]), "no space left in the store");
        assert_eq!(words(Some(404), &["NoSuchBucket"]), "there is no such bucket");
        assert_eq!(words(Some(404), &["NoSuchKey"]), "the store failed: the server is not a bucket");
        assert_eq!(words(Some(500), &["Whatever"]), "the store failed: status 500");
    }

    #[test]
    fn refusals_of_conditions_differ_by_store() {
        let is_refusal = |status, code: &str, names_condition| {
            let codes = if code.is_empty() { Vec::new() } else { vec![code.to_owned()] };
            let answer = Some(ErrorResponse { status: Some(status), codes, names_condition });
            let error = Error::Generic { store: "bucket", source: "".into() };
            matches!(Failed { error, answer }.of_creation(), StoreError::Unable(why) if why.contains("conditional"))
        };
        assert!(is_refusal(501, "", false) && is_refusal(501, "NotImplemented", false));
        assert!(is_refusal(400, "NotImplemented", false) && is_refusal(400, "InvalidArgument", true));
        assert!(is_refusal(405, "MethodNotAllowed", false) && is_refusal(400, "UnsupportedHeader", false));
        for (status, code) in [(400, "InvalidArgument"), (405, ""), (403, "AccessDenied"), (500, "InternalError")] {
            assert!(!is_refusal(status, code, false), "{status} {code}");
        }
        assert!(!is_refusal(503, "SlowDown", true));
    }

    #[test]
    fn rejected_requests_are_not_repeated_and_broken_transfers_are() {
        assert_eq!(words(Some(400), &["InvalidBucketName"]), "the bucket rejects the request: InvalidBucketName");
        assert_eq!(words(Some(400), &["RequestTimeout"]), "the store failed: status 400");
        assert_eq!(words(Some(400), &["\u{1b}[2J"]), "the store failed: status 400");
        assert_eq!(words(Some(400), &[]), "the store failed: status 400");
        assert_eq!(words(Some(405), &[]), "the server is not a bucket");
    }

    #[test]
    fn absence_hides_no_other_error() {
        assert_eq!(
            words(None, &["NoSuchKey", "AccessDenied"]),
            "no credentials are set, or they do not allow this request"
        );
        let absent = |codes: &[&str]| {
            let codes = codes.iter().map(|code| (*code).to_owned()).collect();
            let error = Error::Generic { store: "bucket", source: "".into() };
            let answer = ErrorResponse { status: Some(404), codes, names_condition: false };
            Failed { error, answer: Some(answer) }.is_absent()
        };
        assert!(absent(&["NoSuchKey"]) && absent(&["BlobNotFound"]));
        assert!(!absent(&[]) && !absent(&["NoSuchBucket"]) && !absent(&["NoSuchKey", "SlowDown"]));
    }
}
