//! Boxes of the ISO base media file format (ISO/IEC 14496-12) and of `QuickTime`: MP4, MOV, M4A, 3GP, HEIC, AVIF.
//!
//! Offsets into the file stand all over such a file, so nothing is moved: a box that goes becomes a `free` one full of
//! zeros, and only what is at the very end is cut off. Of the media data, the ranges stay to which a kept track or
//! picture refers; the rest becomes zeros: sensors, logs of positions, and ranges without any reference.

mod boxes;
mod movie;
mod pieces;
mod still;

use std::io::{Read, Seek};

use self::boxes::{Boxed, MAX_BOXES, boxed, free};
use self::pieces::{Pieces, first_behind, side_by_side};
use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

/// Whether a file may begin with a box of this kind.
pub(super) fn begins_with(kind: &[u8]) -> bool {
    matches!(kind, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot")
}

/// Keeps picture, sound and subtitles, and how they are shown.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(), Unclean> {
    let (mut top, end) = outermost(scan)?;
    let of_kind = |kind: [u8; 4]| top.iter().filter(move |next| next.kind == kind).copied().collect::<Vec<_>>();
    let (movies, metas) = (of_kind(*b"moov"), of_kind(*b"meta"));
    let mut stills = Vec::new();
    for meta in metas {
        if still::is_picture(scan, meta)? {
            stills.push(meta);
        }
    }
    if movies.len() > 1 || stills.len() > 1 {
        return Err(Unclean::Damaged("the file has two tables of contents"));
    }
    let (movie, still) = (movies.first().copied(), stills.first().copied());
    if movie.is_none() && still.is_none() {
        return Err(Unclean::Damaged("the file has no table of contents"));
    }
    // From the end: what nobody needs there is cut, and not only made empty.
    let mut last = end;
    while let Some(next) = top.pop_if(|next| !is_needed(next, still)) {
        last = next.at;
    }
    cut(scan, last)?;
    let mut kept = Pieces::new();
    if let Some(still) = still {
        kept.extend(still::scan(scan, still)?);
    }
    if let Some(movie) = movie {
        let fragments: Vec<Boxed> = top.iter().filter(|next| &next.kind == b"moof").copied().collect();
        kept.extend(movie::scan(scan, movie, &fragments)?);
    }
    if kept.iter().any(|(at, len)| at + len > last) {
        return Err(Unclean::Damaged("the picture data is missing"));
    }
    let kept = side_by_side(kept);
    for next in &top {
        match &next.kind {
            b"mdat" => empty(scan, *next, &kept),
            _ if is_needed(next, still) => {}
            _ => free(scan, *next)?,
        }
    }
    Ok(())
}

/// The outermost boxes, and where they end. Bytes that are no box were appended to the last one.
fn outermost<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(Vec<Boxed>, u64), Unclean> {
    let (mut top, mut at, end) = (Vec::new(), 0, scan.len);
    loop {
        let next = match boxed(scan, at, end) {
            Ok(Some(next)) => next,
            Ok(None) | Err(Unclean::Damaged(_)) => break,
            Err(error) => return Err(error),
        };
        let is_box = next.kind.iter().all(|c| c.is_ascii_graphic() || *c == b' ');
        if !is_box || (next.end > end && &next.kind != b"mdat") {
            break;
        }
        if top.len() >= MAX_BOXES {
            return Err(Unclean::Damaged("the file has too many pieces"));
        }
        at = next.end.min(end);
        top.push(Boxed { end: at, ..next });
    }
    Ok((top, at))
}

fn is_needed(next: &Boxed, still: Option<Boxed>) -> bool {
    match &next.kind {
        b"ftyp" | b"moov" | b"mdat" | b"moof" | b"mfra" | b"sidx" | b"ssix" | b"styp" => true,
        b"meta" => still.is_some_and(|still| still.at == next.at),
        _ => false,
    }
}

/// Makes everything in a box of media data zeros that is in none of the `kept` pieces.
fn empty<R>(scan: &mut Scan<R>, data: Boxed, kept: &Pieces) {
    let mut at = data.content;
    for (start, len) in kept[first_behind(kept, at)..].iter().take_while(|(start, _)| *start < data.end) {
        if *start > at {
            scan.edits.fill(at, start - at, 0);
        }
        at = at.max(start + len);
    }
    if at < data.end {
        scan.edits.fill(at, data.end - at, 0);
    }
}

/// Cuts off what is behind the last box that anybody needs. Padding is nothing to speak of.
fn cut<R: Read + Seek>(scan: &mut Scan<R>, at: u64) -> Result<(), Unclean> {
    if at >= scan.len {
        return Ok(());
    }
    let tail = scan.peek(at, LOOKED_INTO)?;
    let is_padding = tail.get(8..).is_none_or(|content| content.iter().all(|byte| *byte == 0));
    if is_padding {
        scan.edits.remove(at, scan.len - at);
    } else {
        scan.removed.read(&tail);
        scan.cut(at)?;
    }
    Ok(())
}
