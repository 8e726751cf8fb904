//! The pages for browsers and the files that they load, each as the client accepts it: compressed or not.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::page::{self, Document, File};
use crate::relay::RelayError;

/// The routes of the page that opens, and of the files of all pages.
pub(super) fn opening<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(page::PAGE.path, get(page)).route(&format!("{}{{name}}", page::FILES_PATH), get(page_file))
}

/// The routes of the page that sends.
pub(super) fn sending<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The page's requests are relative to the path without a slash at its end. The redirection is relative too, so
    // that it stays below a base path that a proxy removes.
    let moved = (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "../send")]);
    Router::new().route(page::SEND.path, get(send)).route(&format!("{}/", page::SEND.path), get(moved))
}

/// The page that opens.
async fn page(headers: HeaderMap) -> Response {
    document(&page::PAGE, &headers)
}

/// The page that sends.
async fn send(headers: HeaderMap) -> Response {
    document(&page::SEND, &headers)
}

fn document(document: &Document, headers: &HeaderMap) -> Response {
    let policy = HeaderValue::from_str(document.policy()).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    ([(CONTENT_SECURITY_POLICY, policy)], file(&document.file, headers)).into_response()
}

/// A file that a page loads.
async fn page_file(Path(name): Path<String>, method: Method, headers: HeaderMap) -> Response {
    match page::FILES.iter().find(|file| file.name == name) {
        Some(found) => file(found, &headers),
        None => nothing_there(method, headers).await,
    }
}

/// The answer for an unknown path. A browser gets the page, which explains that the `#` of a link was probably changed.
pub(super) async fn nothing_there(method: Method, headers: HeaderMap) -> Response {
    let browser =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"));
    if method == Method::GET && browser {
        (StatusCode::NOT_FOUND, page(headers).await).into_response()
    } else {
        RelayError::Unknown.into_response()
    }
}

fn file(file: &File, headers: &HeaderMap) -> Response {
    let accepted = Accepted::read(headers);
    // From the smallest to the largest, so that the smallest of those with the same weight is sent.
    let codings = [file.br.map(|bytes| ("br", bytes)), file.gz.map(|bytes| ("gzip", bytes))];
    let best = codings.into_iter().flatten().fold(None, |best: Option<(u16, &str, &[u8])>, (coding, bytes)| {
        let weight = accepted.weight(coding);
        let is_better = weight > best.map_or(0, |(most, ..)| most);
        if is_better { Some((weight, coding, bytes)) } else { best }
    });
    let best = best.filter(|(weight, ..)| *weight >= accepted.weight(IDENTITY));
    let mut response = ([(CONTENT_TYPE, file.kind)], best.map_or(file.plain, |(_, _, bytes)| bytes)).into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some((_, coding, _)) = best {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// The name of no coding.
const IDENTITY: &str = "identity";

/// The content codings that a client accepts (RFC 9110, 12.5.3), in lower case, with weights in thousandths.
struct Accepted(Vec<(String, u16)>);

impl Accepted {
    fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let items = lines.flat_map(|line| line.split(','));
        Self(items.filter_map(accepted).collect())
    }

    /// The weight of a coding; 0: not accepted. No coding at all is accepted if nothing else is, so that every client
    /// gets an answer.
    fn weight(&self, coding: &str) -> u16 {
        let of = |name: &str| self.0.iter().find(|(accepted, _)| accepted == name).map(|(_, weight)| *weight);
        let any = || if coding == IDENTITY { None } else { of("*") };
        of(coding).or_else(any).unwrap_or(0)
    }
}

/// A coding and its weight: `gzip;q=0.5`. `None` if the weight is invalid.
fn accepted(item: &str) -> Option<(String, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let coding = parts.next()?.to_ascii_lowercase();
    // RFC 9110, 8.4.1.3.
    let coding = if coding == "x-gzip" { "gzip".to_owned() } else { coding };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((coding, weight.map_or(Some(1000), thousandths)?))
}

/// A weight between 0 and 1 with at most three digits after its point, in thousandths.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_valid = matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|c| c.is_ascii_digit());
    let value = format!("{whole}{fraction:0<3}").parse().ok().filter(|value| *value <= 1000);
    value.filter(|_| is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File =
        File { name: "a.json", kind: "application/json", plain: b"plain", br: Some(b"br"), gz: Some(b"gz") };

    fn sent(accept: &[&'static str]) -> (usize, String) {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(line));
        }
        let response = file(&FILE, &headers);
        let coding = response.headers().get(CONTENT_ENCODING).map_or("-", |coding| coding.to_str().unwrap()).to_owned();
        assert_eq!(response.headers()[VARY], "accept-encoding");
        let len = http_body_len(&response);
        (len, coding)
    }

    fn http_body_len(response: &Response) -> usize {
        use axum::body::HttpBody;
        usize::try_from(response.body().size_hint().exact().unwrap()).unwrap()
    }

    #[test]
    fn the_accepted_coding_with_the_largest_weight_is_sent() {
        let (plain, br, gz) = ((5, "-".to_owned()), (2, "br".to_owned()), (2, "gzip".to_owned()));
        for (accept, expected) in [
            (&[][..], &plain),
            (&[""], &plain),
            (&["identity"], &plain),
            (&["gzip, deflate, br, zstd"], &br),
            (&["gzip, deflate"], &gz),
            (&["gzip", "br"], &br),
            (&["X-GZIP"], &gz),
            (&["br;q=0.5, gzip"], &gz),
            (&["br; q=0.5 , gzip; Q=0.500"], &br),
            (&["br;q=0, gzip;q=0.001"], &gz),
            (&["*"], &br),
            (&["br;q=0, *;q=0.1"], &gz),
            (&["*;q=0"], &plain),
            (&["identity;q=0"], &plain),
            (&["identity;q=0.5, gzip;q=0.4"], &plain),
            (&["identity;q=0.5, gzip;q=0.5"], &gz),
            (&["br;q=2, br;q=x, gzip;q=1.001, zstd"], &plain),
            (&["brotli, gzipped"], &plain),
        ] {
            assert_eq!(&sent(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_weight_has_at_most_three_digits() {
        for (text, weight) in [("1", 1000), ("0", 0), ("1.000", 1000), ("0.5", 500), ("0.", 0), ("0.001", 1)] {
            assert_eq!(thousandths(text), Some(weight), "{text}");
        }
        for text in ["", ".5", "2", "1.001", "0.0001", "-1", "0.x", "+1", "00.5"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
