//! Photos and films damaged in their structure: cut off, with changed lengths, with pieces twice or without them.

use crate::support::noise;

/// A number that states the length of a piece.
#[derive(Clone, Copy)]
struct Field {
    at: usize,
    width: usize,
    is_little: bool,
}

/// A piece of a file: a segment, a chunk, a block or a box.
struct Piece {
    at: usize,
    end: usize,
    field: Field,
}

impl Field {
    fn read(self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(self.at..self.at + self.width)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }

    fn write(self, bytes: &mut [u8], number: u64) {
        let mut written = number.to_be_bytes()[8 - self.width..].to_vec();
        if self.is_little {
            written.reverse();
        }
        bytes[self.at..self.at + self.width].copy_from_slice(&written);
    }
}

/// `count` damaged files, with a description of the damage. The same for each seed.
pub(super) fn mutated(whole: &[u8], seed: u64, count: usize) -> Vec<(String, Vec<u8>)> {
    let pieces = pieces(whole);
    assert!(pieces.len() > 3, "{}", pieces.len());
    let mut random = noise(count * 80, seed).into_iter();
    let mut below = |limit: usize| {
        let bytes: Vec<u8> = random.by_ref().take(4).collect();
        u32::from_le_bytes(bytes.try_into().unwrap()) as usize % limit
    };
    (0..count)
        .map(|round| {
            let mut bytes = whole.to_vec();
            let piece = &pieces[below(pieces.len())];
            let what = match round % 8 {
                0 => {
                    let len = below(bytes.len());
                    bytes.truncate(len);
                    format!("cut to {len}")
                }
                1 => {
                    let at = piece.at + below(piece.end - piece.at);
                    bytes.truncate(at);
                    format!("cut within a piece, to {at}")
                }
                2 => {
                    // Most are in structures at the beginning or the end.
                    let places: Vec<usize> = (0..4).map(|_| below(bytes.len())).collect();
                    for at in &places {
                        bytes[*at] ^= 1 << below(8);
                    }
                    format!("bits at {places:?}")
                }
                3 => {
                    let at = piece.at + below((piece.end - piece.at).min(32));
                    let byte = u8::try_from(below(256)).unwrap();
                    bytes[at] = byte;
                    format!("byte {byte} at {at}")
                }
                4 | 5 => {
                    let old = piece.field.read(&bytes).unwrap();
                    let huge = u64::MAX >> (64 - 8 * piece.field.width);
                    let new =
                        [0, 1, old.wrapping_sub(1), old + 1, old + 8, old * 2, huge, huge / 2, huge - 7][below(9)];
                    piece.field.write(&mut bytes, new);
                    format!("length {new} for {old} at {}", piece.field.at)
                }
                6 => {
                    bytes.splice(piece.end..piece.end, whole[piece.at..piece.end].to_vec());
                    format!("twice {}..{}", piece.at, piece.end)
                }
                _ => {
                    bytes.drain(piece.at..piece.end);
                    format!("without {}..{}", piece.at, piece.end)
                }
            };
            (what, bytes)
        })
        .collect()
}

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    match bytes {
        [0xff, 0xd8, ..] => segments(bytes),
        [0x89, b'P', ..] => chunks(bytes, 8, false),
        [b'R', b'I', ..] => chunks(bytes, 12, true),
        [b'G', b'I', ..] => blocks(bytes),
        _ => boxes(bytes, 0, bytes.len()),
    }
}

/// The segments of a JPEG up to its picture.
fn segments(bytes: &[u8]) -> Vec<Piece> {
    let (mut at, mut found) = (2, Vec::new());
    while bytes[at + 1] != 0xda {
        let field = Field { at: at + 2, width: 2, is_little: false };
        let end = at + 2 + usize::try_from(field.read(bytes).unwrap()).unwrap();
        found.push(Piece { at, end, field });
        at = end;
    }
    found
}

/// The chunks of a PNG, or of a RIFF file.
fn chunks(bytes: &[u8], first: usize, is_riff: bool) -> Vec<Piece> {
    let (mut at, mut found) = (first, Vec::new());
    while at + 8 <= bytes.len() {
        let field = Field { at: at + if is_riff { 4 } else { 0 }, width: 4, is_little: is_riff };
        let len = usize::try_from(field.read(bytes).unwrap()).unwrap();
        let end = (at + if is_riff { 8 + len + len % 2 } else { 12 + len }).min(bytes.len());
        found.push(Piece { at, end, field });
        at = end;
    }
    found
}

/// The blocks of a GIF, with the length of their first piece.
fn blocks(bytes: &[u8]) -> Vec<Piece> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let (mut at, mut found) = (13 + table(bytes[10]), Vec::new());
    while bytes[at] != 0x3b {
        let first = if bytes[at] == 0x2c { at + 11 + table(bytes[at + 9]) } else { at + 2 };
        let mut end = first;
        while bytes[end] != 0 {
            end += 1 + usize::from(bytes[end]);
        }
        end += 1;
        found.push(Piece { at, end, field: Field { at: first, width: 1, is_little: false } });
        at = end;
    }
    found
}

/// Boxes, and the boxes in them. The tables of a film also count as pieces: their numbers of entries.
fn boxes(bytes: &[u8], first: usize, last: usize) -> Vec<Piece> {
    let (mut at, mut found) = (first, Vec::new());
    while at + 8 <= last {
        let field = Field { at, width: 4, is_little: false };
        let len = match usize::try_from(field.read(bytes).unwrap()).unwrap() {
            0 => last - at,
            len => len,
        };
        let end = at + len;
        if len < 8 || end > last {
            break;
        }
        found.push(Piece { at, end, field });
        let inner = match &bytes[at + 4..at + 8] {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"udta" | b"dinf" | b"edts" | b"mvex" | b"moof"
            | b"traf" | b"iprp" | b"ipco" => Some(8),
            b"meta" => Some(12),
            b"iinf" => Some(14),
            b"dref" | b"stsd" => Some(16),
            _ => None,
        };
        if let b"stco" | b"co64" | b"stsc" | b"stsz" | b"trun" | b"iloc" = &bytes[at + 4..at + 8] {
            for number in [at + 12, at + 16].into_iter().filter(|number| number + 4 <= end) {
                found.push(Piece { at, end, field: Field { at: number, width: 4, is_little: false } });
            }
        }
        if let Some(skip) = inner {
            found.extend(boxes(bytes, at + skip, end));
        }
        at = end;
    }
    found
}
