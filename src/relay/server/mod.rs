//! Any relay, served over HTTP.
//!
//! The server makes no decision about a share: a handler reads a request within bounds, calls a [`Relay`], and writes
//! the answer. `GET` and `HEAD` change nothing. Logs have the method, the route's template, the status, a
//! size and a duration; never an id, a token, a header or an address. The one exception is the first `Host` that is not
//! the relay's own: its operator may have to allow it.

pub mod admin;
mod answers;
mod automatic;
mod body;
mod closing;
mod connection;
mod credential;
pub mod early;
mod entrance;
mod exchange;
pub mod guests;
mod handlers;
mod here;
mod host;
mod limits;
mod options;
mod redirect;
mod room;
mod secure;
mod serving;
mod static_files;
mod streams;
mod tokens;
mod waiting;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post, put};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use self::connection::Acceptor;
pub use self::limits::Limits;
use self::limits::requests;
use self::options::Server;
pub use self::options::{CreatePolicy, PORT, ServerOptions};
use self::secure::Tls;
use self::serving::{Stop, asynchronous};
pub use self::tokens::{CreateToken, CreateTokens};
use crate::relay::problem::HttpProblem;
use crate::relay::{Relay, wire};

/// Serves `relay` until `stop` completes, then waits for running requests.
///
/// # Errors
/// Those of the listener, and a key in [`ServerOptions::direct`] that the TLS library rejects.
pub async fn serve(
    relay: Arc<dyn Relay>,
    listener: TcpListener,
    mut options: ServerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listens = listener.local_addr()?;
    let listener = asynchronous(listener)?;
    let tls = match (&options.direct, &options.certificates) {
        (Some(key), _) => Some(Tls::pinned(key)),
        (None, Some(certificates)) => Some(Tls::certified(certificates.clone())),
        (None, None) => None,
    };
    let tls = tls.transpose().map_err(io::Error::other)?;
    let redirects = options.redirects.take().map(asynchronous).transpose()?;
    let more = options.more.drain(..).map(asynchronous).collect::<io::Result<Vec<_>>>()?;
    let (drain, plain) = (options.drain, options.plain && options.certificates.is_none());
    let permits = Arc::new(Semaphore::new(options.max_connections));
    let server = Arc::new(Server::new(relay, options, listens));
    let (limiter, metrics) = (server.limiter.clone(), server.options.metrics.clone());
    let stops = Stop::when(&server.stopping);
    let acceptor = |tls, plain| Acceptor::new(tls, plain, permits.clone(), limiter.clone(), metrics.clone());
    let (all, app) = (acceptor(tls, plain), router(server.clone()));
    let listeners = std::iter::once(listener).chain(more);
    let main =
        join_all(listeners.map(|listener| serving::serve(listener, all.clone(), app.clone(), stops.clone(), drain)));
    let redirecting = redirects
        .map(|listener| serving::serve(listener, acceptor(None, true), redirect::router(server.clone()), stops, drain));
    let serving = async {
        match redirecting {
            Some(redirecting) => drop(tokio::join!(main, redirecting)),
            None => drop(main.await),
        }
    };
    let stop = async {
        stop.await;
        server.stopping.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serving => {}
        () = stop => {}
        () = limiter.keep_forgetting() => {}
    }
    Ok(())
}

fn router(server: Arc<Server>) -> Router {
    let pages = static_files::opening();
    let pages = if server.options.sends() { pages.merge(static_files::sending()) } else { pages };
    let api = pages
        .route(wire::ABOUT, get(handlers::about))
        .route(wire::CREATE, post(handlers::create))
        .route(wire::ALLOWANCE, post(handlers::allowance))
        .route("/v1/part/{number}", put(handlers::put_part).get(handlers::get_part))
        .route(wire::COMMIT, post(handlers::commit))
        .route(wire::DEPOSIT, post(handlers::deposit))
        .route(wire::LINK, get(handlers::notice))
        .route(wire::MANIFEST, post(handlers::manifest))
        .route(wire::CLAIM, post(handlers::claim))
        .route(wire::FINISH, post(handlers::finish))
        .route(wire::REPORT, post(handlers::report))
        .route(wire::OWNER, get(handlers::status).delete(handlers::revoke))
        .fallback(static_files::nothing_there)
        .method_not_allowed_fallback(|| async { HttpProblem::BadMethod });
    let base = server.base.clone();
    let api = api
        .layer(middleware::from_fn_with_state(server.clone(), entrance::expected))
        .layer(middleware::from_fn_with_state(server.clone(), requests::counted));
    let api = match server.options.certificates {
        Some(_) => api.layer(middleware::from_fn_with_state(server.clone(), entrance::around_secure)),
        None => api.layer(middleware::from_fn_with_state(server.clone(), entrance::around)),
    };
    let api = api.with_state(server);
    match base {
        None => api,
        // A layer of a router runs after its choice of a route, so the paths are changed by a router around it.
        Some(base) => Router::new().fallback_service(api).layer(middleware::from_fn_with_state(base, entrance::below)),
    }
}

#[cfg(test)]
mod tests {
    use super::entrance::MAX_FIELDS;
    use super::serving::{MAX_HEAD, MAX_STREAMS};
    use super::streams::IDLE_TIME;
    use super::*;

    #[test]
    fn limits_of_requests_are_in_the_protocol() {
        let text = include_str!("../PROTOCOL.md").split_whitespace().collect::<Vec<_>>().join(" ");
        let (thousands, rest) = (MAX_HEAD / 1000, MAX_HEAD % 1000);
        let (target, [silence, all]) =
            (entrance::MAX_TARGET, [closing::SILENCE, closing::LINGER_TIME].map(|time| time.as_secs()));
        for sentence in [
            format!("a head of at most {thousands} {rest} bytes and {MAX_FIELDS} fields"),
            format!("with a target of at most {target} bytes"),
            format!("at most {MAX_STREAMS} requests at once"),
            format!("or makes no request for {} seconds", IDLE_TIME.as_secs()),
            format!(
                "still sends after a refusal | {silence} seconds of silence, of which {} bytes restore one, and {all} \
                 seconds in all",
                closing::SLOWEST
            ),
        ] {
            assert!(text.contains(&sentence), "{sentence}");
        }
    }
}
