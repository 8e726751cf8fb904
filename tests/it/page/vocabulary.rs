//! Files with each name that the removers of the program or of the page know, in each place where a name can stand: the
//! lists of both must be equal.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::oddities::{boxed, chunk, png};
use crate::support::{ROOT, files};

/// The sources of both removers, without comments and unit tests.
fn sources() -> String {
    let directories = ["src/media", "src/page/strip"].map(|directory| files(&Path::new(ROOT).join(directory)));
    let text = |path| fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let all: Vec<String> = directories.into_iter().flatten().map(text).collect();
    let is_code = |line: &&str| !["//", "/*", "* "].iter().any(|mark| line.trim_start().starts_with(mark));
    all.join("\n").lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// The text literals in a line of code, as bytes.
fn literals(line: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('"') {
        let (mut literal, mut chars) = (Vec::new(), after.chars());
        loop {
            match chars.next() {
                None => return found,
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some('x') => {
                        let digits: String = chars.by_ref().take(2).collect();
                        literal.extend(u8::from_str_radix(&digits, 16));
                    }
                    Some('0') => literal.push(0),
                    Some('n') => literal.push(b'\n'),
                    Some('r') => literal.push(b'\r'),
                    other => literal.extend(other.and_then(|c| u8::try_from(c).ok())),
                },
                Some(c) => literal.extend(u8::try_from(c)),
            }
        }
        found.push(literal);
        rest = chars.as_str();
    }
    found
}

/// Labels, names and contents.
pub(super) fn named() -> Vec<(String, String, Vec<u8>)> {
    let sources = sources();
    let words: BTreeSet<Vec<u8>> = sources.lines().flat_map(literals).filter(|word| !word.is_empty()).collect();
    let mut all = Vec::new();
    let mut add = |what: &str, word: &[u8], bytes: Vec<u8>| {
        all.push((format!("{what} {}", word.escape_ascii()), "file".to_owned(), bytes));
    };
    for word in &words {
        for (what, bytes) in texts(word) {
            add(what, word, bytes);
        }
        // The first and the last four letters, such as those of a box behind the length with which a file begins.
        for part in [word.get(..4), word.len().checked_sub(4).map(|at| &word[at..])].into_iter().flatten() {
            for (what, bytes) in boxes(part).into_iter().chain(chunks(part)) {
                add(what, part, bytes);
            }
        }
    }
    for marker in 1..=0xfe {
        let segment = [&[0xff, marker, 0, 8], &b"words."[..]].concat();
        for (what, before) in [("before the picture", true), ("in the picture", false)] {
            add(&format!("marker {what}"), &[marker], jpeg(&segment, before));
        }
    }
    for tag in tags(&sources) {
        add("tag", &tag.to_be_bytes(), jpeg(&exif(tag), true));
    }
    let extensions: BTreeSet<&str> = sources.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    for word in extensions.into_iter().filter(|word| word.len() < 6) {
        all.push((format!("extension {word}"), format!("a.{word}"), vec![0, 1, 2]));
    }
    assert!(words.len() > 300 && all.len() > 10_000, "{} {}", words.len(), all.len());
    all
}

/// A word as text in a picture, and at places where the kind of a file is found.
fn texts(word: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let at = |at: usize| [&vec![b'~'; at][..], word, &[0, 1, 2], &[0; 300]].concat();
    let segment = |marker: u8| {
        let len = u16::try_from(word.len() + 3).unwrap().to_be_bytes();
        jpeg(&[&[0xff, marker], &len[..], word, b"."].concat(), true)
    };
    let len = u8::try_from(word.len().min(255)).unwrap();
    let extension = [&b"GIF89a\x01\0\x01\0\0\0\0\x21\xff"[..], &[len], word, &[0], b";"].concat();
    vec![
        ("text", png(&[chunk(b"tEXt", &[b"..", word, b".."].concat())])),
        ("keyword", png(&[chunk(b"tEXt", &[word, b"\0tiff:Orientation='3'"].concat())])),
        ("application", extension),
        ("APP0", segment(0xe0)),
        ("APP1", segment(0xe1)),
        ("APP2", segment(0xe2)),
        ("APP14", segment(0xee)),
        ("head", at(0)),
        ("head at 4", at(4)),
        ("head at 8", at(8)),
        ("head at 12", at(12)),
        ("head at 28", at(28)),
        ("head at 257", at(257)),
        ("archive", [&b"PK\x03\x04"[..], &[0; 26], word, &[0; 60]].concat()),
        ("element", [b"<", word, b">"].concat()),
    ]
}

/// A chunk of this kind.
fn chunks(kind: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let riff = |chunks: &[u8]| {
        let len = u32::try_from(4 + chunks.len()).unwrap().to_le_bytes();
        [b"RIFF", &len[..], b"WEBP", chunks].concat()
    };
    let little = |kind: &[u8], content: &[u8]| {
        [kind, &u32::try_from(content.len()).unwrap().to_le_bytes()[..], content].concat()
    };
    let frame = little(b"ANMF", &[&[0; 16][..], &little(kind, b"words."), &little(b"VP8 ", b"....")].concat());
    vec![
        ("chunk of PNG", png(&[chunk(kind, b"some words")])),
        ("chunk of WebP", riff(&[little(kind, b"some words"), little(b"VP8 ", b"....")].concat())),
        ("chunk in a frame", riff(&frame)),
        ("brand", [b"\0\0\0\x14ftyp", kind, &[0; 4], kind, &[0; 40]].concat()),
        ("first box", [&[0, 0, 0, 12], kind, b"data", &boxed(b"moov", &[])].concat()),
    ]
}

/// A box of this kind in each place of a film and of a picture; and a track and an item of this kind.
fn boxes(kind: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let odd = boxed(kind, &[b"\0\0\0\0\0\0\0\x01some words"]);
    let none: &[u8] = &[];
    let within = |place: &str| if place.is_empty() { none } else { &odd };
    let film = |place: &str, handler: &[u8]| {
        let of = |name: &str| within(if name == place { name } else { "" });
        let table = boxed(
            b"stbl",
            &[&boxed(b"stsc", &[&[0; 8]]), &boxed(b"stsz", &[&[0; 12]]), &boxed(b"stco", &[&[0; 8]]), of("stbl")],
        );
        let handled = boxed(b"hdlr", &[&[0; 8], handler, b"name"]);
        let media = boxed(b"mdia", &[&handled, &boxed(b"minf", &[&table, of("minf")]), of("mdia")]);
        let header = boxed(b"tkhd", &[&[0; 12], &1u32.to_be_bytes(), &[0; 68]]);
        let track = boxed(b"trak", &[&header, &media, &boxed(b"edts", &[of("edts")]), of("trak")]);
        let run = boxed(b"traf", &[&boxed(b"tfhd", &[&[0; 4], &1u32.to_be_bytes()]), of("traf")]);
        let top = [boxed(b"ftyp", &[b"isom\0\0\0\0"]), boxed(b"moov", &[&track, of("moov")])].concat();
        let piece = boxed(b"moof", &[&run, of("moof")]);
        [&top, of("top"), &piece, &boxed(b"mdat", &[b"data"])].concat()
    };
    let still = |place: &str, item: &[u8]| {
        let of = |name: &str| within(if name == place { name } else { "" });
        let entry = |id: u8, kind: &[u8]| boxed(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind, b"name\0"]);
        let meta = boxed(
            b"meta",
            &[
                &[0; 4],
                &boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
                &boxed(b"pitm", &[&[0; 4], &1u16.to_be_bytes()]),
                &boxed(b"iinf", &[&[0; 4], &2u16.to_be_bytes(), &entry(1, b"hvc1"), &entry(2, item)]),
                &boxed(b"iprp", &[&boxed(b"ipco", &[of("ipco")])]),
                &boxed(b"iloc", &[&[0; 4], &[0x44, 0, 0, 1], &[0, 2, 0, 0, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 4]]),
                of("meta"),
            ],
        );
        [boxed(b"ftyp", &[b"heic\0\0\0\0mif1"]), meta, boxed(b"mdat", &[b"data"])].concat()
    };
    let mut all = vec![("handler", film("", kind)), ("item", still("", kind))];
    all.extend(
        ["top", "moov", "trak", "edts", "mdia", "minf", "stbl", "moof", "traf"].map(|at| (at, film(at, b"vide"))),
    );
    all.extend(["meta", "ipco"].map(|at| (at, still(at, b"grid"))));
    all
}

/// A JPEG with a segment before its picture, or within it.
fn jpeg(segment: &[u8], is_before: bool) -> Vec<u8> {
    let frame = b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\0\0\0";
    let picture = b"\xff\xda\0\x08\x01\0\0\0\0\0.";
    let (before, within) = if is_before { (segment, &b""[..]) } else { (&b""[..], segment) };
    [b"\xff\xd8", before, frame, picture, within, b"\xff\xd9"].concat()
}

/// The tags that the sources name, and their neighbors.
fn tags(sources: &str) -> BTreeSet<u16> {
    let hex = sources.split("0x").skip(1).filter_map(|rest| u16::from_str_radix(rest.get(..4)?, 16).ok());
    hex.flat_map(|tag| [tag.wrapping_sub(1), tag, tag.wrapping_add(1)]).collect()
}

/// EXIF of one entry.
fn exif(tag: u16) -> Vec<u8> {
    let entry = [&tag.to_be_bytes()[..], &[0, 3, 0, 0, 0, 1, 0, 6, 0, 0]].concat();
    let tiff = [&b"MM\0\x2a\0\0\0\x08\0\x01"[..], &entry, &[0; 4]].concat();
    let len = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    [&[0xff, 0xe1], &len[..], b"Exif\0\0", &tiff].concat()
}
