//! Memory of this process.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use crate::platform::inherited::Inherited;

/// Length of a piece, in bytes. Pieces never grow, since that could leave copies.
const PIECE: usize = 256 << 10;

/// Pieces of the content, all full except the last one. They are overwritten when they are dropped.
#[derive(Default)]
struct Content {
    pieces: Vec<Zeroizing<Vec<u8>>>,
    is_frozen: bool,
}

pub(super) struct AnonymousFile(Arc<RwLock<Content>>);

impl AnonymousFile {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Arc::default()))
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    pub(super) fn freeze(&self) -> io::Result<()> {
        self.change(|content| {
            content.is_frozen = true;
            Ok(())
        })
    }

    pub(super) fn inherited(&self) -> io::Result<Inherited> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn read_exact_at(&self, space: &mut [u8], start: u64) -> io::Result<()> {
        let content = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut start = usize::try_from(start).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let mut space = space;
        while !space.is_empty() {
            let piece = content.pieces.get(start / PIECE).and_then(|piece| piece.get(start % PIECE..));
            let piece = piece.filter(|piece| !piece.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
            let (now, later) = space.split_at_mut(piece.len().min(space.len()));
            now.copy_from_slice(&piece[..now.len()]);
            start += now.len();
            space = later;
        }
        Ok(())
    }

    /// Changes the content, unless it is frozen.
    fn change<T>(&self, change: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if content.is_frozen { Err(io::ErrorKind::PermissionDenied.into()) } else { change(&mut content) }
    }
}

impl Write for AnonymousFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.change(|content| {
            if content.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
                let mut piece = Vec::new();
                piece.try_reserve_exact(PIECE)?;
                content.pieces.push(Zeroizing::new(piece));
            }
            let Some(piece) = content.pieces.last_mut() else { return Ok(0) };
            let count = bytes.len().min(PIECE - piece.len());
            piece.extend_from_slice(&bytes[..count]);
            Ok(count)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Memory has no limit of its own.
pub(super) fn largest_file() -> u64 {
    u64::MAX
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd", windows))]
pub(super) fn free() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
    Some(system.available_memory()).filter(|free| *free > 0)
}

#[cfg(not(any(target_vendor = "apple", target_os = "freebsd", windows)))]
pub(super) fn free() -> Option<u64> {
    None
}
