//! A share of which only those pieces are fetched that somebody wants to see: a film that plays and is sought in.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::sync::Mutex;

use crate::blob::PART_LEN;
use crate::manifest::Manifest;
use crate::open::{OpenError, Opened, Received};
use crate::relay::Checksum;
use crate::seal::Chunks;

/// Parts that are kept, sealed as they are: players read in two or three places at once.
const KEPT: usize = 4;

/// A share that this device has claimed, to be read in any order. Its relay holds it until it is closed.
pub struct Window {
    opened: Opened,
    chunks: Chunks,
    /// The parts that were fetched last, the latest in front.
    parts: Mutex<VecDeque<(u32, Bytes)>>,
}

impl Opened {
    /// Reads it in any order instead of receiving all of it. What comes with the window is to be finished when that was
    /// closed, and not before. A relay that sees what is fetched can tell what somebody skips, and not what that is.
    pub async fn window(self) -> Result<(Window, Received), OpenError> {
        let first = self.part(0).await?;
        let chunks = Chunks::new(&self.opener.keys.blob_identity, &first, self.manifest.age_len)
            .map_err(|_| OpenError::Corrupt)?;
        if chunks.plain_len() != self.manifest.total_size() {
            return Err(OpenError::Corrupt);
        }
        let received = self.opener.received();
        Ok((Window { opened: self, chunks, parts: Mutex::new(VecDeque::from([(0, first)])) }, received))
    }

    async fn part(&self, number: u32) -> Result<Bytes, OpenError> {
        let crc: Checksum = *self.claimed.parts.get(number as usize).ok_or(OpenError::Corrupt)?;
        Ok(self.fetch_part(number, crc, BytesMut::new()).await?.freeze())
    }
}

impl Window {
    /// What is in it.
    pub fn manifest(&self) -> &Manifest {
        &self.opened.manifest
    }

    /// Plaintext from `at` on: at most `len` bytes, and at least one unless it ends there.
    pub async fn read(&self, at: u64, len: usize) -> Result<Bytes, OpenError> {
        let (first, skipped) = Chunks::holding(at);
        let mut read = BytesMut::new();
        let mut number = first;
        while read.len() < len && number < self.chunks.count() {
            let mut sealed = self.sealed(self.chunks.range(number)).await?;
            let plain = self.chunks.open(number, &mut sealed).map_err(|_| OpenError::Corrupt)?;
            let plain = plain.get(if number == first { skipped } else { 0 }..).unwrap_or_default();
            read.extend_from_slice(&plain[..plain.len().min(len - read.len())]);
            number += 1;
        }
        Ok(read.freeze())
    }

    /// Bytes of the blob, from one part or over the border of two.
    async fn sealed(&self, range: std::ops::Range<u64>) -> Result<BytesMut, OpenError> {
        let mut bytes = BytesMut::new();
        let mut at = range.start;
        while at < range.end {
            let number = u32::try_from(at / PART_LEN as u64).map_err(|_| OpenError::Corrupt)?;
            let part = self.part(number).await?;
            let start = u64::from(number) * PART_LEN as u64;
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
            None => self.opened.part(number).await?,
        };
        parts.push_front((number, part.clone()));
        parts.truncate(KEPT);
        Ok(part)
    }
}
