//! Connections to a port with two protocols: TLS with the key of the link, for `share`, and plain HTTP, for browsers.
//! The first byte decides: a TLS handshake begins with 22, and no HTTP method does.

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
use tokio_util::either::Either;

use super::automatic::Automatic;
use super::closing::Closing;
use super::exchange::{Exchange, Noted};

/// Content type of a TLS record that carries a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// A connection on which no byte could be written for this long is closed. The system reports progress late: when a
/// third of its buffer is free.
const STALLED_TIME: Duration = Duration::from_mins(5);
/// Time for the first byte and the TLS handshake.
const FIRST_TIME: Duration = Duration::from_secs(10);

/// A connection, plain or TLS.
type Transport = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Accepts connections: plain HTTP, TLS, or both.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Option<TlsAcceptor>,
    plain: bool,
    /// A permit for each connection that there may be at once.
    permits: Arc<Semaphore>,
}

impl Acceptor {
    /// Accepts TLS if there is a configuration for it, and plain HTTP if there is none or if `plain`; at most
    /// `max_connections` at once.
    pub(super) fn new(tls: Option<ServerConfig>, plain: bool, max_connections: usize) -> Self {
        let permits = Arc::new(Semaphore::new(max_connections));
        Self { tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))), plain, permits }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Automatic<Closing<Connection>>;
    type Service = Noted<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (tls, plain, permit) = (self.tls.clone(), self.plain, self.permits.clone().try_acquire_owned());
        Box::pin(async move {
            let permit = permit.map_err(io::Error::other)?;
            // Answers are written in one piece, so coalescing would only delay them.
            stream.set_nodelay(true)?;
            let stream = match tls {
                None => Either::Left(stream),
                Some(tls) => {
                    let begun = tokio::time::timeout(FIRST_TIME, begin(stream, &tls, plain)).await;
                    begun.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?
                }
            };
            let exchange = Arc::<Exchange>::default();
            let connection = Connection { stream, stalled: None, _permit: permit };
            let stream = Automatic::new(Closing::new(connection, exchange.clone()), exchange.clone());
            Ok((stream, Noted::new(service, exchange)))
        })
    }
}

/// Reads the first byte of a connection, and performs the TLS handshake if it is one.
async fn begin(stream: TcpStream, tls: &TlsAcceptor, plain: bool) -> io::Result<Transport> {
    let mut first = [0];
    if stream.peek(&mut first).await? > 0 && first[0] == HANDSHAKE {
        tls.accept(stream).await.map(|stream| Either::Right(Box::new(stream)))
    } else if plain {
        Ok(Either::Left(stream))
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A connection that fails if no byte can be written for [`STALLED_TIME`]. It holds its permit until it is dropped.
pub(super) struct Connection {
    stream: Transport,
    /// Set while no byte can be written.
    stalled: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn stream(&mut self) -> Pin<&mut Transport> {
        Pin::new(&mut self.stream)
    }

    /// `written`, or an error if no byte could be written for [`STALLED_TIME`].
    fn unless_stalled<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED_TIME)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, space)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(cx, bytes);
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(cx, pieces);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(cx);
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A connection as `acceptor` accepts it, and its other end.
    async fn taken(
        acceptor: &Acceptor,
        first: &[u8],
    ) -> (io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        other.write_all(first).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (acceptor.accept(stream, ()).await.map(|(stream, _)| stream), other)
    }

    #[tokio::test]
    async fn a_connection_holds_its_permit_until_it_ends() {
        let acceptor = Acceptor::new(None, true, 1);
        let (first, mut other) = taken(&acceptor, b"G").await;
        let mut first = first.unwrap();
        assert!(taken(&acceptor, b"G").await.0.is_err(), "there is one at most");
        let mut byte = [0];
        first.read_exact(&mut byte).await.unwrap();
        first.write_all(b"2").await.unwrap();
        assert_eq!((byte, other.read_u8().await.unwrap()), ([b'G'], b'2'));
        drop(first);
        assert!(taken(&acceptor, b"G").await.0.is_ok());
    }

    #[tokio::test]
    async fn a_connection_that_takes_nothing_ends() {
        let (connection, _other) = taken(&Acceptor::new(None, true, 1), b"").await;
        let mut connection = connection.unwrap();
        tokio::time::pause();
        let start = tokio::time::Instant::now();
        // The paused clock advances only when no task can run, so to the end of the wait.
        let error = connection.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= STALLED_TIME);
    }
}
