//! The connections of a listener, from the first to the last.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_layer::Layer;

use super::connection::{Accepted, Acceptor, Connection};
use super::entrance::MAX_FIELDS;
use super::limits::{Pace, Peer};
use super::streams::{End, Streamed, Streams};

/// Time for the head of a request. A connection that takes longer is closed.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// The longest head of a request in bytes, which is held in memory.
pub(super) const MAX_HEAD: usize = 64 << 10;
/// The pause after the system refused to accept a connection, for lack of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(500);

/// Requests at once on one connection of HTTP/2. Browsers make few.
pub(super) const MAX_STREAMS: u32 = 32;
/// Bytes of a body that may be under way before it is read: of one request, and of all on a connection. Our own client
/// uploads over HTTP/1.1, and browsers send short requests.
const WINDOWS: [u32; 2] = [256 << 10, 512 << 10];
/// Bytes of one answer that the connection may hold.
const SEND_BUFFER: usize = 64 << 10;
/// Streams that a client reset and that the server has not looked at. More than these end the connection.
const MAX_RESETS: usize = 20;
/// Streams that the server reset for errors of the client. More than these end the connection.
const MAX_ERRORS: usize = 64;
/// The pause between pings, and the longest wait for the answer to one.
const PING_TIME: Duration = Duration::from_secs(20);
/// Time for the rest of a connection that is closed because it is idle.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// The listener, for use with the runtime.
pub(super) fn asynchronous(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Tells everything that serves to stop.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Stops when `stopping` is true, or dropped.
    pub(super) fn when(stopping: &watch::Sender<bool>) -> Self {
        Self(stopping.subscribe())
    }

    async fn wait(&mut self) {
        let _ = self.0.wait_for(|stops| *stops).await;
    }
}

/// Serves the connections of a listener until `stop`, and the running requests for `drain` after that.
pub(super) async fn serve(listener: TcpListener, acceptor: Acceptor, app: Router, mut stop: Stop, drain: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, acceptor.clone(), app.clone(), stop.clone()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {}", crate::safe_text::reason(&error));
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, acceptor: Acceptor, app: Router, mut stop: Stop) {
    let accepted = tokio::select! {
        biased;
        () = stop.wait() => return,
        accepted = acceptor.accept(stream) => accepted,
    };
    // Errors of one connection end it, and concern nobody else.
    match accepted {
        Ok(Accepted::Http1(connection, peer)) => serve_http1(connection, peer, app, stop, &acceptor).await,
        Ok(Accepted::Http2(connection, peer, pace)) => serve_http2(connection, peer, pace, app, stop).await,
        Err(_) => {}
    }
}

async fn serve_http1(connection: Connection, peer: Peer, app: Router, mut stop: Stop, acceptor: &Acceptor) {
    let (stream, service) = acceptor.http1(connection, peer, app);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(MAX_FIELDS).max_buf_size(MAX_HEAD);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    tokio::select! {
        _ = serving.as_mut() => return,
        () = stop.wait() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

async fn serve_http2(connection: Connection, peer: Peer, pace: Pace, app: Router, mut stop: Stop) {
    let streams = Streams::new(pace);
    let service = Streamed::new(Extension(peer).layer(app), streams.clone());
    let [stream_window, connection_window] = WINDOWS;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .initial_stream_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_ERRORS)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_TIME);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(connection), TowerToHyperService::new(service)));
    let end = tokio::select! {
        _ = serving.as_mut() => return,
        () = stop.wait() => None,
        end = streams.ended() => Some(end),
    };
    serving.as_mut().graceful_shutdown();
    let slow = async { while streams.ended().await != End::Slow {} };
    match end {
        Some(End::Slow) => {}
        Some(End::Idle) => drop(timeout(CLOSE_TIME, serving).await),
        None => tokio::select! {
            _ = serving => {}
            () = slow => {}
        },
    }
}
