//! Drawing of photos: rotated, scaled, animated, broken.

use std::fs;
use std::process::Command;

use image::{DynamicImage, ImageFormat, RgbaImage};

use crate::support::{COLUMNS, Image, ROWS, Sandbox, TerminalKind, Tty, encoded, open, picture, send};

/// The pixels as the terminal received them.
fn pixels(image: &RgbaImage, depth: usize) -> Vec<u8> {
    image.pixels().flat_map(|pixel| pixel.0[..depth].to_vec()).collect()
}

fn one(tty: &Tty) -> Image {
    tty.seen(|seen| seen.images.values().next().unwrap().clone())
}

/// Writes a photo with a rotation in its metadata, as phones do: the upper left corner of the file is the upper right
/// one of the screen. Returns the picture as it is on the screen.
fn write_turned(sandbox: &Sandbox) -> RgbaImage {
    let image = DynamicImage::from(picture(40, 20, false));
    sandbox.write("turned.png", &encoded(&image, ImageFormat::Png));
    let turn = Command::new("exiftool")
        .args(["-q", "-n", "-Orientation=6", "turned.png"])
        .current_dir(sandbox.path(""))
        .status();
    assert!(turn.unwrap().success());
    image.rotate90().into_rgba8()
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_photo_is_rotated_and_scaled_to_fit() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let turned = write_turned(&sandbox);
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &["turned.png"]), "-y");
    tty.until("turned", |seen| seen.images.len() == 1);
    let shown = one(&tty);
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
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_photo_is_drawn_in_the_protocol_of_the_terminal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let turned = write_turned(&sandbox);
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
    // Sixel has 256 colors, which noise exceeds, so only the size is compared.
    let mut tty = open(&sandbox, TerminalKind::Sixel, &link(), "-y");
    tty.expect("q closes").press("q");
    assert_eq!(tty.end(), 0);
    tty.seen(|seen| {
        let at = begins(&seen.bytes, b"\x1bP").unwrap();
        let end = at + begins(&seen.bytes[at..], b"\x1b\\").unwrap() + 2;
        let decoded = icy_sixel::SixelImage::decode(&seen.bytes[at..end]).unwrap();
        // Sixel draws bands of six rows.
        assert_eq!((decoded.width, decoded.height), (20, 42));
    });
    // A terminal without graphics gets a prompt, and one that never replies delays nothing.
    for kind in [TerminalKind::Plain, TerminalKind::Mute] {
        let mut tty = open(&sandbox, kind, &link(), "");
        tty.expect("this terminal cannot show photos. Show the photo").press("b\r");
        tty.expect("q closes");
        assert!(tty.screen().contains('▀'), "{}", tty.screen());
        tty.press("q");
        assert_eq!(tty.end(), 0);
        assert!(!tty.history().contains('▀'), "{}", tty.history());
    }
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_configured_viewer_is_used_without_a_question() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    write_turned(&sandbox);
    let link = || send(&sandbox, &relay, &["turned.png"]);
    let mut tty =
        Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=blocks \"$SHARE\" open '{}'", link()));
    tty.expect("[v]iew here").press("v\r").expect("q closes").press("q");
    assert_eq!(tty.end(), 0);
    let link = link();
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("SHARE_VIEWER=nonsuch \"$SHARE\" open '{link}'"));
    assert_eq!(tty.end(), 2);
    assert!(tty.screen().contains("the viewer nonsuch was not found"), "{}", tty.screen());
    assert!(sandbox.share(["peek", &link]).ok().starts_with("turned.png"), "it still waits");
}

#[test]
fn an_animation_moves() {
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
fn a_photo_that_cannot_be_decoded_is_an_error_and_not_lost() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = encoded(&picture(300, 300, false).into(), ImageFormat::Png);
    // A hundred thousand pixels in each direction, in a few bytes.
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
        ("cut.png", photo[..photo.len() / 2].to_vec(), "the file is damaged"),
        ("bomb.png", bomb, "the file is too large to decode"),
        ("bomb.gif", gif_bomb, "the file is too large to decode"),
        ("cut.jpg", jpeg[..300].to_vec(), "the file is damaged"),
    ] {
        sandbox.write(name, &bytes);
        let link = send(&sandbox, &relay, &["--metadata", "keep", name]);
        let mut tty = open(&sandbox, TerminalKind::Kitty, &link, "-y");
        tty.expect(&format!("This photo cannot be shown: {why}.")).press("q");
        assert_eq!(tty.end(), 8, "{name}: {}", tty.screen());
        assert!(tty.screen().contains(&format!("error: the share could not be shown: {why}")), "{}", tty.screen());
        assert!(
            tty.screen().contains("hint: run this again with -o FILE on this device within 24 hours"),
            "{}",
            tty.screen()
        );
        // The same device saves it.
        sandbox.share(["open", "-q", &link, "-o", &format!("saved-{name}")]).ok();
        assert!(sandbox.read(&format!("saved-{name}")) == bytes);
    }
}
