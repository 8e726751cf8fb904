//! The files that a page or a player shows: from memory, or from the relay.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use crate::manifest::Manifest;
use crate::open::Seekable;
use crate::view::memory::MemoryFile;

/// Bytes of one read and one piece of a response.
pub(super) const PIECE: usize = 256 << 10;

/// The files of a share.
pub enum ShownFiles {
    /// All files, in memory.
    Memory(MemoryFile, Manifest),
    /// At the relay, downloaded piece by piece.
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

    /// The range of a file among the bytes of the share. `None`: there is no such file.
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
