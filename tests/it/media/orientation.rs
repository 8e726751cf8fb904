//! Rotated pictures stay upright after cleaning, however the file stores the rotation; and JPEGs with bytes between
//! their segments, which decoders skip. `exiftool` and `djpeg` check the results.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

use share::media::strip;

use crate::support::{cleaned, contains, pixels, segment};

/// EXIF's orientation as `exiftool` prints it, without orientations stored elsewhere.
fn turned(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    let tool = Command::new("exiftool").args(["-n", "-s3", "-IFD0:Orientation"]).arg(path).output().unwrap();
    String::from_utf8(tool.stdout).unwrap().trim().to_owned()
}

fn tiff(kind: u16, value: [u8; 4]) -> Vec<u8> {
    [&b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12"[..], &kind.to_be_bytes(), &[0, 0, 0, 1], &value, &[0; 4]].concat()
}

const XMP: &str = "<x:xmpmeta CANARY xmlns:x='adobe:ns:meta/'><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>";

/// A photo without metadata, with `pieces` behind its first marker.
fn jpeg(pieces: &[Vec<u8>]) -> Vec<u8> {
    let plain = cleaned(&fs::read("tests/beach.jpg").unwrap());
    [&plain[..2], &pieces.concat(), &plain[2..]].concat()
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_jpeg_stays_upright_however_its_orientation_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let exif = |kind, value| segment(0xe1, &[b"Exif\0\0", &tiff(kind, value)[..]].concat());
    let xmp = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat());
    let upright = exif(3, [0, 1, 0, 0]);
    for (pieces, orientation) in [
        (vec![exif(3, [0, 6, 0, 0])], "6"),
        (vec![exif(4, [0, 0, 0, 6])], "6"),
        (vec![exif(1, [6, 0, 0, 0])], "6"),
        (vec![exif(9, [0, 0, 0, 8])], "8"),
        (vec![xmp.clone()], "6"),
        (vec![xmp.clone(), exif(3, [0, 3, 0, 0])], "3"),
        (vec![exif(3, [0, 3, 0, 0]), xmp.clone()], "3"),
        (vec![upright.clone(), xmp.clone()], ""),
        (vec![upright], ""),
    ] {
        let photo = jpeg(&pieces);
        let after = cleaned(&photo);
        assert_eq!(turned(directory.path(), "photo.jpg", &after), orientation, "{pieces:02x?}");
        assert!(pixels(directory.path(), &photo) == pixels(directory.path(), &after));
        assert_eq!(cleaned(&after), after, "what is clean stays as it is");
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn bytes_that_decoders_skip_between_segments_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let exif = segment(0xe1, &[b"Exif\0\0", &tiff(3, [0, 6, 0, 0])[..]].concat());
    let comment = segment(0xfe, b"CANARY");
    let plain = jpeg(&[]);
    for skipped in [&b"\0\0"[..], b"\xff\xff\xff", b"\0\xff\0\xff", b"CANARY", b"\xff\0\xff\0 CANARY \0"] {
        let photo = jpeg(&[exif.clone(), skipped.to_vec(), comment.clone(), skipped.to_vec()]);
        let plan = strip::plan(Cursor::new(&photo)).unwrap();
        let fields = if contains(skipped, b"CANARY") { 3 } else { 1 };
        assert_eq!(plan.removed.fields, fields, "{skipped:02x?}");
        let after = cleaned(&photo);
        assert_eq!(turned(directory.path(), "photo.jpg", &after), "6", "{skipped:02x?}");
        assert!(pixels(directory.path(), &plain) == pixels(directory.path(), &after));
    }
    // A restart marker belongs to entropy-coded data: elsewhere it stands alone, without a length.
    assert!(pixels(directory.path(), &cleaned(&jpeg(&[b"\xff\xd0".to_vec()]))) == pixels(directory.path(), &plain));
}

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    let sum = crc32fast::hash(&[&kind, content].concat()).to_be_bytes();
    [&len[..], &kind, content, &sum].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_png_stays_upright_whichever_program_stored_its_orientation() {
    let directory = tempfile::tempdir().unwrap();
    let mut plain = Cursor::new(Vec::new());
    image::RgbImage::new(8, 4).write_to(&mut plain, image::ImageFormat::Png).unwrap();
    let plain = plain.into_inner();
    let hex = share::secret::hex(&[b"Exif\0\0", &tiff(4, [0, 0, 0, 6])[..]].concat());
    let raw = format!("\nexif\n{:8}\n{hex}\n", hex.len() / 2);
    let raw_app1 = format!("\nAPP1\n{:8}\n{hex}\n", hex.len() / 2);
    let xmp_hex = share::secret::hex(XMP.as_bytes());
    let raw_xmp = format!("\nxmp\n{:8}\n{xmp_hex}\n", XMP.len());
    let international = |flag: u8, text: &[u8]| [b"XML:com.adobe.xmp\0", &[flag, 0][..], b"\0\0", text].concat();
    let raw = raw.as_bytes();
    let upright = chunk(*b"eXIf", &tiff(3, [0, 1, 0, 0]));
    for (chunks, orientation) in [
        (vec![chunk(*b"eXIf", &tiff(4, [0, 0, 0, 6]))], "6"),
        (vec![chunk(*b"tEXt", &[b"Raw profile type exif\0", raw].concat())], "6"),
        (vec![chunk(*b"zTXt", &[b"Raw profile type exif\0\0", &packed(raw)[..]].concat())], "6"),
        (vec![chunk(*b"zTXt", &[b"Raw profile type APP1\0\0", &packed(raw_app1.as_bytes())[..]].concat())], "6"),
        (vec![chunk(*b"tEXt", &[b"Raw profile type xmp\0", raw_xmp.as_bytes()].concat())], "6"),
        (vec![chunk(*b"iTXt", &international(0, XMP.as_bytes()))], "6"),
        (vec![chunk(*b"iTXt", &international(1, &packed(XMP.as_bytes())))], "6"),
        (vec![chunk(*b"iTXt", &international(0, XMP.as_bytes())), chunk(*b"eXIf", &tiff(3, [0, 3, 0, 0]))], "3"),
        (vec![upright, chunk(*b"iTXt", &international(0, XMP.as_bytes()))], ""),
        (vec![chunk(*b"tEXt", b"Comment\0CANARY tiff:Orientation=\"6\"")], ""),
    ] {
        // Behind the header, which is 8 + 25 bytes long.
        let photo = [&plain[..33], &chunks.concat(), &plain[33..]].concat();
        let after = cleaned(&photo);
        assert_eq!(turned(directory.path(), "photo.png", &after), orientation, "{}", String::from_utf8_lossy(&photo));
        assert!(image::load_from_memory(&after).unwrap() == image::load_from_memory(&plain).unwrap());
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_webp_stays_upright_even_with_its_orientation_in_xmp_only() {
    let directory = tempfile::tempdir().unwrap();
    let mut plain = Cursor::new(Vec::new());
    image::RgbaImage::new(8, 4).write_to(&mut plain, image::ImageFormat::WebP).unwrap();
    let plain = plain.into_inner();
    let piece = |kind: &[u8; 4], content: &[u8]| {
        let len = u32::try_from(content.len()).unwrap().to_le_bytes();
        [kind, &len[..], content, &vec![0; content.len() % 2]].concat()
    };
    // Flags: alpha, EXIF, XMP; then a canvas of 8 × 4, less one.
    let extended = piece(b"VP8X", &[0x10 | 0x0c, 0, 0, 0, 7, 0, 0, 3, 0, 0]);
    for (more, orientation) in [
        (piece(b"XMP ", XMP.as_bytes()), "6"),
        (piece(b"EXIF", &tiff(4, [0, 0, 0, 8])), "8"),
        ([piece(b"EXIF", &tiff(3, [0, 3, 0, 0])), piece(b"XMP ", XMP.as_bytes())].concat(), "3"),
    ] {
        let content = [&b"WEBP"[..], &extended, &plain[12..], &more].concat();
        let photo = piece(b"RIFF", &content);
        let after = cleaned(&photo);
        assert_eq!(turned(directory.path(), "photo.webp", &after), orientation);
        assert!(image::load_from_memory(&after).unwrap() == image::load_from_memory(&plain).unwrap());
    }
}
