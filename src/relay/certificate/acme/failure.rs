//! Failed attempts to get a certificate, in the operator's words.

use std::error::Error as StdError;

use instant_acme::{Error, Problem};

use super::http::Noted;
use crate::safe_text::printable;

/// How soon the next attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The server cannot be reached, or is out of order.
    Silent,
    /// The server refuses, and repeating that soon counts against its limits.
    Refused,
    /// The server has had enough of us, for so many seconds if it says that.
    Limited(Option<u64>),
    /// The server does not know the account any more.
    NoAccount,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// The reason, and the next step.
    pub(super) text: String,
}

/// The difference between two clocks that is worth a word, in seconds.
const CLOCK_DIFFERS: i64 = 300;
/// The longest text of a server in a log line, in characters.
const MAX_DETAIL: usize = 400;

impl Failure {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The error of a request to the server `server`.
    pub(super) fn of(error: &Error, server: &str, noted: &Noted) -> Self {
        let failure = match error {
            Error::Api(problem) => Self::of_problem(problem, server, noted),
            Error::Json(_) | Error::Str(_) => {
                Self::new(Kind::Silent, format!("{server} gave an answer that is not one of an ACME server"))
            }
            Error::Timeout(_) => Self::new(Kind::Silent, format!("{server} takes too long")),
            Error::Other(error) => Self::new(Kind::Silent, format!("cannot reach {server}: {}", causes(&**error))),
            error => Self::new(Kind::Refused, format!("{server}: {error}")),
        };
        failure.with_clock(noted)
    }

    fn of_problem(problem: &Problem, server: &str, noted: &Noted) -> Self {
        let (kind, detail) = (problem.r#type.as_deref().unwrap_or_default(), detail(problem));
        let word = kind.rsplit(':').next().unwrap_or_default();
        let is_busy = problem.status.is_some_and(|status| status == 503 || status == 429);
        match word {
            "rateLimited" => {
                Self::new(Kind::Limited(noted.retry_after), format!("{server} limits how often it is asked: {detail}"))
            }
            _ if is_busy && noted.retry_after.is_some() => {
                Self::new(Kind::Limited(noted.retry_after), format!("{server} is busy: {detail}"))
            }
            "serverInternal" | "badNonce" => Self::new(Kind::Silent, format!("{server} is out of order: {detail}")),
            "accountDoesNotExist" => Self::new(Kind::NoAccount, format!("{server} does not know the account any more")),
            "userActionRequired" => Self::new(
                Kind::Refused,
                format!("{server} has new terms: {detail} (read them, and start once with --accept-terms)"),
            ),
            "externalAccountRequired" => Self::new(
                Kind::Refused,
                format!("{server} requires an account at its operator, which is not supported: use --tls-cert"),
            ),
            "rejectedIdentifier" | "unsupportedIdentifier" | "caa" => {
                Self::new(Kind::Refused, format!("{server} gives no certificate for this --domain: {detail}"))
            }
            _ => Self::new(Kind::Refused, format!("{server} refuses: {detail}")),
        }
    }

    /// The server could not validate `name`. `port` is where it tried.
    pub(super) fn of_validation(name: &str, port: u16, problem: Option<&Problem>, server: &str) -> Self {
        let why = problem.map_or_else(|| "no reason was given".to_owned(), detail);
        Self::new(
            Kind::Refused,
            format!(
                "{server} could not validate {name}: {why} (does {name} have the address of this machine in DNS, in A \
                 and AAAA, and does its port {port} lead here from the internet?)"
            ),
        )
    }

    /// Adds that the clock of this machine may be the reason.
    fn with_clock(mut self, noted: &Noted) -> Self {
        if noted.ahead.abs() > CLOCK_DIFFERS {
            let (minutes, direction) = (noted.ahead.abs() / 60, if noted.ahead > 0 { "ahead of" } else { "behind" });
            let clock = format!("this machine's clock is {minutes} minutes {direction} the server's: set it");
            self.text = [self.text, clock].join("; ");
        }
        self
    }
}

/// The words of a server, which are a stranger's.
fn detail(problem: &Problem) -> String {
    let own = problem.detail.iter().cloned();
    let others = problem.subproblems.iter().filter_map(|problem| problem.detail.clone());
    let all = own.chain(others).collect::<Vec<_>>().join("; ");
    let all = if all.is_empty() { problem.r#type.clone().unwrap_or_default() } else { all };
    printable(&all).chars().take(MAX_DETAIL).collect()
}

/// An error with what caused it.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in std::iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string) {
        if !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
    }
    printable(&texts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: &str, detail: &str, noted: &Noted) -> Failure {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        let problem =
            Problem { r#type: Some(kind), detail: Some(detail.to_owned()), status: None, subproblems: vec![] };
        Failure::of(&Error::Api(problem), "acme.example", noted)
    }

    #[test]
    fn a_failure_is_as_patient_as_its_reason() {
        let noted = Noted { retry_after: Some(7200), ..Noted::default() };
        let limited = failure("rateLimited", "too many certificates", &noted);
        assert_eq!(limited.kind, Kind::Limited(Some(7200)));
        assert_eq!(limited.text, "acme.example limits how often it is asked: too many certificates");
        assert_eq!(failure("badNonce", "", &noted).kind, Kind::Silent);
        assert_eq!(failure("accountDoesNotExist", "", &noted).kind, Kind::NoAccount);
        let terms = failure("userActionRequired", "https://acme.example/2", &noted);
        assert!(terms.kind == Kind::Refused && terms.text.contains("--accept-terms"), "{terms:?}");
        let hidden = failure("malformed", "\u{1b}[2J", &noted);
        assert_eq!(hidden.text, "acme.example refuses: \u{fffd}[2J");
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let noted = Noted { ahead: -7200, ..Noted::default() };
        let text = failure("malformed", "expired", &noted).text;
        assert!(text.ends_with("this machine's clock is 120 minutes behind the server's: set it"), "{text}");
    }
}
