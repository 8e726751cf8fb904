//! Failed attempts to get a certificate, in the operator's words.

use std::error::Error as StdError;
use std::io;
use std::time::Instant;

use instant_acme::{Error, Problem};

use super::http::Noted;
use crate::safe_text::{printable, reason};

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
    /// The words of the server. They may have addresses and tokens in them, and are not for a log.
    pub(super) detail: Option<String>,
}

/// The difference between two clocks that is worth a word, in seconds.
const CLOCK_DIFFERS: i64 = 300;
/// The longest text of a server that is kept, in characters.
const MAX_DETAIL: usize = 400;
/// The longest word of a problem's type.
const MAX_WORD: usize = 40;

impl Failure {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), detail: None }
    }

    /// The error of a request to the server `server`.
    pub(super) fn of(error: &Error, server: &str, noted: &Noted) -> Self {
        let failure = match error {
            Error::Api(problem) => Self::of_problem(problem, server, noted),
            Error::Json(_) | Error::Str(_) => {
                Self::new(Kind::Silent, format!("{server} gave an answer that is not one of an ACME server"))
            }
            Error::Timeout(Some(next)) => {
                let wait = next.saturating_duration_since(Instant::now()).as_secs();
                Self::new(Kind::Limited(Some(wait)), format!("{server} asks to wait"))
            }
            Error::Timeout(None) => Self::new(Kind::Silent, format!("{server} takes too long")),
            Error::Other(error) => Self::new(Kind::Silent, format!("cannot reach {server}: {}", causes(&**error))),
            error => Self::new(Kind::Refused, format!("{server}: {error}")),
        };
        failure.with_clock(noted)
    }

    fn of_problem(problem: &Problem, server: &str, noted: &Noted) -> Self {
        let word = word(problem);
        let is_busy = problem.status.is_some_and(|status| status == 503 || status == 429);
        let (kind, text) = match word.as_str() {
            "rateLimited" => (Kind::Limited(noted.retry_after), format!("{server} limits how often it is asked")),
            _ if is_busy && noted.retry_after.is_some() => {
                (Kind::Limited(noted.retry_after), format!("{server} is busy"))
            }
            "serverInternal" | "badNonce" => (Kind::Silent, format!("{server} is out of order")),
            "accountDoesNotExist" => (Kind::NoAccount, format!("{server} does not know the account any more")),
            "userActionRequired" => {
                let place = noted.instance.as_deref().unwrap_or("its website");
                (Kind::Refused, format!("{server} waits until you accept its new terms in a browser, at {place}"))
            }
            "externalAccountRequired" => (
                Kind::Refused,
                format!("{server} requires an account at its operator, which is not supported: use --tls-cert"),
            ),
            "rejectedIdentifier" | "unsupportedIdentifier" | "caa" => {
                (Kind::Refused, format!("{server} gives no certificate for a name of --domain ({word})"))
            }
            _ => (Kind::Refused, format!("{server} refuses ({word})")),
        };
        Self { detail: detail(problem), ..Self::new(kind, text) }
    }

    /// The server could not validate `name`. `port` is where it tried.
    pub(super) fn of_validation(name: &str, port: u16, problem: Option<&Problem>, server: &str) -> Self {
        let why = problem.map_or_else(|| "no reason was given".to_owned(), word);
        let text = format!(
            "{server} could not validate {name} ({why}): does {name} have the address of this machine in DNS, in A and \
             AAAA, and does its port {port} lead here from the internet?"
        );
        Self { detail: problem.and_then(detail), ..Self::new(Kind::Refused, text) }
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

/// The last word of a problem's type, which says what it is.
fn word(problem: &Problem) -> String {
    let word = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
    let is_word = (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word { word.to_owned() } else { "unknown problem".to_owned() }
}

/// The words of a server, which are a stranger's.
fn detail(problem: &Problem) -> Option<String> {
    let own = problem.detail.iter().cloned();
    let others = problem.subproblems.iter().filter_map(|problem| problem.detail.clone());
    let all = own.chain(others).collect::<Vec<_>>().join("; ");
    (!all.is_empty()).then(|| printable(&all).chars().take(MAX_DETAIL).collect())
}

/// The failure to write a file.
pub(super) fn unwritable(error: &io::Error) -> Failure {
    Failure::new(Kind::Silent, format!("cannot write to the state directory: {}", reason_of(error)))
}

/// The reason of an error of a file, with the text of our own ones.
pub(super) fn reason_of(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::InvalidData { error.to_string() } else { reason(error) }
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
        assert_eq!(limited.text, "acme.example limits how often it is asked");
        assert_eq!(limited.detail.as_deref(), Some("too many certificates"));
        assert_eq!(failure("badNonce", "", &noted).kind, Kind::Silent);
        assert_eq!(failure("accountDoesNotExist", "", &noted).kind, Kind::NoAccount);
        let noted = Noted { instance: Some("https://acme.example/2".to_owned()), ..Noted::default() };
        let terms = failure("userActionRequired", "", &noted);
        assert!(terms.kind == Kind::Refused && terms.text.ends_with("at https://acme.example/2"), "{terms:?}");
    }

    #[test]
    fn the_words_of_a_server_are_bounded_and_not_in_the_reason() {
        let hidden = failure("malformed", &"\u{1b}[2J".repeat(1000), &Noted::default());
        assert_eq!(hidden.text, "acme.example refuses (malformed)");
        let detail = hidden.detail.unwrap();
        assert!(detail.starts_with("\u{fffd}[2J") && detail.chars().count() == MAX_DETAIL, "{detail}");
        assert_eq!(failure("\n", "", &Noted::default()).text, "acme.example refuses (unknown problem)");
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let noted = Noted { ahead: -7200, ..Noted::default() };
        let text = failure("malformed", "expired", &noted).text;
        assert!(text.ends_with("this machine's clock is 120 minutes behind the server's: set it"), "{text}");
    }
}
