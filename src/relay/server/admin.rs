//! The listener for the operator of a relay: liveness, readiness, metrics, status. Only this machine reaches it: it
//! listens on a loopback address, or on a socket in the file system.
//!
//! A page in a browser of this machine can make requests to loopback addresses under a name of its own (DNS rebinding),
//! so a request over TCP must be for a loopback address or `localhost`.

use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, AddExtension, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use axum_server::accept::Accept;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_layer::Layer;

use super::answers::json_text;
use crate::platform::service::Socket;
use crate::relay::health::Health;
use crate::relay::metrics::{self, Certificate, Metrics, ShareEvent};
use crate::relay::wire;

/// Time for the head of a request.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Limits of the head of a request.
const MAX_HEAD: usize = 16 << 10;
/// Connections at once. The descriptors of the process are for the clients of the relay.
const MAX_CONNECTIONS: usize = 64;

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// The sources of the listener's answers.
pub struct AdminState {
    /// The counts.
    pub metrics: Arc<Metrics>,
    /// The health.
    pub health: Arc<Health>,
    /// Facts about the relay that do not change while it runs: the beginning of its status.
    pub facts: Value,
}

/// Answers the operator's requests, until the future is dropped.
///
/// # Errors
/// Those of the listener.
pub async fn serve(admin: Arc<AdminState>, socket: Socket) -> io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(|| async { ([(CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n") }))
        .route("/readyz", get(readiness))
        .route("/healthz", get(readiness))
        .route("/metrics", get(numbers))
        .route("/status", get(status))
        .with_state(admin);
    let routes = routes.layer(middleware::map_response(async |answer: Response| (HEADERS, answer)));
    let few = Few(Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    match socket {
        Socket::Tcp(listener) => {
            let mut server = axum_server::from_tcp(listener)?.acceptor(few).http1_only();
            server.http_builder().http1().header_read_timeout(HEADER_TIME).max_buf_size(MAX_HEAD);
            server.serve(routes.layer(middleware::from_fn(meant)).into_make_service()).await
        }
        Socket::File(listener) => {
            let mut server = listener.server()?.acceptor(few).http1_only();
            server.http_builder().http1().header_read_timeout(HEADER_TIME).max_buf_size(MAX_HEAD);
            server.serve(routes.into_make_service()).await
        }
    }
}

/// Accepts connections while there are few, and closes further ones.
#[derive(Clone)]
struct Few(Arc<Semaphore>);

impl<I, S> Accept<I, S> for Few {
    type Stream = I;
    /// The service holds the permit as long as the connection.
    type Service = AddExtension<S, Arc<OwnedSemaphorePermit>>;
    type Future = Ready<io::Result<(I, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let permit = self.0.clone().try_acquire_owned().map_err(io::Error::other);
        ready(permit.map(|permit| (stream, Extension(Arc::new(permit)).layer(service))))
    }
}

/// Middleware: refuses a request for another host.
async fn meant(request: Request, next: Next) -> Response {
    if is_meant(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "this listener answers requests for a loopback address or localhost\n")
        .into_response()
}

/// Whether the only host of a request is a loopback address or `localhost`.
fn is_meant(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = Authority::try_from(host.as_bytes()) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn readiness(State(admin): State<Arc<AdminState>>) -> Response {
    let report = admin.health.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, wire::JSON)], json_text(&report)).into_response()
}

async fn numbers(State(admin): State<Arc<AdminState>>) -> Response {
    // The metrics show whether the relay is ready.
    admin.health.report().await;
    ([(CONTENT_TYPE, metrics::TEXT)], admin.metrics.text()).into_response()
}

async fn status(State(admin): State<Arc<AdminState>>) -> Response {
    let (metrics, report) = (&admin.metrics, admin.health.report().await);
    let counts: serde_json::Map<_, _> =
        ShareEvent::ALL.into_iter().map(|event| (event.word().to_owned(), metrics.count(event).into())).collect();
    let mut facts = admin.facts.clone();
    if let Some(facts) = facts.as_object_mut() {
        let certificate = match metrics.certificate() {
            Certificate::Unused => Value::Null,
            Certificate::Missing => json!({ "until": null }),
            Certificate::Until(end) => json!({ "until": end }),
        };
        let stored = metrics.stored().map(|stored| {
            json!({
                "uploading": stored.uploading, "waiting": stored.waiting, "opening": stored.opening,
                "bytes": stored.bytes,
            })
        });
        let reported = metrics
            .reports()
            .map(|reports| json!({ "shares": reports.shares, "bytes": reports.bytes, "refused": reports.refused }));
        let current = json!({
            "since": metrics.started(), "ready": report.ready, "problems": report.problems, "full": report.full,
            "certificate": certificate, "connections": metrics.connections(), "stored": stored, "reported": reported,
            "counts": counts,
        });
        if let Value::Object(current) = current {
            facts.extend(current);
        }
    }
    ([(CONTENT_TYPE, wire::JSON)], facts.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_for_this_machine_are_meant() {
        let is_meant_for = |hosts: &[&str]| {
            let hosts = hosts.iter().map(|host| (HOST, host.parse().unwrap()));
            is_meant(&hosts.collect())
        };
        for host in ["127.0.0.1", "127.0.0.1:9400", "127.1.2.3:1", "[::1]:9400", "[::1]", "localhost", "LocalHost:80"] {
            assert!(is_meant_for(&[host]), "{host}");
        }
        for host in ["relay.example", "192.0.2.1:9400", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b"] {
            assert!(!is_meant_for(&[host]), "{host}");
        }
        assert!(!is_meant_for(&[]));
        assert!(!is_meant_for(&["localhost", "localhost"]));
    }
}
