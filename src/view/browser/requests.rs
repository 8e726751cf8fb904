//! The requests of the page and of a player.

use std::convert::Infallible;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::media::{self, HEAD_LEN, Kind};
use crate::secret::random_hex;
use crate::view::browser::content::PIECE;
use crate::view::browser::page;
use crate::view::browser::served::{OpenPage, Served};

/// The time between two keep-alives to a page, by which the server notices a page that is gone.
const PULSE: Duration = Duration::from_secs(1);

fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn nothing() -> Response {
    secured((StatusCode::NOT_FOUND, "Not found: this address works once.").into_response())
}

fn done() -> Response {
    secured(StatusCode::NO_CONTENT.into_response())
}

/// The page.
pub(super) async fn page(State(served): State<Arc<Served>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    if !served.lets_in_first(&token) && !served.is_let_in(&token, &headers) {
        return nothing();
    }
    let nonce = random_hex::<16>();
    let Ok(html) = page::html(&served.content, served.notice(), &nonce).await else { return nothing() };
    let policy = format!(
        "default-src 'none'; img-src 'self'; media-src 'self'; connect-src 'self'; style-src 'nonce-{nonce}'; \
         script-src 'nonce-{nonce}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::SET_COOKIE, served.set_cookie()),
    ];
    secured((headers, html).into_response())
}

/// The bytes of a file, or the requested range.
pub(super) async fn file(
    State(served): State<Arc<Served>>,
    Path((token, number)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    let Some(range) = served.content.range(number).filter(|_| served.is_let_in(&token, &headers)) else {
        return nothing();
    };
    let size = range.end - range.start;
    let asked = headers.get(header::RANGE).and_then(|asked| asked.to_str().ok()).and_then(|asked| part_of(asked, size));
    let part = match asked {
        Some(part) if part.is_empty() => {
            let headers = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return secured((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
        Some(part) => part,
        None => 0..size,
    };
    let is_part = headers.contains_key(header::RANGE);
    let head = served.read(range.start..range.start + size.min(HEAD_LEN as u64)).await.unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, shown_type(&head, size).to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, (part.end - part.start).to_string()),
        (header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    let body = pieces(served, range.start + part.start..range.start + part.end);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = (status, headers, body).into_response();
    if !is_part {
        response.headers_mut().remove(header::CONTENT_RANGE);
    }
    secured(response)
}

/// The type of a file from its first bytes, so that a script cannot pass as a photo.
fn shown_type(head: &[u8], size: u64) -> &'static str {
    let kind = media::sniff(head, size <= HEAD_LEN as u64);
    match Kind::of(kind) {
        Kind::Photo | Kind::Video | Kind::Sound => kind,
        Kind::Text | Kind::File => "application/octet-stream",
    }
}

/// A body that is read while it is sent.
fn pieces(served: Arc<Served>, range: Range<u64>) -> Body {
    Body::from_stream(stream::try_unfold((served, range.start), move |(served, at)| async move {
        if at >= range.end {
            return Ok::<_, io::Error>(None);
        }
        let piece = served.read(at..range.end.min(at + PIECE as u64)).await?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let at = at + piece.len() as u64;
        Ok(Some((piece, (served, at))))
    }))
}

/// Parses `bytes=0-`, `bytes=5-9` or `bytes=-5` (RFC 9110, section 14.1.2) of `size` bytes. Empty: there is no such
/// part.
fn part_of(asked: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    Some(match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first.min(size)..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first.min(size)..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return None,
    })
}

/// An answer that lasts as long as the page is open. Its only event reports that the share was closed.
pub(super) async fn alive(
    State(served): State<Arc<Served>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    let open = OpenPage::count(served);
    let events = stream::unfold(Some(open), |open| async move {
        open?.until_closed().await;
        // Browsers ignore an event without data, so it has a space.
        Some((Ok::<_, Infallible>(Event::default().event("over").data(" ")), None))
    });
    secured(Sse::new(events).keep_alive(KeepAlive::new().interval(PULSE)).into_response())
}

/// The page has shown a file.
pub(super) async fn seen(
    State(served): State<Arc<Served>>,
    Path((token, number)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    if !served.is_let_in(&token, &headers) || served.content.range(number).is_none() {
        return nothing();
    }
    served.note_seen(number);
    done()
}

/// The page could not show a file.
pub(super) async fn failed(
    State(served): State<Arc<Served>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    served.note_failure();
    done()
}

/// The page's button was pressed.
pub(super) async fn close(
    State(served): State<Arc<Served>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    served.closed.send_replace(true);
    done()
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn ranges_are_parsed() {
        for (asked, part) in [
            ("bytes=0-", Some(0..100)),
            ("bytes=5-9", Some(5..10)),
            ("bytes=5-900", Some(5..100)),
            ("bytes=-5", Some(95..100)),
            ("bytes=-500", Some(0..100)),
            ("bytes=100-", Some(100..100)),
            ("bytes=9-5", None),
            ("bytes=a-b", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(part_of(asked, 100), part, "{asked}");
        }
    }
}
