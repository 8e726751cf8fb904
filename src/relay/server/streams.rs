//! Requests over HTTP/2: many on one connection, each in its own stream.
//!
//! A request counts until the client has its answer. A client that does not read an answer stops one stream, which TCP
//! does not show: it grants that stream no more bytes. Then the whole connection ends.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::exchange::Exchange;
use super::limits::Pace;

/// The longest time without a request until a connection closes.
pub(super) const IDLE_TIME: Duration = Duration::from_mins(1);
/// How often the streams are looked at.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// Bytes of an answer that are passed to the connection at once. It may hold them for a client that takes none.
const PIECE: usize = 16 << 10;

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There was no request for too long.
    Idle,
    /// The client takes an answer too slowly.
    Slow,
}

/// The open streams of a connection.
pub(super) struct Streams {
    pace: Pace,
    open: Mutex<Open>,
}

struct Open {
    next: u64,
    streams: HashMap<u64, Answer>,
    /// Since when there are none.
    idle: Instant,
}

/// The answer in a stream, as far as the client takes it.
struct Answer {
    pace: Pace,
    /// The end of the client's credit, while it has to take bytes.
    until: Option<Instant>,
}

impl Streams {
    /// The streams of a connection to a client that must take answers at `pace`.
    pub(super) fn new(pace: Pace) -> Arc<Self> {
        let open = Open { next: 0, streams: HashMap::new(), idle: Instant::now() };
        Arc::new(Self { pace, open: Mutex::new(open) })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>) -> Stream {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, Answer { pace: self.pace, until: None });
        Stream { streams: self.clone(), number }
    }

    /// Waits until the connection should end.
    pub(super) async fn ended(&self) -> End {
        loop {
            sleep(LOOK_TIME).await;
            let (open, now) = (self.open(), Instant::now());
            if open.streams.values().any(|answer| answer.until.is_some_and(|until| until <= now)) {
                return End::Slow;
            }
            if open.streams.is_empty() && now - open.idle >= IDLE_TIME {
                return End::Idle;
            }
        }
    }
}

/// A stream, until it is dropped.
struct Stream {
    streams: Arc<Streams>,
    number: u64,
}

impl Stream {
    /// Notes that the client took `bytes`: more are asked for.
    fn took(&self, bytes: usize) {
        if let Some(answer) = self.streams.open().streams.get_mut(&self.number)
            && answer.until.take().is_some()
        {
            answer.pace.moved(bytes as u64);
        }
    }

    /// Notes that the client has bytes to take.
    fn gave(&self) {
        if let Some(answer) = self.streams.open().streams.get_mut(&self.number) {
            answer.until = Some(answer.pace.wait());
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        open.streams.remove(&self.number);
        open.idle = Instant::now();
    }
}

/// The service of one connection.
#[derive(Clone)]
pub(super) struct Streamed<S> {
    service: S,
    streams: Arc<Streams>,
}

impl<S> Streamed<S> {
    pub(super) fn new(service: S, streams: Arc<Streams>) -> Self {
        Self { service, streams }
    }
}

impl<S, B> Service<Request<B>> for Streamed<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody,
{
    type Response = Response<StreamBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (stream, exchange) = (self.streams.begin(), Arc::<Exchange>::default());
        let (mut parts, body) = request.into_parts();
        normalize(&mut parts, body.is_end_stream());
        parts.extensions.insert(exchange.clone());
        let answer = self.service.call(Request::from_parts(parts, body));
        Box::pin(async move {
            let answer = answer.await?;
            let body = |body| StreamBody { body, rest: Bytes::new(), given: 0, stream, _exchange: exchange };
            Ok(answer.map(body))
        })
    }
}

/// Gives a request of HTTP/2 the headers that HTTP/1.1 has in the same case, which the handlers read: the host, and
/// whether there is a body of unknown length.
fn normalize(parts: &mut Parts, has_no_body: bool) {
    if !parts.headers.contains_key(HOST)
        && let Some(host) = parts.uri.authority().and_then(|host| HeaderValue::try_from(host.as_str()).ok())
    {
        parts.headers.insert(HOST, host);
    }
    if !has_no_body && !parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// The body of an answer. hyper asks for the next piece when the client may take more, and drops it at its end.
pub(super) struct StreamBody {
    body: Body,
    /// Bytes that were read and not passed on yet.
    rest: Bytes,
    /// The length of the piece that was passed on last.
    given: usize,
    stream: Stream,
    /// Has the count of the request.
    _exchange: Arc<Exchange>,
}

impl StreamBody {
    /// The next piece. The last byte is one of its own: hyper passes on a whole piece when the client takes one byte of
    /// it, and has it until then. So an answer lasts until the client takes its last byte.
    fn give(&mut self) -> Frame<Bytes> {
        let whole = self.rest.len();
        let piece = self.rest.split_to(whole.saturating_sub(1).clamp(1, PIECE).min(whole));
        self.given = piece.len();
        self.stream.gave();
        Frame::data(piece)
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let given = std::mem::take(&mut self.given);
        self.stream.took(given);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(Ok(self.give())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn body(streams: &Arc<Streams>, bytes: Vec<u8>) -> StreamBody {
        let (stream, exchange) = (streams.begin(), Arc::default());
        StreamBody { body: Body::from(bytes), rest: Bytes::new(), given: 0, stream, _exchange: exchange }
    }

    async fn next(body: &mut StreamBody) -> Option<usize> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        frame.map(|frame| frame.unwrap().into_data().unwrap().len())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_goes_in_small_pieces_and_its_length_stays_known() {
        let mut body = body(&Streams::new(Pace::new(512)), vec![0; 40_000]);
        assert_eq!(body.size_hint().exact(), Some(40_000));
        assert_eq!(next(&mut body).await, Some(PIECE));
        assert_eq!(body.size_hint().exact(), Some(40_000 - PIECE as u64));
        assert_eq!(next(&mut body).await, Some(PIECE));
        assert_eq!(next(&mut body).await, Some(40_000 - 2 * PIECE - 1));
        assert!(!body.is_end_stream());
        assert_eq!(next(&mut body).await, Some(1));
        assert!(body.is_end_stream() && next(&mut body).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_answer_has_to_be_taken_too() {
        let streams = Streams::new(Pace::new(512));
        let (start, mut short, empty) = (Instant::now(), body(&streams, vec![0; 10]), body(&streams, Vec::new()));
        assert!(empty.is_end_stream());
        assert_eq!([next(&mut short).await, next(&mut short).await], [Some(9), Some(1)]);
        assert_eq!((streams.ended().await, start.elapsed().as_secs()), (End::Slow, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_one_answer_is_not_taken_or_no_request_comes() {
        let streams = Streams::new(Pace::new(512));
        let start = Instant::now();
        let (mut taken, mut stopped) = (body(&streams, vec![0; 1 << 20]), body(&streams, vec![0; 1 << 20]));
        next(&mut stopped).await;
        let others = async {
            loop {
                next(&mut taken).await;
                sleep(Duration::from_secs(2)).await;
            }
        };
        let end = tokio::select! { end = streams.ended() => end, () = others => unreachable!() };
        assert_eq!((end, start.elapsed().as_secs()), (End::Slow, 60));
        drop((taken, stopped));
        assert_eq!((streams.ended().await, start.elapsed().as_secs()), (End::Idle, 120));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_relay_takes_its_time_stays() {
        let streams = Streams::new(Pace::new(512));
        let mut asked = body(&streams, vec![0; PIECE / 2]);
        let waiting = streams.begin();
        next(&mut asked).await;
        next(&mut asked).await;
        assert_eq!(next(&mut asked).await, None);
        let waited = tokio::time::timeout(Duration::from_mins(10), streams.ended()).await;
        assert!(waited.is_err(), "{waited:?}");
        drop(waiting);
    }
}
