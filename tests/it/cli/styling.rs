//! Colors, symbols and cursor movement, depending on the terminal and the user's settings.

use crate::support::{Sandbox, TerminalKind, Tty, contains, encoded, photo, picture, send};

/// Whether an output sets a color.
fn has_colors(tty: &Tty) -> bool {
    tty.seen(|seen| {
        let text = String::from_utf8_lossy(&seen.bytes).into_owned();
        let codes = text.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m'));
        codes.map(|(code, _)| code).filter(|code| code.chars().all(|c| c.is_ascii_digit() || c == ';')).any(|code| {
            code.split(';').any(|part| {
                part.parse::<u8>().is_ok_and(|part| matches!(part, 30..=38 | 40..=48 | 90..=97 | 100..=107))
            })
        })
    })
}

fn is_ascii(tty: &Tty) -> bool {
    tty.seen(|seen| seen.bytes.is_ascii())
}

#[test]
fn the_qr_code_matches_the_terminal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("t.txt", b"text");
    let draw = |variables: &str| {
        let command = format!("{variables} \"$SHARE\" send --qr --relay {} t.txt", relay.url);
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        assert_eq!(tty.end(), 0, "{}", tty.screen());
        tty
    };
    // Palettes do not change these two of the 256 colors.
    let tty = draw("");
    assert!(tty.seen(|seen| contains(&seen.bytes, b"\x1b[38;5;16;48;5;231m")), "{}", tty.screen());
    let tty = draw("NO_COLOR=1");
    assert!(!has_colors(&tty) && tty.screen().contains('█'), "{}", tty.screen());
    assert!(has_colors(&draw("NO_COLOR=")), "one that is empty is not set");
    let tty = draw("LANG=C");
    assert!(is_ascii(&tty) && has_colors(&tty), "{}", tty.screen());
    for variables in ["TERM=dumb", "LANG=C NO_COLOR=1"] {
        let tty = draw(variables);
        assert!(tty.screen().contains("No QR code: this terminal"), "{}", tty.screen());
        assert!(tty.seen(|seen| !seen.bytes.contains(&0x1b) || variables != "TERM=dumb"), "{}", tty.screen());
    }
}

#[test]
fn block_pictures_match_the_terminal() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(30, 30, false).into(), image::ImageFormat::Png));
    for (variables, colors, ascii) in [
        ("A=1", true, false),
        ("NO_COLOR=1", false, false),
        ("LC_ALL=C", true, true),
        ("LC_ALL=C NO_COLOR=1", false, true),
    ] {
        let link = send(&sandbox, &relay, &["a.png"]);
        let command = format!("{variables} \"$SHARE\" open '{link}'");
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        tty.expect("[b]locks").press("b\r").expect("q closes").press("q");
        assert_eq!(tty.end(), 0, "{}", tty.screen());
        assert_eq!((has_colors(&tty), is_ascii(&tty)), (colors, ascii), "{variables}");
    }
}

#[test]
fn text_and_bars_are_ascii_without_utf8() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("beach.jpg", &photo(3_000_000));
    sandbox.write("t.txt", "caf\u{e9} \u{2192} x\n".as_bytes());
    for variables in ["LC_ALL=C", "LANG=en_US.ISO-8859-1", "LANG= LC_CTYPE=POSIX"] {
        let command = format!("{variables} \"$SHARE\" send --relay {} -n \u{e9}.jpg beach.jpg 2>&1", relay.url);
        let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
        assert_eq!(tty.end(), 0, "{}", tty.screen());
        assert!(is_ascii(&tty) && tty.screen().contains("?.jpg: photo, 3.0 MB"), "{}", tty.screen());
    }
    let link = send(&sandbox, &relay, &["-n", "A", "t.txt", "beach.jpg"]);
    // Output for programs stays the same.
    let peeked = sandbox.share(["peek", &link]).env("LC_ALL", "C").ok();
    assert!(peeked.contains('·'), "{peeked}");
    let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("LC_ALL=C \"$SHARE\" open '{link}'"));
    tty.expect("[n]ot now?").press("v\r").expect("caf? -> x").expect("<- -> 1 of 2").press("q");
    tty.expect("q again closes").press("q");
    assert_eq!(tty.end(), 0, "{}", tty.screen());
    assert!(is_ascii(&tty), "{}", tty.screen());
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    sandbox.write("a.png", &encoded(&picture(300, 300, false).into(), image::ImageFormat::Png));
    sandbox.write("t.txt", b"text");
    for kind in ["dumb", ""] {
        for name in ["a.png", "t.txt"] {
            let command = format!("TERM={kind} \"$SHARE\" send --qr --relay {} {name}", relay.url);
            let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &command);
            assert_eq!(tty.end(), 0, "{}", tty.screen());
            assert!(tty.seen(|seen| !seen.bytes.contains(&0x1b)), "{}", tty.screen());
            let link = send(&sandbox, &relay, &[name]);
            let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("TERM={kind} \"$SHARE\" open '{link}'"));
            tty.expect("cannot be shown here: this terminal cannot clear its screen");
            tty.expect("[s]ave here, or [n]ot now?").press("n\r");
            assert_eq!(tty.end(), 130, "{}", tty.screen());
            assert!(tty.seen(|seen| !seen.bytes.contains(&0x1b)), "{}", tty.screen());
        }
    }
}

#[test]
fn help_has_no_styles_where_colors_are_off() {
    let sandbox = Sandbox::new();
    for (variables, is_styled) in [("A=1", true), ("NO_COLOR=1", false), ("TERM=dumb", false)] {
        for command in ["--help", "send --help", ""] {
            let mut tty = Tty::start(&sandbox, TerminalKind::Plain, &format!("{variables} \"$SHARE\" {command}"));
            tty.end();
            let has_style = tty.seen(|seen| seen.bytes.contains(&0x1b));
            assert_eq!(has_style, is_styled, "{variables} {command}: {}", tty.history());
        }
    }
}
