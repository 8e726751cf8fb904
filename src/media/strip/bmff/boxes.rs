//! Boxes and their content.

use std::io::{Read, Seek};

use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

/// The most boxes side by side.
pub(super) const MAX_BOXES: usize = 1 << 20;

/// A box: its name, where it begins, where its content does, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boxed {
    pub(super) kind: [u8; 4],
    pub(super) at: u64,
    pub(super) content: u64,
    pub(super) end: u64,
}

/// The box at `at`, which lies in something that ends at `end`. `None`: there is none any more.
pub(super) fn boxed<R: Read + Seek>(scan: &mut Scan<R>, at: u64, end: u64) -> Result<Option<Boxed>, Unclean> {
    if at + 8 > end {
        return Ok(None);
    }
    let [a, b, c, d, kind @ ..] = scan.array::<8>(at)?;
    let (content, len) = match u32::from_be_bytes([a, b, c, d]) {
        // To the end of the file.
        0 => (at + 8, end - at),
        1 => (at + 16, scan.u64(at + 8)?),
        len => (at + 8, u64::from(len)),
    };
    match at.checked_add(len).filter(|last| *last >= content) {
        Some(end) => Ok(Some(Boxed { kind, at, content, end })),
        None => Err(NO_BOX),
    }
}

/// Something where a box should be.
pub(super) const NO_BOX: Unclean = Unclean::Damaged("a box of the file is malformed");

/// The boxes in `within`, of which `skip` bytes are something else.
pub(super) fn children<R: Read + Seek>(scan: &mut Scan<R>, within: Boxed, skip: u64) -> Result<Vec<Boxed>, Unclean> {
    let (mut at, mut found) = (within.content + skip, Vec::new());
    while let Some(child) = boxed(scan, at, within.end)? {
        if child.end > within.end || found.len() >= MAX_BOXES {
            return Err(NO_BOX);
        }
        at = child.end;
        found.push(child);
    }
    Ok(found)
}

/// Only the child of a kind.
pub(super) fn child<R: Read + Seek>(
    scan: &mut Scan<R>,
    within: Boxed,
    kind: [u8; 4],
) -> Result<Option<Boxed>, Unclean> {
    Ok(children(scan, within, 0)?.into_iter().find(|child| child.kind == kind))
}

/// Makes a box one that nobody reads, with nothing in it.
pub(super) fn free<R: Read + Seek>(scan: &mut Scan<R>, gone: Boxed) -> Result<(), Unclean> {
    if !matches!(&gone.kind, b"free" | b"skip" | b"wide") {
        let text = scan.peek(gone.content, (gone.end - gone.content).min(LOOKED_INTO))?;
        scan.removed.hidden |= &gone.kind == b"mpvd";
        match u32::try_from(count(scan, gone)).unwrap_or(u32::MAX) {
            1 => scan.removed.piece(&text),
            many => {
                scan.removed.read(&text);
                scan.removed.fields_of(many, None);
            }
        }
        scan.edits.replace(gone.at + 4, 4, b"free".to_vec());
    }
    scan.edits.fill(gone.content, gone.end.min(scan.len) - gone.content, 0);
    Ok(())
}

/// The number of facts in a box of metadata: its boxes, or itself.
fn count<R: Read + Seek>(scan: &mut Scan<R>, gone: Boxed) -> usize {
    // `meta` has four bytes before its boxes, but not in QuickTime files; its list of values is one of the boxes.
    for skip in [0, 4] {
        let Ok(inner) = children(scan, gone, skip) else { continue };
        if let Some(list) = inner.iter().find(|child| &child.kind == b"ilst") {
            return children(scan, *list, 0).map_or(1, |values| values.len());
        }
        if !inner.is_empty() && &gone.kind == b"udta" {
            return inner.len();
        }
    }
    1
}
