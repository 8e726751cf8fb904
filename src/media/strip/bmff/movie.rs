//! `moov` and `moof`: the contents of a film, track by track.

use std::collections::HashMap;
use std::io::{Read, Seek};

use super::boxes::{Boxed, NO_BOX, child, children, free};
use super::pieces::Pieces;
use crate::media::edits::MAX_EDITS;
use crate::media::strip::removed::contains;
use crate::media::strip::scan::{Scan, Unclean};

/// The longest subtitles that are read to find out whether they are a drone's log of where it was, in bytes.
const SUBTITLES: u64 = 64 << 10;
/// Words in such a log.
const LOGGED: [&[u8]; 5] = [b"GPS (", b"GPS(", b"[latitude", b"latitude:", b"HOME("];
/// The longest table that is read, in bytes.
const MAX_TABLE: u64 = 64 << 20;

const BROKEN: Unclean = Unclean::Damaged("a track has no valid data offsets");

/// A track that stays.
struct Track {
    /// Its number, by which pieces of a film name it.
    id: u32,
    is_text: bool,
}

/// The film, its tracks, and what they refer to. Returns where what stays is in the file.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>, movie: Boxed, fragments: &[Boxed]) -> Result<Pieces, Unclean> {
    let (mut kept, mut tracks, mut sizes) = (Pieces::new(), Vec::new(), HashMap::new());
    for next in children(scan, movie, 0)? {
        match &next.kind {
            b"mvhd" => forget_times(scan, next)?,
            b"trak" => tracks.extend(track(scan, next, &mut kept)?),
            b"mvex" => sizes = default_sizes(scan, next)?,
            b"pssh" | b"clip" | b"ctab" | b"prfl" => {}
            // Everything in it is compressed.
            b"cmov" => return Err(Unclean::Damaged("the table of contents is compressed")),
            b"rmra" => return Err(ELSEWHERE),
            _ => {
                // Dashboard cameras have a list of where in the file positions are: what nobody refers to goes.
                scan.removed.location |= &next.kind == b"gps ";
                free(scan, next)?;
            }
        }
        if kept.len() > MAX_EDITS {
            return Err(TOO_MANY);
        }
    }
    for fragment in fragments {
        self::fragment(scan, *fragment, &tracks, &sizes, &mut kept)?;
    }
    Ok(kept)
}

const TOO_MANY: Unclean = Unclean::Damaged("the file has too many pieces");

const ELSEWHERE: Unclean = Unclean::Damaged("the file refers to other files");

/// The length of the samples of each track, for pieces of the film that do not state it.
fn default_sizes<R: Read + Seek>(scan: &mut Scan<R>, extends: Boxed) -> Result<HashMap<u32, u64>, Unclean> {
    let mut sizes = HashMap::new();
    for next in children(scan, extends, 0)? {
        if &next.kind == b"trex" {
            sizes.insert(scan.u32(next.content + 4)?, u64::from(scan.u32(next.content + 16)?));
        }
    }
    Ok(sizes)
}

/// A piece of a film that is made of pieces.
fn fragment<R: Read + Seek>(
    scan: &mut Scan<R>,
    fragment: Boxed,
    tracks: &[Track],
    sizes: &HashMap<u32, u64>,
    kept: &mut Pieces,
) -> Result<(), Unclean> {
    let mut base = Some(fragment.at);
    for next in children(scan, fragment, 0)? {
        match &next.kind {
            b"mfhd" | b"pssh" => {}
            b"traf" => base = run(scan, next, fragment.at, base, tracks, sizes, kept)?,
            _ => free(scan, next)?,
        }
        if kept.len() > MAX_EDITS {
            return Err(TOO_MANY);
        }
    }
    Ok(())
}

/// The samples of one track in a piece of a film (ISO/IEC 14496-12, 8.8.7 and 8.8.8). Returns where they end: the
/// samples of the next track follow, unless it states another place.
fn run<R: Read + Seek>(
    scan: &mut Scan<R>,
    track: Boxed,
    start: u64,
    base: Option<u64>,
    tracks: &[Track],
    sizes: &HashMap<u32, u64>,
    kept: &mut Pieces,
) -> Result<Option<u64>, Unclean> {
    let parts = children(scan, track, 0)?;
    let header = parts.iter().find(|part| &part.kind == b"tfhd").ok_or(BROKEN)?;
    let flags = scan.u32(header.content)?;
    let id = scan.u32(header.content + 4)?;
    let mut field = header.content + 8;
    let mut at = if flags & 0x02_0000 != 0 { Some(start) } else { base };
    if flags & 1 != 0 {
        at = Some(scan.u64(field)?);
        field += 8;
    }
    field += if flags & 2 != 0 { 4 } else { 0 } + if flags & 8 != 0 { 4 } else { 0 };
    let size = if flags & 0x10 != 0 { u64::from(scan.u32(field)?) } else { sizes.get(&id).copied().unwrap_or(0) };
    let from = at.ok_or(BROKEN)?;
    let mut at = from;
    let known = tracks.iter().find(|known| known.id == id);
    if known.is_some_and(|known| known.is_text) {
        // Whether they are a log nobody has looked.
        return Err(Unclean::Damaged("the file has fragmented subtitles"));
    }
    for part in &parts {
        match &part.kind {
            b"trun" => {
                let flags = scan.u32(part.content)?;
                let count = u64::from(scan.u32(part.content + 4)?);
                let mut field = part.content + 8;
                if flags & 1 != 0 {
                    let offset = i64::from(scan.u32(field)?.cast_signed());
                    at = from.checked_add_signed(offset).ok_or(BROKEN)?;
                    field += 4;
                }
                field += if flags & 4 != 0 { 4 } else { 0 };
                let each = u64::from((flags & 0xf00).count_ones()) * 4;
                let mut len = size.checked_mul(count).ok_or(BROKEN)?;
                if flags & 0x200 != 0 {
                    let table = table(scan, Boxed { content: field, ..*part }, 0, count, each)?;
                    let skipped = if flags & 0x100 != 0 { 4 } else { 0 };
                    len = numbers(&table, each, skipped).sum();
                }
                if at.checked_add(len).is_none_or(|end| end > scan.len) {
                    return Err(BROKEN);
                }
                if known.is_some() {
                    kept.push((at, len));
                }
                at += len;
            }
            b"tfhd" | b"tfdt" | b"sbgp" | b"sgpd" | b"subs" | b"sdtp" => {}
            b"saio" | b"saiz" | b"senc" => return Err(ENCRYPTED),
            _ => free(scan, *part)?,
        }
    }
    Ok(Some(at))
}

const ENCRYPTED: Unclean = Unclean::Damaged("the file is encrypted");

/// Makes the times nought at which something was made and changed: the first two of a header, in 32 or in 64 bits.
fn forget_times<R: Read + Seek>(scan: &mut Scan<R>, header: Boxed) -> Result<(), Unclean> {
    let [version] = scan.array::<1>(header.content)?;
    let len = if version == 1 { 16 } else { 8 };
    if header.content + 4 + len > header.end {
        return Err(Unclean::Damaged("a header is too short"));
    }
    let times = scan.peek(header.content + 4, len)?;
    scan.removed.time |= times.iter().any(|byte| *byte != 0) && &header.kind == b"mvhd";
    scan.edits.fill(header.content + 4, len, 0);
    Ok(())
}

/// A track: `None` if it goes. The ranges of the file that it needs are added to `kept`.
fn track<R: Read + Seek>(scan: &mut Scan<R>, track: Boxed, kept: &mut Pieces) -> Result<Option<Track>, Unclean> {
    let missing = || Unclean::Damaged("a track is incomplete");
    let media = child(scan, track, *b"mdia")?.ok_or_else(missing)?;
    let header = child(scan, track, *b"tkhd")?.ok_or_else(missing)?;
    let handler = child(scan, media, *b"hdlr")?.ok_or_else(missing)?;
    let information = child(scan, media, *b"minf")?.ok_or_else(missing)?;
    let samples_table = child(scan, information, *b"stbl")?.ok_or_else(missing)?;
    let kind = scan.array::<4>(handler.content + 8)?;
    let is_text = matches!(&kind, b"text" | b"sbtl" | b"subt" | b"clcp");
    let is_shown = matches!(&kind, b"vide" | b"soun" | b"auxv" | b"pict" | b"hint");
    let pieces = if is_text || is_shown { samples(scan, samples_table)? } else { Pieces::new() };
    // Else sensors, positions, times of day.
    if !is_shown && (!is_text || is_log(scan, &pieces)?) {
        let before = scan.removed.clone();
        free(scan, track)?;
        scan.removed.restore_fields(&before);
        scan.removed.track = true;
        return Ok(None);
    }
    kept.extend(pieces);
    for next in children(scan, track, 0)? {
        match &next.kind {
            b"tkhd" => forget_times(scan, next)?,
            b"mdia" => self::media(scan, next, is_shown && &kind != b"soun")?,
            b"edts" => {
                for part in children(scan, next, 0)? {
                    if &part.kind != b"elst" {
                        free(scan, part)?;
                    }
                }
            }
            b"tref" | b"trgr" | b"load" | b"matt" | b"clip" | b"tapt" | b"txas" | b"kmat" => {}
            _ => free(scan, next)?,
        }
    }
    let [version] = scan.array::<1>(header.content)?;
    let id = scan.u32(header.content + if version == 1 { 20 } else { 12 })?;
    Ok(Some(Track { id, is_text }))
}

fn media<R: Read + Seek>(scan: &mut Scan<R>, media: Boxed, is_picture: bool) -> Result<(), Unclean> {
    for next in children(scan, media, 0)? {
        match &next.kind {
            b"mdhd" => forget_times(scan, next)?,
            b"hdlr" => unname(scan, next),
            b"minf" => information(scan, next, is_picture)?,
            b"elng" => {}
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// A handler has a name, into which programs and cameras write their own.
pub(super) fn unname<R: Read + Seek>(scan: &mut Scan<R>, handler: Boxed) {
    // Version and flags, two kinds; then the maker, flags and a name.
    let at = handler.content + 12;
    scan.edits.fill(at, handler.end.saturating_sub(at), 0);
}

fn information<R: Read + Seek>(scan: &mut Scan<R>, information: Boxed, is_picture: bool) -> Result<(), Unclean> {
    for next in children(scan, information, 0)? {
        match &next.kind {
            b"vmhd" | b"smhd" | b"hmhd" | b"nmhd" | b"sthd" | b"gmhd" => {}
            b"hdlr" => unname(scan, next),
            b"dinf" => references(scan, next)?,
            b"stbl" => sample_table(scan, next, is_picture)?,
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// The files that hold the samples. This file needs no path to itself, and another one gets none from us.
pub(super) fn references<R: Read + Seek>(scan: &mut Scan<R>, information: Boxed) -> Result<(), Unclean> {
    let Some(list) = child(scan, information, *b"dref")? else { return Ok(()) };
    for next in children(scan, list, 8)? {
        if scan.u32(next.content)? & 1 == 0 {
            return Err(ELSEWHERE);
        }
        scan.edits.fill(next.content + 4, next.end.saturating_sub(next.content + 4), 0);
    }
    Ok(())
}

fn sample_table<R: Read + Seek>(scan: &mut Scan<R>, table: Boxed, is_picture: bool) -> Result<(), Unclean> {
    for next in children(scan, table, 0)? {
        match &next.kind {
            b"stsd" => descriptions(scan, next, is_picture)?,
            b"stts" | b"ctts" | b"cslg" | b"stsc" | b"stsz" | b"stz2" | b"stco" | b"co64" | b"stss" | b"stsh"
            | b"stps" | b"padb" | b"stdp" | b"sdtp" | b"sbgp" | b"sgpd" | b"subs" => {}
            b"saio" | b"saiz" | b"senc" => return Err(ENCRYPTED),
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// How pictures and sounds are coded, and who coded them: a vendor's sign and a compressor's name.
fn descriptions<R: Read + Seek>(scan: &mut Scan<R>, list: Boxed, is_picture: bool) -> Result<(), Unclean> {
    if !is_picture {
        let first = scan.peek(list.content + 12, 4)?;
        scan.codecs.extend(<[u8; 4]>::try_from(first));
        return Ok(());
    }
    for next in children(scan, list, 8)? {
        scan.codecs.push(next.kind);
        if next.content + 78 <= next.end {
            scan.edits.fill(next.content + 12, 4, 0);
            scan.edits.fill(next.content + 42, 32, 0);
        }
    }
    Ok(())
}

/// Whether subtitles are a log of where a drone was.
fn is_log<R: Read + Seek>(scan: &mut Scan<R>, pieces: &Pieces) -> Result<bool, Unclean> {
    let mut read = 0;
    for (at, len) in pieces {
        let text = scan.peek(*at, (*len).min(SUBTITLES - read))?;
        read += text.len() as u64;
        if LOGGED.iter().any(|word| contains(&text, word)) {
            return Ok(true);
        }
        if read >= SUBTITLES {
            break;
        }
    }
    Ok(false)
}

/// The `count` entries, of `each` so many bytes, of a table that has `head` bytes before them.
fn table<R: Read + Seek>(scan: &mut Scan<R>, of: Boxed, head: u64, count: u64, each: u64) -> Result<Vec<u8>, Unclean> {
    let len = count.checked_mul(each).filter(|len| *len <= MAX_TABLE).ok_or(BROKEN)?;
    if of.content + head + len > of.end {
        return Err(NO_BOX);
    }
    Ok(scan.peek(of.content + head, len)?)
}

/// A number of 32 bits in each entry of a table, `skipped` bytes from its beginning.
fn numbers(table: &[u8], each: u64, skipped: usize) -> impl Iterator<Item = u64> {
    let each = usize::try_from(each).unwrap_or(usize::MAX).max(1);
    table.chunks_exact(each).filter_map(move |entry| {
        let bytes = entry.get(skipped..skipped + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_be_bytes(bytes)))
    })
}

/// The places of the samples of a track: pieces of the file, in the order of its chunks.
fn samples<R: Read + Seek>(scan: &mut Scan<R>, within: Boxed) -> Result<Pieces, Unclean> {
    let tables = children(scan, within, 0)?;
    let named = |kind: &[u8; 4]| tables.iter().find(|next| &next.kind == kind).copied();
    let (offsets, wide) = match (named(b"stco"), named(b"co64")) {
        (Some(offsets), _) => (offsets, 4),
        (None, Some(offsets)) => (offsets, 8),
        (None, None) => return Err(BROKEN),
    };
    let (runs, sizes) = (named(b"stsc").ok_or(BROKEN)?, named(b"stsz").ok_or(BROKEN)?);
    let chunks = u64::from(scan.u32(offsets.content + 4)?);
    let (size, count) = (u64::from(scan.u32(sizes.content + 4)?), u64::from(scan.u32(sizes.content + 8)?));
    let run_count = u64::from(scan.u32(runs.content + 4)?);
    let offsets = table(scan, offsets, 8, chunks, wide)?;
    let runs = table(scan, runs, 8, run_count, 12)?;
    let sizes = if size == 0 { table(scan, sizes, 12, count, 4)? } else { Vec::new() };
    let offsets = offsets
        .chunks_exact(if wide == 8 { 8 } else { 4 })
        .map(|entry| entry.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    // A run begins with the chunk of this number, counted from one, and has so many samples a chunk.
    let mut runs = numbers(&runs, 12, 0).zip(numbers(&runs, 12, 4)).peekable();
    let mut sizes = numbers(&sizes, 4, 0);
    let (mut found, mut left, mut per_chunk) = (Pieces::new(), count, 0);
    for (number, at) in (1..).zip(offsets) {
        while let Some((_, samples)) = runs.next_if(|(first, _)| *first <= number) {
            per_chunk = samples;
        }
        let here = per_chunk.min(left);
        left -= here;
        let len = if size > 0 {
            size.checked_mul(here).ok_or(BROKEN)?
        } else {
            sizes.by_ref().take(usize::try_from(here).unwrap_or(usize::MAX)).sum()
        };
        if at.checked_add(len).is_none_or(|end| end > scan.len) {
            return Err(BROKEN);
        }
        match found.last_mut() {
            // One behind the other.
            Some((last, long)) if *last + *long == at => *long += len,
            _ => found.push((at, len)),
        }
        if found.len() > MAX_EDITS {
            return Err(TOO_MANY);
        }
    }
    Ok(found)
}
