//! Plain HTTP beside a listener with a certificate: answers to challenges of an ACME server, and redirects to https.
//!
//! Only `GET` and `HEAD` are redirected. Any other request may have sent a credential in the clear already, and a
//! client that gets an error is corrected sooner than one whose requests work.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::entrance::{self, MAX_TARGET};
use super::limits::requests;
use super::options::Server;
use crate::relay::problem::HttpProblem;
use crate::relay_url::RelayUrl;

/// The routes of plain HTTP.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/.well-known/acme-challenge/{token}", get(challenge))
        .fallback(to_https)
        .method_not_allowed_fallback(to_https)
        .layer(middleware::from_fn_with_state(server.clone(), requests::counted))
        .layer(middleware::from_fn_with_state(server.clone(), entrance::around))
        .with_state(server)
}

async fn challenge(
    State(server): State<Arc<Server>>,
    token: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response {
    let known = |Path(token): Path<String>| server.options.certificates.as_ref()?.http_answer(&token);
    match token.ok().and_then(known) {
        Some(answer) => ([(CONTENT_TYPE, "application/octet-stream")], answer).into_response(),
        None => to_https(State(server), Method::GET, uri).await,
    }
}

/// The same path at the address of this relay. A host in the request is not looked at: it may be anybody's.
async fn to_https(State(server): State<Arc<Server>>, method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return ([(ALLOW, "GET, HEAD")], HttpProblem::BadMethod.into_response()).into_response();
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if target.len() > MAX_TARGET {
        return HttpProblem::TargetTooLong.into_response();
    }
    let origin = server.options.public_url.as_ref().map(RelayUrl::without_path);
    // The target of `http://host?query` begins with the query.
    let slash = if target.starts_with('/') { "" } else { "/" };
    let location = origin.and_then(|origin| HeaderValue::try_from(format!("{origin}{slash}{target}")).ok());
    match location {
        Some(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        None => HttpProblem::BadMethod.into_response(),
    }
}
