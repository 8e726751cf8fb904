//! Warnings of `share send`: metadata that cannot be removed, and formats that most browsers do not show.

use std::process::Command;

use crate::support::{Ended, RelayProcess, Sandbox};

const NOT_REMOVED: &str = "warning: metadata NOT removed";

fn send(sandbox: &Sandbox, relay: &RelayProcess, args: &[&str]) -> Ended {
    let ended = sandbox.share(["send", "-q", "--relay", &relay.url].iter().chain(args)).run();
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn files_sent_with_metadata_cause_a_warning_whatever_their_name() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let unknown = b"\0 nothing that anybody knows".as_slice();
    let big_tiff = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0 a TIFF of another generation".as_slice();
    let pdf = b"%PDF-1.7\n1 0 obj << /Author (me) >>".as_slice();
    let drawing = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><metadata/></svg>".as_slice();
    let many: [(&str, &[u8]); 16] = [
        ("clip.mts", unknown),
        ("clip.mxf", unknown),
        ("photo.jpg", unknown),
        ("photo.jpg", b"a text that is called a photo"),
        ("photo.tif", big_tiff),
        ("photo", big_tiff),
        ("photo.cr3", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"),
        ("photo.rw2", b"IIU\0\x18\0\0\0"),
        ("photo.HEICS", unknown),
        ("sound.opus", b"OggS\0\x02 OpusHead"),
        ("film.wmv", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
        ("drawing.svg", drawing),
        ("drawing.txt", drawing),
        ("paper.pdf", pdf),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Word"),
        ("book", b"PK\x03\x04\0\0\0\0mimetypeapplication/epub+zip"),
    ];
    for (name, content) in many {
        sandbox.write(name, content);
        for more in [&[][..], &["--no-name"], &["--name", "a name"]] {
            let ended = send(&sandbox, &relay, &[&[name], more].concat());
            assert!(ended.stderr.contains(NOT_REMOVED), "{name} {more:?} {ended:?}");
            assert!(ended.stderr.contains(&format!("removed from {name} (")), "{name} {more:?} {ended:?}");
        }
        let kept = send(&sandbox, &relay, &["--metadata", "keep", name]);
        assert!(!kept.stderr.contains("metadata"), "{name} {kept:?}");
        let strict = ["send", "-q", "--relay", &relay.url, "--metadata", "require"];
        sandbox.share(strict.iter().chain(&[name])).fails(8, "the metadata of ");
        // In a pipe, only the bytes identify the format.
        let piped = sandbox.share(["send", "-q", "--relay", &relay.url]).input(content).run();
        let tells = content != unknown && !content.starts_with(b"a text");
        assert_eq!(piped.stderr.contains(NOT_REMOVED), tells, "{name} {piped:?}");
        let piped = sandbox.share(["send", "-q", "--relay", &relay.url, "--name", name]).input(content).run();
        assert_eq!(piped.stderr.contains(NOT_REMOVED), tells || name.contains('.'), "{name} {piped:?}");
        if tells {
            sandbox.share(strict).input(content).fails(8, "the metadata of ");
        }
    }
    let documents = send(&sandbox, &relay, &["paper.pdf"]);
    assert!(documents.stderr.contains(": author, times and comments may remain"), "{documents:?}");
    std::fs::copy("tests/beach.jpg", sandbox.path("beach.jpg")).unwrap();
    sandbox.write("notes.ts", b"export const x = 1;");
    let album = send(&sandbox, &relay, &["--no-name", "beach.jpg", "notes.ts", "clip.mts", "paper.pdf"]);
    assert!(
        album.stderr.contains("removed from clip.mts, paper.pdf: location, time, camera data, author and comments may"),
        "{album:?}"
    );
    for innocent in [&["notes.ts"][..], &["beach.jpg"], &["beach.jpg", "notes.ts"]] {
        assert_eq!(send(&sandbox, &relay, innocent).stderr, "", "{innocent:?}");
    }
}

#[test]
#[ignore = "needs exiftool, ffmpeg and others: tests/all"]
fn the_sender_is_warned_of_formats_that_most_browsers_do_not_show() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let make = |name: &str, options: &[&str]| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:duration=0.2"]);
        let made = ffmpeg.args(options).arg(sandbox.path(name)).output().unwrap();
        assert!(made.status.success(), "{name} {made:?}");
    };
    make("plain.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    make("hevc.mov", &["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"]);
    make("prores.mov", &["-c:v", "prores_ks"]);
    make("film.mkv", &["-c:v", "libx264"]);
    make("photo.tiff", &["-frames:v", "1"]);
    for (name, what, way_out) in [
        ("hevc.mov", "HEVC", "MP4 with H.264"),
        ("prores.mov", "ProRes", "MP4 with H.264"),
        ("film.mkv", "Matroska", "MP4 with H.264"),
        ("photo.tiff", "TIFF", "JPEG"),
    ] {
        for more in [&[][..], &["--metadata", "keep"]] {
            let ended = send(&sandbox, &relay, &[&[name], more].concat());
            let warning = format!(
                "warning: most browsers cannot show {name} ({what}): recipients must save it or use share open"
            );
            assert!(ended.stderr.contains(&warning) && ended.stderr.contains(way_out), "{ended:?}");
        }
        let view_only = send(&sandbox, &relay, &["--view-only", name]);
        let warning = format!("({what}), and --view-only forbids saving: convert to");
        assert!(view_only.stderr.contains(&warning), "{view_only:?}");
    }
    for name in ["plain.mp4"] {
        for more in [&[][..], &["--view-only"]] {
            let ended = send(&sandbox, &relay, &[&[name], more].concat());
            assert_eq!(ended.stderr, "", "{name} {more:?}");
        }
    }
}
