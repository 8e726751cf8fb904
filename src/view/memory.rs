//! Plaintext in memory, without a name in any file system. It disappears with this process.

use std::io::{self, Write};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::platform::inherited::Inherited;
use crate::platform::memory::{AnonymousFile, free, largest_file};

/// The largest share that is held in memory, in bytes.
const MAX_HELD: u64 = 1 << 30;

/// An anonymous file in memory. On Linux another program can inherit it and seek in it.
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

    /// Makes one with `bytes` as its unchangeable content.
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

    /// Makes it unchangeable, on Linux also for programs that inherit it.
    pub(super) fn freeze(&self) -> io::Result<()> {
        self.file.freeze()
    }

    /// A handle for a program to inherit.
    pub(super) fn inherited(&self) -> io::Result<Inherited> {
        self.file.inherited()
    }

    /// Reads a range of bytes, cut at the end of the file. They are overwritten when they are dropped.
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

/// The limit for a share in memory, in bytes: a quarter of the free memory.
pub(super) fn limit() -> u64 {
    free().map_or(MAX_HELD / 4, |free| free / 4).min(MAX_HELD).min(largest_file())
}
