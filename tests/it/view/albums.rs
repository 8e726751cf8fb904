//! Albums in the viewer, and the names of their files.

use std::fs;

use image::ImageFormat;

use crate::support::{Sandbox, TerminalKind, contains, encoded, files, open, picture, planted, send};

#[test]
fn an_album_can_be_paged_and_saved_at_once() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let photo = picture(30, 30, false);
    sandbox.write("a.png", &encoded(&photo.into(), ImageFormat::Png));
    sandbox.write("b.txt", b"canary");
    sandbox.write("c.zip", b"PK\x03\x04 and so on");
    let album = ["-n", "Our trip", "a.png", "b.txt", "c.zip"];
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &album), "");
    tty.expect("This album can be opened once. [v]iew here").press("v\r").expect("← → 1 of 3 · a.png");
    tty.until("the photo", |seen| seen.images.len() == 1).press("\x1b[C").expect("canary").expect("← → 2 of 3 · b.txt");
    tty.until("it is wiped when it is turned", |seen| seen.images.is_empty());
    tty.press("q").expect("1 file not seen yet: s saves all, q again closes and deletes");
    tty.press("\x1b[C").expect("This file can only be saved.").press("s").expect("Saved as Our trip.").press("q");
    assert_eq!(tty.end(), 0);
    assert_eq!(sandbox.names(), ["Our trip", "a.png", "b.txt", "c.zip"]);
    for name in ["a.png", "b.txt", "c.zip"] {
        assert!(sandbox.read(&format!("Our trip/{name}")).len() > 5, "{name}");
    }
    // Saved without viewing; the first name is taken now.
    let mut tty = open(&sandbox, TerminalKind::Kitty, &send(&sandbox, &relay, &album), "");
    tty.expect("[s]ave here").press("s\r");
    assert_eq!(tty.end(), 0);
    assert!(tty.screen().contains("Saved 3 files in Our trip (1)."), "{}", tty.screen());
    assert_eq!(files(&sandbox.path("Our trip (1)")).len(), 3);
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
        .map(|case| case["name"].as_str().unwrap_or_default().to_owned())
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
    // The names send no commands to the terminal while the files are viewed.
    let link = album(&names[..40]);
    let mut tty = open(&sandbox, TerminalKind::Plain, &link, "-y");
    for number in 2..=40 {
        tty.expect(&format!("{} of 40", number - 1)).press("\x1b[C").expect(&format!("{number} of 40"));
    }
    tty.press("q");
    assert_eq!(tty.end(), 0);
    assert!(tty.seen(|seen| !contains(&seen.bytes, b"\x1b[2J") && !contains(&seen.bytes, b"\x9b31m")));
}
