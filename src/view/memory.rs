//! Plaintext that is only to be seen: in memory that has no name in any file system, and is gone with this program.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::process::{Resource, getrlimit};
use zeroize::Zeroizing;

use crate::view::room;

/// An anonymous file in memory. A program that is started can be given it, and seek in it.
pub(crate) struct Memory {
    file: File,
    len: u64,
}

impl Memory {
    pub(crate) fn new() -> io::Result<Self> {
        let file = rustix::fs::memfd_create("share", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        Ok(Self { file: file.into(), len: 0 })
    }

    /// With this in it, and nothing that changes any more.
    pub(crate) fn of(bytes: &[u8]) -> io::Result<Self> {
        let mut memory = Self::new()?;
        memory.write_all(bytes)?;
        memory.seal()?;
        Ok(memory)
    }

    /// The same memory, for another who reads it.
    pub(crate) fn shared(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, len: self.len })
    }

    /// From now on nobody changes it, not even a program that was given it.
    pub(crate) fn seal(&self) -> io::Result<()> {
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        Ok(rustix::fs::fcntl_add_seals(&self.file, seals)?)
    }

    /// A handle that a program which is started now inherits: the number is the same there.
    pub(crate) fn inherited(&self) -> io::Result<OwnedFd> {
        // Without close-on-exec, unlike what the standard library duplicates.
        Ok(rustix::io::dup(&self.file)?)
    }

    /// These bytes. They are overwritten when they are dropped.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Zeroizing<Vec<u8>>> {
        let len = range.end.min(self.len).saturating_sub(range.start);
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(len).map_err(io::Error::other)?]);
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.len += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much may be held in memory, in bytes: a quarter of what is free, so that nothing else has to make room, and
/// never more than a gigabyte, since it is all fetched before anything is seen.
pub(crate) fn limit() -> u64 {
    const MOST: u64 = 1 << 30;
    // A memory file counts as a file here, too: writing beyond the limit for files ends a program.
    let files = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
    room::free().map_or(MOST / 4, |free| free / 4).min(MOST).min(files)
}
