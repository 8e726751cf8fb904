//! Looking through a file, and noting what goes.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::removed::Removed;
use crate::media::edits::Edits;

/// The longest piece of metadata that is looked into, in bytes, before it goes.
pub(super) const LOOKED_INTO: u64 = 1 << 20;

/// Why a file cannot be cleaned.
#[derive(Debug, thiserror::Error)]
pub enum Unclean {
    /// Not one of the containers that are known here.
    #[error("this kind of file cannot be cleaned")]
    Unknown,
    /// The container is one that is known, and this one is not built as it should be.
    #[error("{0}")]
    Damaged(&'static str),
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// A file that is looked through, and what was found.
pub(super) struct Scan<R> {
    pub(super) reader: BufReader<R>,
    pub(super) at: u64,
    pub(super) len: u64,
    pub(super) edits: Edits,
    pub(super) removed: Removed,
    pub(super) codecs: Vec<[u8; 4]>,
}

impl<R: Read + Seek> Scan<R> {
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let reader = BufReader::with_capacity(64 << 10, source);
        let (edits, removed) = (Edits::default(), Removed::default());
        Ok(Self { reader, at: 0, len, edits, removed, codecs: Vec::new() })
    }

    pub(super) fn seek(&mut self, to: u64) -> io::Result<()> {
        match i64::try_from(to).ok().zip(i64::try_from(self.at).ok()) {
            // Uses the bytes in the buffer.
            Some((to, at)) => self.reader.seek_relative(to - at)?,
            None => return Err(io::ErrorKind::InvalidInput.into()),
        }
        self.at = to;
        Ok(())
    }

    /// Up to `len` bytes from `at` on: fewer only where the file ends.
    pub(super) fn peek(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        self.seek(at)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(len).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    /// Exactly `N` bytes from `at` on.
    pub(super) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Unclean> {
        <[u8; N]>::try_from(self.peek(at, N as u64)?).map_err(|_| Unclean::Damaged("the file is incomplete"))
    }

    pub(super) fn u16(&mut self, at: u64) -> Result<u16, Unclean> {
        Ok(u16::from_be_bytes(self.array(at)?))
    }

    pub(super) fn u32(&mut self, at: u64) -> Result<u32, Unclean> {
        Ok(u32::from_be_bytes(self.array(at)?))
    }

    pub(super) fn u64(&mut self, at: u64) -> Result<u64, Unclean> {
        Ok(u64::from_be_bytes(self.array(at)?))
    }

    /// Removes everything from `at` on: it is behind the picture's end. Zeros there are padding, and not reported.
    pub(super) fn cut(&mut self, at: u64) -> io::Result<()> {
        if at >= self.len {
            return Ok(());
        }
        let is_padding = self.peek(at, LOOKED_INTO)?.iter().all(|byte| *byte == 0);
        self.removed.hidden |= !is_padding || self.len - at > LOOKED_INTO;
        self.edits.remove(at, self.len - at);
        Ok(())
    }

    /// Removes a piece of `len` bytes. Its metadata, from the offset `content` in the file on, is reported.
    pub(super) fn drop_piece(&mut self, at: u64, len: u64, content: u64) -> io::Result<()> {
        let text = self.peek(content, (at + len).saturating_sub(content).min(LOOKED_INTO))?;
        self.removed.piece(&text);
        self.edits.remove(at, len);
        Ok(())
    }
}
