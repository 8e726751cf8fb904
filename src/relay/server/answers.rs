//! Answers: JSON objects, and errors as problems (RFC 9457).

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use super::limits::Client;
use super::room::Room;
use crate::relay::RelayError;
use crate::relay::problem::{HttpProblem, Problem};
use crate::relay::wire;

/// The longest answer that needs no reservation, in bytes: a JSON object without a long manifest, and a part.
const MAX_SHORT: usize = 2 * wire::MAX_JSON;

/// Headers of every answer.
pub(super) const HEADERS: [(&str, &str); 6] = [
    ("cache-control", "no-store, no-transform"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-robots-tag", "noindex"),
];

/// A header of every answer over TLS with a certificate: from now on browsers use nothing else, for two years.
pub(super) const HSTS: (&str, &str) = ("strict-transport-security", "max-age=63072000");

/// An extension of an answer that refuses a request: the word of its problem.
#[derive(Clone)]
pub(super) struct Refusal(pub(super) String);

/// The outcome of a request.
pub(super) type Answer = Result<Response, RelayError>;

impl IntoResponse for RelayError {
    fn into_response(self) -> Response {
        let out_of = if let Self::OutOfRange { max } = self { Some(format!("bytes */{max}")) } else { None };
        let (status, problem, after) = Problem::of(&self);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = problem_response(status, &problem);
        if let Some(after) = after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        if let Some(range) = out_of.and_then(|range| HeaderValue::try_from(range).ok()) {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
        response
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let (status, problem) = Problem::of_http(self);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        problem_response(status, &problem)
    }
}

fn problem_response(status: StatusCode, problem: &Problem) -> Response {
    let refusal = Extension(Refusal(problem.word().to_owned()));
    (status, refusal, [(CONTENT_TYPE, wire::PROBLEM)], json_text(problem)).into_response()
}

/// The text of a JSON object.
pub(super) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A JSON object as an answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, wire::JSON)], json_text(value)).into_response()
}

/// Pieces in which a long answer is written, in bytes.
const PIECE: usize = 64 << 10;

/// An answer that may be long. A long one is refused unless `room` has memory of `client` for it, held until the client
/// has read it.
///
/// # Errors
/// [`RelayError::Busy`]: the request may be repeated.
pub(super) fn long(content_type: &'static str, answer: Vec<u8>, room: &Room, client: &Client) -> Answer {
    let head = [(CONTENT_TYPE, content_type)];
    let len = answer.len();
    if len <= MAX_SHORT {
        return Ok((head, answer).into_response());
    }
    let state = (Bytes::from(answer), room.reserve_now(client, len)?);
    let pieces = stream::unfold(state, |(mut rest, reservation)| async move {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (rest, reservation)))
    });
    let mut response = (head, Body::from_stream(pieces)).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(len));
    Ok(response)
}
