//! The exchange on one connection: whether a request is with the handlers, and whether all of its body was read.
//!
//! The service of a connection notes both for the layers below it: hyper writes answers of its own, which
//! [`super::automatic`] gives a body, and closes connections on which a client still sends, which
//! [`super::closing`] delays.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tower_service::Service;

use super::limits::Counted;

/// The state of a connection, which its service and its stream share. All of it is touched by one task, so the order of
/// the operations is that of the program.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Whether a handler has a request, or hyper its answer.
    answering: AtomicBool,
    /// Whether hyper may hold bytes of the last answer that it has not written yet.
    unflushed: AtomicBool,
    /// Whether the client may still send a body that nobody will read.
    unread: AtomicBool,
    /// Whether the connection closes without waiting for the client.
    hurried: AtomicBool,
    /// The count of the request, until the client has its answer and sends nothing more.
    counted: Mutex<Option<Counted>>,
}

impl Exchange {
    /// Whether nothing that hyper writes now belongs to the answer of a handler.
    pub(super) fn is_idle(&self) -> bool {
        !self.answering.load(Ordering::Relaxed) && !self.unflushed.load(Ordering::Relaxed)
    }

    /// Notes that hyper has written all that it had. It flushes a stream only then.
    pub(super) fn note_flush(&self) {
        self.unflushed.store(false, Ordering::Relaxed);
        if self.is_idle() && !self.is_unread() {
            self.release();
        }
    }

    /// Keeps the count of a request.
    pub(super) fn hold(&self, counted: Counted) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
    }

    fn release(&self) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Notes that the connection closes without waiting for what the client still sends.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    /// Notes that the client may still send what nobody will read.
    pub(super) fn note_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the client may still send what nobody will read.
    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether the connection waits for what the client still sends before it closes.
    pub(super) fn may_linger(&self) -> bool {
        self.is_unread() && !self.hurried.load(Ordering::Relaxed)
    }
}

/// Lasts from the arrival of a request until hyper has all of its answer.
struct Answering(Arc<Exchange>);

impl Answering {
    fn begin(exchange: Arc<Exchange>) -> Self {
        exchange.answering.store(true, Ordering::Relaxed);
        Self(exchange)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.unflushed.store(true, Ordering::Relaxed);
        self.0.answering.store(false, Ordering::Relaxed);
    }
}

/// The service of one connection.
#[derive(Clone)]
pub(super) struct Noted<S> {
    service: S,
    exchange: Arc<Exchange>,
}

impl<S> Noted<S> {
    pub(super) fn new(service: S, exchange: Arc<Exchange>) -> Self {
        Self { service, exchange }
    }
}

impl<S, B> Service<Request<B>> for Noted<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<Body>>,
    S::Future: Send + 'static,
    B: HttpBody + Unpin,
{
    type Response = Response<AnswerBody>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (answering, exchange) = (Answering::begin(self.exchange.clone()), self.exchange.clone());
        exchange.release();
        request.extensions_mut().insert(exchange.clone());
        let answer = self.service.call(request.map(|body| RequestBody { body, is_read: false, exchange }));
        Box::pin(async move { Ok(answer.await?.map(|body| AnswerBody { body, _answering: answering })) })
    }
}

/// The body of a request. If it is dropped before its end, the client may still send the rest.
pub(super) struct RequestBody<B: HttpBody> {
    body: B,
    is_read: bool,
    exchange: Arc<Exchange>,
}

impl<B: HttpBody + Unpin> HttpBody for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.is_read = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: HttpBody> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if !self.is_read && !self.body.is_end_stream() {
            self.exchange.note_unread();
        }
    }
}

/// The body of an answer. hyper drops it when it has all of it.
pub(super) struct AnswerBody {
    body: Body,
    _answering: Answering,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
