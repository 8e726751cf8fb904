//! The way of every request to its handler: checks of its form in HTTP and of its host, and the base path.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answers::{HEADERS, HSTS, Refusal};
use super::options::Server;
use super::{here, host};
use crate::relay::RelayError;
use crate::relay::problem::HttpProblem;
use crate::safe_text::printable;

/// The longest target of a request (its path and its query), in bytes. The longest one of the protocol has less than
/// a hundred, and a base path.
pub(super) const MAX_TARGET: usize = 8 << 10;
/// The most header fields of a request.
pub(super) const MAX_FIELDS: usize = 64;
/// Characters of a foreign host that are logged.
const LOGGED: usize = 100;

/// Middleware of all requests over TLS with a certificate: as [`around`], and makes browsers use nothing else. Other
/// services on the same machine may be plain HTTP, so not for localhost.
pub(super) async fn around_secure(state: State<Arc<Server>>, request: Request, next: Next) -> Response {
    let is_local = host::is_local(request.headers());
    let mut response = around(state, request, next).await;
    if !is_local {
        let (name, value) = HSTS;
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Middleware of all requests: adds headers to the answer, logs both, and counts them.
pub(super) async fn around(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = with_headers(request, next).await;
    let headers = response.headers();
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = declared.or_else(|| response.body().size_hint().exact());
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let (time, status) = (start.elapsed(), response.status().as_u16());
    let metrics = &server.options.metrics;
    metrics.request(method, route, status, time);
    if let Some(Refusal(word)) = response.extensions().get() {
        metrics.refusal(word);
    }
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    // A client over its limits must not fill the log: the refusals are counted instead.
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        tracing::debug!(method, route, status, bytes, ms);
    } else {
        tracing::info!(method, route, status, bytes, ms);
    }
    response
}

/// Middleware that adds the headers of every answer.
pub(super) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// A method of HTTP in the log. A client may invent others, of any length.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    all.into_iter().find(|known| method == known).unwrap_or("-")
}

/// Middleware of all requests that are within their client's limits: answers those that no handler gets.
pub(super) async fn expected(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    match answer(&server, request.method(), request.uri(), request.headers()) {
        None => next.run(request).await,
        Some(answer) => answer,
    }
}

/// The answer to a request that no handler gets.
fn answer(server: &Server, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Some(HttpProblem::TargetTooLong.into_response());
    }
    // Over HTTP/1.1 hyper counts them.
    if headers.len() > MAX_FIELDS {
        return Some(HttpProblem::HeadTooLong.into_response());
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_only = codings.next().is_none();
        if !is_only || !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Some(HttpProblem::UnknownCoding.into_response());
        }
    }
    // Before the host is checked: the sender asks under names that are not known to be its own yet.
    if let Some(answer) = server.options.here.as_deref().and_then(|here| here::answer(here, method, uri, headers)) {
        return Some(answer);
    }
    let public_url = server.options.public_url.as_ref();
    let certificates = server.options.certificates.as_deref();
    let listens = (!server.options.only_public).then_some(server.listens);
    let Err(error) = host::expect_meant(uri, headers, listens, public_url, certificates) else {
        return server.base.as_deref().filter(|base| uri.path() == *base).map(to_page);
    };
    if error == RelayError::Misdirected && !server.misdirected.swap(true, Ordering::Relaxed) {
        let host = headers.get(HOST).map_or(&b""[..], HeaderValue::as_bytes);
        let host = uri.authority().map_or_else(|| String::from_utf8_lossy(host), |target| target.as_str().into());
        let host: String = printable(&host).chars().take(LOGGED).collect();
        tracing::warn!(
            host,
            "refused a request for a foreign host; if this relay has that name, use --domain or --public-url (once)"
        );
    }
    Some(error.into_response())
}

/// Middleware before the routes: removes `base` from a path below it. A proxy may remove the base path too, so the
/// routes without it work as well.
pub(super) async fn below(State(base): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    if let Some(stripped) = without_base(request.uri(), &base) {
        *request.uri_mut() = stripped;
    }
    next.run(request).await
}

fn without_base(uri: &Uri, base: &str) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str().strip_prefix(base)?;
    if !target.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.parse().ok();
    Uri::from_parts(parts).ok()
}

/// The answer at the base path without its slash: the page's own requests are relative to the slash.
fn to_page(base: &str) -> Response {
    let location = HeaderValue::try_from(format!("{base}/")).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_method_is_not_logged() {
        assert_eq!(known(&Method::DELETE), "DELETE");
        assert_eq!(known(&Method::from_bytes(&[b'A'; 3000]).unwrap()), "-");
    }

    #[test]
    fn a_base_path_is_removed_from_paths_below_it() {
        for (target, expected) in [
            ("/base/", Some("/")),
            ("/base/v1/link?x=/base/", Some("/v1/link?x=/base/")),
            ("http://host.example/base/v1/link", Some("http://host.example/v1/link")),
            ("/base", None),
            ("/based/v1/link", None),
            ("/v1/link", None),
            ("/", None),
        ] {
            let stripped = without_base(&target.parse().unwrap(), "/base").map(|uri| uri.to_string());
            assert_eq!(stripped.as_deref(), expected, "{target}");
        }
    }
}
