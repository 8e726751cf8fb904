//! Looking at something once: what is on the screen, and that nothing of it stays.

use std::fs;
use std::process::Command;

use image::{DynamicImage, ImageFormat, RgbaImage};

use crate::support::{
    CLIP, COLUMNS, Image, ROWS, SHARE, Sandbox, TerminalKind, Tty, contains, encoded, files, open, picture, planted,
    send, state,
};

/// Its pixels, as the terminal has them.
fn pixels(image: &RgbaImage, depth: usize) -> Vec<u8> {
    image.pixels().flat_map(|pixel| pixel.0[..depth].to_vec()).collect()
}

fn one(tty: &Tty) -> Image {
    tty.seen(|seen| seen.images.values().next().unwrap().clone())
}

#[test]
fn a_photo_is_seen_pixel_by_pixel_and_nothing_of_it_stays() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let opaque = picture(64, 48, false);
    let clear = picture(33, 21, true);
    let cases = [
        ("opaque.png", encoded(&opaque.clone().into(), ImageFormat::Png), &opaque),
        ("clear.png", encoded(&clear.clone().into(), ImageFormat::Png), &clear),
        ("lossless.webp", encoded(&opaque.clone().into(), ImageFormat::WebP), &opaque),
        // A name and a kind that are not its own.
        ("mislabelled.gif", encoded(&opaque.clone().into(), ImageFormat::Png), &opaque),
    ];
    for (name, bytes, image) in cases {
        sandbox.write(name, &bytes);
        let link = send(&sandbox, &relay, &[name]);
        let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "");
        tty.expect("This photo can be opened once. [v]iew it here, [s]ave it here, [n]ot now?").press("v\r");
        tty.until(name, |seen| seen.images.len() == 1).expect("q closes, and it is gone");
        let shown = one(&tty);
        assert_eq!((shown.width, shown.height), image.dimensions(), "{name}");
        assert!(shown.pixels == pixels(image, shown.depth), "{name}");
        assert!(tty.is_alternate() && tty.screen().contains(name), "{}", tty.screen());
        assert_eq!(state(&sandbox), "claimed", "it is finished when it is closed, and not earlier");
        tty.press("q");
        assert_eq!(tty.end(), 0, "{}", tty.screen());
        assert!(tty.screen().contains("Seen, and gone. The sender sees who it was: "), "{}", tty.screen());
        assert!(!tty.is_alternate() && !tty.history().contains("q closes"), "{}", tty.history());
        assert!(tty.seen(|seen| seen.images.is_empty()), "the terminal's own memory is empty");
        assert_eq!(state(&sandbox), "finished");
        assert!(sandbox.kept().iter().all(|path| path.ends_with("device")), "{:?}", sandbox.kept());
    }
    assert_eq!(sandbox.names().len(), 4, "nothing was saved: {:?}", sandbox.names());
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_photo_is_turned_fitted_and_drawn_as_the_terminal_can() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // Turned by its metadata, as a phone takes it: what is up and left in the file is up and right on the screen.
    let image = picture(40, 20, false);
    sandbox.write("turned.png", &encoded(&image.clone().into(), ImageFormat::Png));
    let turn = Command::new("exiftool")
        .args(["-q", "-n", "-Orientation=6", "turned.png"])
        .current_dir(sandbox.path(""))
        .status();
    assert!(turn.unwrap().success());
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &["turned.png"]), "-y");
    tty.until("turned", |seen| seen.images.len() == 1);
    let shown = one(&tty);
    let turned = DynamicImage::from(image.clone()).rotate90().into_rgba8();
    assert_eq!((shown.width, shown.height), (20, 40));
    assert!(shown.pixels == pixels(&turned, 3));
    tty.press("\x1b");
    assert_eq!(tty.end(), 0, "Esc closes");

    // Larger than the screen.
    let large = picture(3000, 1000, false);
    sandbox.write("large.png", &encoded(&large.into(), ImageFormat::Png));
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &["large.png"]), "-y");
    tty.until("large", |seen| seen.images.len() == 1);
    let shown = one(&tty);
    assert!(
        shown.width == u32::from(COLUMNS) * 10 && shown.height <= u32::from(ROWS - 1) * 20,
        "{} {}",
        shown.width,
        shown.height
    );
    tty.press("q");
    assert_eq!(tty.end(), 0);

    let link = || send(&sandbox, &relay, &["turned.png"]);
    let begins = |bytes: &[u8], code: &[u8]| bytes.windows(code.len()).position(|window| window == code);
    // iTerm2 and WezTerm get a PNG.
    let mut tty = open(&sandbox, TerminalKind::WezTerm, &link(), "-y");
    tty.expect("q closes").press("q");
    assert_eq!(tty.end(), 0);
    let png = tty.seen(|seen| {
        let at = begins(&seen.bytes, b"\x1b]1337;File=inline=1").unwrap();
        let code = String::from_utf8_lossy(&seen.bytes[at..]).split_once('\x07').unwrap().0.to_owned();
        let (_, coded) = code.rsplit_once(':').unwrap();
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, coded).unwrap()
    });
    assert!(image::load_from_memory(&png).unwrap().into_rgba8() == turned);
    // Sixel has 256 colours: noise is hard on it, so only the size is compared.
    let mut tty = open(&sandbox, TerminalKind::Sixel, &link(), "-y");
    tty.expect("q closes").press("q");
    assert_eq!(tty.end(), 0);
    tty.seen(|seen| {
        let at = begins(&seen.bytes, b"\x1bP").unwrap();
        let end = at + begins(&seen.bytes[at..], b"\x1b\\").unwrap() + 2;
        let decoded = icy_sixel::SixelImage::decode(&seen.bytes[at..end]).unwrap();
        // Six rows at a time.
        assert_eq!((decoded.width, decoded.height), (20, 42));
    });
    // A terminal without graphics is asked about, and one that says nothing holds nobody up.
    for kind in [TerminalKind::Plain, TerminalKind::Mute] {
        let mut tty = open(&sandbox, kind, &link(), "");
        tty.expect("nothing here draws pictures. Coarsely, in [b]locks, [s]ave it here, [n]ot now?").press("b\r");
        tty.expect("q closes");
        assert!(tty.screen().contains('▀'), "{}", tty.screen());
        tty.press("q");
        assert_eq!(tty.end(), 0);
        assert!(!tty.history().contains('▀'), "{}", tty.history());
    }
    // Somebody who has said what they want is not asked about it.
    let mut tty =
        Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=blocks \"$SHARE\" open '{}'", link()));
    tty.expect("[v]iew it here").press("v\r").expect("q closes").press("q");
    assert_eq!(tty.end(), 0);
    let link = link();
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=nonsuch \"$SHARE\" open '{link}'"));
    assert_eq!(tty.end(), 2);
    assert!(tty.screen().contains("the viewer nonsuch is not there"), "{}", tty.screen());
    assert!(sandbox.share(["peek", &link]).ok().starts_with("turned.png"), "it still waits");
}

#[test]
fn what_moves_moves() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let frames = [[255, 0, 0, 255], [0, 0, 255, 255]].map(|colour| RgbaImage::from_pixel(8, 8, image::Rgba(colour)));
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        for frame in frames {
            let delay = image::Delay::from_numer_denom_ms(50, 1);
            encoder.encode_frame(image::Frame::from_parts(frame, 0, 0, delay)).unwrap();
        }
    }
    sandbox.write("moving.gif", &gif);
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &["moving.gif"]), "-y");
    tty.until("it moves", |seen| seen.drawn >= 5);
    assert!(tty.seen(|seen| seen.images.len()) == 1, "one picture, ever anew");
    tty.press("q");
    assert_eq!(tty.end(), 0);
    assert!(tty.seen(|seen| seen.images.is_empty()));
}

#[test]
fn a_text_is_read_on_a_screen_of_its_own() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let text = (0..100).map(|line| format!("canary line {line} \x1b[31mnot red\n")).collect::<Vec<_>>().concat();
    sandbox.write("long.txt", text.as_bytes());
    let mut tty = open(&sandbox, TerminalKind::Plain, &send(&sandbox, &relay, &["long.txt"]), "");
    tty.expect("This text can be opened once. [v]iew it here").press("v\r").expect("canary line 28 ␛[31mnot red");
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
fn it_closes_by_itself_when_that_was_asked_for() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let mut tty = open(&sandbox, TerminalKind::Plain, &send(&sandbox, &relay, &["t.txt"]), "-y --seconds 1");
    tty.expect("canary").expect("by itself");
    assert_eq!(tty.end(), 0);
    assert_eq!(state(&sandbox), "finished");
    assert!(!tty.history().contains("canary"));
}

#[test]
fn whoever_is_interrupted_may_look_again() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let link = send(&sandbox, &relay, &["t.txt"]);
    // Killed outright; by a closed terminal; by Ctrl-C.
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    tty.expect("canary");
    // The link is among its arguments here.
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
        assert!(tty.screen().contains("it is not lost: run the same command again on this device"), "{}", tty.screen());
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
    // Turning the album is the last key, so that the others have been taken when the second photo comes.
    tty.press("x\r\x1b[B \x1b[C").until("the second", |seen| seen.drawn == 2);
    assert!(tty.is_alternate(), "{}", tty.screen());
    tty.press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert_eq!(state(&sandbox), "finished");
}

#[test]
fn what_was_typed_before_spends_nothing_and_closes_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    let link = send(&sandbox, &relay, &["t.txt"]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("read -r go; exec \"$SHARE\" open '{link}'"));
    // Typed ahead of the question, all in one.
    tty.press("go\rv\rq\rv\r");
    tty.expect("[n]ot now?");
    // No answer, so that it asks again: had it taken one that was typed before, it would not.
    tty.press("x\r");
    tty.until("it asks again", |seen| seen.bytes.windows(7).filter(|bytes| bytes == b"ot now?").count() == 2);
    assert_eq!(state(&sandbox), "waiting");
    tty.press("v\rqqq").expect("canary").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
}

#[test]
fn what_is_only_to_be_seen_is_not_saved() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary");
    sandbox.write("t.zip", b"PK\x03\x04 and so on");
    let refused = sandbox.share(["send", "--relay", &relay.url, "--view-only", "t.zip"]).fails(2, "can only be saved");
    assert!(refused.stderr.contains("nothing was sent"), "{refused:?}");
    let sent = sandbox.share(["send", "--relay", &relay.url, "--view-only", "t.txt"]).run();
    assert!(sent.stderr.contains("asked to show it and not to save it. A camera does not ask."), "{sent:?}");
    let link = String::from_utf8(sent.stdout).unwrap().trim().to_owned();
    for args in [vec!["open", &link], vec!["open", &link, "-o", "."], vec!["open", &link, "-o", "-"]] {
        sandbox.share(args).fails(2, "the sender asks that it be seen and not saved");
    }
    // Nor where programs listen, and nobody could see it.
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "--json -y");
    assert_eq!(tty.end(), 2, "{}", tty.screen());
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "");
    tty.expect("This text can be opened once. [v]iew it here, [n]ot now?").press("s\r");
    // Asked again, since that is no answer.
    tty.until("it asks again", |seen| seen.bytes.windows(7).filter(|bytes| bytes == b"ot now?").count() == 2)
        .press("\r");
    assert_eq!(tty.end(), 130);
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    // Keys are taken in their order: when q has closed it, s has done nothing.
    tty.expect("canary").expect("q closes").press("s");
    assert_eq!(tty.press_until_end("q"), 0);
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"saved")), "{}", tty.history());
    assert_eq!(sandbox.names(), ["t.txt", "t.zip"]);
}

#[test]
fn an_album_is_turned_and_saved_all_at_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = picture(30, 30, false);
    sandbox.write("a.png", &encoded(&photo.into(), ImageFormat::Png));
    sandbox.write("b.txt", b"canary");
    sandbox.write("c.zip", b"PK\x03\x04 and so on");
    let album = ["-n", "Our trip", "a.png", "b.txt", "c.zip"];
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &album), "");
    tty.expect("This album can be opened once. [v]iew it here").press("v\r").expect("← → 1 of 3 · a.png");
    tty.until("the photo", |seen| seen.images.len() == 1).press("\x1b[C").expect("canary").expect("← → 2 of 3 · b.txt");
    tty.until("it is wiped when it is turned", |seen| seen.images.is_empty());
    tty.press("q").expect("One file was not looked at: s saves, q again closes and it is all gone");
    tty.press("\x1b[C").expect("This file can only be saved.").press("s").expect("saved as Our trip").press("q");
    assert_eq!(tty.end(), 0);
    assert_eq!(sandbox.names(), ["Our trip", "a.png", "b.txt", "c.zip"]);
    for name in ["a.png", "b.txt", "c.zip"] {
        assert!(sandbox.read(&format!("Our trip/{name}")).len() > 5, "{name}");
    }
    // Without looking; and the name is taken now.
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &album), "");
    tty.expect("[s]ave it here").press("s\r");
    assert_eq!(tty.end(), 0);
    assert!(tty.screen().contains("saved 3 files in Our trip (1)"), "{}", tty.screen());
    assert_eq!(files(&sandbox.path("Our trip (1)")).len(), 3);
}

#[test]
fn what_cannot_be_decoded_is_said_and_not_lost() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = encoded(&picture(300, 300, false).into(), ImageFormat::Png);
    // A square of a hundred thousand pixels each way, in a few bytes.
    let mut bomb = photo.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let crc = crc32fast::hash(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&crc);
    let jpeg = fs::read("tests/beach.jpg").unwrap();
    let gif_bomb = [
        b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff".to_vec(),
        b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0\x3b".to_vec(),
    ]
    .concat();
    for (name, bytes, why) in [
        ("cut.png", photo[..photo.len() / 2].to_vec(), "it is damaged"),
        ("bomb.png", bomb, "it is too large to be decoded"),
        ("bomb.gif", gif_bomb, "it is too large to be decoded"),
        ("cut.jpg", jpeg[..300].to_vec(), "it is damaged"),
    ] {
        sandbox.write(name, &bytes);
        let link = send(&sandbox, &relay, &["--metadata", "keep", name]);
        let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "-y");
        tty.expect(&format!("This photo cannot be shown: {why}.")).press("q");
        assert_eq!(tty.end(), 8, "{name}: {}", tty.screen());
        assert!(tty.screen().contains(&format!("error: it could not be shown: {why}")), "{}", tty.screen());
        assert!(tty.screen().contains("hint: it is not lost"), "{}", tty.screen());
        // The same device saves it.
        sandbox.share(["open", "-q", &link, "-o", &format!("saved-{name}")]).ok();
        assert!(sandbox.read(&format!("saved-{name}")) == bytes);
    }
}

#[test]
fn a_playlist_that_pretends_to_be_a_film_is_not_played() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let list: &[u8] = b"#EXTM3U\n/etc/passwd\nhttp://127.0.0.1:9/\n";
    let played = sandbox.path("played");
    let viewer = format!("mpv --vo=null --ao=null --log-file={}", played.display());
    let link = planted(&relay.url, &[("film.mp4", "video/mp4", list)], false);
    let mut tty =
        Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER='{viewer}' \"$SHARE\" open -y '{link}'"));
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert!(tty.screen().contains("it is not what its sender says it is") && !played.exists(), "{}", tty.screen());
}

#[test]
fn a_viewer_that_hands_it_on_and_leaves_has_shown_nothing() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let link = send(&sandbox, &relay, &[CLIP]);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=true \"$SHARE\" open -y '{link}'"));
    assert_eq!(tty.end(), 8, "{}", tty.screen());
    assert!(tty.screen().contains("the viewer ended at once"), "{}", tty.screen());
    assert_eq!(state(&sandbox), "claimed");
    sandbox.share(["open", "-q", &link, "-o", "clip.mp4"]).ok();
}

#[test]
fn five_hundred_hostile_names_stay_in_their_directory() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let vectors: serde_json::Value =
        serde_json::from_str(&fs::read_to_string("tests/it/vectors.json").unwrap()).unwrap();
    let mut names: Vec<String> = vectors["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["given"].as_str().unwrap_or_default().to_owned())
        .collect();
    for number in 0..500 {
        let odd = [
            "../",
            "/etc/",
            "..\\",
            "\u{1b}[2J",
            "\u{202e}",
            "\0",
            "CON",
            "-rf ",
            " ",
            "\u{7f}",
            "\u{9b}31m",
            ".hidden",
        ];
        names.push(format!("{}{number}{}", odd[number % odd.len()], odd[(number / 7) % odd.len()]));
    }
    names.retain(|name| !name.is_empty());
    let album = |names: &[String]| {
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), "text/plain", &b"a text"[..])).collect();
        planted(&relay.url, &files, false)
    };
    let link = album(&names);
    let before = files(sandbox.home().parent().unwrap()).len();
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-o .");
    let code = tty.end();
    assert_eq!(code, 0, "{}", tty.screen());
    let saved = files(&sandbox.path("album"));
    assert_eq!(saved.len(), names.len());
    for path in &saved {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            path.parent().unwrap() == sandbox.path("album") && share::safe_text::printable(name) == name,
            "{name:?}"
        );
        assert!(!name.starts_with(['.', '-']) && !name.contains(['/', '\\']), "{name:?}");
    }
    assert!(files(sandbox.home().parent().unwrap()).len() - before >= names.len());
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"\x1b[2J") && !contains(&seen.bytes, "\u{202e}".as_bytes())));
    // And looked at, one after another, no name commands the terminal.
    let link = album(&names[..40]);
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    for number in 2..=40 {
        tty.expect(&format!("{} of 40", number - 1)).press("\x1b[C").expect(&format!("{number} of 40"));
    }
    tty.press("q");
    assert_eq!(tty.end(), 0);
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"\x1b[2J") && !contains(&seen.bytes, b"\x9b31m")));
}

/// Runs the program under `strace`, with a canary in what it opens, and returns every write that has it.
fn written(
    sandbox: &Sandbox,
    kind: TerminalKind,
    viewer: &str,
    link: &str,
    look: impl FnOnce(&mut Tty),
) -> Vec<String> {
    let log = sandbox.path("trace");
    let command = format!(
        "SHARE_VIEWER='{viewer}' strace -f -qq -y -s 90000 -e trace=write,writev,pwrite64,pwritev,sendto,sendmsg,sendfile,copy_file_range,splice \
         -e signal=none -o {} \"$SHARE\" open -y '{link}'",
        log.display()
    );
    let mut tty = Tty::start(sandbox, kind, &command);
    look(&mut tty);
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    let trace = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    assert!(!trace.contains("copy_file_range(") && !trace.contains("splice("), "nothing is copied unseen");
    let is_seen = |line: &str| line.contains("memfd:share") && line.contains("CANARY-IN-THE-PLAIN");
    assert!(trace.lines().any(is_seen), "the plaintext is in memory");
    trace.lines().filter(|line| line.contains("CANARY-IN-THE-PLAIN")).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn no_plaintext_is_written_to_any_file() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let canary = "CANARY-IN-THE-PLAIN ".repeat(20);
    sandbox.write("t.txt", canary.as_bytes());
    // Behind their ends, where decoders don't look.
    let photo = encoded(&picture(16, 16, false).into(), ImageFormat::Png);
    sandbox.write("photo.png", &[&photo[..], canary.as_bytes()].concat());
    let clip = fs::read(CLIP).unwrap();
    sandbox.write(
        "clip.mp4",
        &[&clip[..], &u32::try_from(8 + canary.len()).unwrap().to_be_bytes(), b"free", canary.as_bytes()].concat(),
    );
    let mut link = |name: &str| send(&sandbox, &relay, &["--metadata", "keep", name]);
    let links = ["t.txt", "photo.png", "clip.mp4", "clip.mp4"].map(&mut link);
    for name in ["t.txt", "photo.png", "clip.mp4"] {
        fs::remove_file(sandbox.path(name)).unwrap();
    }
    let close = |tty: &mut Tty| {
        tty.expect("q closes").press("q");
    };
    let mut lines = written(&sandbox, TerminalKind::Plain, "", &links[0], close);
    lines.extend(written(&sandbox, TerminalKind::Kitty, "", &links[1], close));
    lines.extend(written(&sandbox, TerminalKind::Plain, "mpv --vo=null --ao=null --keep-open=no", &links[2], |_| {}));
    lines.extend(written(&sandbox, TerminalKind::Plain, "mpv --vo=tct --ao=null --keep-open=no", &links[3], |tty| {
        tty.until("it is drawn", |seen| contains(&seen.bytes, "▄".as_bytes()));
    }));
    assert!(lines.iter().any(|line| line.contains("memfd:share")), "{lines:?}");
    for line in &lines {
        assert!(line.contains("memfd:share") || line.contains("/dev/tty") || line.contains("/dev/pts/"), "{line}");
    }
    let mut places = files(sandbox.home().parent().unwrap());
    places.retain(|path| !path.starts_with(&relay.store));
    for place in ["/dev/shm", "/run/user", "/var/tmp"] {
        places.extend(files(std::path::Path::new(place)));
    }
    // What other tests do below it is theirs.
    places.extend(fs::read_dir("/tmp").unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_file()));
    for path in places {
        let bytes = fs::read(&path).unwrap_or_default();
        assert!(!contains(&bytes, b"CANARY-IN-THE-PLAIN"), "{}", path.display());
    }
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_film_too_large_for_memory_is_played_piece_by_piece() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    // Its table of contents is at the end: whoever plays it has to seek.
    let mut film = Command::new("ffmpeg");
    film.args([
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=1280x720:rate=25",
        "-t",
        "4",
        "-c:v",
        "huffyuv",
    ]);
    assert!(film.arg(sandbox.path("film.mov")).status().unwrap().success());
    assert!(fs::metadata(sandbox.path("film.mov")).unwrap().len() > 20_000_000);
    let link = send(&sandbox, &relay, &["film.mov"]);
    // A machine with little memory left: 20 MB.
    sandbox.write("meminfo", b"MemTotal: 80000 kB\nMemAvailable: 80000 kB\n");
    let inside = format!("mount --bind meminfo /proc/meminfo && \"$SHARE\" open '{link}'");
    let command = format!("unshare --user --map-root-user --mount bash -c {}", quoted(&inside));
    let played = sandbox.path("played");
    let viewer = format!("mpv --vo=null --ao=null --keep-open=no --untimed --log-file={}", played.display());
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("export SHARE_VIEWER='{viewer}'; {command}"));
    tty.expect("This video can be opened once. [v]iew it with mpv, piece by piece, [s]ave it here, [n]ot now?");
    tty.press("v\r");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(tty.screen().contains("Seen, and gone."), "{}", tty.screen());
    let told = fs::read_to_string(played).unwrap();
    assert!(told.contains("EOF code: 1") || told.contains("finished playback, success"), "{told}");
    assert_eq!(state(&sandbox), "finished");
    relay.expect_empty();
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn under_tmux_nothing_stays_either() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"canary text");
    let text = send(&sandbox, &relay, &["t.txt"]);
    let photo = send(&sandbox, &relay, &[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beach.jpg")]);
    let film = send(&sandbox, &relay, &[CLIP]);
    let tmux = |args: &[&str]| {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(sandbox.path("tmux")).args(["-f", "/dev/null"]).args(args);
        let told = tmux.env("HOME", sandbox.home()).env("SHARE", SHARE).env("LANG", "C.UTF-8").output().unwrap();
        assert!(told.status.success(), "{args:?} {told:?}");
        String::from_utf8(told.stdout).unwrap()
    };
    let wait = |text: &str| {
        let begun = std::time::Instant::now();
        while !tmux(&["capture-pane", "-p"]).contains(text) {
            assert!(begun.elapsed().as_secs() < 120, "{text}: {}", tmux(&["capture-pane", "-p"]));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    tmux(&["new-session", "-d", "-x", "100", "-y", "30", "bash --norc"]);
    for (link, name, seen, answer) in
        [(&text, "t.txt ·", "canary text", "v"), (&photo, "beach.jpg ·", "▀▀▀", "b"), (&film, "clip.mp4 ·", "▄▄▄", "v")]
    {
        tmux(&["send-keys", &format!("clear; \"$SHARE\" open '{link}'"), "Enter"]);
        wait(name);
        wait("ot now?");
        tmux(&["send-keys", answer, "Enter"]);
        wait(seen);
        tmux(&["send-keys", "q"]);
        wait("Seen, and gone.");
        let history = tmux(&["capture-pane", "-p", "-e", "-S", "-"]);
        assert!(!history.contains(seen), "{history}");
    }
    tmux(&["kill-server"]);
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_link_is_copied_and_kept_out_of_histories() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"text");
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "64x64x24"]).stdout(std::process::Stdio::piped());
    let mut screen = screen.stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut number = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(screen.stdout.take().unwrap()), &mut number).unwrap();
    let display = format!(":{}", number.trim());
    let clip = |args: &[&str]| {
        let mut clip = Command::new("xclip");
        clip.args(["-selection", "clipboard"]).args(args).env("DISPLAY", &display);
        String::from_utf8(clip.output().unwrap().stdout).unwrap()
    };
    let sent = sandbox.share(["send", "--copy", "--relay", &relay.url, "t.txt"]).env("DISPLAY", &display).run();
    assert!(sent.stderr.contains("Copied. The clipboard forgets it after ten minutes"), "{sent:?}");
    assert_eq!(clip(&["-o"]), String::from_utf8(sent.stdout).unwrap().trim());
    assert!(clip(&["-o", "-t", "TARGETS"]).contains("x-kde-passwordManagerHint"));
    assert_eq!(clip(&["-o", "-t", "x-kde-passwordManagerHint"]), "secret");
    screen.kill().unwrap();
    screen.wait().unwrap();
    // Where there is no desktop, and no terminal either, it is printed all the same.
    let mut alone = Command::new("setsid");
    alone.args(["--wait", SHARE, "send", "--copy", "--relay", &relay.url, "t.txt"]);
    let sent = sandbox.prepare(alone).run();
    assert!(sent.code == 0 && sent.stderr.contains("warning: it was not copied: "), "{sent:?}");
    // Over SSH, the terminal is asked.
    let command = format!("SSH_TTY=x DISPLAY=:1 \"$SHARE\" send --copy --relay {} t.txt", relay.url);
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
    assert_eq!(tty.end(), 0);
    let link = tty.screen().lines().find(|line| line.starts_with("http://")).unwrap().to_owned();
    let coded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, link.trim());
    assert!(tty.seen(|seen| contains(&seen.bytes, format!("\x1b]52;c;{coded}\x07").as_bytes())), "{}", tty.screen());
}
