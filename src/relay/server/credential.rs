//! The credential of a request: the `Share-Authorization` header, or without one the `Authorization` header.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::relay::Credential;
use crate::relay::wire;

impl<S: Sync> FromRequestParts<S> for Credential {
    type Rejection = Infallible;

    /// Reads the credential. A missing or malformed one, or one of two, becomes a random one: it gets the answer of an
    /// unknown share after the same reads of the store. Beside `Share-Authorization`, `Authorization` is for a proxy in
    /// front of the relay.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let is_own = headers.contains_key(wire::SHARE_AUTHORIZATION);
        let name = if is_own { wire::SHARE_AUTHORIZATION } else { AUTHORIZATION.as_str() };
        let mut values = headers.get_all(name).iter();
        let only = values.next().filter(|_| values.next().is_none());
        let credential = only.and_then(|value| value.to_str().ok()).and_then(wire::parse_bearer);
        Ok(credential.unwrap_or_else(Credential::random))
    }
}
