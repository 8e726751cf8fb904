//! Bodies of requests, of known length or in chunks, read within bounds of length and time.

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;

use super::limits::{Client, Pace, TooSlow};
use super::room::{Reservation, Room};
use crate::relay::wire;
use crate::relay::{Content, RelayError};

/// The longest wait for memory.
const ROOM_TIME: Duration = Duration::from_secs(30);

/// A body that is a JSON object.
pub(super) struct Json<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = RelayError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RelayError> {
        Upload::of(request).json(wire::MAX_JSON).await.map(Self)
    }
}

/// The body of a request.
pub(super) struct Upload {
    /// Length in bytes. `None` if the body comes in chunks.
    len: Option<u64>,
    pieces: Pieces,
}

/// The pieces of a body, as they arrive.
struct Pieces {
    body: BodyDataStream,
    pace: Pace,
}

impl<S: Sync> FromRequest<S> for Upload {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(request))
    }
}

impl Upload {
    fn of(request: Request) -> Self {
        let pace = request.extensions().get().copied().unwrap_or_default();
        let len = declared_len(request.headers());
        Self { len, pieces: Pieces { body: request.into_body().into_data_stream(), pace } }
    }

    /// Fails if the declared length is over `max`.
    fn expect_at_most(&self, max: usize) -> Result<(), RelayError> {
        if self.len.is_some_and(|len| len > max as u64) { Err(too_large(max)) } else { Ok(()) }
    }

    /// Reads into `whole` until the end of the body, and returns true; or until `whole` is longer than `max`.
    async fn read(&mut self, whole: &mut BytesMut, max: usize) -> Result<bool, RelayError> {
        while whole.len() <= max {
            match self.pieces.next().await? {
                Some(piece) => whole.extend_from_slice(&piece),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// A JSON object of at most `max` bytes.
    ///
    /// # Errors
    /// [`RelayError::Timeout`]; [`RelayError::TooLarge`]; [`RelayError::BadRequest`] if it is something else.
    pub(super) async fn json<T: DeserializeOwned>(mut self, max: usize) -> Result<T, RelayError> {
        let mut json = BytesMut::new();
        self.expect_at_most(max)?;
        if self.read(&mut json, max).await? { parse(&json) } else { Err(too_large(max)) }
    }

    /// A JSON object that may be long. Of a long one, no more than the beginning is read before `admit` succeeded and
    /// `room` has a reservation for it and `client`, which lasts until it is dropped.
    ///
    /// # Errors
    /// [`RelayError::Timeout`]; [`RelayError::TooLarge`]; [`RelayError::BadRequest`] if it is something else; the error
    /// of `admit`; [`RelayError::Busy`] without room.
    pub(super) async fn long_json<T: DeserializeOwned>(
        mut self,
        (room, client): (&Room, &Client),
        admit: impl Future<Output = Result<(), RelayError>>,
    ) -> Result<(T, Option<Reservation>), RelayError> {
        const MAX: usize = wire::MAX_LONG_JSON;
        self.expect_at_most(MAX)?;
        let mut json = BytesMut::new();
        let may_be_short = self.len.is_none_or(|len| len <= wire::MAX_JSON as u64);
        if may_be_short && self.read(&mut json, wire::MAX_JSON).await? {
            return Ok((parse(&json)?, None));
        }
        admit.await?;
        let len = self.len.and_then(|len| usize::try_from(len).ok()).unwrap_or(MAX);
        let reservation = room.reserve(client, len, ROOM_TIME).await?;
        json.reserve(len.saturating_sub(json.len()));
        if !self.read(&mut json, MAX).await? {
            return Err(too_large(MAX));
        }
        Ok((parse(&json)?, Some(reservation)))
    }

    /// The JSON object of a frame, and the bytes after it.
    ///
    /// # Errors
    /// [`RelayError::BadRequest`] for a body without a frame, [`RelayError::TooLarge`] for a frame that is too long,
    /// [`RelayError::Timeout`] for one that takes too long, [`RelayError::Unreachable`] for a broken connection.
    pub(super) async fn framed<T: DeserializeOwned>(mut self) -> Result<(T, Content), RelayError> {
        let (mut frame, end) = self.read_frame().await?;
        let first = frame.split_off(end).freeze();
        let object = parse(&frame[4..])?;
        let after = match self.len {
            Some(len) => Some(len.checked_sub(end as u64).ok_or(RelayError::BadRequest)?),
            None => None,
        };
        Ok((object, content(first, after, self.pieces)))
    }

    /// Reads at least the frame at the beginning. Returns all bytes that were read, and the frame's length.
    async fn read_frame(&mut self) -> Result<(BytesMut, usize), RelayError> {
        let mut head = BytesMut::new();
        loop {
            match wire::frame_len(&head, wire::MAX_JSON) {
                Some(length) if head.len() >= 4 + length => return Ok((head, 4 + length)),
                None if head.len() >= 4 => return Err(too_large(wire::MAX_JSON)),
                _ => head.extend_from_slice(&self.pieces.next().await?.ok_or(RelayError::BadRequest)?),
            }
        }
    }

    /// All of the body.
    pub(super) fn content(self) -> Content {
        content(Bytes::new(), self.len, self.pieces)
    }
}

/// `first` and `pieces` as content of `len` bytes.
fn content(first: Bytes, len: Option<u64>, pieces: Pieces) -> Content {
    let chunks = stream::try_unfold((first, pieces), |(first, mut pieces)| async move {
        let piece = if first.is_empty() { pieces.next().await? } else { Some(first) };
        Ok(piece.map(|piece| (piece, (Bytes::new(), pieces))))
    })
    .boxed();
    match len {
        Some(len) => Content::Stream { len, chunks },
        None => Content::Unsized(chunks),
    }
}

/// The length of a body in bytes, 0 if the request has none. `None` if it comes in chunks.
fn declared_len(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(length.and_then(|length| length.parse().ok()).unwrap_or(0))
}

impl Pieces {
    /// The next piece.
    ///
    /// # Errors
    /// [`RelayError::Timeout`] if the body is too slow.
    async fn next(&mut self) -> Result<Option<Bytes>, RelayError> {
        let len = |piece: &Option<Result<Bytes, _>>| {
            piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Bytes::len)
        };
        match self.pace.on(self.body.next(), len).await {
            Err(TooSlow) => Err(RelayError::Timeout),
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(Some(Err(error))) if is_malformed(&error) => Err(RelayError::BadRequest),
            Ok(Some(Err(_))) => Err(RelayError::Unreachable("the upload was interrupted".to_owned())),
        }
    }
}

/// Whether the client made an error in the format of a body in chunks. The alternative is a broken connection.
fn is_malformed(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    let kind = causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, RelayError> {
    serde_json::from_slice(json).map_err(|_| RelayError::BadRequest)
}

fn too_large(max: usize) -> RelayError {
    RelayError::TooLarge { max: max as u64 }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header::TRANSFER_ENCODING;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// A request whose body is `count` pieces of `len` bytes, one a second. They begin like a frame, and like no JSON.
    fn request(count: usize, len: usize, whole: Option<u64>) -> Request {
        let pieces = stream::iter(0..count).then(move |number| async move {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, io::Error>(Bytes::from(vec![u8::from(number == 1); len]))
        });
        let mut request = Request::new(Body::from_stream(pieces));
        let headers = request.headers_mut();
        match whole {
            Some(len) => headers.insert(CONTENT_LENGTH, len.into()),
            None => headers.insert(TRANSFER_ENCODING, "chunked".parse().unwrap()),
        };
        request.extensions_mut().insert(Pace::new(512));
        request
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_too_slow_whatever_it_is() {
        let start = Instant::now();
        let drip = |whole| Upload::of(request(100_000, 1, whole));
        for whole in [Some(100_000), None] {
            assert_eq!(drip(whole).content().whole().await, Err(RelayError::Timeout));
            assert_eq!(drip(whole).framed::<serde_json::Value>().await.map(drop), Err(RelayError::Timeout));
            let room = Room::default();
            let json = drip(whole).long_json::<serde_json::Value>((&room, &Client::default()), async { Ok(()) }).await;
            assert_eq!(json.map(drop), Err(RelayError::Timeout));
        }
        assert!(start.elapsed() < Duration::from_mins(10), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_from_a_slow_line_is_read_to_its_end() {
        let start = Instant::now();
        let part = Upload::of(request(2048, 2048, Some(4 << 20)));
        assert_eq!(part.content().whole().await.unwrap().len(), 4 << 20);
        assert_eq!(start.elapsed().as_secs(), 2048);
    }
}
