//! Bodies of requests, read within bounds of length and time.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::room::{Reservation, Room};
use crate::blob::PART_LEN;
use crate::relay::wire;
use crate::relay::{Content, RelayError};

/// The longest silence in a body, and the longest time for a JSON body.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The slowest rate of a body, in bytes a second.
const SLOWEST: u64 = 4 * 1024;

/// A body that is a JSON object.
pub(super) struct Json<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = RelayError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RelayError> {
        read_json(request.into_body(), wire::MAX_JSON, IDLE_TIME).await.map(Self)
    }
}

/// Reads a JSON object of at most `max` bytes within `time`.
///
/// # Errors
/// [`RelayError::Timeout`]; [`RelayError::BadRequest`] for a body that is too long or is something else.
async fn read_json<T: DeserializeOwned>(body: Body, max: usize, time: Duration) -> Result<T, RelayError> {
    let read = timeout(time, to_bytes(body, max));
    let bytes = read.await.map_err(|_| RelayError::Timeout)?.map_err(|_| RelayError::BadRequest)?;
    serde_json::from_slice(&bytes).map_err(|_| RelayError::BadRequest)
}

/// Reads a JSON object that may be long. A long one is read only with a length, after `admit` succeeded, and while
/// `room` has a reservation for it. The reservation lasts until it is dropped.
///
/// # Errors
/// As of [`read_json`]; the error of `admit`; [`RelayError::Busy`] without room.
pub(super) async fn read_long_json<T: DeserializeOwned>(
    len: Option<u64>,
    body: Body,
    room: &Room,
    admit: impl Future<Output = Result<(), RelayError>>,
) -> Result<(T, Option<Reservation>), RelayError> {
    let len = len.and_then(|len| usize::try_from(len).ok()).filter(|len| *len > wire::MAX_JSON);
    let Some(len) = len else { return Ok((read_json(body, wire::MAX_JSON, IDLE_TIME).await?, None)) };
    if len > wire::MAX_LONG_JSON {
        return Err(RelayError::BadRequest);
    }
    let admitted = async {
        admit.await?;
        room.reserve(len, IDLE_TIME).await
    };
    match admitted.await {
        Ok(reservation) => Ok((read_json(body, len, time_for(len as u64)).await?, Some(reservation))),
        Err(error) => {
            drain(body.into_data_stream()).await;
            Err(error)
        }
    }
}

/// The longest time for a body of `len` bytes.
fn time_for(len: u64) -> Duration {
    IDLE_TIME + Duration::from_secs(len / SLOWEST)
}

/// Reads the rest of a body, at most the length of a part. Otherwise the connection would be reset while the client
/// still sends, and the answer would be lost.
async fn drain(mut body: BodyDataStream) {
    let _ = timeout(IDLE_TIME, async {
        let mut seen = 0;
        while seen <= PART_LEN {
            match next_piece(&mut body).await {
                Ok(Some(piece)) => seen += piece.len(),
                _ => return,
            }
        }
    })
    .await;
}

/// The `Content-Length` of a request, in bytes.
///
/// # Errors
/// [`RelayError::BadRequest`] without one.
pub(super) fn declared_len(headers: &HeaderMap) -> Result<u64, RelayError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).ok_or(RelayError::BadRequest)
}

/// The next piece of a body.
async fn next_piece(body: &mut BodyDataStream) -> Result<Option<Bytes>, RelayError> {
    match timeout(IDLE_TIME, body.next()).await {
        Err(_) => Err(RelayError::Timeout),
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) => Err(RelayError::Unreachable("the upload was interrupted".to_owned())),
    }
}

/// A body of a known length: its framed JSON object, and the rest.
pub(super) struct Framed<T> {
    pub(super) head: T,
    /// Bytes after the frame that were read together with it.
    first: Bytes,
    /// Length of everything after the frame, in bytes.
    len: u64,
    rest: BodyDataStream,
}

impl<T: DeserializeOwned> Framed<T> {
    /// Reads the frame at the beginning of a body of `whole_len` bytes.
    ///
    /// # Errors
    /// [`RelayError::BadRequest`] for a body without a frame, [`RelayError::Timeout`] for a frame that takes too long,
    /// [`RelayError::Unreachable`] for a broken connection.
    pub(super) async fn read(whole_len: u64, body: Body) -> Result<Self, RelayError> {
        let mut rest = body.into_data_stream();
        let read = timeout(IDLE_TIME, read_frame(&mut rest)).await;
        let (mut frame, end) = read.map_err(|_| RelayError::Timeout)??;
        let first = frame.split_off(end).freeze();
        let head = serde_json::from_slice(&frame[4..]).map_err(|_| RelayError::BadRequest)?;
        let len = whole_len.checked_sub(end as u64).ok_or(RelayError::BadRequest)?;
        Ok(Self { head, first, len, rest })
    }

    /// The JSON object; and the bytes after it, [lent](lend).
    pub(super) fn lend(self) -> (T, Content, Returned) {
        let (content, returned) = lend(self.first, self.len, self.rest);
        (self.head, content, returned)
    }
}

/// Reads at least the frame at the beginning of a body. Returns all bytes that were read, and the frame's length.
async fn read_frame(body: &mut BodyDataStream) -> Result<(BytesMut, usize), RelayError> {
    let mut head = BytesMut::new();
    loop {
        match wire::frame_len(&head, wire::MAX_JSON) {
            Some(length) if head.len() >= 4 + length => return Ok((head, 4 + length)),
            None if head.len() >= 4 => return Err(RelayError::BadRequest),
            _ => head.extend_from_slice(&next_piece(body).await?.ok_or(RelayError::BadRequest)?),
        }
    }
}

/// A body that a relay reads as content. It is sent back when the content is dropped.
struct Lent {
    /// When all of it must have arrived.
    deadline: Instant,
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Fails if the request was dropped.
            let _ = back.send(body);
        }
    }
}

/// The receiver of a body that was lent to a relay.
pub(super) struct Returned(oneshot::Receiver<BodyDataStream>);

/// `body`, of `len` bytes, as content; and the body itself, once the content is dropped.
pub(super) fn lend_all(len: u64, body: Body) -> (Content, Returned) {
    lend(Bytes::new(), len, body.into_data_stream())
}

/// `first` and the rest of `body` as content of `len` bytes; and the body itself, once the content is dropped.
fn lend(first: Bytes, len: u64, body: BodyDataStream) -> (Content, Returned) {
    let (back, returned) = oneshot::channel();
    let deadline = Instant::now() + time_for(len);
    let lent = Lent { deadline, body: Some(body), back: Some(back) };
    let pieces = stream::try_unfold((first, lent), |(first, mut lent)| async move {
        if !first.is_empty() {
            return Ok(Some((first, (Bytes::new(), lent))));
        }
        let Some(body) = &mut lent.body else { return Ok(None) };
        let piece = timeout_at(lent.deadline, next_piece(body)).await;
        Ok(piece.unwrap_or(Err(RelayError::Timeout))?.map(|piece| (piece, (Bytes::new(), lent))))
    });
    (Content::Stream { len, chunks: pieces.boxed() }, Returned(returned))
}

impl Returned {
    /// [Drains](drain) what the relay left of the body.
    pub(super) async fn drain(mut self) {
        if let Ok(body) = self.0.try_recv() {
            drain(body).await;
        }
    }
}
