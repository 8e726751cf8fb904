//! The HTTP client of a bucket: our settings, and a record of error answers.
//!
//! The errors of the `object_store` crate have the status and the body of an answer only in their text. So its client
//! is wrapped: the wrapper stores both for the operation that the task is running, and returns every answer unchanged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions, Error};
use tokio::time::timeout;
use url::Url;

use crate::relay::Network;
use crate::relay::http::{self, IDLE_TIME};
use crate::relay::obstacle::Obstacle;
use crate::relay::store::bucket::errors::{ErrorResponse, Failed};

/// The connection timeout for which the crate asks, except for sources of credentials.
const USUAL_CONNECT_TIME: Duration = Duration::from_secs(5);

/// Headers that make a creation conditional, as errors name them.
const CONDITIONS: [&str; 2] = ["if-none-match", "if-generation-match"];

/// Makes the crate's client, with our settings.
#[derive(Debug)]
pub(super) struct Connector {
    /// How to connect.
    pub(super) network: Network,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let option = |key| options.get_config_value(&key);
        let may_be_plain = option(ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        // A shorter timeout is for an address that may not offer credentials: that of a service on the local network.
        let time = option(ClientConfigKey::ConnectTimeout).and_then(|time| humantime::parse_duration(&time).ok());
        let builder = match time.filter(|time| *time < USUAL_CONNECT_TIME) {
            Some(_) if self.network.has_socks() => return Ok(HttpClient::new(Unasked)),
            // A web proxy would get the credentials.
            Some(time) => http::direct_builder(IDLE_TIME).connect_timeout(time),
            None => http::wide_builder(IDLE_TIME, &self.network),
        };
        builder
            .https_only(!may_be_plain)
            .build()
            .map(|client| HttpClient::new(Noting { client: HttpClient::new(client), network: self.network.clone() }))
            .map_err(|error| Error::Generic { store: "the HTTP client", source: error.without_url().into() })
    }
}

tokio::task_local! {
    /// The operation that this task is running.
    static OPERATION: Operation;
}

/// One operation on a bucket. Its requests are sequential, and the last answer decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Operation(Arc<Mutex<Option<ErrorResponse>>>);

impl Operation {
    /// Runs `work` with a timeout of `time`.
    pub(super) async fn within<T>(
        &self,
        time: Duration,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Failed> {
        match timeout(time, OPERATION.scope(self.clone(), work)).await {
            Ok(done) => done.map_err(|error| Failed { error, answer: self.last().clone() }),
            Err(_) => {
                let error = Error::Generic { store: "bucket", source: "no answer".into() };
                Err(Failed { error, answer: None })
            }
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<ErrorResponse>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Client of a service that is not asked: a SOCKS proxy would take the request elsewhere, and nothing goes beside it.
#[derive(Debug)]
struct Unasked;

#[async_trait]
impl HttpService for Unasked {
    async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        Err(HttpError::new(HttpErrorKind::Connect, Obstacle::NoCredentials))
    }
}

/// Client that stores the errors in answers.
#[derive(Debug)]
struct Noting {
    client: HttpClient,
    network: Network,
}

impl Noting {
    /// The error of a request, which names the proxy if it is the proxy's.
    fn failed(&self, error: HttpError, uri: &str) -> HttpError {
        let url = Url::parse(uri).ok();
        let proxy = url.and_then(|url| self.network.proxy_to(&url).ok()?);
        match proxy.and_then(|proxy| Obstacle::of_proxy(&error, &proxy)) {
            Some(obstacle) => HttpError::new(error.kind(), obstacle),
            None => error,
        }
    }
}

#[async_trait]
impl HttpService for Noting {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        note(None);
        if let Some(Err(obstacle)) = Url::parse(&request.uri().to_string()).ok().map(|url| self.network.proxy_to(&url))
        {
            return Err(HttpError::new(HttpErrorKind::Connect, obstacle));
        }
        // Deletion of many objects: the answer has status 200, and an error for each object that was not deleted.
        let is_bulk = request.uri().query() == Some("delete");
        let uri = request.uri().to_string();
        let response = self.client.execute(request).await.map_err(|error| self.failed(error, &uri))?;
        let status = response.status();
        if status.is_redirection() {
            // The crate reads no body of these, and hides the status of a redirect without a target.
            note(Some(ErrorResponse { status: Some(status.as_u16()), ..ErrorResponse::default() }));
            return Ok(response);
        }
        if status.is_success() && !is_bulk {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = body.bytes().await?;
        if let Ok(text) = std::str::from_utf8(&body) {
            note(if status.is_success() {
                Some(codes(text).collect())
                    .filter(|codes: &Vec<_>| !codes.is_empty())
                    .map(|codes| ErrorResponse { codes, ..ErrorResponse::default() })
            } else {
                let names_condition = CONDITIONS.iter().any(|name| text.to_ascii_lowercase().contains(name));
                let codes = codes(text).take(1).collect();
                Some(ErrorResponse { status: Some(status.as_u16()), codes, names_condition })
            });
        }
        Ok(HttpResponse::from_parts(head, body.into()))
    }
}

/// Stores the last answer of the operation that this task is running, if any.
fn note(answer: Option<ErrorResponse>) {
    let _ = OPERATION.try_with(|operation| *operation.last() = answer);
}

/// The codes of all errors in an XML document (S3, Google and Azure agree on the element).
fn codes(text: &str) -> impl Iterator<Item = String> {
    text.split("<Code>").skip(1).filter_map(|rest| rest.split_once("</Code>")).map(|(code, _)| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_answers() {
        let failed = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(codes(failed).collect::<Vec<_>>(), ["AccessDenied"]);
        let bulk = "<DeleteResult><Error><Key>a</Key><Code>NoSuchKey</Code></Error>\
                    <Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>";
        assert_eq!(codes(bulk).collect::<Vec<_>>(), ["NoSuchKey", "InternalError"]);
        assert_eq!(codes("<html>404</html>").count() + codes("<Code>cut o").count(), 0);
    }

    /// Returns one answer to all requests.
    #[derive(Debug)]
    struct Fixed {
        status: u16,
        location: bool,
        body: &'static str,
    }

    #[async_trait]
    impl HttpService for Fixed {
        async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
            let mut response = HttpResponse::new(self.body.to_owned().into());
            *response.status_mut() = self.status.try_into().unwrap();
            if self.location {
                response.headers_mut().insert("location", "https://example.org/".parse().unwrap());
            }
            Ok(response)
        }
    }

    /// The stored answer, and the body that the crate gets.
    async fn noted(uri: &str, status: u16, location: bool, body: &'static str) -> (Option<ErrorResponse>, String) {
        let fixed = HttpClient::new(Fixed { status, location, body });
        let client = Noting { client: fixed, network: Network::default() };
        let mut request = HttpRequest::new(Vec::new().into());
        *request.uri_mut() = uri.parse().unwrap();
        let mut handed_on = String::new();
        let work = async {
            let body = client.call(request).await.unwrap().into_body().bytes().await.unwrap();
            handed_on = String::from_utf8(body.into()).unwrap();
            Err::<(), _>(Error::Generic { store: "bucket", source: "any".into() })
        };
        let failed = Operation::default().within(IDLE_TIME, work).await.unwrap_err();
        (failed.answer, handed_on)
    }

    #[tokio::test]
    async fn errors_are_noted_and_answers_handed_on() {
        const DENIED: &str = "<Error><Code>AccessDenied</Code></Error>";
        let (object, bulk) = ("https://example.org/bucket/name", "https://example.org/bucket?delete");
        let answer = |status, codes: &[&str]| {
            let codes = codes.iter().map(|code| (*code).to_owned()).collect();
            Some(ErrorResponse { status, codes, names_condition: false })
        };
        assert_eq!(noted(object, 403, false, DENIED).await, (answer(Some(403), &["AccessDenied"]), DENIED.to_owned()));
        assert_eq!(noted(object, 502, false, "<html>").await, (answer(Some(502), &[]), "<html>".to_owned()));
        assert_eq!(noted(object, 200, false, DENIED).await, (None, DENIED.to_owned()));
        assert_eq!(noted(bulk, 200, false, DENIED).await, (answer(None, &["AccessDenied"]), DENIED.to_owned()));
        assert_eq!(noted(bulk, 200, false, "<DeleteResult/>").await, (None, "<DeleteResult/>".to_owned()));
        assert_eq!(noted(object, 301, true, "").await.0, answer(Some(301), &[]));
        assert_eq!(noted(object, 301, false, "").await.0, answer(Some(301), &[]));
        let header = "<Error><Code>InvalidArgument</Code><ArgumentName>If-None-Match</ArgumentName></Error>";
        assert!(noted(object, 400, false, header).await.0.unwrap().names_condition);
    }

    #[tokio::test]
    async fn answers_of_one_operation_stay_out_of_another() {
        let fixed = HttpClient::new(Fixed { status: 503, location: false, body: "" });
        let client = Noting { client: fixed, network: Network::default() };
        let (one, other) = (Operation::default(), Operation::default());
        let work = async || {
            client.call(HttpRequest::new(Vec::new().into())).await.unwrap();
            Ok(())
        };
        one.within(IDLE_TIME, work()).await.unwrap();
        assert_eq!(*other.last(), None);
        assert!(one.last().is_some());
    }
}
