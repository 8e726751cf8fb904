//! Terminals and players drop some pictures without an error: those do not count as seen.

use std::fs;

use image::ImageFormat;

use crate::support::{CLIP, SIXEL, Sandbox, TerminalKind, Tty, encoded, noise, open, picture, programs, send, state};

/// The limit of tmux for one sequence, in bytes.
const TMUX: usize = 1 << 20;

/// The Sixel pictures in the output.
fn sixels(tty: &Tty) -> Vec<Vec<u8>> {
    tty.seen(|seen| {
        let mut rest = &seen.bytes[..];
        let find = |bytes: &[u8], code: &[u8]| bytes.windows(code.len()).position(|window| window == code);
        let mut found = Vec::new();
        while let Some(at) = find(rest, b"\x1bP") {
            let end = at + find(&rest[at..], b"\x1b\\").unwrap() + 2;
            found.push(rest[at..end].to_vec());
            rest = &rest[end..];
        }
        found
    })
}

#[test]
fn a_sixel_picture_fits_the_terminals_limit() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("large.png", &encoded(&picture(1200, 900, false).into(), ImageFormat::Png));
    let mut tty = open(&sandbox, TerminalKind::Sixel, &send(&sandbox, &relay, &["large.png"]), "-y");
    tty.expect("q closes").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let [drawn] = &sixels(&tty)[..] else { panic!("one picture") };
    let drawn = icy_sixel::SixelImage::decode(drawn).unwrap();
    let (width, height) = (u32::try_from(drawn.width).unwrap(), u32::try_from(drawn.height).unwrap());
    assert!(width <= SIXEL.0 && height <= SIXEL.1 && height > SIXEL.1 * 9 / 10, "{width} {height}");
}

#[test]
fn a_sixel_picture_under_tmux_fits_the_limit_of_tmux() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("large.png", &encoded(&picture(2400, 1600, false).into(), ImageFormat::Png));
    let link = send(&sandbox, &relay, &["large.png"]);
    // A large screen. Over SSH, only TERM shows that tmux is there.
    let command = format!("stty rows 60 cols 100; TERM=tmux-256color SHARE_VIEWER=sixel \"$SHARE\" open -y '{link}'");
    let mut tty = Tty::start_at(&sandbox, TerminalKind::Plain, &command, (2400, 1600));
    tty.until("a picture", |seen| seen.bytes.windows(2).any(|window| window == b"\x1bP")).expect("q closes").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let [drawn] = &sixels(&tty)[..] else { panic!("one picture") };
    assert!(drawn.len() < TMUX && drawn.len() > TMUX / 4, "{}", drawn.len());
}

#[test]
fn tmux_is_asked_for_its_limit_and_its_terminals_features() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("large.png", &encoded(&picture(1200, 900, false).into(), ImageFormat::Png));
    let link = send(&sandbox, &relay, &["large.png"]);
    // A newer tmux than the tests require.
    let answers = "case \"$*\" in *input-buffer-size) echo 100000;; *termfeatures*) echo \"$FEATURES\";; esac";
    let bin = programs(&sandbox, &[("tmux", answers)]);
    let command = |features: &str| {
        let variables = format!("PATH={}:$PATH TMUX=x,1,0 TERM=tmux-256color FEATURES={features}", bin.display());
        format!("{variables} SHARE_VIEWER=sixel \"$SHARE\" open '{link}'")
    };
    let mut tty = Tty::start(&sandbox, TerminalKind::Sixel, &command("256,title"));
    tty.expect("[b]locks").press("n\r");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
    let mut tty = Tty::start(&sandbox, TerminalKind::Sixel, &command("256,sixel,title"));
    tty.expect("[v]iew here").press("v\r").expect("q closes").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let [drawn] = &sixels(&tty)[..] else { panic!("one picture") };
    assert!(drawn.len() < 100_000 && drawn.len() > 25_000, "{}", drawn.len());
}

#[test]
fn a_picture_that_kitty_refuses_or_does_not_confirm_is_not_seen() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = encoded(&picture(30, 30, false).into(), ImageFormat::Png);
    sandbox.write("a.png", &photo);
    for (kind, why) in [
        (TerminalKind::Full, "the terminal refused the picture"),
        (TerminalKind::Silent, "the terminal did not confirm that it drew the picture"),
    ] {
        let link = send(&sandbox, &relay, &["a.png"]);
        let mut tty = open(&sandbox, kind, &link, "-y");
        if kind == TerminalKind::Full {
            tty.expect("This photo cannot be shown: the terminal refused the picture.");
        } else {
            tty.until("the picture", |seen| seen.drawn == 1).expect("q closes");
        }
        tty.press("q");
        assert_eq!(tty.end(), 8, "{}", tty.screen());
        assert!(tty.screen().contains(&format!("error: the share could not be shown: {why}")), "{}", tty.screen());
        assert_eq!(state(&sandbox), "claimed");
        sandbox.share(["open", "-q", &link, "-o", &format!("{kind:?}.png")]).ok();
        assert!(sandbox.read(&format!("{kind:?}.png")) == photo);
    }
    // Confirming by key does not count without a picture.
    let link = send(&sandbox, &relay, &["a.png"]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=kitty \"$SHARE\" open -y '{link}'"));
    tty.expect("q closes").press("q");
    assert_eq!(tty.end(), 8, "{}", tty.screen());
}

#[test]
fn an_album_with_a_broken_photo_is_not_finished() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = encoded(&picture(300, 300, false).into(), ImageFormat::Png);
    sandbox.write("a.png", &photo);
    sandbox.write("b.png", &photo[..photo.len() / 2]);
    let link = send(&sandbox, &relay, &["--metadata", "keep", "-n", "Trip", "a.png", "b.png"]);
    let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "-y");
    tty.until("the first", |seen| seen.images.len() == 1).press("\x1b[C");
    tty.expect("This photo cannot be shown: the file is damaged.").press("q");
    tty.expect("1 file could not be shown: s saves all, q again closes").press("q");
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
    let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "-y");
    tty.until("the first", |seen| seen.images.len() == 1).press("\x1b[C").expect("the file is damaged").press("s");
    tty.expect("Saved as Trip.").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert_eq!(state(&sandbox), "finished");
}

#[test]
fn a_photo_is_drawn_when_the_window_has_room() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), ImageFormat::Png));
    let link = send(&sandbox, &relay, &["a.png"]);
    let command = format!("stty rows 3; \"$SHARE\" open -y '{link}'");
    let mut tty = Tty::start(&sandbox, TerminalKind::Kitty, &command);
    tty.expect("Enlarge this window.");
    assert!(tty.seen(|seen| seen.drawn) == 0);
    tty.press("q");
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
}

#[test]
#[ignore = "needs mpv: tests/all"]
fn a_video_without_decoded_pictures_is_not_seen() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let film = fs::read(CLIP).unwrap();
    // Without the parameter sets of its pictures. Its sound is unchanged.
    let mut broken = film.clone();
    let at = film.windows(4).position(|window| window == b"avcC").unwrap();
    let len = u32::from_be_bytes(film[at - 4..at].try_into().unwrap()) as usize;
    broken[at + 12..at - 4 + len].fill(0);
    sandbox.write("film.mp4", &film);
    sandbox.write("broken.mp4", &broken);
    let viewer = "mpv --vo=null --ao=null --keep-open=no";
    for (name, code) in [("film.mp4", 0), ("broken.mp4", 8)] {
        let link = send(&sandbox, &relay, &["--metadata", "keep", name]);
        let command = format!("SHARE_VIEWER='{viewer}' \"$SHARE\" open -y '{link}'");
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        assert_eq!(tty.end(), code, "{name}: {}", tty.screen());
        let refused = tty.screen().contains(
            "error: the share could not be shown: the viewer played the sound but could not show the picture",
        );
        assert_eq!(refused, code == 8, "{}", tty.screen());
        assert_eq!(state(&sandbox), if code == 0 { "finished" } else { "claimed" });
    }
}

#[test]
#[ignore = "needs mpv: tests/all"]
fn a_video_beyond_the_limits_of_the_process_is_not_held_in_memory() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // Behind the end of the media data, which players ignore.
    let film = fs::read(CLIP).unwrap();
    let rest = 40_000_000_u32;
    sandbox.write("film.mp4", &[&film[..], &(rest + 8).to_be_bytes(), b"free", &noise(rest as usize, 3)].concat());
    let link = send(&sandbox, &relay, &["--metadata", "keep", "film.mp4"]);
    // Limits in kilobytes: of one file, and of address space.
    for limit in ["-f 20000", "-v 200000"] {
        let command = format!("ulimit {limit}; SHARE_VIEWER='mpv --vo=null' \"$SHARE\" open '{link}'");
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        tty.expect("[v]iew with mpv while it downloads").press("n\r");
        assert_eq!(tty.end(), 130, "{}", tty.screen());
    }
    let command = format!("SHARE_VIEWER='mpv --vo=null' \"$SHARE\" open '{link}'");
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    tty.expect("[v]iew with mpv, [s]ave here").press("n\r");
    assert_eq!(tty.end(), 130, "{}", tty.screen());
}
