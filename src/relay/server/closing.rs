//! Closing a connection without losing the answer.
//!
//! A client that is refused may still be sending. If its bytes arrive at a closed socket, the system resets the
//! connection, and the client loses the answer that it has not read yet. So the server shuts down its own side first,
//! then reads and drops what arrives until the client closes too (RFC 9112, 9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::exchange::Exchange;

/// The longest silence of a client that may still be sending. Bytes restore of it what they take at [`SLOWEST`].
pub(super) const SILENCE: Duration = Duration::from_secs(5);
/// The longest time for all that it still sends.
pub(super) const LINGER_TIME: Duration = Duration::from_secs(30);
/// The rate of a client that is worth waiting for, in bytes a second.
pub(super) const SLOWEST: u32 = 512;
/// Bytes that are dropped at once.
const PIECE: usize = 8 << 10;

/// A stream that is closed only when the client has stopped sending, or after [`LINGER_TIME`].
pub(super) struct Closing<S> {
    stream: S,
    exchange: Arc<Exchange>,
    /// Set once our own side is shut down.
    lingering: Option<Lingering>,
}

struct Lingering {
    silence: Pin<Box<Sleep>>,
    end: Instant,
}

impl<S> Closing<S> {
    pub(super) fn new(stream: S, exchange: Arc<Exchange>) -> Self {
        Self { stream, exchange, lingering: None }
    }
}

impl<S: AsyncRead + Unpin> Closing<S> {
    /// Reads and drops what arrives, until the client has closed or the deadline has passed.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lingering) = &mut self.lingering else { return Poll::Ready(()) };
        let mut piece = [0; PIECE];
        loop {
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.stream).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= lingering.end {
                        return Poll::Ready(());
                    }
                    let earned = Duration::from_secs(piece.filled().len() as u64) / SLOWEST;
                    let until = (lingering.silence.deadline() + earned).min(now + SILENCE).min(lingering.end);
                    lingering.silence.as_mut().reset(until);
                    self.exchange.note_unread();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                // Everything was read, and the client waits for the answer or for another turn.
                Poll::Pending if !self.exchange.may_linger() => return Poll::Ready(()),
                Poll::Pending => return lingering.silence.as_mut().poll(cx),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Closing<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, space)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Closing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            let now = Instant::now();
            self.lingering = Some(Lingering { silence: Box::pin(sleep(SILENCE)), end: now + LINGER_TIME });
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// How long a stream takes to close while the client does `work` with its end.
    async fn closing<F>(exchange: Arc<Exchange>, work: impl FnOnce(tokio::io::DuplexStream) -> F) -> Duration
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (ours, theirs) = duplex(1 << 10);
        let client = tokio::spawn(work(theirs));
        let (mut stream, start) = (Closing::new(ours, exchange), Instant::now());
        stream.shutdown().await.unwrap();
        client.abort();
        start.elapsed()
    }

    /// Sends so many bytes every second.
    async fn send(mut stream: tokio::io::DuplexStream, seconds: u64, bytes: usize) {
        for _ in 0..seconds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.write_all(&vec![0; bytes]).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_which_all_was_read_closes_at_once() {
        let took = closing(Arc::default(), |stream| send(stream, 100, 600)).await;
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_stays_open_while_the_client_sends_and_no_longer_than_half_a_minute() {
        let unread = || {
            let exchange = Arc::<Exchange>::default();
            exchange.note_unread();
            exchange
        };
        let until_closed = closing(unread(), |stream| send(stream, 10, 600)).await;
        let silent = closing(unread(), send_and_wait).await;
        let endless = closing(unread(), |stream| send(stream, 100, 600)).await;
        let dripping = closing(unread(), |stream| send(stream, 100, 1)).await;
        let seconds = [until_closed, silent, endless, dripping].map(|time| time.as_secs());
        assert_eq!(seconds, [10, SILENCE.as_secs(), LINGER_TIME.as_secs(), SILENCE.as_secs()]);
    }

    /// Sends a byte after a second, and keeps the connection.
    async fn send_and_wait(mut stream: tokio::io::DuplexStream) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stream.write_all(b"x").await.unwrap();
        std::future::pending::<()>().await;
    }
}
