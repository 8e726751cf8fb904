//! `meta`: the pictures of a HEIC or AVIF file (ISO/IEC 23008-12), and their properties.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use super::boxes::{Boxed, child, children, free};
use super::movie;
use super::pieces::{Pieces, first_behind, side_by_side};
use crate::media::edits::MAX_EDITS;
use crate::media::strip::exif;
use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

/// Bytes of version and flags, before anything else in the boxes here.
const FULL: u64 = 4;

/// Whether a box describes pictures.
pub(super) fn is_picture<R: Read + Seek>(scan: &mut Scan<R>, meta: Boxed) -> Result<bool, Unclean> {
    let Ok(children) = children(scan, meta, FULL) else { return Ok(false) };
    let Some(handler) = children.iter().find(|next| &next.kind == b"hdlr") else { return Ok(false) };
    Ok(&scan.array::<4>(handler.content + 8)? == b"pict")
}

/// Keeps the pictures, how they are put together, turned and colored. Returns where they are in the file.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>, meta: Boxed) -> Result<Pieces, Unclean> {
    let parts = children(scan, meta, FULL)?;
    let named = |kind: &[u8; 4]| parts.iter().find(|next| &next.kind == kind).copied();
    let items = match named(b"iinf") {
        Some(list) => items(scan, list)?,
        None => return Err(Unclean::Damaged("the file does not list its items")),
    };
    let Some(locations) = named(b"iloc") else {
        return Err(Unclean::Damaged("the picture offsets are missing or invalid"));
    };
    let places = places(scan, locations, named(b"idat"))?;
    let (pictures, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|(_, kind)| is_coded(*kind));
    let of = |id: &u32| places.get(id).into_iter().flatten().copied();
    let primary = match named(b"pitm") {
        Some(primary) => primary_item(scan, primary)?,
        None => return Err(Unclean::Damaged("the file has no primary picture")),
    };
    if !pictures.iter().any(|(id, _)| *id == primary) {
        return Err(Unclean::Damaged("the picture format is unknown"));
    }
    let mut kept = side_by_side(pictures.iter().flat_map(|(id, _)| of(id)).collect());
    let mut said = Pieces::new();
    // Bounds the time: each is read.
    if others.iter().flat_map(|(id, _)| of(id)).map(|(_, len)| len).sum::<u64>() > scan.len {
        return Err(Unclean::Damaged("pieces of the file overlap"));
    }
    for (id, kind) in others {
        for (number, (at, len)) in of(&id).enumerate() {
            let behind = kept.get(first_behind(&kept, at));
            if len > 0 && behind.is_some_and(|(start, _)| *start < at + len) {
                return Err(Unclean::Damaged("pictures and metadata overlap"));
            }
            forget(scan, kind, at, len, number == 0)?;
            // Its new content is needed.
            if matches!(&kind, b"Exif" | b"mime") {
                said.push((at, len));
            }
        }
    }
    for next in &parts {
        match &next.kind {
            b"hdlr" => movie::unname(scan, *next),
            b"iprp" => properties(scan, *next)?,
            b"dinf" => movie::references(scan, *next)?,
            b"pitm" | b"iloc" | b"iinf" | b"iref" | b"idat" | b"grpl" | b"ipro" => {}
            _ => free(scan, *next)?,
        }
    }
    kept.extend(said);
    Ok(kept)
}

/// Whether an item is a picture, or how pictures make one.
fn is_coded(kind: [u8; 4]) -> bool {
    matches!(
        &kind,
        b"hvc1"
            | b"hev1"
            | b"av01"
            | b"avc1"
            | b"vvc1"
            | b"jpeg"
            | b"j2k1"
            | b"unci"
            | b"grid"
            | b"iovl"
            | b"iden"
            | b"tmap"
    )
}

/// The picture that is shown.
fn primary_item<R: Read + Seek>(scan: &mut Scan<R>, primary: Boxed) -> Result<u32, Unclean> {
    let [version] = scan.array::<1>(primary.content)?;
    if version == 0 { Ok(u32::from(scan.u16(primary.content + FULL)?)) } else { scan.u32(primary.content + FULL) }
}

/// Makes an item empty: EXIF without entries, XMP of blanks, anything else of zeros.
fn forget<R: Read + Seek>(scan: &mut Scan<R>, kind: [u8; 4], at: u64, len: u64, is_first: bool) -> Result<(), Unclean> {
    let bytes = scan.peek(at, len.min(LOOKED_INTO))?;
    match &kind {
        b"Exif" if is_first => {
            let start = bytes.get(..4).and_then(|start| start.try_into().ok()).map_or(0, u32::from_be_bytes);
            let tiff = usize::try_from(start).ok().and_then(|start| bytes.get(start.checked_add(4)?..));
            exif::read(tiff.unwrap_or_default(), &mut scan.removed);
            let short = usize::try_from(len).ok().filter(|_| len <= LOOKED_INTO);
            match short.and_then(|len| exif::nothing(len.checked_sub(4)?)) {
                Some(nothing) => scan.edits.replace(at, len, [&[0; 4], &nothing[..]].concat()),
                None => scan.edits.fill(at, len, 0),
            }
        }
        _ => {
            // An empty item loses nothing.
            if bytes.iter().any(|byte| !matches!(byte, 0 | b' ')) {
                scan.removed.piece(&bytes);
            }
            scan.edits.fill(at, len, if &kind == b"mime" { b' ' } else { 0 });
        }
    }
    Ok(())
}

/// The kinds of all items, and the pictures' names made empty.
fn items<R: Read + Seek>(scan: &mut Scan<R>, list: Boxed) -> Result<Vec<(u32, [u8; 4])>, Unclean> {
    let [version] = scan.array::<1>(list.content)?;
    let (mut items, mut ids) = (Vec::new(), HashSet::new());
    for next in children(scan, list, FULL + if version == 0 { 2 } else { 4 })? {
        let [version] = scan.array::<1>(next.content)?;
        let (id, rest) = match version {
            2 => (u32::from(scan.u16(next.content + FULL)?), next.content + FULL + 2),
            3 => (scan.u32(next.content + FULL)?, next.content + FULL + 4),
            _ => return Err(Unclean::Damaged("the item list has an unsupported version")),
        };
        // Two bytes of protection, the kind, and a name.
        let kind = scan.array::<4>(rest + 2)?;
        if &kind != b"mime" && &kind != b"uri " {
            scan.edits.fill(rest + 6, next.end.saturating_sub(rest + 6), 0);
        }
        if !ids.insert(id) {
            return Err(Unclean::Damaged("the item list names an item twice"));
        }
        items.push((id, kind));
    }
    Ok(items)
}

/// The places of all items: offset and length of each piece.
fn places<R: Read + Seek>(
    scan: &mut Scan<R>,
    locations: Boxed,
    data: Option<Boxed>,
) -> Result<HashMap<u32, Vec<(u64, u64)>>, Unclean> {
    let broken = || Unclean::Damaged("the picture offsets are missing or invalid");
    let bytes = scan.peek(locations.content, (locations.end - locations.content).min(LOOKED_INTO))?;
    let mut rest = &bytes[..];
    let mut number = |len: u8| -> Result<u64, Unclean> {
        let (first, after) = rest.split_at_checked(usize::from(len)).ok_or_else(broken)?;
        rest = after;
        Ok(first.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let version = number(4)? >> 24;
    let sizes = number(2)?;
    let nibble = |at: u32| u8::try_from(sizes >> at & 15).unwrap_or(0);
    let (offset_len, length_len, base_len) = (nibble(12), nibble(8), nibble(4));
    let index_len = if version > 0 { nibble(0) } else { 0 };
    if [offset_len, length_len, base_len, index_len].iter().any(|len| !matches!(len, 0 | 4 | 8)) || version > 2 {
        return Err(broken());
    }
    let id_len = if version == 2 { 4 } else { 2 };
    let (mut places, mut pieces) = (HashMap::new(), 0);
    for _ in 0..number(id_len)? {
        let id = u32::try_from(number(id_len)?).map_err(|_| broken())?;
        let method = if version > 0 { number(2)? & 15 } else { 0 };
        number(2)?;
        let base = number(base_len)?;
        let mut extents = Vec::new();
        for _ in 0..number(2)? {
            number(index_len)?;
            let (offset, len) = (number(offset_len)?, number(length_len)?);
            let (from, end) = match (method, data) {
                (0, _) => (0, scan.len),
                (1, Some(data)) => (data.content, data.end),
                _ => return Err(broken()),
            };
            let at = from.checked_add(base).and_then(|at| at.checked_add(offset)).ok_or_else(broken)?;
            // Nought: to the end.
            let len = if len == 0 { end.saturating_sub(at) } else { len };
            if at.checked_add(len).is_none_or(|last| last > end) {
                return Err(broken());
            }
            pieces += 1;
            // Their fields may be without bytes.
            if pieces > MAX_EDITS {
                return Err(Unclean::Damaged("the file has too many pieces"));
            }
            extents.push((at, len));
        }
        if places.insert(id, extents).is_some() {
            return Err(broken());
        }
    }
    Ok(places)
}

/// Properties for decoding, turning and coloring a picture stay. Others hold what people wrote about it, or the place
/// of a camera in its room.
fn properties<R: Read + Seek>(scan: &mut Scan<R>, properties: Boxed) -> Result<(), Unclean> {
    let Some(list) = child(scan, properties, *b"ipco")? else { return Ok(()) };
    for next in children(scan, list, 0)? {
        match &next.kind {
            b"ispe" | b"pasp" | b"colr" | b"pixi" | b"rloc" | b"auxC" | b"irot" | b"imir" | b"clap" | b"iscl"
            | b"lsel" | b"a1op" | b"a1lx" | b"av1C" | b"hvcC" | b"lhvC" | b"avcC" | b"jpgC" | b"vvcC" | b"j2kH"
            | b"uncC" | b"cmpd" | b"clli" | b"mdcv" | b"cclv" | b"amve" | b"ndwt" | b"reve" | b"tols" | b"oinf"
            | b"free" => {}
            _ => free(scan, next)?,
        }
    }
    Ok(())
}
