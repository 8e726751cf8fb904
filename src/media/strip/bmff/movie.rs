//! `moov`: what is in a film, track by track.

use std::io::{Read, Seek};

use super::super::{Scan, Unclean};
use super::{Boxed, child, children, free};

/// The longest subtitles that are read to find out whether they are a drone's log of where it was, in bytes.
const SUBTITLES: u64 = 64 << 10;
/// What stands in such a log.
const LOGGED: [&[u8]; 5] = [b"GPS", b"latitude", b"Latitude", b"altitude", b"F/"];

/// The film, its tracks, and what they refer to.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>, movie: Boxed, in_fragments: bool) -> Result<(), Unclean> {
    for next in children(scan, movie, 0)? {
        match &next.kind {
            b"mvhd" => forget_times(scan, next)?,
            b"trak" => track(scan, next, in_fragments)?,
            b"mvex" | b"iods" | b"pssh" | b"rmra" | b"clip" | b"ctab" | b"prfl" => {}
            // Everything in it is compressed.
            b"cmov" => return Err(Unclean::Damaged("its table of contents is compressed")),
            // Dashboard cameras keep a list of where in the file positions are.
            b"gps " => {
                positions(scan, next)?;
                free(scan, next)?;
            }
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// A piece of a film that is made of pieces.
pub(super) fn fragment<R: Read + Seek>(scan: &mut Scan<R>, fragment: Boxed) -> Result<(), Unclean> {
    for next in children(scan, fragment, 0)? {
        match &next.kind {
            b"mfhd" | b"pssh" => {}
            b"traf" => {
                for part in children(scan, next, 0)? {
                    if matches!(&part.kind, b"udta" | b"meta" | b"uuid") {
                        free(scan, part)?;
                    }
                }
            }
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// Makes the times nought at which something was made and changed: the first two of a header, in 32 or in 64 bits.
fn forget_times<R: Read + Seek>(scan: &mut Scan<R>, header: Boxed) -> Result<(), Unclean> {
    let [version] = scan.array::<1>(header.content)?;
    let len = if version == 1 { 16 } else { 8 };
    if header.content + 4 + len > header.end {
        return Err(Unclean::Damaged("one of its headers is too short"));
    }
    let times = scan.peek(header.content + 4, len)?;
    scan.removed.fields += u32::from(times.iter().any(|byte| *byte != 0) && &header.kind == b"mvhd");
    scan.edits.fill(header.content + 4, len, 0);
    Ok(())
}

fn track<R: Read + Seek>(scan: &mut Scan<R>, track: Boxed, in_fragments: bool) -> Result<(), Unclean> {
    let missing = Unclean::Damaged("one of its tracks is incomplete");
    let Some(media) = child(scan, track, *b"mdia")? else { return Err(missing) };
    let Some(handler) = child(scan, media, *b"hdlr")? else { return Err(missing) };
    let table = match child(scan, media, *b"minf")? {
        Some(information) => child(scan, information, *b"stbl")?,
        None => None,
    };
    let Some(table) = table else { return Err(missing) };
    let is_needed = match &scan.array::<4>(handler.content + 8)? {
        b"vide" | b"soun" | b"auxv" | b"pict" | b"hint" => true,
        b"text" | b"sbtl" | b"subt" | b"clcp" => !is_log(scan, table)?,
        // Sensors, positions, times of day.
        _ => false,
    };
    if !is_needed {
        if in_fragments {
            return Err(Unclean::Damaged("it has a track of data in pieces"));
        }
        for (at, len) in samples(scan, table)? {
            scan.edits.fill(at, len, 0);
        }
        let before = scan.removed.fields;
        free(scan, track)?;
        scan.removed.fields = before;
        scan.removed.track = true;
        return Ok(());
    }
    for next in children(scan, track, 0)? {
        match &next.kind {
            b"tkhd" => forget_times(scan, next)?,
            b"mdia" => self::media(scan, next)?,
            b"edts" | b"tref" | b"trgr" | b"load" | b"matt" | b"clip" | b"tapt" | b"txas" | b"kmat" => {}
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

fn media<R: Read + Seek>(scan: &mut Scan<R>, media: Boxed) -> Result<(), Unclean> {
    for next in children(scan, media, 0)? {
        match &next.kind {
            b"mdhd" => forget_times(scan, next)?,
            b"hdlr" => unname(scan, next),
            b"minf" => information(scan, next)?,
            b"elng" => {}
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// A handler has a name, in which programs and cameras tell theirs.
pub(super) fn unname<R: Read + Seek>(scan: &mut Scan<R>, handler: Boxed) {
    // Version and flags, two kinds; then the maker, flags and a name.
    let at = handler.content + 12;
    scan.edits.fill(at, handler.end.saturating_sub(at), 0);
}

fn information<R: Read + Seek>(scan: &mut Scan<R>, information: Boxed) -> Result<(), Unclean> {
    for next in children(scan, information, 0)? {
        match &next.kind {
            b"vmhd" | b"smhd" | b"hmhd" | b"nmhd" | b"sthd" | b"gmhd" => {}
            b"hdlr" => unname(scan, next),
            b"dinf" => references(scan, next)?,
            b"stbl" => table(scan, next)?,
            _ => free(scan, next)?,
        }
    }
    Ok(())
}

/// Where the samples are. What is in this file needs no path to it.
fn references<R: Read + Seek>(scan: &mut Scan<R>, information: Boxed) -> Result<(), Unclean> {
    let Some(list) = child(scan, information, *b"dref")? else { return Ok(()) };
    for next in children(scan, list, 8)? {
        let is_here = scan.u32(next.content)? & 1 == 1;
        if is_here {
            scan.edits.fill(next.content + 4, next.end.saturating_sub(next.content + 4), 0);
        }
    }
    Ok(())
}

fn table<R: Read + Seek>(scan: &mut Scan<R>, table: Boxed) -> Result<(), Unclean> {
    for next in children(scan, table, 0)? {
        match &next.kind {
            b"stsd" => descriptions(scan, next)?,
            b"udta" | b"meta" | b"uuid" => free(scan, next)?,
            _ => {}
        }
    }
    Ok(())
}

/// How samples are coded, and who coded them: a vendor's sign and a compressor's name, where pictures have them.
fn descriptions<R: Read + Seek>(scan: &mut Scan<R>, list: Boxed) -> Result<(), Unclean> {
    for next in children(scan, list, 8)? {
        let is_video = matches!(
            &next.kind,
            b"avc1"
                | b"avc3"
                | b"hvc1"
                | b"hev1"
                | b"dvh1"
                | b"dvhe"
                | b"av01"
                | b"vp08"
                | b"vp09"
                | b"mp4v"
                | b"jpeg"
                | b"mjpa"
                | b"mjpb"
                | b"apcn"
                | b"apch"
                | b"apcs"
                | b"apco"
                | b"ap4h"
                | b"ap4x"
                | b"s263"
                | b"h263"
                | b"encv"
                | b"raw "
                | b"png "
                | b"rle "
                | b"SVQ3"
                | b"SVQ1"
                | b"yuv2"
                | b"2vuy"
        );
        if is_video && next.content + 78 <= next.end {
            scan.edits.fill(next.content + 12, 4, 0);
            scan.edits.fill(next.content + 42, 32, 0);
        }
    }
    Ok(())
}

/// Whether subtitles are a log of where a drone was.
fn is_log<R: Read + Seek>(scan: &mut Scan<R>, table: Boxed) -> Result<bool, Unclean> {
    let mut read = 0;
    for (at, len) in samples(scan, table)? {
        let text = scan.peek(at, len.min(SUBTITLES - read))?;
        read += text.len() as u64;
        if LOGGED.iter().any(|word| super::super::contains(&text, word)) {
            return Ok(true);
        }
        if read >= SUBTITLES {
            break;
        }
    }
    Ok(false)
}

/// Where the samples of a track are: the pieces of the file, in the order of its chunks.
fn samples<R: Read + Seek>(scan: &mut Scan<R>, table: Boxed) -> Result<Vec<(u64, u64)>, Unclean> {
    let broken = || Unclean::Damaged("one of its tracks does not say where it is");
    let tables = children(scan, table, 0)?;
    let named = |kind: &[u8; 4]| tables.iter().find(|next| &next.kind == kind).copied();
    let (offsets, wide) = match (named(b"stco"), named(b"co64")) {
        (Some(offsets), _) => (offsets, 4),
        (None, Some(offsets)) => (offsets, 8),
        (None, None) => return Err(broken()),
    };
    let (runs, sizes) = (named(b"stsc").ok_or_else(broken)?, named(b"stsz").ok_or_else(broken)?);
    let chunks = u64::from(scan.u32(offsets.content + 4)?);
    let (size, count) = (u64::from(scan.u32(sizes.content + 4)?), u64::from(scan.u32(sizes.content + 8)?));
    let run_count = u64::from(scan.u32(runs.content + 4)?);
    let fits = |within: Boxed, head: u64, count: u64, each: u64| within.content + head + count * each <= within.end;
    if !fits(offsets, 8, chunks, wide) || !fits(runs, 8, run_count, 12) || (size == 0 && !fits(sizes, 12, count, 4)) {
        return Err(broken());
    }
    if chunks.max(run_count).max(count) > super::super::MAX_EDITS as u64 {
        return Err(Unclean::Damaged("it has too many pieces"));
    }
    let (mut found, mut sample, mut run) = (Vec::new(), 0, 0);
    let mut per_chunk = 0;
    for chunk in 0..chunks {
        // A run begins with the chunk of this number, counted from one.
        while run < run_count && u64::from(scan.u32(runs.content + 8 + run * 12)?) <= chunk + 1 {
            per_chunk = u64::from(scan.u32(runs.content + 8 + run * 12 + 4)?);
            run += 1;
        }
        let at = match wide {
            4 => u64::from(scan.u32(offsets.content + 8 + chunk * 4)?),
            _ => scan.u64(offsets.content + 8 + chunk * 8)?,
        };
        let until = (sample + per_chunk).min(count);
        let mut len = size * (until - sample);
        if size == 0 {
            for sample in sample..until {
                len += u64::from(scan.u32(sizes.content + 12 + sample * 4)?);
            }
        }
        sample = until;
        if at.checked_add(len).is_none_or(|end| end > scan.len) {
            return Err(broken());
        }
        found.push((at, len));
    }
    Ok(found)
}

/// A dashboard camera's list: version and date, a count, and as often an offset and a length.
fn positions<R: Read + Seek>(scan: &mut Scan<R>, list: Boxed) -> Result<(), Unclean> {
    let count = u64::from(scan.u32(list.content + 4)?).min((list.end - list.content).saturating_sub(8) / 8);
    for number in 0..count {
        let at = u64::from(scan.u32(list.content + 8 + number * 8)?);
        let len = u64::from(scan.u32(list.content + 12 + number * 8)?);
        if at + len > scan.len {
            return Err(Unclean::Damaged("its positions are not where it says"));
        }
        // Each is in a box of its own, whose name stays.
        scan.edits.fill(at + 8, len.saturating_sub(8), 0);
    }
    scan.removed.position |= count > 0;
    Ok(())
}
