//! Bodies for the answers that hyper writes itself.
//!
//! hyper answers a head that it cannot read with 400, 414 or 431 before any handler is called, and without a body
//! (`Server::on_error` in its `proto/h1/role.rs`). Whatever is written while no request is with the handlers, and after
//! everything before was flushed, is such an answer: no text in the content of a share can be taken for one. It is
//! the last of its connection. One that hyper appends to the unwritten end of an earlier answer keeps hyper's form.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answers::{HEADERS, HSTS, json_text};
use super::exchange::Exchange;
use crate::relay::RelayError;
use crate::relay::metrics::Metrics;
use crate::relay::problem::{HttpProblem, Problem};
use crate::relay::wire;

/// The beginning of a request whose answer has no body.
const HEAD: &[u8] = b"HEAD ";

/// A stream on which the answers that hyper writes itself are problems.
pub(super) struct Automatic<S> {
    stream: S,
    exchange: Arc<Exchange>,
    /// Whether the connection is TLS with a certificate.
    is_certified: bool,
    metrics: Arc<Metrics>,
    /// The first bytes that arrived since the last answer of a handler.
    first: Vec<u8>,
    /// The unwritten rest of an answer that replaces one of hyper's.
    pending: Bytes,
}

impl<S> Automatic<S> {
    pub(super) fn new(stream: S, exchange: Arc<Exchange>, is_certified: bool, metrics: Arc<Metrics>) -> Self {
        Self { stream, exchange, is_certified, metrics, first: Vec::new(), pending: Bytes::new() }
    }

    /// Replaces `written` if hyper writes it by itself. Returns whether it does.
    fn replace(&mut self, written: &[u8]) -> bool {
        let is_head = self.first == HEAD;
        let own = || answer(written, is_head, self.is_certified, &self.metrics);
        let answer = self.exchange.is_idle().then(own).flatten();
        let Some(answer) = answer else {
            self.first.clear();
            return false;
        };
        self.exchange.note_unread();
        self.pending = answer;
        true
    }
}

impl<S: AsyncWrite + Unpin> Automatic<S> {
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

/// The answer with the head `head` of hyper, as a problem. `None` for any other head.
fn answer(head: &[u8], is_head: bool, is_certified: bool, metrics: &Metrics) -> Option<Bytes> {
    let head = std::str::from_utf8(head).ok()?;
    let (kept, after) = head.split_once("content-length: 0\r\n")?;
    let after = after.strip_suffix("\r\n")?;
    let (status, problem) = match head.split(' ').nth(1)? {
        "400" => (StatusCode::BAD_REQUEST, Problem::of(&RelayError::BadRequest).1),
        "414" => (StatusCode::URI_TOO_LONG, Problem::of_http(HttpProblem::TargetTooLong).1),
        "431" => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Problem::of_http(HttpProblem::HeadTooLong).1),
        _ => return None,
    };
    let body = json_text(&problem);
    let more = HEADERS.into_iter().chain(is_certified.then_some(HSTS));
    let more: String = more.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    metrics.request("-", "-", status.as_u16(), Duration::ZERO);
    metrics.refusal(problem.word());
    tracing::info!(method = "-", route = "-", status = status.as_u16(), bytes = body.len(), ms = 0);
    let (kind, len) = (wire::PROBLEM, body.len());
    let body = if is_head { "" } else { &body };
    Some(format!("{kept}content-type: {kind}\r\ncontent-length: {len}\r\n{more}{after}\r\n{body}").into())
}

impl<S: AsyncRead + Unpin> AsyncRead for Automatic<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = space.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, space))?;
        let missing = HEAD.len() - self.first.len();
        if missing > 0 && self.exchange.is_idle() {
            let read = &space.filled()[before..];
            self.first.extend_from_slice(&read[..read.len().min(missing)]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Automatic<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if self.replace(bytes) {
            Poll::Ready(Ok(bytes.len()))
        } else {
            Pin::new(&mut self.stream).poll_write(cx, bytes)
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        match pieces {
            [head] if self.replace(head) => Poll::Ready(Ok(head.len())),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.exchange.note_flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
