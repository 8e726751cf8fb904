//! The middleware that counts requests and answers.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Peer;
use crate::blob::PART_LEN;
use crate::relay::server::options::Server;
use crate::relay::wire;

/// Answers up to this length in bytes cost what their request costs.
const SHORT: u64 = 4 << 10;

/// Counts a request, which is refused if its client makes too many, and its answer, in whose place a refusal is sent.
/// The same request has the same effect later, so an answer may be withheld even if it had one.
pub(in crate::relay::server) async fn counted(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let limiter = &server.limiter;
    let peer = request.extensions().get::<Peer>().copied();
    let client = peer.map(|peer| limiter.client(&peer, request.headers())).unwrap_or_default();
    request.extensions_mut().insert(client);
    if let Err(error) = limiter.take_request(&client, body_len(&request)) {
        return error.into_response();
    }
    let response = next.run(request).await;
    let len = response.body().size_hint().exact().unwrap_or_default();
    match limiter.take_answer(&client, if len > SHORT { len } else { 0 }) {
        Ok(()) => response,
        Err(error) => error.into_response(),
    }
}

/// The length of a body, or the most that it can have if it comes in chunks.
fn body_len(request: &Request) -> u64 {
    let hint = request.body().size_hint();
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let is_long = |route: &MatchedPath| route.as_str().starts_with(wire::PART) || route.as_str() == wire::DEPOSIT;
    let longest = || {
        let is_long = request.extensions().get().is_some_and(is_long);
        if is_long { PART_LEN as u64 } else { wire::MAX_JSON as u64 }
    };
    hint.exact().or(declared).unwrap_or_else(longest)
}
