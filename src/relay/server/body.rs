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

use crate::blob::PART_LEN;
use crate::relay::wire;
use crate::relay::{Content, RelayError};

/// A body that stands still for this long is given up; so is the JSON that is not there after that.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The slowest body that is waited for, in bytes a second.
const SLOWEST: u64 = 4 * 1024;

/// A body that is a JSON object.
pub(super) struct Json<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = RelayError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RelayError> {
        let read = timeout(IDLE_TIME, to_bytes(request.into_body(), wire::MAX_JSON));
        let bytes = read.await.map_err(|_| RelayError::Timeout)?.map_err(|_| RelayError::BadRequest)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| RelayError::BadRequest)
    }
}

/// The length that a request declares for its body, in bytes.
///
/// # Errors
/// [`RelayError::BadRequest`] where it declares none.
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
        Ok(Some(Err(_))) => Err(RelayError::Unreachable("the upload broke off".to_owned())),
    }
}

/// A body of a known length, with the framed JSON object at its beginning taken off.
pub(super) struct Framed<T> {
    pub(super) head: T,
    /// The bytes behind the frame that were read together with it.
    first: Bytes,
    /// The length of everything behind the frame, in bytes.
    len: u64,
    rest: BodyDataStream,
}

impl<T: DeserializeOwned> Framed<T> {
    /// Reads the frame at the beginning of a body of `whole_len` bytes.
    ///
    /// # Errors
    /// [`RelayError::BadRequest`] where the body does not begin with such a frame, [`RelayError::Timeout`] where the
    /// frame takes too long, [`RelayError::Unreachable`] where the connection breaks.
    pub(super) async fn read(whole_len: u64, body: Body) -> Result<Self, RelayError> {
        let mut rest = body.into_data_stream();
        let read = timeout(IDLE_TIME, read_frame(&mut rest)).await;
        let (mut frame, end) = read.map_err(|_| RelayError::Timeout)??;
        let first = frame.split_off(end).freeze();
        let head = serde_json::from_slice(&frame[4..]).map_err(|_| RelayError::BadRequest)?;
        let len = whole_len.checked_sub(end as u64).ok_or(RelayError::BadRequest)?;
        Ok(Self { head, first, len, rest })
    }

    /// The JSON object; and the bytes behind it, [lent](lend).
    pub(super) fn lend(self) -> (T, Content, Returned) {
        let (content, returned) = lend(self.first, self.len, self.rest);
        (self.head, content, returned)
    }
}

/// Reads at least the frame at the beginning of a body. Returns everything that was read, and where the frame ends.
async fn read_frame(body: &mut BodyDataStream) -> Result<(BytesMut, usize), RelayError> {
    let mut head = BytesMut::new();
    loop {
        match wire::frame_len(&head) {
            Some(length) if head.len() >= 4 + length => return Ok((head, 4 + length)),
            None if head.len() >= 4 => return Err(RelayError::BadRequest),
            _ => head.extend_from_slice(&next_piece(body).await?.ok_or(RelayError::BadRequest)?),
        }
    }
}

/// A body that is lent to a relay as content, and comes back when the relay has had enough of it.
struct Lent {
    /// The time at which all of it must be here.
    deadline: Instant,
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody waits for it where the whole request was given up.
            let _ = back.send(body);
        }
    }
}

/// A body that comes back from the relay that it was lent to.
pub(super) struct Returned(oneshot::Receiver<BodyDataStream>);

/// `body`, of `len` bytes, as content; and the body itself when the content was dropped.
pub(super) fn lend_all(len: u64, body: Body) -> (Content, Returned) {
    lend(Bytes::new(), len, body.into_data_stream())
}

/// The rest of a body, after `first`, as content of `len` bytes; and the body itself when the content was dropped.
fn lend(first: Bytes, len: u64, body: BodyDataStream) -> (Content, Returned) {
    let (back, returned) = oneshot::channel();
    let deadline = Instant::now() + IDLE_TIME + Duration::from_secs(len / SLOWEST);
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
    /// Reads the rest of a body that a relay did not read, a part's length at most. An answer that is given while the
    /// client still sends would be lost with the connection.
    pub(super) async fn drain(mut self) {
        let Ok(mut body) = self.0.try_recv() else { return };
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
}
