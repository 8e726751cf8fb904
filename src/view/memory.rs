//! Plaintext that is only to be seen: in memory that has no name in any file system, and is gone with this program.

use std::io::{self, Write};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::platform::inherited::Inherited;
use crate::platform::memory::{AnonymousFile, free, largest_file};

/// The most that is held in memory, in bytes, since all of it is fetched before anything is seen.
const MAX_HELD: u64 = 1 << 30;

/// An anonymous file in memory. A program that is started can be given it, and seek in it.
pub struct MemoryFile {
    file: AnonymousFile,
    len: u64,
}

impl MemoryFile {
    /// Makes an empty one.
    ///
    /// # Errors
    /// The process has too many files open, or there is no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: AnonymousFile::new()?, len: 0 })
    }

    /// Makes one with `bytes` in it, which never changes.
    ///
    /// # Errors
    /// As of [`MemoryFile::new`].
    pub fn of(bytes: &[u8]) -> io::Result<Self> {
        let mut memory = Self::new()?;
        memory.write_all(bytes)?;
        memory.freeze()?;
        Ok(memory)
    }

    /// The same memory, for another reader.
    pub(super) fn shared(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, len: self.len })
    }

    /// From now on nobody changes it, not even a program that was given it.
    pub(super) fn freeze(&self) -> io::Result<()> {
        self.file.freeze()
    }

    /// A handle for a program that is about to start.
    pub(super) fn inherited(&self) -> io::Result<Inherited> {
        self.file.inherited()
    }

    /// Reads a range of bytes, as far as they are there. They are overwritten when they are dropped.
    ///
    /// # Errors
    /// The range does not fit into the address space.
    pub fn read(&self, range: Range<u64>) -> io::Result<Zeroizing<Vec<u8>>> {
        let len = range.end.min(self.len).saturating_sub(range.start);
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(len).map_err(io::Error::other)?]);
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.len += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much may be held in memory, in bytes: a quarter of what is free, so that nothing else has to make room.
pub(super) fn limit() -> u64 {
    free().map_or(MAX_HELD / 4, |free| free / 4).min(MAX_HELD).min(largest_file())
}
