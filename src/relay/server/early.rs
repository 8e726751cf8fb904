//! A server whose address is not known yet: it proves that an address leads to this process, and has the page.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use futures_util::future::join_all;
use tokio::sync::{Semaphore, watch};

use super::connection::Acceptor;
use super::limits::{Limiter, Limits};
use super::serving::{self, Stop, asynchronous};
use super::{entrance, here, static_files};
use crate::relay::here::Here;
use crate::relay::metrics::Metrics;
use crate::relay_url::RelayUrl;

/// The most connections while the address is not known yet.
const MAX_CONNECTIONS: usize = 64;
/// The time that running answers get at the end.
const DRAIN: Duration = Duration::from_secs(1);

/// Answers questions and serves the page on `listeners` until `stop` completes. `base`: the address whose path
/// precedes the paths of requests, if it is known.
///
/// # Errors
/// Those of the listeners.
pub async fn serve(
    here: Arc<Here>,
    listeners: Vec<TcpListener>,
    base: Option<&RelayUrl>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let base = base.and_then(RelayUrl::base_path).map(Arc::<str>::from);
    let limiter = Arc::new(Limiter::new(&Limits::default()));
    limiter.expect_tunnel();
    let acceptor =
        Acceptor::new(None, true, Arc::new(Semaphore::new(MAX_CONNECTIONS)), limiter, Arc::new(Metrics::default()));
    let app = static_files::opening()
        .fallback(static_files::nothing_there)
        .layer(middleware::from_fn_with_state(here, answered))
        .layer(middleware::from_fn(entrance::with_headers));
    let app = match base {
        None => app,
        Some(base) => Router::new().fallback_service(app).layer(middleware::from_fn_with_state(base, entrance::below)),
    };
    let stopping = watch::Sender::new(false);
    let listeners = listeners.into_iter().map(asynchronous).collect::<io::Result<Vec<_>>>()?;
    let serving = listeners
        .into_iter()
        .map(|listener| serving::serve(listener, acceptor.clone(), app.clone(), Stop::when(&stopping), DRAIN));
    let stop = async {
        stop.await;
        stopping.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = join_all(serving) => {}
        () = stop => {}
    }
    Ok(())
}

async fn answered(State(here): State<Arc<Here>>, request: Request, next: Next) -> Response {
    match here::answer(&here, request.method(), request.uri(), request.headers()) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}
