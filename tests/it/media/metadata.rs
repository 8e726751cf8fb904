//! Metadata removal from photos and videos, checked by other programs: `tests/corpus` makes files with `exiftool` and
//! `ffmpeg`, and the same programs inspect the received files.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use share::media::edits::Edited;
use share::media::strip;

use crate::support::{Sandbox, contains, corpus, decoded, files, noise};

/// Tags, by `exiftool`'s groups and names, that control decoding and display, and reveal nothing about the author,
/// time, place or device.
const HARMLESS: [&str; 11] = [
    "System:",
    "File:",
    "ExifTool:ExifToolVersion",
    "JFIF:",
    "PNG-pHYs:",
    "RIFF:",
    "GIF:",
    "Meta:",
    "SourceFile",
    "ICC-header:",
    "ICC_Profile:",
];

/// The tags that `exiftool` with further options finds in files: names and values, by file name.
fn tags(directory: &Path, options: &[&str]) -> HashMap<String, serde_json::Map<String, Value>> {
    let mut tool = Command::new("exiftool");
    tool.args(["-json", "-q"]).args(options).args(files(directory));
    let found: Vec<Value> = serde_json::from_slice(&tool.output().unwrap().stdout).unwrap();
    let named = |found: Value| {
        let Value::Object(found) = found else { panic!("{found}") };
        let path = Path::new(found["SourceFile"].as_str().unwrap()).file_name().unwrap();
        (path.to_str().unwrap().to_owned(), found.clone())
    };
    found.into_iter().map(named).collect()
}

/// All tags. Values are numbers, not words.
fn found(directory: &Path) -> HashMap<String, serde_json::Map<String, Value>> {
    tags(directory, &["-a", "-n", "-G1", "-ee3"])
}

/// Whether a tag may stay.
fn is_harmless(tag: &str, value: &str) -> bool {
    let (group, name) = tag.split_once(':').unwrap_or((tag, ""));
    if contains(value.as_bytes(), b"CANARY") || name.contains("GPS") || value.contains("48.1") {
        return false;
    }
    let nought = value == "0000:00:00 00:00:00";
    match group {
        "IFD0" => name == "Orientation",
        "PNG" => !["Title", "Author", "Comment", "Software", "Description", "ModifyDate"].contains(&name),
        "Composite" => !name.contains("Date") && !name.contains("Lens"),
        "QuickTime" | "Track1" | "Track2" | "Track3" => {
            (nought || !name.contains("Date"))
                && !["HandlerDescription", "HandlerVendorID", "CompressorName", "VendorID", "Encoder"].contains(&name)
        }
        "ExifTool" => name != "Warning" || value == "Invalid XMP" || value.starts_with("Bad ICC_Profile"),
        _ => HARMLESS.iter().any(|harmless| tag.starts_with(harmless)),
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn received_files_reveal_no_author_place_or_time() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let corpus = corpus();
    fs::create_dir(sandbox.path("arrived")).unwrap();
    let mut sent = Vec::new();
    for path in files(&corpus) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let path = path.to_str().unwrap().to_owned();
        let is_known = !path.contains("/unknown/");
        let run = sandbox.share(["send", "--relay", &relay.url, &path]).run();
        assert_eq!(run.code, 0, "{run:?}");
        // Files that cannot be cleaned cause a warning with any option; with `require` they are not sent.
        assert_eq!(run.stderr.contains("metadata NOT removed"), !is_known, "{run:?}");
        assert_eq!(run.stderr.contains("(removed: "), is_known && says(&path), "{run:?}");
        let strict = ["send", "-q", "--relay", &relay.url, "--metadata", "require", &path];
        if is_known {
            let link = String::from_utf8(run.stdout).unwrap().trim().to_owned();
            sandbox.share(["open", "-q", &link, "-o", &format!("arrived/{name}")]).ok();
            sent.push((name, path));
        } else {
            sandbox.share(strict).fails(8, "cannot be removed");
            let quiet = sandbox.share(["send", "-q", "--relay", &relay.url, &path]).run();
            assert!(quiet.stderr.contains("metadata NOT removed"), "{quiet:?}");
        }
    }
    assert!(sent.len() > 90, "{}", sent.len());
    let (before, after) = (found(&corpus), found(&sandbox.path("arrived")));
    for (name, tags) in &after {
        for (tag, value) in tags {
            let value = value.to_string();
            assert!(is_harmless(tag, value.trim_matches('"')), "{name}: {tag} {value}");
        }
        for turn in ["IFD0:Orientation", "Composite:Rotation", "QuickTime:Rotation"] {
            // One is the default, which needs no tag.
            let of = |tags: &serde_json::Map<String, Value>| tags.get(turn).filter(|turn| *turn != 1).cloned();
            assert_eq!(of(&before[name]), of(tags), "{name}: {turn}");
        }
    }
    let suspicious =
        before.iter().filter(|(_, tags)| tags.iter().any(|(tag, value)| !is_harmless(tag, &value.to_string())));
    assert!(suspicious.count() > 85, "the corpus tells what must not arrive");
    let profiles = |directory: &Path| tags(directory, &["-b", "-ICC_Profile"]);
    let (profiles_before, profiles_after) = (profiles(&corpus), profiles(&sandbox.path("arrived")));
    for (name, path) in &sent {
        let arrived = sandbox.path("arrived").join(name);
        assert!(!contains(&fs::read(&arrived).unwrap(), b"CANARY"), "{name}");
        assert_eq!(decoded(Path::new(path)), decoded(&arrived), "{name}");
        if name.starts_with("jpeg") || name.contains("profile") {
            let profile = profiles_before[name].get("ICC_Profile");
            assert_eq!(profile.is_some(), name.contains("icc") || name.contains("profile"), "{name}");
            assert_eq!(profile, profiles_after[name].get("ICC_Profile"), "{name}");
        }
        // A cleaned file has nothing to remove.
        assert!(!says(arrived.to_str().unwrap()), "{name}");
    }
}

/// Whether a file contains removable metadata.
fn says(path: &str) -> bool {
    let removed = strip::plan(fs::File::open(path).unwrap()).unwrap().removed;
    removed != strip::Removed::default()
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn metadata_is_kept_on_request_and_a_pipe_warns() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = [fs::read("tests/beach.jpg").unwrap(), b"CANARY behind it".to_vec()].concat();
    sandbox.write("photo.jpg", &photo);
    let kept = sandbox.share(["send", "--relay", &relay.url, "--metadata", "keep", "photo.jpg"]).run();
    assert!(!kept.stderr.contains("metadata") && !kept.stderr.contains("removed"), "{kept:?}");
    sandbox.share(["open", "-q", String::from_utf8(kept.stdout).unwrap().trim(), "-o", "kept.jpg"]).ok();
    assert!(sandbox.read("kept.jpg") == photo);
    let piped = sandbox.share(["send", "--relay", &relay.url]).input(&photo).run();
    assert!(
        piped.stderr.contains("metadata NOT removed from standard input (input from a pipe cannot be cleaned): "),
        "{piped:?}"
    );
    sandbox.share(["send", "--relay", &relay.url, "--metadata", "require"]).input(&photo).fails(8, "cannot be removed");
    sandbox.share(["send", "-q", "--relay", &relay.url, "--metadata", "require"]).input("a text").ok();
    let cleaned = sandbox.share(["send", "-q", "--relay", &relay.url, "--links", "2", "photo.jpg"]).ok();
    for (number, link) in cleaned.lines().enumerate() {
        let name = format!("cleaned-{number}.jpg");
        sandbox.share(["open", "-q", link, "-o", &name]).ok();
        assert!(!contains(&sandbox.read(&name), b"CANARY"));
    }
    let json = sandbox.share(["send", "--json", "--relay", &relay.url, "photo.jpg"]).ok();
    let sent: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(sent["removed"], "location, camera data, hidden data", "{json}");
}

/// A source of which only the beginning exists; the rest is zeros without storage.
struct Long(io::Cursor<Vec<u8>>, u64);

impl Read for Long {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let at = self.0.position();
        if at < self.0.get_ref().len() as u64 {
            return self.0.read(space);
        }
        let count = usize::try_from(self.1 - at).unwrap().min(space.len());
        space[..count].fill(0);
        self.0.set_position(at + count as u64);
        Ok(count)
    }
}

impl Seek for Long {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => to,
            SeekFrom::Current(by) => self.0.position().checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => self.1.checked_add_signed(by).unwrap(),
        };
        self.0.set_position(to);
        Ok(to)
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn a_long_video_is_scanned_without_reading_its_media() {
    // A video with a hundred gigabytes of media data.
    let clip = fs::read("tests/clip.mp4").unwrap();
    let at = clip.windows(4).position(|window| window == b"moov").unwrap() - 4;
    let len = 100u64 << 30;
    let mut film = clip[..8 * 4].to_vec();
    film.truncate(usize::try_from(u32::from_be_bytes(clip[..4].try_into().unwrap())).unwrap());
    film.extend(&clip[at..]);
    film.extend([&1u32.to_be_bytes()[..], b"mdat", &(len - film.len() as u64).to_be_bytes()].concat());
    let begun = std::time::Instant::now();
    let plan = strip::plan(Long(io::Cursor::new(film), len)).unwrap();
    assert!(begun.elapsed().as_secs() < 2);
    assert_eq!(plan.edits.len_of(plan.len), len);
}

/// Photos and videos that are truncated, corrupted, or combined wrongly: an error or clean bytes, and never a panic, a
/// hang or high memory use.
#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn every_file_is_scanned_to_an_end() {
    let mut seeds: Vec<Vec<u8>> =
        ["beach.jpg", "clip.mp4"].map(|name| fs::read(format!("tests/{name}")).unwrap()).into();
    let corpus = corpus();
    for name in [
        "jpeg-baseline.jpg",
        "png-all.png",
        "lossless.webp",
        "moving.webp",
        "gif-xmp.gif",
        "heic-all.heic",
        "video-gpmd.mp4",
    ] {
        seeds.push(fs::read(corpus.join(name)).unwrap());
    }
    let begun = std::time::Instant::now();
    let mut random = noise(600_000, 7).into_iter();
    let mut number = move |below: usize| {
        let bytes: Vec<u8> = random.by_ref().take(4).collect();
        u32::from_le_bytes(bytes.try_into().unwrap()) as usize % below
    };
    for round in 0..200 {
        for seed in &seeds {
            let mut bytes = seed.clone();
            match round % 4 {
                0 => bytes.truncate(number(bytes.len())),
                1 => {
                    for _ in 0..8 {
                        let at = number(bytes.len());
                        bytes[at] = u8::try_from(number(256)).unwrap();
                    }
                }
                2 => {
                    let (at, len) = (number(bytes.len()), number(64));
                    let end = (at + len).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {
                    // Lengths are the most sensitive fields.
                    let at = number(bytes.len().min(4096) - 4);
                    bytes[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, [0xff, 0xf0][number(2)]]);
                }
            }
            let Ok(plan) = strip::plan(io::Cursor::new(&bytes)) else { continue };
            let mut cleaned = Vec::new();
            let expected = plan.edits.len_of(plan.len);
            Edited::new(io::Cursor::new(&bytes), plan.len, plan.edits).unwrap().read_to_end(&mut cleaned).unwrap();
            assert_eq!(cleaned.len() as u64, expected);
        }
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
