//! The files that a page or a player shows, wherever they are.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use crate::manifest::Manifest;
use crate::open::Seekable;
use crate::view::memory::MemoryFile;

/// Bytes that are read and sent at once.
pub(super) const PIECE: usize = 256 << 10;

/// The files of a share.
pub enum ShownFiles {
    /// In memory, all of them.
    Memory(MemoryFile, Manifest),
    /// At the relay, from where they are fetched piece by piece.
    Window(Box<Seekable>),
}

impl ShownFiles {
    /// The list of the files.
    pub(super) fn manifest(&self) -> &Manifest {
        match self {
            Self::Memory(_, manifest) => manifest,
            Self::Window(window) => window.manifest(),
        }
    }

    /// The bytes of a file among those of the share. `None`: there is no such file.
    pub(super) fn range(&self, number: usize) -> Option<Range<u64>> {
        self.manifest().range_of(number)
    }

    pub(super) async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(memory, _) => Ok(Bytes::from(memory.read(range)?.to_vec())),
            Self::Window(window) => {
                let len = usize::try_from(range.end - range.start).unwrap_or(PIECE);
                window.read(range.start, len).await.map_err(io::Error::other)
            }
        }
    }
}
