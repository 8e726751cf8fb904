//! The HTTP client of ACME: ours for relays, with a limit for answers. It notes what instant-acme does not pass on: how
//! long the server asks to wait, its terms and its clock.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{Request, Response};
use http_body::Body as _;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{Body, Certificate, Client};
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use crate::relay::Network;
use crate::relay::clock::Clock;
use crate::relay::http::{IDLE_TIME, wide_builder};

/// The longest answer that is read, in bytes. A chain of certificates has a few thousand.
const MAX_ANSWER: usize = 1 << 20;
/// The longest wait of an answer that instant-acme gets to see, in seconds. It adds it to the time.
const MAX_WAIT: u64 = 24 * 3600;
/// The longest address that is shown, in bytes.
const MAX_ADDRESS: usize = 200;
/// The longest time for a request with its answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// The description of an ACME server (RFC 8555, 7.1.1).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    #[serde(default)]
    pub(super) meta: Meta,
    /// The address of its suggested times for renewals (RFC 9773), if it has one.
    pub(super) renewal_info: Option<String>,
}

/// The part of a directory that is for people.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    /// The address of the terms of service.
    pub(super) terms_of_service: Option<String>,
    /// Whether accounts need a contract with the operator.
    #[serde(default)]
    pub(super) external_account_required: bool,
}

/// Details of the last answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    pub(super) directory: Option<Directory>,
    /// The seconds of `Retry-After` in an answer that was an error.
    pub(super) retry_after: Option<u64>,
    /// The address at which a person can do what an error is about (RFC 8555, 7.3.3).
    pub(super) instance: Option<String>,
    /// The seconds by which this machine's clock is ahead of the server's.
    pub(super) ahead: i64,
}

/// The HTTP client of one ACME server.
#[derive(Clone)]
pub(super) struct AcmeHttp {
    client: Client,
    directory_url: String,
    clock: Arc<dyn Clock>,
    noted: Arc<Mutex<Noted>>,
}

impl AcmeHttp {
    /// A client that trusts the certificates in `authority` (PEM), or those of the system.
    ///
    /// # Errors
    /// The client cannot be built, as on a computer without root certificates.
    pub(super) fn new(
        directory: &str,
        authority: Option<&[u8]>,
        network: &Network,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let words = |error: reqwest::Error| error.to_string();
        let url = Url::parse(directory).map_err(|error| error.to_string())?;
        network.proxy_to(&url).map_err(|error| error.to_string())?;
        let builder = wide_builder(IDLE_TIME, network).https_only(true);
        let client = match authority {
            Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(words)?),
            None => builder,
        };
        let client = client.build().map_err(words)?;
        Ok(Self { client, directory_url: directory.to_owned(), clock, noted: Arc::default() })
    }

    fn notes(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The details so far.
    pub(super) fn noted(&self) -> Noted {
        self.notes().clone()
    }

    /// Forgets how long to wait, before a new attempt.
    pub(super) fn begin(&self) {
        self.notes().retry_after = None;
    }

    /// Asks the server for its description.
    ///
    /// # Errors
    /// Those of the request, and an answer that is no directory.
    pub(super) async fn directory(&self) -> Result<Directory, Error> {
        let request = Request::get(&self.directory_url).body(BodyWrapper::default())?;
        self.exchange(request).await?;
        self.notes().directory.clone().ok_or(Error::Str("a directory"))
    }

    async fn exchange(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (parts, mut body) = request.into_parts();
        let url = parts.uri.to_string();
        // It is one frame, or none.
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let body = frame.and_then(|Ok(frame)| frame.into_data().ok()).unwrap_or_default();
        let request = self.client.request(parts.method, &url).headers(parts.headers).body(body);
        let answered = async {
            let mut response = request.send().await.map_err(other)?;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(other)? {
                if body.len() + chunk.len() > MAX_ANSWER {
                    return Err(Error::Other("the answer is too long".into()));
                }
                body.extend_from_slice(&chunk);
            }
            Ok((Response::<Body>::from(response).into_parts().0, body.freeze()))
        };
        let answered = timeout(ANSWER_TIME, answered).await.map_err(|_| Error::Other("there was no answer".into()));
        let (mut parts, body) = answered??;
        let (mut notes, now) = (self.notes(), self.clock.now());
        if let Some(date) = time(&parts.headers, &DATE) {
            notes.ahead = now.cast_signed() - date;
        }
        if parts.status.is_client_error() || parts.status.is_server_error() {
            notes.retry_after = retry_after(&parts.headers, now, notes.ahead);
            notes.instance = instance(&body);
        } else if url == self.directory_url {
            notes.directory = serde_json::from_slice(&body).ok();
        }
        bound_wait(&mut parts.headers, now, notes.ahead);
        drop(notes);
        Ok(BytesResponse { parts, body: Box::new(body) })
    }
}

impl HttpClient for AcmeHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move { client.exchange(request).await })
    }
}

fn other(error: reqwest::Error) -> Error {
    // The address is the operator's own, and known.
    Error::Other(Box::new(error.without_url()))
}

/// A time in a header, in Unix seconds.
fn time(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let time = headers.get(name)?.to_str().ok()?;
    rfc2822::parse(time).ok().map(|time| Timestamp::from(&time).as_second())
}

/// The seconds in `Retry-After`: a number, or a time by the server's clock.
fn retry_after(headers: &HeaderMap, now: u64, ahead: i64) -> Option<u64> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok();
    let until = || Some(time(headers, &RETRY_AFTER)?.saturating_sub(now.cast_signed() - ahead).max(0).cast_unsigned());
    seconds.or_else(until)
}

/// Makes `Retry-After` a number that can be added to any time, or removes it.
fn bound_wait(headers: &mut HeaderMap, now: u64, ahead: i64) {
    let wait = retry_after(headers, now, ahead);
    headers.remove(RETRY_AFTER);
    if let Some(wait) = wait {
        headers.insert(RETRY_AFTER, wait.min(MAX_WAIT).into());
    }
}

/// The address in a problem at which a person can do something.
fn instance(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Instance {
        instance: String,
    }
    let Instance { instance } = serde_json::from_slice(body).ok()?;
    let is_shown = instance.len() <= MAX_ADDRESS && instance.starts_with("https://");
    (is_shown && instance.bytes().all(|byte| byte.is_ascii_graphic())).then_some(instance)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_address_in_a_problem_is_one() {
        let instance = |address: &str| instance(format!("{{\"instance\":\"{address}\"}}").as_bytes());
        assert_eq!(instance("https://acme.example/2").as_deref(), Some("https://acme.example/2"));
        for address in ["http://acme.example", "https://acme.example/a b", &format!("https://{}", "a".repeat(200))] {
            assert_eq!(instance(address), None, "{address}");
        }
    }

    #[test]
    fn a_wait_is_a_number_or_a_time_by_the_clock_of_the_server() {
        let headers = |value| HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        assert_eq!(retry_after(&headers("120"), 0, 0), Some(120));
        let date = headers("Fri, 31 Dec 1999 23:59:59 GMT");
        assert_eq!(retry_after(&date, 946_684_700, 0), Some(99));
        assert_eq!(retry_after(&date, 946_684_800, 0), Some(0));
        assert_eq!(retry_after(&date, 946_684_800 + 3600, 3600 + 60), Some(59));
        assert_eq!(retry_after(&headers("soon"), 0, 0), None);
        let bounded = |value| {
            let mut headers = headers(value);
            bound_wait(&mut headers, 0, 0);
            headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(bounded("120").as_deref(), Some("120"));
        assert_eq!(bounded("18446744073709551615").as_deref(), Some("86400"));
        assert_eq!(bounded("Tue, 31 Dec 2999 23:59:59 GMT").as_deref(), Some("86400"));
        assert_eq!(bounded("soon"), None);
    }
}
