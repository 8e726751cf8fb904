//! The middleware that counts requests and answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

use super::{Limits, Peer};
use crate::blob::PART_LEN;
use crate::relay::server::exchange::Exchange;
use crate::relay::server::options::Server;
use crate::relay::{RelayError, wire};

/// Answers up to this length in bytes cost what their request costs.
const SHORT: u64 = 4 << 10;

/// The pause before a refusal. A client that repeats at once would otherwise keep the relay as busy as an accepted one:
/// now each of its connections has one refusal a second.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts a request, which is refused if its client makes too many, and its answer, in whose place a refusal is sent.
/// The same request has the same effect later, so an answer may be withheld even if it had one. A client has a request
/// until its connection is free for another one: it has read the answer, and sends nothing more.
pub(in crate::relay::server) async fn counted(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let limiter = &server.limiter;
    let peer = request.extensions().get::<Peer>().copied();
    let client = peer.map(|peer| limiter.client(&peer, request.headers())).unwrap_or_default();
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(limiter.pace());
    let exchange = request.extensions().get::<Arc<Exchange>>().cloned().unwrap_or_default();
    match limiter.take_turn(&client) {
        Ok(turn) => exchange.hold(turn),
        Err(error) => {
            // A client with too many requests cannot keep another connection just to read the refusal.
            exchange.hurry();
            return error.into_response();
        }
    }
    if let Err(error) = limiter.take_request(&client, body_len(&request)) {
        return refusal(error).await;
    }
    let response = next.run(request).await;
    let len = response.body().size_hint().exact().unwrap_or_default();
    match limiter.take_answer(&client, if len > SHORT { len } else { 0 }) {
        Ok(()) => response,
        Err(error) => refusal(error).await,
    }
}

async fn refusal(error: RelayError) -> Response {
    sleep(PAUSE).await;
    error.into_response()
}

/// The length of a body, as far as it can be accepted; of one in chunks the most that it can have.
fn body_len(request: &Request) -> u64 {
    let is_long = |route: &MatchedPath| route.as_str().starts_with(wire::PART) || route.as_str() == wire::DEPOSIT;
    let is_long = request.extensions().get().is_some_and(is_long);
    let longest = if is_long { PART_LEN as u64 } else { wire::MAX_JSON as u64 };
    request.body().size_hint().exact().unwrap_or(longest).min(Limits::MIN_TRAFFIC)
}
