//! Photos and videos, as other programs read them.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use image::AnimationDecoder;
use image::codecs::webp::WebPDecoder;
use share::media::edits::Edited;
use share::media::strip;

use super::content::contains;

/// The corpus of the current script. It takes a while, so it is made once and kept.
pub(crate) fn corpus() -> PathBuf {
    static MADE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let version = crc32fast::hash(&fs::read(&script).unwrap());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("corpus-{version:08x}"));
    if !directory.exists() {
        let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let made = Command::new(script).arg(making.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Another process may have been faster.
        let _ = fs::rename(making.path(), &directory);
    }
    directory
}

/// Pictures, sounds and subtitles, decoded by other programs, as one checksum.
pub(crate) fn decoded(path: &Path) -> String {
    let name = path.to_string_lossy().into_owned();
    if name.ends_with("moving.webp") {
        let decoder = WebPDecoder::new(io::BufReader::new(fs::File::open(path).unwrap())).unwrap();
        let frames = decoder.into_frames().map(|frame| frame.unwrap().into_buffer().into_raw());
        return format!("{:x}", frames.fold(0, |sum, frame| crc32c::crc32c_append(sum, &frame)));
    }
    // Other programs convert pictures that this ffmpeg cannot decode.
    let picture = path.with_extension("decoded.png");
    let decoder = match path.extension().and_then(|extension| extension.to_str()) {
        Some("heic" | "avif") => Some(Command::new("heif-convert")),
        _ if name.contains("arithmetic") => Some(Command::new("djpeg")),
        _ => None,
    };
    let is_decoded = decoder.is_some();
    if let Some(mut decoder) = decoder {
        let out = if name.contains("arithmetic") { vec!["-outfile"] } else { vec![] };
        let made = decoder.args(&out).args(if out.is_empty() { [path, &picture] } else { [&picture, path] });
        let made = made.output().unwrap();
        assert!(made.status.success(), "{name}: {made:?}");
    }
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(if is_decoded { &picture } else { path });
    // Neither a cover in the metadata nor a log of positions in a subtitle track.
    ffmpeg.args(["-map", "0:V?", "-map", "0:a?"]);
    if name.contains("subtitles") {
        ffmpeg.args(["-map", "0:s", "-c:s", "text"]);
    }
    let decoded = ffmpeg.args(["-f", "md5", "-"]).output().unwrap();
    let _ = fs::remove_file(picture);
    let sum = String::from_utf8(decoded.stdout).unwrap();
    assert!(sum.starts_with("MD5="), "{name}: {}", String::from_utf8_lossy(&decoded.stderr));
    sum
}

/// The bytes after metadata was removed.
pub(crate) fn cleaned(bytes: &[u8]) -> Vec<u8> {
    let plan = strip::plan(Cursor::new(bytes)).unwrap();
    let mut cleaned = Vec::new();
    Edited::new(Cursor::new(bytes), plan.len, plan.edits).unwrap().read_to_end(&mut cleaned).unwrap();
    assert!(!contains(&cleaned, b"CANARY"));
    cleaned
}

pub(crate) fn pixels(directory: &Path, bytes: &[u8]) -> Vec<u8> {
    let path = directory.join("decoded.jpg");
    fs::write(&path, bytes).unwrap();
    let decoded = Command::new("djpeg").arg(path).output().unwrap();
    assert!(decoded.stdout.len() > 10_000, "{decoded:?}");
    decoded.stdout
}

pub(crate) fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &len[..], content].concat()
}
