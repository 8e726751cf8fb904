//! Any relay, served over HTTP.
//!
//! The server makes no decision about a share: a handler reads a request within bounds, calls a [`Relay`], and writes
//! the answer. `GET` and `HEAD` change nothing. Logs have the method, the route's template, the status, a
//! size and a duration; never an id, a token, a header or an address.

mod answers;
mod body;
mod connection;
mod credential;
pub mod guests;
mod handlers;
mod host;
mod limits;
mod options;
mod room;
mod static_files;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;

use self::connection::Acceptor;
pub use self::limits::Limits;
use self::limits::{Limiter, requests};
use self::options::Server;
pub use self::options::{CreatePolicy, PORT, ServerOptions};
use self::room::Room;
use crate::relay::wire::HttpProblem;
use crate::relay::{Relay, RelayError, pinned, wire};

/// Time for the head of a request. A connection that takes longer is closed.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Serves `relay` until `stop` completes, then waits for running requests.
///
/// # Errors
/// Those of the listener, and a key in [`ServerOptions::direct`] that the TLS library rejects.
pub async fn serve(
    relay: Arc<dyn Relay>,
    listener: TcpListener,
    options: ServerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listens = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let tls = options.direct.as_ref().map(pinned::server).transpose().map_err(io::Error::other)?;
    let (drain, plain, max_connections) = (options.drain, options.plain, options.max_connections);
    let limiter = Arc::new(Limiter::new(&options.limits));
    let acceptor = Acceptor::new(tls, plain, max_connections, limiter.clone());
    let (bodies, answers) = (Room::default(), Room::default());
    let app = router(Arc::new(Server { relay, options, listens, limiter: limiter.clone(), bodies, answers }));
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone()).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(64);
    tokio::spawn(async move {
        stop.await;
        handle.graceful_shutdown(Some(drain));
    });
    tokio::select! {
        served = server.serve(app.into_make_service()) => served,
        () = limiter.keep_forgetting() => Ok(()),
    }
}

fn router(server: Arc<Server>) -> Router {
    let api = Router::new()
        .route(wire::PAGE, get(static_files::page))
        .route(&format!("{}{{name}}", wire::PAGE_FILES), get(static_files::page_file))
        .route(wire::ABOUT, get(handlers::about))
        .route(wire::CREATE, post(handlers::create))
        .route("/v1/part/{number}", put(handlers::put_part).get(handlers::get_part))
        .route(wire::COMMIT, post(handlers::commit))
        .route(wire::DEPOSIT, post(handlers::deposit))
        .route(wire::LINK, get(handlers::notice))
        .route(wire::MANIFEST, post(handlers::manifest))
        .route(wire::CLAIM, post(handlers::claim))
        .route(wire::FINISH, post(handlers::finish))
        .route(wire::OWNER, get(handlers::status).delete(handlers::revoke))
        .fallback(static_files::nothing_there)
        .method_not_allowed_fallback(|| async { HttpProblem::BadMethod });
    api.layer(middleware::from_fn_with_state(server.clone(), requests::counted))
        .layer(middleware::from_fn_with_state(server.clone(), around))
        .with_state(server)
}

/// Middleware of all requests: checks the `Host` header, adds headers to the answer, and logs both.
async fn around(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let public_url = server.options.public_url.as_ref();
    let is_meant = host::is_meant(request.uri(), request.headers(), server.listens, public_url);
    let mut response = if is_meant { next.run(request).await } else { RelayError::Misdirected.into_response() };
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store, no-transform"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let bytes = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status = response.status().as_u16(), bytes, ms);
    response
}
