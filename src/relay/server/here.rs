//! Answers to the question whether an address leads to this process.

use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};

use crate::relay::here::{HERE, Here};

/// The answer to a question, if the request is one.
pub(super) fn answer(here: &Here, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let nonce = uri.path().strip_prefix(HERE).filter(|_| method == Method::GET)?;
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let answer = here.answer(host.to_str().ok()?, nonce)?;
    Some(([(CONTENT_TYPE, "text/plain")], answer).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_one_host_gets_an_answer() {
        let (here, nonce) = (Here::new(), crate::relay::here::nonce());
        let uri: Uri = format!("{HERE}{nonce}").parse().unwrap();
        let ask = |method: Method, uri: &Uri, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            answer(&here, &method, uri, &headers).is_some()
        };
        assert!(ask(Method::GET, &uri, &["x.example"]));
        assert!(!ask(Method::GET, &uri, &["x.example", "y.example"]));
        assert!(!ask(Method::GET, &uri, &[]));
        assert!(!ask(Method::POST, &uri, &["x.example"]));
        assert!(!ask(Method::GET, &Uri::from_static("/.well-known/share-here/short"), &["x.example"]));
    }
}
