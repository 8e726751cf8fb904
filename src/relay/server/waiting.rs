//! Waiting for a change of state: the states that a client knows (`If-None-Match`) and how long it waits (`Prefer`).

use std::time::Duration;

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderName};

use crate::relay::{MAX_WAIT, ShareState};

/// Separators behind which proxies put their mark when they compress an answer: `"waiting-gzip"`.
const MARKS: [char; 4] = ['-', ';', ':', '+'];

/// The states in `If-None-Match`, in any of its forms (RFC 9110, 13.1.2): one entity tag or several, strong or weak;
/// `*` means all of them. A state is its own tag. Unknown tags match nothing.
pub(super) fn known_states(headers: &HeaderMap) -> Vec<ShareState> {
    let tags = items(headers, &IF_NONE_MATCH);
    let mut known = Vec::new();
    for tag in tags {
        if tag == "*" {
            return ShareState::ALL.to_vec();
        }
        let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag).trim_matches('"');
        known.extend(ShareState::parse(tag.split(MARKS).next().unwrap_or(tag)));
    }
    known
}

/// The wait in `Prefer` (RFC 7240), at most [`MAX_WAIT`]. Zero without one; the first one counts.
pub(super) fn wait(headers: &HeaderMap) -> Duration {
    let waits = items(headers, &HeaderName::from_static("prefer")).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
    });
    Duration::from_secs(waits.into_iter().next().unwrap_or(0)).min(MAX_WAIT)
}

/// The items of a list in a header, from all its lines.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (HeaderName::from_static(name), line.parse().unwrap())).collect()
    }

    #[test]
    fn states_are_read_from_tags_in_any_form() {
        use ShareState::{Claimed, Waiting};
        for (lines, expected) in [
            (&["\"waiting\""][..], &[Waiting][..]),
            (&["W/\"waiting\""], &[Waiting]),
            (&["\"waiting-gzip\""], &[Waiting]),
            (&["W/\"waiting;br\""], &[Waiting]),
            (&["\"waiting\" , W/\"claimed\""], &[Waiting, Claimed]),
            (&["\"waiting\"", "\"claimed\""], &[Waiting, Claimed]),
            (&["\"other\", \"claimed\""], &[Claimed]),
            (&["*"], &ShareState::ALL),
            (&["\"\""], &[]),
            (&[""], &[]),
            (&[], &[]),
        ] {
            assert_eq!(known_states(&headers("if-none-match", lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_wait_is_read_among_other_preferences() {
        for (lines, expected) in [
            (&["wait=20"][..], 20),
            (&["wait=55, respond-async"], 55),
            (&["respond-async, Wait = 7"], 7),
            (&["respond-async", "wait=7;x=y"], 7),
            (&["wait=\"7\""], 7),
            (&["wait=900"], MAX_WAIT.as_secs()),
            (&["wait=x", "await=3"], 0),
            (&["wait"], 0),
            (&[], 0),
        ] {
            assert_eq!(wait(&headers("prefer", lines)), Duration::from_secs(expected), "{lines:?}");
        }
    }
}
