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

/// The longest silence of a client that may still be sending.
const SILENCE: Duration = Duration::from_secs(5);
/// The longest time for all that it still sends.
const LINGER_TIME: Duration = Duration::from_secs(30);
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
                    lingering.silence.as_mut().reset((now + SILENCE).min(lingering.end));
                    self.exchange.note_unread();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                // Everything was read, and the client waits for the answer or for another turn.
                Poll::Pending if !self.exchange.is_unread() => return Poll::Ready(()),
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
