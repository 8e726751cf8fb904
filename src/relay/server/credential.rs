//! The credential of a request: the `Authorization` header.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::relay::wire;
use crate::relay::{Credential, RelayError};

impl<S: Sync> FromRequestParts<S> for Credential {
    type Rejection = RelayError;

    /// Reads the credential. A missing or malformed token is [`RelayError::Unknown`], like a wrong one.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RelayError> {
        let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        value.and_then(wire::parse_bearer).ok_or(RelayError::Unknown)
    }
}
