//! Viewing of photos and texts on the screen, and the keys.

use std::process::Command;

use image::{ImageFormat, RgbaImage};

use crate::support::{Image, Sandbox, TerminalKind, Tty, contains, encoded, open, picture, send, state};

/// The pixels as the terminal received them.
fn pixels(image: &RgbaImage, depth: usize) -> Vec<u8> {
    image.pixels().flat_map(|pixel| pixel.0[..depth].to_vec()).collect()
}

fn one(tty: &Tty) -> Image {
    tty.seen(|seen| seen.images.values().next().unwrap().clone())
}

#[test]
fn a_photo_is_shown_pixel_by_pixel_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let opaque = picture(64, 48, false);
    let clear = picture(33, 21, true);
    let cases = [
        ("opaque.png", encoded(&opaque.clone().into(), ImageFormat::Png), &opaque),
        ("clear.png", encoded(&clear.clone().into(), ImageFormat::Png), &clear),
        ("lossless.webp", encoded(&opaque.clone().into(), ImageFormat::WebP), &opaque),
        // A wrong name and type.
        ("mislabelled.gif", encoded(&opaque.clone().into(), ImageFormat::Png), &opaque),
    ];
    for (name, bytes, image) in cases {
        sandbox.write(name, &bytes);
        let link = send(&sandbox, &relay, &[name]);
        let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "");
        tty.expect("This photo can be opened once. [v]iew here, [s]ave here, or [n]ot now?").press("v\r");
        tty.until(name, |seen| seen.images.len() == 1).expect("q closes and deletes");
        let shown = one(&tty);
        assert_eq!((shown.width, shown.height), image.dimensions(), "{name}");
        assert!(shown.pixels == pixels(image, shown.depth), "{name}");
        assert!(tty.is_alternate() && tty.screen().contains(name), "{}", tty.screen());
        assert_eq!(state(&sandbox), "claimed", "it is finished when it is closed, and not earlier");
        tty.press("q");
        assert_eq!(tty.end(), 0, "{}", tty.screen());
        assert!(tty.screen().contains("Closed and deleted. The sender sees it was opened by: "), "{}", tty.screen());
        assert!(!tty.is_alternate() && !tty.history().contains("q closes"), "{}", tty.history());
        assert!(tty.seen(|seen| seen.images.is_empty()), "the terminal's own memory is empty");
        assert_eq!(state(&sandbox), "finished");
        assert!(sandbox.kept().iter().all(|path| path.ends_with("device")), "{:?}", sandbox.kept());
    }
    assert_eq!(sandbox.names().len(), 4, "nothing was saved: {:?}", sandbox.names());
}

#[test]
fn a_text_is_shown_on_the_alternate_screen() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let text = (0..100).map(|line| format!("canary line {line} \x1b[31mnot red\n")).collect::<Vec<_>>().concat();
    sandbox.write("long.txt", text.as_bytes());
    let mut tty = open(&sandbox, TerminalKind::Plain, &send(&sandbox, &relay, &["long.txt"]), "");
    tty.expect("This text can be opened once. [v]iew here").press("v\r").expect("canary line 28 ␛[31mnot red");
    assert!(!tty.screen().contains("line 29") && tty.is_alternate(), "{}", tty.screen());
    tty.press("\x1b[B").expect("canary line 29").press("\x1b[6~").expect("canary line 50");
    tty.press("\x1b[F").expect("canary line 99").expect("100 %").press("\x1b[H").expect("canary line 0");
    tty.press("c").expect("Copied through the terminal");
    let coded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &text);
    assert!(tty.seen(|seen| contains(&seen.bytes, format!("\x1b]52;c;{coded}\x07").as_bytes())));
    tty.press("q");
    assert_eq!(tty.end(), 0);
    assert!(!tty.history().contains("canary line"), "{}", tty.history());
    assert!(sandbox.names() == ["long.txt"]);
}

#[test]
fn a_share_closes_after_the_specified_seconds() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let mut tty = open(&sandbox, TerminalKind::Plain, &send(&sandbox, &relay, &["t.txt"]), "-y --seconds 1");
    tty.expect("canary").expect("(automatically in");
    assert_eq!(tty.end(), 0);
    assert_eq!(state(&sandbox), "finished");
    assert!(!tty.history().contains("canary"));
}

#[test]
fn an_interrupted_viewer_can_look_again() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let link = send(&sandbox, &relay, &["t.txt"]);
    // By SIGKILL; by a closed terminal; by Ctrl-C.
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    tty.expect("canary");
    // The link is among the arguments of the process.
    let killed = Command::new("pkill").args(["-KILL", "-f", &link[link.len() - 30..]]).status();
    assert!(killed.unwrap().success());
    drop(tty);
    for ending in ["HUP", "TERM", "\x03"] {
        let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
        tty.expect("canary");
        assert_eq!(state(&sandbox), "claimed");
        if ending == "\x03" {
            tty.press(ending);
        } else {
            let killed = Command::new("pkill").args([&format!("-{ending}"), "-f", &link[link.len() - 30..]]).status();
            assert!(killed.unwrap().success());
        }
        assert_eq!(tty.end(), 130);
        assert!(
            tty.screen().contains("hint: run the same command again on this device within 24 hours"),
            "{}",
            tty.screen()
        );
        assert!(!tty.is_alternate());
    }
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    tty.expect("canary").press("q");
    assert_eq!(tty.end(), 0);
    assert_eq!(state(&sandbox), "finished");
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    assert_eq!(tty.end(), 3, "{}", tty.screen());
}

#[test]
fn other_keys_close_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for name in ["a.png", "b.png"] {
        sandbox.write(name, &encoded(&picture(64, 48, false).into(), ImageFormat::Png));
    }
    let link = send(&sandbox, &relay, &["a.png", "b.png"]);
    let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "");
    tty.expect("[n]ot now?").press("v\r").until("the first", |seen| seen.drawn == 1);
    // Paging is the last key, so the others have been handled when the second photo appears.
    tty.press("x\r\x1b[B \x1b[C").until("the second", |seen| seen.drawn == 2);
    assert!(tty.is_alternate(), "{}", tty.screen());
    tty.press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert_eq!(state(&sandbox), "finished");
}

#[test]
fn keys_typed_before_a_prompt_do_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let link = send(&sandbox, &relay, &["t.txt"]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("read -r go; exec \"$SHARE\" open '{link}'"));
    // Typed before the prompt, all at once.
    tty.press("go\rv\rq\rv\r");
    tty.expect("[n]ot now?");
    // An invalid key, after which the prompt repeats: an earlier key would have answered it.
    tty.press("x\r");
    tty.until("it asks again", |seen| seen.bytes.windows(7).filter(|bytes| bytes == b"ot now?").count() == 2);
    assert_eq!(state(&sandbox), "waiting");
    tty.press("v\rqqq").expect("canary").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
}

#[test]
fn a_view_only_share_is_not_saved() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    sandbox.write("t.zip", b"PK\x03\x04 and so on");
    let refused = sandbox.share(["send", "--relay", &relay.url, "--view-only", "t.zip"]).fails(2, "can only be saved");
    assert!(refused.stderr.contains("nothing was sent"), "{refused:?}");
    let sent = sandbox.share(["send", "--relay", &relay.url, "--view-only", "t.txt"]).run();
    assert!(sent.stderr.contains("asked not to save this share; they cannot prevent screenshots."), "{sent:?}");
    let link = String::from_utf8(sent.stdout).unwrap().trim().to_owned();
    for args in [vec!["open", &link], vec!["open", &link, "-o", "."], vec!["open", &link, "-o", "-"]] {
        sandbox.share(args).fails(2, "this share is view-only: it can be shown, but not saved");
    }
    // Nor with `--json`, where nothing is shown.
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "--json -y");
    assert_eq!(tty.end(), 2, "{}", tty.screen());
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "");
    tty.expect("This text can be opened once. [v]iew here, or [n]ot now?").press("s\r");
    // The prompt repeats after an invalid key.
    tty.until("it asks again", |seen| seen.bytes.windows(7).filter(|bytes| bytes == b"ot now?").count() == 2)
        .press("\r");
    assert_eq!(tty.end(), 130);
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    // Keys are handled in order: after q has closed the share, s does nothing.
    tty.expect("canary").expect("q closes").press("s");
    assert_eq!(tty.press_until_end("q"), 0);
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"saved")), "{}", tty.history());
    assert_eq!(sandbox.names(), ["t.txt", "t.zip"]);
}
