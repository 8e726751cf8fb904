//! What comes in on a port of which two languages are spoken: TLS with a key that the link names, for our own
//! programs; and plain HTTP, for browsers. The first byte tells them apart: a TLS record of a handshake begins with 22,
//! and no method of HTTP does.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Content type of a TLS record that carries a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// A connection whose other end has taken nothing for this long is given up. The system says so late: it waits until a
/// third of its buffer is free.
const STALLED_TIME: Duration = Duration::from_mins(5);
/// A connection that has not said what it wants after this long is closed.
const FIRST_TIME: Duration = Duration::from_secs(10);

/// Takes connections: all of them in the clear, or each in the language that it begins with.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Option<TlsAcceptor>,
    plain: bool,
    room: Arc<Semaphore>,
}

impl Acceptor {
    /// Speaks TLS, where there is a key for it, to whoever begins with it, and `plain` HTTP to others; to
    /// `max_connections` at once.
    pub(super) fn new(tls: Option<ServerConfig>, plain: bool, max_connections: usize) -> Self {
        let room = Arc::new(Semaphore::new(max_connections));
        Self { tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))), plain, room }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Line;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Line, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (tls, plain, place) = (self.tls.clone(), self.plain, self.room.clone().try_acquire_owned());
        Box::pin(async move {
            let place = place.map_err(io::Error::other)?;
            // Answers are written in one piece; waiting for more to send would only hold them back.
            stream.set_nodelay(true)?;
            let line = |either| Line { either, stalled: None, _place: place };
            let Some(tls) = tls else { return Ok((line(Either::Plain(stream)), service)) };
            let begun = async {
                let mut first = [0];
                if stream.peek(&mut first).await? > 0 && first[0] == HANDSHAKE {
                    tls.accept(stream).await.map(|stream| Either::Tls(Box::new(stream)))
                } else if !plain {
                    Err(io::ErrorKind::InvalidData.into())
                } else {
                    Ok(Either::Plain(stream))
                }
            };
            let begun = tokio::time::timeout(FIRST_TIME, begun).await;
            Ok((line(begun.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?), service))
        })
    }
}

/// A connection, and its place among those that may be.
pub(super) struct Line {
    either: Either,
    /// Runs while the other end takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

/// In either language.
enum Either {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Does the same with whichever stream it is.
macro_rules! either {
    ($line:expr, $stream:ident => $call:expr) => {
        match &mut $line.either {
            Either::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Either::Tls($stream) => {
                let $stream = Pin::new($stream.as_mut());
                $call
            }
        }
    };
}

impl Line {
    /// `written` as it is, unless nothing has gone out for too long.
    fn unless_stalled<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED_TIME)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, space))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => stream.poll_write(cx, bytes));
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => stream.poll_write_vectored(cx, pieces));
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.either {
            Either::Plain(stream) => stream.is_write_vectored(),
            Either::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = either!(self, stream => stream.poll_flush(cx));
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
