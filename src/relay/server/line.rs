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
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Content type of a TLS record that carries a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// A connection that has not said what it wants after this long is closed.
const FIRST_TIME: Duration = Duration::from_secs(10);

/// Takes connections: all of them in the clear, or each in the language that it begins with.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Option<TlsAcceptor>,
}

impl Acceptor {
    /// Speaks TLS, where there is a key for it, to whoever begins with it.
    pub(super) fn new(tls: Option<ServerConfig>) -> Self {
        Self { tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))) }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Line;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Line, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let tls = self.tls.clone();
        Box::pin(async move {
            // Answers are written in one piece; waiting for more to send would only hold them back.
            stream.set_nodelay(true)?;
            let Some(tls) = tls else { return Ok((Line::Plain(stream), service)) };
            let begun = async {
                let mut first = [0];
                if stream.peek(&mut first).await? > 0 && first[0] == HANDSHAKE {
                    tls.accept(stream).await.map(|stream| Line::Tls(Box::new(stream)))
                } else {
                    Ok(Line::Plain(stream))
                }
            };
            let line = tokio::time::timeout(FIRST_TIME, begun).await;
            Ok((line.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?, service))
        })
    }
}

/// A connection in either language.
pub(super) enum Line {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Does the same with whichever stream it is.
macro_rules! either {
    ($line:expr, $stream:ident => $call:expr) => {
        match $line.get_mut() {
            Line::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Line::Tls($stream) => {
                let $stream = Pin::new($stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, space))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
