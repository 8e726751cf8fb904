//! Small files that are valid in a rare way, or damaged in one that noise does not find.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Names and contents.
pub(super) fn crafted() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = texts();
    all.extend(heads());
    all.extend(pictures());
    all.extend(films());
    all.extend(stills());
    all.extend(tracks());
    all.extend(fragments());
    all
}

/// Texts, and what is none. The head ends at 8192 bytes.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let cut = |before: usize, behind: &str| [" ".repeat(before).as_bytes(), "é".as_bytes(), behind.as_bytes()].concat();
    vec![
        ("empty.jpg", Vec::new()),
        ("plain.txt", b"a text".to_vec()),
        ("plain", b"a text".to_vec()),
        ("plain.nef", b"a text".to_vec()),
        (".jpg", b"a text".to_vec()),
        ("a.", b"a text".to_vec()),
        ("UPPER.JPG", b"a text".to_vec()),
        ("whole.txt", cut(8190, "")),
        ("cut-at-head.txt", cut(8191, "")),
        ("cut-in-head.txt", cut(8191, "more")),
        ("before-head.txt", cut(8189, "")),
        ("broken.txt", b"\xc3".to_vec()),
        ("surrogate.txt", b"a\xed\xa0\x80".to_vec()),
        ("overlong.txt", b"a\xc0\x80".to_vec()),
        ("zero.txt", b"a\0b".to_vec()),
        ("mark.txt", b"\xef\xbb\xbfa".to_vec()),
        ("page.html", b"<!DOCTYPE html><svg></svg>".to_vec()),
        (
            "drawing",
            b"\xef\xbb\xbf \n<?xml version=\"1.0\"?><!-- > --><!DOCTYPE svg [<!ENTITY a \"b\">]><svg:svg>".to_vec(),
        ),
        ("drawing-next-line", b"\xc2\x85<svg>".to_vec()),
        ("drawing-open", b"<!-- <svg>".to_vec()),
        ("no-drawing", b"<svgs>".to_vec()),
        ("document.rtf", b"{\\rtf1}".to_vec()),
        ("document.DOCX", b"nothing that is known".to_vec()),
        ("junk", b"junk\n%PDF-1.4".to_vec()),
        ("half-pdf", b"junk\n%PDF".to_vec()),
        ("letters.txt", b"BMW".to_vec()),
        ("letters-and-escape.txt", b"BM\x1b[0m".to_vec()),
        ("letters-and-lines.txt", b"GIF\r\n\x0c\t".to_vec()),
        ("letters-and-tab.txt", b"BM\x0b".to_vec()),
    ]
}

/// Beginnings of other formats, each as it is and one byte shorter: lengths count.
fn heads() -> Vec<(&'static str, Vec<u8>)> {
    // Behind bytes that are no text.
    let padded = |at: usize, bytes: &[u8]| [&vec![1; at][..], bytes].concat();
    let brands = |brands: &[u8]| [&[0, 0, 0, u8::try_from(8 + brands.len()).unwrap()], &b"ftyp"[..], brands].concat();
    let office = |names: [&str; 4]| {
        let file = |name: &&str| [b"PK\x03\x04", &[0; 26][..], name.as_bytes(), &[b'.'; 60]].concat();
        names.iter().map(file).collect::<Vec<_>>().concat()
    };
    let mut packets = vec![0; 800];
    for at in [4, 196, 388, 580] {
        packets[at] = 0x47;
    }
    let heads = vec![
        b"\x7fELF".iter().copied().chain([0; 49]).collect(),
        b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec(),
        b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec(),
        b"\xca\xfe\xba\xbe\0\x01\0\x02".to_vec(),
        b"\xfe\xed\xfa\xcf".to_vec(),
        b"\x64\x86.".to_vec(),
        b"-----BEGIN X".to_vec(),
        [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/epub+zip"].concat(),
        [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"].concat(),
        [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeimage/openraster"].concat(),
        office(["[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/styles.xml"]),
        office(["[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml", "xl/styles.xml"]),
        office(["_rels/.rels", "docProps/app.xml", "ppt/a.xml", "other"]),
        office(["ppt/a.xml", "b", "c", "d"]),
        padded(60, b"BOOKMOBI"),
        b"II*\0\x08\0\0\0\x43\x52\x02".to_vec(),
        b"MM\0*\0\0\0\x08..".to_vec(),
        b"FUJIFILMCCD-RAW".to_vec(),
        brands(b"heic\0\0\0\0mif1"),
        brands(b"mif1\0\0\0\0miafheic"),
        brands(b"mif1\0\0\0\0miafavif"),
        brands(b"mif1\0\0\0\0miaf"),
        brands(b"crx \0\0\0\0"),
        brands(b"3gp4\0\0\0\0"),
        brands(b"M4A \0\0\0\0"),
        brands(b"XAVC\0\0\0\0"),
        padded(4, b"pnot...."),
        padded(12, b"mdat"),
        [&b"\x1a\x45\xdf\xa3\x42\x82\x88matroska"[..], &[0; 242]].concat(),
        [&b"\x1a\x45\xdf\xa3\x42\x82\x84webm"[..], &[0; 246]].concat(),
        padded(257, b"ustar"),
        padded(128, b"DICM"),
        [&b"RIFF....AVI"[..], &b" "[..]].concat(),
        [&b"OggS"[..], &[0; 24], b"OpusHead"].concat(),
        b"\xff\xfb.".to_vec(),
        b"\0\0\x01\xb3".to_vec(),
        b"\x50\x2a\x4d\x18\x02\0\0\0..\x28\xb5\x2f\xfd".to_vec(),
        b"\x5f\x2a\x4d\x18\xff\xff\xff\xff\x04\x22\x4d\x18".to_vec(),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(),
        [&[0; 8][..], &b"\x02\0\x01"[..], &[0; 23], b"LP"].concat(),
        [&[0; 70][..], &b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02"[..]].concat(),
        b"AC1032".to_vec(),
        packets,
    ];
    let shorter: Vec<_> = heads.iter().map(|head: &Vec<u8>| head[..head.len() - 1].to_vec()).collect();
    heads.into_iter().chain(shorter).map(|head| ("head", head)).collect()
}

pub(super) fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let sum = crc32fast::hash(&[kind, content].concat());
    [&u32::try_from(content.len()).unwrap().to_be_bytes(), kind, content, &sum.to_be_bytes()].concat()
}

pub(super) fn png(metadata: &[Vec<u8>]) -> Vec<u8> {
    let head = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let (picture, end) = (chunk(b"IDAT", b"x"), chunk(b"IEND", b""));
    [b"\x89PNG\r\n\x1a\n", &head[..], &metadata.concat(), &picture, &end].concat()
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Texts that state an orientation, compressed well and badly, and JPEGs of markers.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let xmp = packed(b"<rdf:Description tiff:Orientation=\"6\"/>");
    let long = [&b" ".repeat((1 << 20) - 39)[..], b"<rdf:Description tiff:Orientation=\"6\"/>"].concat();
    let raw = b"\nexif\n  34\n4d4d002a000000080001011200030000000100060000 00000000\n";
    let text = |packed: &[u8]| [&b"Raw profile type xmp\0\0"[..], packed].concat();
    let z = |packed: &[u8]| png(&[chunk(b"zTXt", &text(packed))]);
    let mut wrong_sum = xmp.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    let itxt = |flag: u8, packed: &[u8]| {
        png(&[chunk(b"iTXt", &[b"XML:com.adobe.xmp\0", &[flag, 0][..], b"en\0XMP\0", packed].concat())])
    };
    let shown = b"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\0\0\0\xff\xda\0\x08\x01\0\0\0\0\0.\xff\xd9".to_vec();
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x08\0\0\0";
    let with = |segment: &[u8]| [&shown[..2], segment, &shown[2..]].concat();
    let exif = [&b"\xff\xd8\xff\xe1\0\x22Exif\0\0"[..], tiff, &shown[2..]].concat();
    vec![
        ("well.png", z(&xmp)),
        ("wrong-sum.png", z(&wrong_sum)),
        ("short.png", z(&xmp[..xmp.len() - 1])),
        ("without-sum.png", z(&xmp[..xmp.len() - 4])),
        ("followed.png", z(&[&xmp[..], b"."].concat())),
        ("no-zlib.png", z(b"text")),
        ("nothing.png", z(b"")),
        ("longest.png", z(&packed(&long))),
        ("too-long.png", z(&packed(&[&long[..], b" "].concat()))),
        ("bomb.png", z(&packed(&vec![0; 64 << 20]))),
        ("raw-exif.png", png(&[chunk(b"tEXt", &[&b"Raw profile type exif\0"[..], raw].concat())])),
        ("international.png", itxt(1, &xmp)),
        ("international-plain.png", itxt(0, b"tiff:Orientation='8' ")),
        ("international-flag.png", itxt(2, b"tiff:Orientation>3<")),
        ("two-places.png", png(&[chunk(b"zTXt", &text(&xmp)), chunk(b"eXIf", tiff)])),
        ("unknown-chunk.png", png(&[chunk(b"ABCD", b"")])),
        ("two.png", [png(&[]), png(&[])].concat()),
        ("shown.jpg", shown.clone()),
        ("turned.jpg", exif),
        ("padded.jpg", [&shown[..], &[0; 100]].concat()),
        ("padded-far.jpg", [&shown[..], &vec![0; (1 << 20) + 1]].concat()),
        ("two.jpg", shown.repeat(2)),
        ("three.jpg", shown.repeat(3)),
        ("many-starts.jpg", [&b"\xff\xd8".repeat(20_000)[..], &shown].concat()),
        ("many-escapes.jpg", [&shown[..2], &vec![0xff; 100_000], &shown[2..]].concat()),
        ("colors.jpg", with(b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\x01")),
        ("colors-long.jpg", with(b"\xff\xee\0\x12Adobe\0d\0\0\0\0\x01more")),
        ("colors-short.jpg", with(b"\xff\xee\0\x0dAdobe\0d\0\0\0\0")),
        ("jfif.jpg", with(b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0")),
        ("jfif-long.jpg", with(b"\xff\xe0\0\x13JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01rgb")),
        ("jfif-short.jpg", with(b"\xff\xe0\0\x0fJFIF\0\x01\x01\0\0\x01\0\x01\0")),
        ("exif-short.jpg", with(b"\xff\xe1\0\x07Exif\0")),
        ("frame-twice.jpg", [&shown[..26], &shown[2..]].concat()),
        ("scan-without-frame.jpg", [&shown[..2], &shown[15..]].concat()),
        ("comment-at-end.jpg", [&shown[..26], &b"\xff\xfe\0\x04ab"[..]].concat()),
        ("cut-in-picture.jpg", shown[..26].to_vec()),
        ("cut-before-picture.jpg", shown[..15].to_vec()),
        ("only-starts.jpg", [&b"\xff\xd8\xff"[..], &b"\xd8\xff".repeat(300_000)].concat()),
    ]
}

pub(super) fn boxed(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&u32::try_from(8 + content.len()).unwrap().to_be_bytes(), kind, &content].concat()
}

/// A film of one track whose chunks begin at these places.
fn film(places: &[u64], sizes: [u32; 2]) -> Vec<u8> {
    let count = u32::try_from(places.len()).unwrap().to_be_bytes();
    let places: Vec<u8> = places.iter().flat_map(|place| place.to_be_bytes()).collect();
    let [size, samples] = sizes.map(u32::to_be_bytes);
    let run = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
    let table = boxed(
        b"stbl",
        &[
            &boxed(b"stsc", &[&[0; 4], &run]),
            &boxed(b"stsz", &[&[0; 4], &size, &samples]),
            &boxed(b"co64", &[&[0; 4], &count, &places]),
        ],
    );
    let handler = boxed(b"hdlr", &[&[0; 8], b"vide", b"CANARY name\0"]);
    let media = boxed(b"mdia", &[&handler, &boxed(b"minf", &[&table])]);
    let track = boxed(b"trak", &[&boxed(b"tkhd", &[&[0; 84]]), &media]);
    [boxed(b"ftyp", &[b"isom\0\0\0\0"]), boxed(b"moov", &[&track])].concat()
}

/// Numbers of 64 bits at their limits.
fn films() -> Vec<(&'static str, Vec<u8>)> {
    let short = film(&[0], [1, 1]);
    let data = u64::try_from(short.len()).unwrap() + 8;
    let with = |places: &[u64], sizes| [film(places, sizes), boxed(b"mdat", &[b"CANARY data"])].concat();
    let wide = |len: u64| {
        let head = [&1u32.to_be_bytes()[..], b"mdat", &len.to_be_bytes(), b"data"].concat();
        [film(&[data], [4, 1]), head].concat()
    };
    vec![
        ("well.mp4", with(&[data], [4, 1])),
        ("beyond.mp4", with(&[1 << 40], [4, 1])),
        ("double.mp4", with(&[1 << 53], [1, 1])),
        ("double-and-one.mp4", with(&[(1 << 53) + 1], [1, 1])),
        ("half.mp4", with(&[1 << 63], [1, 1])),
        ("most.mp4", with(&[u64::MAX], [1, 1])),
        ("most-of-nothing.mp4", with(&[u64::MAX], [0, 0])),
        ("long-samples.mp4", with(&[data], [u32::MAX, u32::MAX])),
        ("overlapping.mp4", with(&[data, data + 2, data], [4, 3])),
        ("wide.mp4", wide(20)),
        ("wide-short.mp4", wide(15)),
        ("wide-far.mp4", wide(1 << 53)),
        ("wide-almost-most.mp4", wide(u64::MAX - data + 8)),
        ("wide-over.mp4", wide(u64::MAX - data + 9)),
        ("wide-most.mp4", [&1u32.to_be_bytes()[..], b"mdat", &u64::MAX.to_be_bytes(), b"data"].concat()),
        ("wide-cut.mp4", wide(20)[..short.len() + 12].to_vec()),
        ("many-boxes.mp4", [short, boxed(b"free", &[]).repeat(100_000), boxed(b"mdat", &[b"CANARY"])].concat()),
    ]
}

/// A picture with these items and places, of which each has so many extents that have no bytes.
fn still(items: &[(u16, &[u8; 4])], extents: u16) -> Vec<u8> {
    let count = u16::try_from(items.len()).unwrap().to_be_bytes();
    let entry =
        |(id, kind): &(u16, &[u8; 4])| boxed(b"infe", &[&[2, 0, 0, 0], &id.to_be_bytes(), &[0; 2], *kind, b"\0"]);
    let listed: Vec<u8> = items.iter().flat_map(entry).collect();
    let place = |(id, _): &(u16, &[u8; 4])| [id.to_be_bytes(), [0; 2], extents.to_be_bytes()].concat();
    let places: Vec<u8> = items.iter().flat_map(place).collect();
    let meta = boxed(
        b"meta",
        &[
            &[0; 4],
            &boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
            &boxed(b"pitm", &[&[0; 4], &1u16.to_be_bytes()]),
            &boxed(b"iinf", &[&[0; 4], &count, &listed]),
            // Neither offsets nor lengths: all of the file.
            &boxed(b"iloc", &[&[0; 6], &count, &places]),
        ],
    );
    [boxed(b"ftyp", &[b"heic\0\0\0\0mif1"]), meta, boxed(b"mdat", &[b"data"])].concat()
}

/// Lists that name everything many times.
fn stills() -> Vec<(&'static str, Vec<u8>)> {
    let many: Vec<(u16, &[u8; 4])> = (1..=1000).map(|id| (id, if id == 1 { b"hvc1" } else { b"mime" })).collect();
    vec![
        ("well.heic", still(&[(1, b"hvc1")], 1)),
        ("twice.heic", still(&[(1, b"hvc1"), (1, b"hvc1")], 1)),
        ("over.heic", still(&[(1, b"hvc1"), (2, b"mime")], 1)),
        ("many-extents.heic", still(&[(1, b"hvc1")], u16::MAX)),
        ("too-many-extents.heic", still(&many, u16::MAX)),
        ("many-items.heic", still(&many, 1)),
        ("no-extents.heic", still(&many, 0)),
    ]
}

/// Films with headers of both versions, too short ones, and samples in other files.
fn tracks() -> Vec<(&'static str, Vec<u8>)> {
    let film = |version: u8, header: usize, reference: u8, drop: &[u8; 4]| {
        let kept = |kind: &[u8; 4], content: Vec<u8>| if kind == drop { Vec::new() } else { boxed(kind, &[&content]) };
        let dates = |before: usize| [&[version, 0, 0, 0][..], &vec![7; before - 4]].concat();
        let entry = boxed(b"avc1", &[&[b'C'; 78], &boxed(b"avcC", &[b"...."])]);
        let described = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry]);
        let tables = [kept(b"stsc", vec![0; 8]), kept(b"stsz", vec![0; 12]), kept(b"stco", vec![0; 8]), described];
        let elsewhere = boxed(b"url ", &[&[0, 0, 0, reference], b"file:///CANARY\0"]);
        let references = boxed(b"dinf", &[&boxed(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1], &elsewhere])]);
        let information = kept(b"minf", [references, kept(b"stbl", tables.concat())].concat());
        let handler = kept(b"hdlr", [&[0; 8], &b"videCANARY name\0"[..]].concat());
        let media = kept(b"mdia", [boxed(b"mdhd", &[&dates(36)]), handler, information].concat());
        let track = boxed(b"trak", &[&kept(b"tkhd", dates(96)), &media]);
        let movie = boxed(b"moov", &[&boxed(b"mvhd", &[&dates(header)]), &track]);
        [boxed(b"ftyp", &[b"qt  \0\0\0\0"]), movie].concat()
    };
    let mut all = Vec::new();
    for version in [0, 1, 2] {
        for header in [4, 11, 12, 19, 20, 100] {
            all.push(film(version, header, 1, b"none"));
        }
    }
    all.push(film(0, 100, 0, b"none"));
    all.extend(
        [b"stsc", b"stsz", b"stco", b"minf", b"stbl", b"hdlr", b"mdia", b"tkhd"].map(|drop| film(0, 100, 1, drop)),
    );
    all.into_iter().map(|film| ("track.mov", film)).collect()
}

/// Pieces of a film with all kinds of fields, most of them beyond the end of the file.
fn fragments() -> Vec<(&'static str, Vec<u8>)> {
    let whole = film(&[0], [0, 0]);
    let mut all = Vec::new();
    for value in [0u32, 4, 100, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff] {
        let fields = value.to_be_bytes().repeat(10);
        for of_track in [0u32, 1, 2, 8, 0x10, 0x1b, 0x2_0000, 0x2_0018] {
            for of_run in [0u32, 1, 4, 5, 0x100, 0x200, 0x300, 0x601, 0xf05] {
                let head = boxed(b"tfhd", &[&of_track.to_be_bytes(), &[0; 4], &fields]);
                let run = boxed(b"trun", &[&of_run.to_be_bytes(), &[0, 0, 0, 2], &fields]);
                let piece = boxed(b"moof", &[&boxed(b"mfhd", &[&[0; 8]]), &boxed(b"traf", &[&head, &run, &run])]);
                all.push(("fragments.mp4", [&whole[..], &piece, &boxed(b"mdat", &[&[b'x'; 600]])].concat()));
            }
        }
    }
    all
}
