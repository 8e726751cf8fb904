//! Random access to a share: only the needed pieces are fetched, for a video that is played and sought in.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use tokio::sync::Mutex;

use crate::blob;
use crate::manifest::Manifest;
use crate::open::claim::Claimed;
use crate::open::error::OpenError;
use crate::open::fetch::Opened;
use crate::open::receive::Received;
use crate::relay::Checksum;
use crate::seal::Chunks;

/// Encrypted parts that are cached: players read in two or three places at once.
const KEPT: usize = 4;

/// A share that this device claimed, to be read in any order. The relay keeps it until it is closed.
pub struct Seekable {
    share: Opened,
    chunks: Chunks,
    /// The most recently fetched parts, the latest first.
    parts: Mutex<VecDeque<(u32, Bytes)>>,
}

impl<S> Claimed<S> {
    /// Reads the share in any order instead of receiving all of it. The relay can see which parts are fetched and which
    /// are skipped, but not their content.
    ///
    /// # Errors
    ///
    /// The beginning cannot be fetched, or differs from that which was sent.
    pub async fn seek(self) -> Result<Received<(Seekable, S)>, OpenError> {
        let Self { share, notes, sink } = self;
        let first = share.part(0).await?;
        let chunks = Chunks::new(&share.opener.keys.blob_identity, &first, share.manifest.age_len)
            .map_err(|_| OpenError::Corrupt)?;
        if chunks.plain_len() != share.manifest.total_size() {
            return Err(OpenError::Corrupt);
        }
        let Received { ending, .. } = Received::new((), &share, notes);
        let seekable = Seekable { share, chunks, parts: Mutex::new(VecDeque::from([(0, first)])) };
        Ok(Received { content: (seekable, sink), ending })
    }
}

impl Opened {
    async fn part(&self, number: u32) -> Result<Bytes, OpenError> {
        let crc: Checksum = *self.claim.parts.get(number as usize).ok_or(OpenError::Corrupt)?;
        Ok(self.fetch_part(number, crc, BytesMut::new()).await?.freeze())
    }
}

impl Seekable {
    /// Its files.
    pub fn manifest(&self) -> &Manifest {
        &self.share.manifest
    }

    /// Plaintext from `at` on: at most `len` bytes, and at least one unless the content ends there.
    ///
    /// # Errors
    ///
    /// A part cannot be fetched, or differs from that which was sent.
    pub async fn read(&self, at: u64, len: usize) -> Result<Bytes, OpenError> {
        let (first, skipped) = Chunks::holding(at);
        let mut read = BytesMut::new();
        let mut number = first;
        while read.len() < len && number < self.chunks.count() {
            let mut piece = self.ciphertext(self.chunks.range(number)).await?;
            let plain = self.chunks.open(number, &mut piece).map_err(|_| OpenError::Corrupt)?;
            let plain = plain.get(if number == first { skipped } else { 0 }..).unwrap_or_default();
            read.extend_from_slice(&plain[..plain.len().min(len - read.len())]);
            number += 1;
        }
        Ok(read.freeze())
    }

    /// Bytes of the blob, from one part or across two.
    async fn ciphertext(&self, range: Range<u64>) -> Result<BytesMut, OpenError> {
        let mut bytes = BytesMut::new();
        let mut at = range.start;
        while at < range.end {
            let number = blob::part_at(at).ok_or(OpenError::Corrupt)?;
            let part = self.part(number).await?;
            let start = blob::part_start(number);
            let within = |at: u64| usize::try_from(at - start).unwrap_or(usize::MAX).min(part.len());
            let piece = &part[within(at)..within(range.end)];
            if piece.is_empty() {
                return Err(OpenError::Corrupt);
            }
            bytes.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        Ok(bytes)
    }

    async fn part(&self, number: u32) -> Result<Bytes, OpenError> {
        let mut parts = self.parts.lock().await;
        let part = match parts.iter().position(|(kept, _)| *kept == number) {
            Some(position) => parts.remove(position).map(|(_, part)| part).unwrap_or_default(),
            None => self.share.part(number).await?,
        };
        parts.push_front((number, part.clone()));
        parts.truncate(KEPT);
        Ok(part)
    }
}
