//! Data that metadata removal must keep: pictures wherever they are in a file, playing times, colors, and similar
//! names.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use share::media::strip;

use crate::support::{Sandbox, cleaned, corpus, decoded, noise, pixels, segment};

/// The outermost boxes of a file: their kinds and bytes.
fn boxes(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        found.push((&rest[4..8], &rest[..len]));
        rest = &rest[len..];
    }
    found
}

/// Subtracts a number from every offset in `iloc` (ISO/IEC 14496-12, 8.11.3; 32 bits).
fn move_items(meta: &mut [u8], by: u32) {
    let at = meta.windows(4).position(|window| window == b"iloc").unwrap() + 4;
    let (version, sizes) = (meta[at], meta[at + 4]);
    assert!(version <= 1 && sizes == 0x44, "{:02x?}", &meta[at..at + 8]);
    let (base, index) = (meta[at + 5] >> 4, meta[at + 5] & 15);
    assert!(matches!(base, 0 | 4) && index == 0, "{:02x?}", &meta[at..at + 8]);
    let number = |meta: &[u8], at: usize| u16::from_be_bytes([meta[at], meta[at + 1]]);
    let (count, mut at) = (number(meta, at + 6), at + 8);
    for _ in 0..count {
        let is_in_file = version == 0 || number(meta, at + 2) % 16 == 0;
        // An offset of zero is relative to another field.
        let back = |meta: &mut [u8], at: usize| {
            let offset = u32::from_be_bytes(meta[at..at + 4].try_into().unwrap());
            meta[at..at + 4].copy_from_slice(&offset.saturating_sub(by).to_be_bytes());
        };
        at += if version == 0 { 4 } else { 6 };
        if is_in_file && base > 0 {
            back(meta, at);
        }
        at += usize::from(base);
        let extents = number(meta, at);
        at += 2;
        for _ in 0..extents {
            if is_in_file {
                back(meta, at);
            }
            at += 8;
        }
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_heic_with_its_pictures_first_is_cleaned_and_a_truncated_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let seed = fs::read(corpus().join("heic-exif.heic")).unwrap();
    let parts = boxes(&seed);
    let part = |kind: &[u8]| parts.iter().find(|(name, _)| *name == kind).unwrap().1;
    let mut meta = part(b"meta").to_vec();
    let by = u32::try_from(meta.len()).unwrap();
    move_items(&mut meta, by);
    let turned_around = [part(b"ftyp"), part(b"mdat"), &meta].concat();
    assert_eq!(turned_around.len(), seed.len());
    let after = cleaned(&turned_around);
    let [seed_file, after_file] = [("seed.heic", &seed), ("after.heic", &after)].map(|(name, bytes)| {
        fs::write(directory.path().join(name), bytes).unwrap();
        directory.path().join(name)
    });
    assert_eq!(decoded(&seed_file), decoded(&after_file));
    for cut in [&seed, &turned_around] {
        for len in [cut.len() / 4, cut.len() / 2, cut.len() - 100] {
            assert!(strip::plan(Cursor::new(&cut[..len])).is_err(), "{len} of {}", cut.len());
        }
    }
}

/// The frames and samples that a player shows, with their times.
fn played(path: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(path).args(["-map", "0", "-f", "framemd5", "-"]);
    let played = String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap();
    assert!(played.lines().count() > 30, "{played}");
    played
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_slow_motion_video_plays_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str, args: &[&str]| -> PathBuf {
        let path = directory.path().join(name);
        let made = Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(args).arg(&path).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        path
    };
    let source = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=60:duration=2", "-f", "lavfi", "-i", "sine=duration=2"];
    let coded = ["-c:v", "libx264", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let tracks = ["-map", "0:v", "-map", "0:v", "-map", "1:a", "-metadata", "location=+48.1+011.5/"];
    let whole = make("whole.mov", &[&source[..], &tracks, &coded].concat());
    // Cut without reencoding: an edit list has the start time. Slowed down: the timestamps change.
    let whole = whole.to_str().unwrap();
    let copied = ["-map", "0", "-c", "copy", "-metadata", "location=+48.1+011.5/"];
    let cut = make("cut.mov", &[&["-ss", "0.7", "-itsscale", "4", "-i", whole][..], &copied].concat());
    let bytes = fs::read(&cut).unwrap();
    assert!(bytes.windows(4).filter(|window| window == b"elst").count() >= 3, "each track has an edit list");
    let after = directory.path().join("after.mov");
    fs::write(&after, cleaned(&bytes)).unwrap();
    assert!(played(&cut) == played(&after));
    assert!(strip::plan(Cursor::new(&bytes)).unwrap().removed.location);
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn color_profiles_and_adobe_color_transforms_stay() {
    let directory = tempfile::tempdir().unwrap();
    let ppm = [&b"P6 32 32 255\n"[..], &noise(32 * 32 * 3, 5)].concat();
    fs::write(directory.path().join("photo.ppm"), ppm).unwrap();
    // RGB without conversion: only Adobe's segment distinguishes it from YCbCr.
    let coded =
        Command::new("cjpeg").args(["-rgb", "-quality", "100"]).arg(directory.path().join("photo.ppm")).output();
    let coded = coded.unwrap().stdout;
    let big = |jpeg: &[u8]| {
        let path = directory.path().join("big.jpg");
        fs::write(&path, jpeg).unwrap();
        Command::new("djpeg").arg(path).output().unwrap().stdout
    };
    let profile = segment(0xe2, &[&b"ICC_PROFILE\0\x01\x01"[..], &noise(300, 6)].concat());
    // The bytes after the transform have no meaning for colors.
    let adobe = |more: &[u8]| segment(0xee, &[&b"Adobe\0\x64\0\0\0\0\0"[..], more].concat());
    let photo = [&coded[..2], &profile, &adobe(b"CANARY"), &coded[2..]].concat();
    let after = cleaned(&photo);
    let has = |piece: &[u8]| after.windows(piece.len()).any(|window| window == piece);
    assert!(has(&profile) && has(&adobe(b"")));
    assert!(!big(&coded).is_empty() && big(&coded) == big(&after));
    let gray = fs::read("tests/beach.jpg").unwrap();
    assert!(pixels(directory.path(), &gray) == pixels(directory.path(), &cleaned(&gray)));
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn two_names_that_differ_only_in_unicode_composition_both_arrive() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let [composed, decomposed] = ["caf\u{e9}.txt", "cafe\u{301}.txt"];
    sandbox.write(composed, b"one");
    sandbox.write(decomposed, b"another");
    let link = sandbox.share(["send", "-q", "--relay", &relay.url, composed, decomposed]).ok();
    sandbox.share(["open", "-q", &link, "-o", "album"]).ok();
    assert_eq!(sandbox.read(&format!("album/{composed}")), b"one");
    assert_eq!(sandbox.read(&format!("album/{decomposed}")), b"another");
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn bytes_that_only_begin_like_a_jpeg_are_sent_unchanged() {
    // A megabyte of noise contains every marker, each after skippable bytes.
    for seed in 0..40 {
        let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        bytes.extend(noise(1_000_000, seed));
        assert!(strip::plan(Cursor::new(&bytes)).is_err(), "noise of seed {seed} was taken for a JPEG");
    }
    let empty = [&b"\xff\xd8"[..], &segment(0xfe, b"a comment"), b"\xff\xd9 and what is behind the end"].concat();
    assert!(strip::plan(Cursor::new(&empty)).is_err(), "there is no picture in it");
}

/// A copy of a JPEG whose frame header states another height.
fn of_another_size(jpeg: &[u8]) -> Vec<u8> {
    let at = jpeg.windows(2).position(|pair| pair == b"\xff\xc0" || pair == b"\xff\xc2").unwrap();
    let mut other = jpeg.to_vec();
    other[at + 6] ^= 1;
    other
}

#[test]
fn motion_pictures_are_not_cut_to_their_first_frame() {
    let photo = fs::read("tests/beach.jpg").unwrap();
    let plain = cleaned(&photo);
    let refused = |bytes: &[u8]| strip::plan(Cursor::new(bytes)).is_err();
    assert!(refused(&[&plain[..], &plain, &plain].concat()), "a film of JPEGs");
    // A smaller picture behind a photo is the phone's, and contains the location.
    let hidden = [&plain[..], &of_another_size(&photo)].concat();
    assert_eq!(cleaned(&hidden).len(), plain.len());
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\0\0\0\0\0\
        \0\0\0IDAT\0\0\0\0\0\0\0\0IEND\0\0\0\0";
    assert!(!refused(png) && refused(&[&png[..], png].concat()), "PNGs");
    let gif = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\0\x3b";
    assert!(!refused(gif) && refused(&[&gif[..], gif].concat()), "GIFs");
}

#[test]
fn a_corrupt_picture_is_sent_unchanged() {
    let plain = cleaned(&fs::read("tests/beach.jpg").unwrap());
    for marker in [0xbd, 0x45, 0xc0, 0xe5, 0xfe] {
        let mut corrupted = plain.clone();
        let middle = corrupted.len() / 2;
        corrupted[middle..middle + 4].copy_from_slice(&[0xff, marker, 0x04, 0x00]);
        assert!(strip::plan(Cursor::new(&corrupted)).is_err(), "FF {marker:02X} in the coded picture");
    }
    let webp = b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\0\0\0\0\0";
    assert!(strip::plan(Cursor::new(webp)).is_err(), "a WebP whose length leaves its picture out");
}
