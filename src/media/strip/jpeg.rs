//! JPEG (ITU-T T.81, annex B): segments that begin with a marker, and between them the coded picture.

use std::io::{BufRead, Read, Seek};

use crate::media::strip::exif;
use crate::media::strip::orientation::{Orientations, Source, in_xmp};
use crate::media::strip::scan::{LOOKED_INTO, Scan, Unclean};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const COM: u8 = 0xfe;

/// Length of JFIF's segment (ISO/IEC 10918-5) without a thumbnail: marker, length and fourteen bytes.
const JFIF_LEN: u64 = 18;
/// Length of Adobe's segment on colors: marker, length and twelve bytes.
const ADOBE_LEN: u64 = 16;

/// A file that decoders reject.
const INVALID: Unclean = Unclean::Damaged("the file is not a valid JPEG");

const DAMAGED: Unclean = Unclean::Damaged("the image data is damaged");

/// Keeps what a decoder needs, with the ICC profile and the orientation.
pub(super) fn scan<R: Read + Seek>(scan: &mut Scan<R>) -> Result<(), Unclean> {
    let mut orientations = Orientations::default();
    segments(scan, &mut orientations)?;
    if let Some((orientation, at)) = orientations.settle() {
        let tiff = exif::only_orientation(orientation);
        let size = u8::try_from(tiff.len() + 8).unwrap_or(u8::MAX);
        scan.edits.put(at, [&[0xff, APP1, 0, size], &b"Exif\0\0"[..], &tiff].concat());
    }
    Ok(())
}

/// The walk from segment to segment.
struct Walk {
    /// The segment that is looked at: offset of its marker.
    at: u64,
    /// Height and width of the picture, once a frame header stated them.
    frame: Option<[u8; 4]>,
    /// Whether a scan, that is coded picture, was there.
    pictured: bool,
}

/// Looks at one segment after another, up to the end of the picture.
fn segments<R: Read + Seek>(scan: &mut Scan<R>, orientations: &mut Orientations) -> Result<(), Unclean> {
    let mut walk = Walk { at: 2, frame: None, pictured: false };
    loop {
        skip(scan, &mut walk)?;
        let marker = match &scan.peek(walk.at, 2)?[..] {
            [0xff, marker] => *marker,
            // Cut off in its picture: there is nothing behind that.
            _ if walk.pictured => return Ok(()),
            _ => return Err(Unclean::Damaged("the file is incomplete")),
        };
        match marker {
            EOI if walk.pictured => return end(scan, &walk),
            EOI => return Err(INVALID),
            // Markers that stand alone.
            0x01 | 0xd0..=SOI => {
                walk.at += 2;
                continue;
            }
            _ => {}
        }
        let len = u64::from(scan.u16(walk.at + 2)?) + 2;
        if len < 4 || walk.at + len > scan.len {
            return Err(Unclean::Damaged("a segment is incomplete"));
        }
        // Tables, frames and scans are what a decoder needs; everything else is an application's, or nobody's.
        if !matches!(marker, 0xc0..=0xcf | SOS..=0xdf) {
            application(scan, marker, walk.at, len, orientations)?;
        }
        check(scan, marker, len, &mut walk)?;
        walk.at += len;
        if marker == SOS {
            walk.pictured = true;
            walk.at = next_marker(scan, walk.at, true)?;
        }
    }
}

/// Goes to the next marker. Decoders skip what is no marker, and what fills up the space before one. It goes.
fn skip<R: Read + Seek>(scan: &mut Scan<R>, walk: &mut Walk) -> Result<(), Unclean> {
    let found = next_marker(scan, walk.at, false)?;
    if found > walk.at {
        let skipped = scan.peek(walk.at, (found - walk.at).min(LOOKED_INTO))?;
        scan.removed.read(&skipped);
        if skipped.iter().any(|byte| !matches!(byte, 0 | 0xff)) {
            scan.removed.field("bytes between segments");
        }
        scan.edits.remove(walk.at, found - walk.at);
        walk.at = found;
    }
    Ok(())
}

/// Cuts off what is behind the end of the picture. A film of JPEGs is one after another, all of one size. Phones hide
/// one picture behind a photo, or two of other sizes.
fn end<R: Read + Seek>(scan: &mut Scan<R>, walk: &Walk) -> Result<(), Unclean> {
    let behind = walk.at + 2;
    if walk.frame.is_some() && frame_behind(scan, behind)? == walk.frame {
        let second = end_behind(scan, behind)?;
        if frame_behind(scan, second)? == walk.frame {
            return Err(Unclean::Damaged("another picture follows the first one"));
        }
    }
    Ok(scan.cut(behind)?)
}

/// Checks the segment of `len` bytes that the walk has come to. Since bytes between segments are skipped, anything can
/// look like segments. A frame and a scan of it cannot.
fn check<R: Read + Seek>(scan: &mut Scan<R>, marker: u8, len: u64, walk: &mut Walk) -> Result<(), Unclean> {
    match marker {
        0xc4 | 0xc8 | 0xcc => {}
        // In a coded picture only these follow; another marker is a damaged byte of it (T.81, B.2).
        0xc0..=0xcf if walk.pictured => return Err(DAMAGED),
        0xc0..=0xcf => walk.frame = frame_at(scan, walk.at, len)?,
        SOS => {
            let [components] = scan.array::<1>(walk.at + 4)?;
            if walk.frame.is_none() || components == 0 || len != 8 + 2 * u64::from(components) {
                return Err(INVALID);
            }
        }
        0x02..=0xbf => return Err(INVALID),
        0xe0..=0xef | 0xfe if walk.pictured => {
            let next = scan.peek(walk.at + len, 2)?;
            if !matches!(next[..], [0xff, 1..=0xfe]) {
                return Err(DAMAGED);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The height and width that a frame header states, as they stand there. `None`: it is none.
fn frame_at<R: Read + Seek>(scan: &mut Scan<R>, at: u64, len: u64) -> Result<Option<[u8; 4]>, Unclean> {
    if len < 10 {
        return Ok(None);
    }
    let [_, a, b, c, d, components] = scan.array(at + 4)?;
    Ok((components > 0 && len == 10 + 3 * u64::from(components)).then_some([a, b, c, d]))
}

/// The same of a JPEG that begins at `at`, if one does.
fn frame_behind<R: Read + Seek>(scan: &mut Scan<R>, mut at: u64) -> Result<Option<[u8; 4]>, Unclean> {
    if scan.peek(at, 3)?[..] != [0xff, SOI, 0xff] {
        return Ok(None);
    }
    at += 2;
    while let [0xff, marker, high, low] = scan.peek(at, 4)?[..] {
        let len = u64::from(u16::from_be_bytes([high, low])) + 2;
        match marker {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => return if at + len > scan.len { Ok(None) } else { frame_at(scan, at, len) },
            0..=0xbf | 0xd0..=SOS => return Ok(None),
            _ => {}
        }
        at += len;
    }
    Ok(None)
}

/// The end of the JPEG that begins at `at`, or of the file.
fn end_behind<R: Read + Seek>(scan: &mut Scan<R>, mut at: u64) -> Result<u64, Unclean> {
    let mut is_coded = false;
    loop {
        at = next_marker(scan, at, is_coded)?;
        let [0xff, marker, high, low] = scan.peek(at, 4)?[..] else { return Ok(scan.len) };
        match marker {
            EOI => return Ok(at + 2),
            0x01 | 0xd0..=SOI => at += 2,
            _ => at += u64::from(u16::from_be_bytes([high, low])) + 2,
        }
        is_coded = marker == SOS;
    }
}

/// A segment that decoders may skip.
fn application<R: Read + Seek>(
    scan: &mut Scan<R>,
    marker: u8,
    at: u64,
    len: u64,
    orientations: &mut Orientations,
) -> Result<(), Unclean> {
    let head = scan.peek(at + 4, (len - 4).min(LOOKED_INTO))?;
    match marker {
        APP0 if head.starts_with(b"JFIF\0") && head.len() >= 14 => {
            if len > JFIF_LEN {
                scan.removed.thumbnail = true;
                let mut short = vec![0xff, APP0, 0, 16];
                short.extend(&head[..12]);
                short.extend([0, 0]);
                scan.edits.replace(at, len, short);
            }
        }
        APP2 if head.starts_with(b"ICC_PROFILE\0") => {}
        // The meaning of the colors' numbers.
        APP14 if head.starts_with(b"Adobe") && head.len() >= 12 => {
            if len > ADOBE_LEN {
                scan.removed.field("application data");
                scan.edits.replace(at, len, [&[0xff, APP14, 0, 14], &head[..12]].concat());
            }
        }
        APP1 if head.starts_with(b"Exif\0") && head.len() >= 6 => {
            let orientation = exif::read(&head[6..], &mut scan.removed);
            orientations.note(Source::Exif, orientation, at);
            scan.edits.remove(at, len);
        }
        _ => {
            match marker {
                COM => scan.removed.field("comment"),
                _ if head.starts_with(b"JFXX") => scan.removed.thumbnail = true,
                // An index of further pictures behind this one has no metadata itself.
                _ if head.starts_with(b"MPF\0") => {}
                _ => scan.removed.piece(&head),
            }
            if marker == APP1 {
                orientations.note(Source::Xmp, in_xmp(&head), at);
            }
            scan.edits.remove(at, len);
        }
    }
    Ok(())
}

/// The next marker from `at` on, or the file's end: in a coded picture, `FF 00` is a byte, and `FF D0` to `FF D7`
/// restart the decoder. Elsewhere, `FF 00` is no marker either (libjpeg's `next_marker`).
fn next_marker<R: Read + Seek>(scan: &mut Scan<R>, at: u64, is_coded: bool) -> Result<u64, Unclean> {
    scan.seek(at)?;
    let mut escaped = false;
    loop {
        let buffer = scan.reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(scan.len);
        }
        let mut rest = buffer;
        let mut found = None;
        while !rest.is_empty() {
            if escaped {
                escaped = rest[0] == 0xff;
                let is_restart = is_coded && matches!(rest[0], 0xd0..=0xd7);
                if !is_restart && !matches!(rest[0], 0 | 0xff) {
                    found = Some(scan.at + (buffer.len() - rest.len()) as u64 - 1);
                    break;
                }
                rest = &rest[1..];
            } else {
                match rest.iter().position(|byte| *byte == 0xff) {
                    Some(position) => {
                        escaped = true;
                        rest = &rest[position + 1..];
                    }
                    None => rest = &[],
                }
            }
        }
        if let Some(found) = found {
            return Ok(found);
        }
        let count = buffer.len();
        scan.reader.consume(count);
        scan.at += count as u64;
    }
}
