//! The page removes metadata by the program's rules: equal verdicts and equal bytes, also for damaged files.

use std::fs::{self, File};
use std::io::{BufWriter, Cursor, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use share::media::edits::Edited;
use share::media::formats::{Format, with_metadata};
use share::media::strip::{self, Unclean};
use share::media::{HEAD_LEN, sniff};

use super::damage::mutated;
use super::oddities::crafted;
use super::vocabulary::named;
use crate::support::{ROOT, WORKSHOP, corpus, files, has};

/// The program's verdict on a file of this name.
fn judged(bytes: &[u8], name: &str) -> Value {
    let of_type = |bytes: &[u8]| sniff(&bytes[..bytes.len().min(HEAD_LEN)], bytes.len() <= HEAD_LEN);
    let why = match strip::plan(Cursor::new(bytes)) {
        Ok(plan) => {
            let mut cleaned = Vec::new();
            Edited::new(Cursor::new(bytes), plan.len, plan.edits).unwrap().read_to_end(&mut cleaned).unwrap();
            let found = plan.removed;
            let removed = json!({
                "location": found.location, "camera": found.camera, "time": found.time, "thumbnail": found.thumbnail,
                "hidden": found.hidden, "track": found.track, "fields": found.fields, "onlyField": found.only_field(),
            });
            let sha256 = format!("{:x}", Sha256::digest(&cleaned));
            return json!({
                "kind": "cleaned", "type": of_type(&cleaned), "removed": removed, "length": cleaned.len(),
                "sha256": sha256,
            });
        }
        Err(why) => why,
    };
    let head = &bytes[..bytes.len().min(HEAD_LEN)];
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let Some(format) = with_metadata(head, extension) else {
        return json!({ "kind": "innocent", "type": of_type(bytes) });
    };
    let format = if format == Format::Media { "media" } else { "document" };
    let kind = if matches!(why, Unclean::Unknown) { "unknown" } else { "damaged" };
    json!({
        "kind": "unclean", "type": of_type(bytes), "why": kind, "detail": why.to_string(), "format": format,
    })
}

/// Files for the page, with the program's results.
struct Cases {
    directory: tempfile::TempDir,
    files: BufWriter<File>,
    lines: BufWriter<File>,
    written: usize,
    count: u64,
}

impl Cases {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let create = |name: &str| BufWriter::new(File::create(directory.path().join(name)).unwrap());
        let (files, lines) = (create("files"), create("cases"));
        Self { directory, files, lines, written: 0, count: 0 }
    }

    /// Adds a file. `short`: the page reads it in short slices too.
    fn add(&mut self, label: &str, name: &str, bytes: &[u8], short: bool) {
        let line = json!({
            "label": label, "name": name, "at": self.written, "length": bytes.len(), "short": short,
            "expected": judged(bytes, name),
        });
        writeln!(self.lines, "{line}").unwrap();
        self.files.write_all(bytes).unwrap();
        self.written += bytes.len();
        self.count += 1;
    }

    /// Compares the page's results, and prints the numbers of each verdict and the longest time. Returns the numbers.
    fn compare(mut self) -> Value {
        self.files.flush().unwrap();
        self.lines.flush().unwrap();
        let mut node = Command::new("node");
        node.arg(Path::new(ROOT).join("tests/browser/strip.mjs")).arg(WORKSHOP).arg(self.directory.path());
        let ran = node.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        eprintln!("{} files: {found}", self.count);
        let sum: u64 = found["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(sum, self.count);
        assert!(found["longest"]["time"].as_f64().unwrap() < 1000.0, "{found}");
        found["counts"].clone()
    }
}

#[test]
fn page_and_program_have_the_same_limits() {
    /// The expression of each constant with this name.
    fn values(directory: &str, name: &str) -> Vec<String> {
        let all = files(&Path::new(ROOT).join(directory)).into_iter().map(|path| fs::read_to_string(path).unwrap());
        let is_named = |line: &str| {
            let (constant, value) = line.split_once("const ")?.1.split_once(" = ")?;
            let is_it = constant.split(':').next() == Some(name);
            is_it.then(|| value.trim_end_matches(';').to_owned())
        };
        all.flat_map(|text| text.lines().filter_map(is_named).collect::<Vec<_>>()).collect()
    }
    for name in [
        "MAX_EDITS",
        "LOOKED_INTO",
        "MAX_BOXES",
        "SUBTITLES",
        "MAX_TABLE",
        "MAX_DIRECTORIES",
        "NAMED_WITHIN",
        "JFIF_LEN",
        "ADOBE_LEN",
    ] {
        let program = values("src/media", name);
        assert_eq!(program.len(), 1, "{name}");
        assert_eq!(program, values("src/page/strip", name), "{name}");
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn page_and_program_clean_the_corpus_alike() {
    if !has(WORKSHOP) {
        return;
    }
    let mut cases = Cases::new();
    let own = ["beach.jpg", "clip.mp4"].map(|name| Path::new(ROOT).join("tests").join(name));
    for path in files(&corpus()).into_iter().chain(own) {
        let name = path.file_name().unwrap().to_str().unwrap();
        cases.add(name, name, &fs::read(&path).unwrap(), true);
    }
    for (name, bytes) in crafted() {
        cases.add(name, name, &bytes, true);
    }
    for (label, name, bytes) in named() {
        cases.add(&label, &name, &bytes, false);
    }
    let counts = cases.compare();
    assert!(counts["cleaned"].as_u64().unwrap() > 90 && counts["unclean"].as_u64().unwrap() > 10, "{counts}");
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn page_and_program_judge_damaged_files_alike_within_a_second() {
    if !has(WORKSHOP) {
        return;
    }
    let mut cases = Cases::new();
    let corpus = corpus();
    let names = [
        "jpeg-baseline.jpg",
        "jpeg-thumbnail.jpg",
        "png-all.png",
        "png-deep.png",
        "lossless.webp",
        "moving.webp",
        "gif-xmp.gif",
        "heic-all.heic",
        "avif-all.avif",
        "video-gpmd.mp4",
        "video-pieces-moof.mp4",
        "video-subtitles.mp4",
    ];
    for (seed, name) in (1..).zip(names) {
        let whole = fs::read(corpus.join(name)).unwrap();
        for (number, (what, bytes)) in mutated(&whole, seed, 150).into_iter().enumerate() {
            cases.add(&format!("{name}, {number}: {what}"), name, &bytes, number % 5 == 0);
        }
    }
    assert!(cases.count >= 1500, "{}", cases.count);
    let counts = cases.compare();
    assert!(["cleaned", "unclean"].iter().all(|kind| counts[kind].as_u64().unwrap() > 300), "{counts}");
}
