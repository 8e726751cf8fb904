//! Fields of an answer.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION, WWW_AUTHENTICATE};
use url::Url;

use crate::relay::head::{Head, Redirect};

/// The values of a header.
pub(super) fn all(response: &Response, name: HeaderName) -> impl Iterator<Item = &str> {
    response.headers().get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

/// The value of a header.
pub(super) fn text(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// The fields of an answer that show whether it is the relay's.
pub(super) fn head(response: &Response, is_secure: bool) -> Head {
    let to = text(response, LOCATION).and_then(|to| response.url().join(to).ok());
    let is_own = |to: &Url| to.host_str() == response.url().host_str();
    Head {
        status: response.status().as_u16(),
        redirect: match to {
            None => Redirect::None,
            Some(to) if is_own(&to) => Redirect::Within,
            Some(to) => Redirect::To(to.host_str().unwrap_or_default().to_owned()),
        },
        challenges: all(response, WWW_AUTHENTICATE).map(str::to_owned).collect(),
        is_html: text(response, CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")),
        is_secure,
    }
}
