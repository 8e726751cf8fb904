//! Answers: JSON objects, and errors as problems (RFC 9457).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::relay::RelayError;
use crate::relay::wire::{self, Problem};

/// The outcome of a request.
pub(super) type Answer = Result<Response, RelayError>;

impl IntoResponse for RelayError {
    fn into_response(self) -> Response {
        let (status, problem, after) = Problem::of(&self);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(CONTENT_TYPE, wire::PROBLEM)], json_text(&problem)).into_response();
        if let Some(after) = after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

/// The text of a JSON object.
pub(super) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A JSON object as an answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, [(CONTENT_TYPE, wire::JSON)], json_text(value)).into_response()
}
