//! Connections to a port with two protocols: TLS with the key of the link, for `share`, and plain HTTP, for browsers.
//! The first byte decides: a TLS handshake begins with 22, and no HTTP method does.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tower_layer::Layer;

use super::automatic::Automatic;
use super::closing::Closing;
use super::exchange::{Exchange, Noted};
use super::limits::{Counted, Limiter, Pace, Peer};
use super::secure::Tls;
use crate::platform::network;
use crate::relay::metrics::Metrics;

/// Content type of a TLS record that carries a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// Bytes of an answer that the system accepts before it can send them. So progress shows within the time that these
/// take, and not when a third of a buffer of megabytes is free: at 512 bytes a second within 32 seconds.
const MAX_UNSENT: u32 = 16 << 10;
/// Bytes that are written at once to a client that reads slowly. A system frees a receive buffer in pieces as long as
/// those that were sent, and reports no progress before: with long ones it shows only every few hundred KiB.
const SLOW_PIECE: usize = 4 << 10;
/// A client that makes the server wait for as long reads slowly.
const SLOW_WAIT: Duration = Duration::from_secs(1);
/// Time for the first byte and the TLS handshake.
const FIRST_TIME: Duration = Duration::from_secs(10);

/// A connection, plain or TLS.
type Transport = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Accepts connections: plain HTTP, TLS, or both.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: Option<Tls>,
    plain: bool,
    /// A permit for each connection that there may be at once.
    permits: Arc<Semaphore>,
    limiter: Arc<Limiter>,
    metrics: Arc<Metrics>,
}

/// A connection with the protocol that its client speaks.
pub(super) enum Accepted {
    Http1(Connection, Peer),
    /// With the pace of its answers.
    Http2(Connection, Peer, Pace),
}

/// The stream of HTTP/1.1 on a connection.
type Http1Stream = Automatic<Closing<Connection>>;
/// Its service.
type Http1Service = AddExtension<Noted<Router>, Peer>;

impl Acceptor {
    /// Accepts TLS if there is a configuration for it, and plain HTTP if there is none or if `plain`; at most as many
    /// at once as there are `permits`.
    pub(super) fn new(
        tls: Option<Tls>,
        plain: bool,
        permits: Arc<Semaphore>,
        limiter: Arc<Limiter>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { tls, plain, permits, limiter, metrics }
    }

    /// Reads what comes before the first request.
    ///
    /// # Errors
    /// Those of the connection and of the handshake; a client with too many connections, or a silent one.
    pub(super) async fn accept(&self, mut stream: TcpStream) -> io::Result<Accepted> {
        let permit = self.permits.clone().try_acquire_owned().map_err(io::Error::other)?;
        // Answers are written in one piece, so coalescing would only delay them.
        stream.set_nodelay(true)?;
        // A system without this option reports progress later.
        let _ = network::limit_unsent(&stream, MAX_UNSENT);
        let begun = async {
            let peer = self.limiter.peer(&mut stream).await?;
            // Further ones are closed without an answer, which would hold them longer.
            let counted = self.limiter.connection(&peer).ok_or(io::ErrorKind::QuotaExceeded)?;
            let (stream, is_http2) = match &self.tls {
                None => (Either::Left(stream), false),
                Some(tls) => begin(stream, tls, self.plain).await?,
            };
            Ok((peer, counted, stream, is_http2))
        };
        let begun = timeout(FIRST_TIME, begun).await;
        let (peer, counted, stream, is_http2) =
            begun.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
        let pace = self.limiter.pace();
        let metrics = Connected::new(self.metrics.clone());
        let connection =
            Connection { stream, pace, stalled: None, is_slow: false, metrics, _permits: (permit, counted) };
        Ok(if is_http2 { Accepted::Http2(connection, peer, pace) } else { Accepted::Http1(connection, peer) })
    }

    /// The stream and the service of HTTP/1.1 on a connection.
    pub(super) fn http1(&self, connection: Connection, peer: Peer, app: Router) -> (Http1Stream, Http1Service) {
        let (exchange, is_certified) = (Arc::<Exchange>::default(), matches!(self.tls, Some(Tls::Certified(..))));
        let closing = Closing::new(connection, exchange.clone());
        let stream = Automatic::new(closing, exchange.clone(), is_certified, self.metrics.clone());
        (stream, Extension(peer).layer(Noted::new(app, exchange)))
    }
}

/// Reads the first byte of a connection, and performs the TLS handshake if it is one. Returns whether the client speaks
/// HTTP/2.
async fn begin(stream: TcpStream, tls: &Tls, plain: bool) -> io::Result<(Transport, bool)> {
    let mut first = [0];
    if stream.peek(&mut first).await? > 0 && first[0] == HANDSHAKE {
        tls.accept(stream).await.map(|(stream, is_http2)| (Either::Right(Box::new(stream)), is_http2))
    } else if plain {
        Ok((Either::Left(stream), false))
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A connection that fails if its client reads answers too slowly. It holds its permits until it is dropped.
pub(super) struct Connection {
    stream: Transport,
    /// Of the answers.
    pace: Pace,
    /// Set while no byte can be written: until the credit of the pace ends.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Whether the last wait was long.
    is_slow: bool,
    metrics: Connected,
    _permits: (OwnedSemaphorePermit, Counted),
}

/// The metrics, which count a connection until this is dropped.
struct Connected(Arc<Metrics>);

impl Connected {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.connected();
        Self(metrics)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}

impl Connection {
    fn stream(&mut self) -> Pin<&mut Transport> {
        Pin::new(&mut self.stream)
    }

    /// `written`, with the number of its bytes, or an error if the client reads too slowly.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        len: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = &written {
            let len = written.as_ref().map_or(0, len);
            self.metrics.0.sent(len);
            let waited = self.pace.moved(len as u64);
            if self.stalled.take().is_some() {
                self.is_slow = waited >= SLOW_WAIT;
            }
        } else {
            let end = self.pace.wait();
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(end)));
            return stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = space.filled().len();
        let read = self.stream().poll_read(cx, space);
        self.metrics.0.received(space.filled().len() - before);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let most = if self.is_slow { bytes.len().min(SLOW_PIECE) } else { bytes.len() };
        let written = self.stream().poll_write(cx, &bytes[..most]);
        self.unless_stalled(cx, written, |len| *len)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_slow {
            let piece = pieces.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
            return self.poll_write(cx, piece);
        }
        let written = self.stream().poll_write_vectored(cx, pieces);
        self.unless_stalled(cx, written, |len| *len)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(cx);
        self.unless_stalled(cx, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::task::yield_now;
    use tokio::time::{Instant, advance};

    use super::*;
    use crate::relay::server::limits::{Limits, WINDOW};

    /// A connection as `acceptor` accepts it, and its other end.
    async fn taken(
        acceptor: &Acceptor,
        first: &[u8],
    ) -> (io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        other.write_all(first).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (acceptor.accept(stream).await.map(|accepted| http1(acceptor, accepted)), other)
    }

    fn acceptor() -> Acceptor {
        let limiter = Arc::new(Limiter::new(&Limits::default()));
        Acceptor::new(None, true, Arc::new(Semaphore::new(1)), limiter, Arc::default())
    }

    fn http1(acceptor: &Acceptor, accepted: Accepted) -> Http1Stream {
        let Accepted::Http1(connection, peer) = accepted else { panic!("there is no TLS") };
        acceptor.http1(connection, peer, Router::new()).0
    }

    #[tokio::test]
    async fn a_connection_holds_its_permit_until_it_ends() {
        let acceptor = acceptor();
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

    /// Writes `len` bytes to a client that reads `rate` bytes each second, and returns the time by a paused clock.
    async fn written(len: usize, rate: usize) -> (io::Result<()>, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpSocket::new_v4().unwrap();
        // A line holds a few packets.
        client.set_recv_buffer_size(8 << 10).unwrap();
        let (client, accepted) = tokio::join!(client.connect(listener.local_addr().unwrap()), listener.accept());
        let (client, (accepted, _)) = (client.unwrap(), accepted.unwrap());
        let acceptor = acceptor();
        let mut connection = http1(&acceptor, acceptor.accept(accepted).await.unwrap());
        tokio::time::pause();
        let start = Instant::now();
        let reads = async {
            let mut piece = vec![0; rate];
            loop {
                advance(Duration::from_secs(1)).await;
                // Lets the runtime learn from the system which socket is ready.
                for _ in 0..4 {
                    yield_now().await;
                }
                let mut left = rate;
                while left > 0 {
                    match client.try_read(&mut piece[..left]) {
                        Ok(len) => left -= len,
                        // The system is about to deliver more. The clock stands still while a task can run.
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        };
        let bytes = vec![0; len];
        let written = tokio::select! {
            written = connection.write_all(&bytes) => written,
            () = reads => unreachable!(),
        };
        (written, start.elapsed())
    }

    #[tokio::test]
    async fn a_connection_that_takes_nothing_ends_after_a_minute() {
        let (written, time) = written(64 << 20, 0).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(time >= WINDOW && time < WINDOW + Duration::from_secs(5), "{time:?}");
    }

    #[tokio::test]
    async fn a_client_that_reads_a_few_bytes_a_second_ends() {
        let (written, time) = written(64 << 20, 16).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(time < WINDOW * 4, "{time:?}");
    }

    // Elsewhere the buffer of the system takes all of it at once.
    #[cfg(system = "linux")]
    #[tokio::test]
    async fn a_slow_line_is_not_cut() {
        let (written, time) = written(300 << 10, 2 << 10).await;
        written.unwrap();
        assert!(time > WINDOW * 2, "{time:?}");
    }
}
