//! Photos and videos without what their pixels and sounds don't need: position, time, camera, thumbnails, comments.
//!
//! Nothing is decoded and nothing is written anew. A file is looked through once, piece by piece, and what is found
//! becomes a list of [`Edits`], which are made while the file is read and encrypted. Each container has a file of its
//! own with the list of the pieces that a decoder needs: those stay, with orientation and color profile, and everything
//! else goes, unknown pieces too. A file that cannot be followed to its end is not reported as clean.

mod bmff;
mod exif;
mod gif;
mod jpeg;
mod orientation;
mod png;
mod removed;
mod scan;
mod webp;

use std::io::{Read, Seek};

pub use self::removed::Removed;
pub(super) use self::removed::contains;
use self::scan::Scan;
pub use self::scan::Unclean;
use crate::media::edits::Edits;

/// A file looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The changes that clean it.
    pub edits: Edits,
    /// Its length as it is, in bytes.
    pub len: u64,
    /// The metadata that they remove.
    pub removed: Removed,
    /// How pictures and sounds of a film are coded: the names in its sample descriptions.
    pub codecs: Vec<[u8; 4]>,
}

/// Whether a file that begins with `head` has a table of contents, so that [`plan`] does not read all of it.
pub fn is_indexed(head: &[u8]) -> bool {
    head.get(4..8).is_some_and(bmff::begins_with)
}

/// Looks through a photo or a video. `source` may be left anywhere.
///
/// # Errors
/// [`Unclean`], when it is of a kind that cannot be cleaned, damaged, or cannot be read.
pub fn plan<R: Read + Seek>(source: R) -> Result<Plan, Unclean> {
    let mut scan = Scan::new(source)?;
    let head = scan.peek(0, 12)?;
    match &head[..] {
        [0xff, 0xd8, 0xff, ..] => jpeg::scan(&mut scan)?,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::scan(&mut scan)?,
        [b'G', b'I', b'F', b'8', ..] => gif::scan(&mut scan)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => webp::scan(&mut scan)?,
        // A raw photo of Canon's keeps what it has in boxes of its own.
        [_, _, _, _, b'f', b't', b'y', b'p', b'c', b'r', b'x', ..] => return Err(Unclean::Unknown),
        [_, _, _, _, kind @ ..] if kind.len() == 8 && bmff::begins_with(&kind[..4]) => bmff::scan(&mut scan)?,
        _ => return Err(Unclean::Unknown),
    }
    let Scan { mut edits, len, removed, codecs, .. } = scan;
    if edits.are_too_many() {
        return Err(Unclean::Damaged("the file has too many pieces"));
    }
    if edits.settle() {
        Ok(Plan { edits, len, removed, codecs })
    } else {
        Err(Unclean::Damaged("pieces of the file overlap"))
    }
}
