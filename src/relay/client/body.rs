//! Bodies of requests, and how far they were sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, RequestBuilder};
use tokio::time::Instant;

use crate::relay::{Content, RelayError};

/// Bytes that are given to the system at once.
const PIECE: usize = 64 << 10;
/// Bytes that the system may hold when it has taken all of a body from a slow line.
const HELD: u64 = 256 << 10;
/// The rate of a slow line in bytes a second, at which the system sends those.
const SLOW: u64 = 2 << 10;

/// The progress of a body.
#[derive(Clone)]
pub(super) struct Progress {
    /// When the system took the last piece.
    last: Arc<Mutex<Instant>>,
    /// The time for bytes that the system has taken and not sent.
    lag: Duration,
}

impl Progress {
    /// When a silence of `idle` is over, by the progress so far.
    pub(super) fn deadline(&self, idle: Duration) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) + idle + self.lag
    }

    fn note(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// `request` with a body: `before` and `content`. In chunks if the length of the content is not known.
pub(super) fn with_body(request: RequestBuilder, before: Vec<u8>, content: Content) -> (RequestBuilder, Progress) {
    let len = content.known_len().map(|len| before.len() as u64 + len);
    let lag = Duration::from_secs(len.unwrap_or(HELD).min(HELD) / SLOW);
    let progress = Progress { last: Arc::new(Mutex::new(Instant::now())), lag };
    let chunks = stream::iter([Ok(Bytes::from(before))]).chain(content.into_chunks());
    let noted = progress.clone();
    let pieces = chunks.flat_map(pieces).inspect(move |_| noted.note());
    let request = request.body(Body::wrap_stream(pieces));
    match len {
        Some(len) => (request.header(CONTENT_LENGTH, len), progress),
        None => (request, progress),
    }
}

/// A chunk in pieces of at most [`PIECE`] bytes; none if it is empty.
fn pieces(chunk: Result<Bytes, RelayError>) -> impl Stream<Item = Result<Bytes, RelayError>> {
    let (mut rest, error) = match chunk {
        Ok(bytes) => (bytes, None),
        Err(error) => (Bytes::new(), Some(Err(error))),
    };
    let pieces = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some(Ok(piece))
    });
    stream::iter(pieces.chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn chunks_are_cut_into_pieces_and_errors_pass() {
        let lengths = |chunk| async {
            let pieces: Vec<_> = pieces(chunk).map(|piece| piece.map(|piece| piece.len())).collect().await;
            pieces
        };
        assert_eq!(lengths(Ok(Bytes::new())).await, []);
        assert_eq!(lengths(Ok(Bytes::from(vec![7; PIECE + 1]))).await, [Ok(PIECE), Ok(1)]);
        assert_eq!(lengths(Err(RelayError::BUSY)).await, [Err(RelayError::BUSY)]);
    }
}
