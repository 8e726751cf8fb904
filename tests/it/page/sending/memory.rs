//! The memory of a page that sends a long video.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::{link, visit};
use crate::support::{Browser, CLIP, Engine, Sandbox, in_every_engine, noise, peak_memory};

// Firefox collects what was sent so late that 200 MB show nothing.
in_every_engine!(chromium Chromium video_of_200_mb_is_sent_in_constant_memory);
in_every_engine!(webkit WebKit video_of_200_mb_is_sent_in_constant_memory);

/// Bytes of the frames that are added to the video.
const ADDED: usize = 200_000_000;

/// The most memory that any process of the browser which shows a page has had, in bytes.
fn renderers(browser: &Browser) -> u64 {
    let is_renderer = |id: &u32| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        ["--type=renderer", "WebKitWebProcess"].iter().any(|mark| arguments.contains(mark))
    };
    browser.processes().into_iter().filter(is_renderer).map(peak_memory).max().unwrap()
}

/// Writes a video whose last frames are very large: a box of frames before the tables that list them.
fn write_video(path: &Path) {
    let clip = fs::read(CLIP).unwrap();
    let at = |kind: &[u8; 4]| clip.windows(4).position(|window| window == kind).unwrap();
    let (frames, tables) = (at(b"mdat") - 4, at(b"moov") - 4);
    assert!(frames < tables);
    let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let added = u32::try_from(ADDED).unwrap();
    let grow = |bytes: &mut [u8], at: usize| {
        let grown = number(bytes, at) + added;
        bytes[at..at + 4].copy_from_slice(&grown.to_be_bytes());
    };
    let (mut before, mut after) = (clip[..tables].to_vec(), clip[tables..].to_vec());
    grow(&mut before, frames);
    let sizes: Vec<usize> = (0..after.len() - 4).filter(|at| &after[*at..*at + 4] == b"stsz").collect();
    for table in sizes {
        // The version, the size of all frames, their number, and the size of each.
        assert_eq!(number(&after, table + 8), 0, "each frame has a size of its own");
        let last = table + 12 + 4 * usize::try_from(number(&after, table + 12)).unwrap();
        grow(&mut after, last);
    }
    let mut video = File::create(path).unwrap();
    video.write_all(&before).unwrap();
    let bytes = noise(1_000_000, 3);
    (0..ADDED / bytes.len()).for_each(|_| video.write_all(&bytes).unwrap());
    video.write_all(&after).unwrap();
}

fn video_of_200_mb_is_sent_in_constant_memory(engine: Engine) {
    let Some(browser) = Browser::start_engine(engine, &[]) else { return };
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let path = sandbox.path("long.mp4");
    write_video(&path);
    let tab = visit(&browser, &relay);
    tab.choose("#files", &[path.to_str().unwrap()]).expect("Check and send");
    let before = renderers(&browser);
    let link = link(&tab);
    let peak = renderers(&browser);
    eprintln!("{engine:?}: {} MB before, {} MB at most while it sends 200 MB", before >> 20, peak >> 20);
    assert!(peak - before < 120 << 20, "{before} to {peak} bytes");
    sandbox.share(["open", "-q", &link, "-o", "got.mp4"]).ok();
    let [sent, got] = ["long.mp4", "got.mp4"].map(|name| sandbox.read(name));
    assert!(got.len() == sent.len() && got[..ADDED] == sent[..ADDED]);
}
