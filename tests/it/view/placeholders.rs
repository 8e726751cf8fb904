//! Photos in tmux, by Kitty's placeholders: a real tmux within the emulator.

use std::process::Command;
use std::time::{Duration, Instant};

use image::ImageFormat;

use crate::support::{Image, Sandbox, TIME_LIMIT, TerminalKind, Tty, contains, encoded, picture, send};

/// The character in whose place the terminal draws.
const PLACEHOLDER: char = '\u{10eeee}';
/// Kitty's marks for the first numbers: U+0305 is 0.
const MARKS: [u32; 24] = [
    0x305, 0x30d, 0x30e, 0x310, 0x312, 0x33d, 0x33e, 0x33f, 0x346, 0x34a, 0x34b, 0x34c, 0x350, 0x351, 0x352, 0x357,
    0x35b, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369,
];

/// A tmux session in an emulated terminal.
struct Session<'a> {
    sandbox: &'a Sandbox,
    /// The name of the server's socket: a server that ends still answers at its own for a moment.
    socket: String,
    tty: Tty,
}

impl<'a> Session<'a> {
    /// Starts tmux with the option `allow-passthrough`, and a shell command in its first window.
    fn start(sandbox: &'a Sandbox, kind: TerminalKind, passthrough: &str, command: &str) -> Self {
        sandbox.write("tmux.conf", format!("set -g allow-passthrough {passthrough}\nset -g status off\n").as_bytes());
        sandbox.write("run", format!("touch begun\n{command}").as_bytes());
        let socket = format!("{kind:?}-{passthrough}");
        let tmux = format!("TERM=xterm-256color tmux -u -S ./{socket} -f ./tmux.conf new-session 'bash ./run'");
        let session = Self { sandbox, socket, tty: Tty::start(sandbox, kind, &tmux) };
        let begun = Instant::now();
        while !sandbox.path("begun").exists() {
            assert!(begun.elapsed() < TIME_LIMIT, "{}", session.tty.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::remove_file(sandbox.path("begun")).unwrap();
        session
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").arg("-S").arg(self.sandbox.path(&self.socket)).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until the screen has the whole grid of the only picture, and returns the picture.
    fn whole(&mut self) -> Image {
        let begun = Instant::now();
        loop {
            let placed = self.tty.seen(|seen| {
                let one = seen.placed.iter().next().filter(|_| seen.placed.len() == 1)?;
                Some((*one.0, *one.1, seen.images.get(one.0)?.clone()))
            });
            if let Some((id, size, image)) = placed
                && is_whole(&self.tty.cells(), id, size)
            {
                return image;
            }
            assert!(begun.elapsed() < TIME_LIMIT, "{placed:?}\n{}", self.tty.screen(), placed = self.placed());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn placed(&self) -> Vec<(u32, (u16, u16))> {
        self.tty.seen(|seen| seen.placed.iter().map(|(id, size)| (*id, *size)).collect())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = Command::new("tmux").arg("-S").arg(self.sandbox.path(&self.socket)).arg("kill-server").output();
    }
}

/// Whether the placeholders on the screen are all those of one picture, each in its place.
fn is_whole(cells: &[Vec<(String, Option<u8>)>], id: u32, (columns, rows): (u16, u16)) -> bool {
    let mut found = Vec::new();
    for (row, line) in cells.iter().enumerate() {
        for (column, (text, color)) in line.iter().enumerate().filter(|(_, (text, _))| text.starts_with(PLACEHOLDER)) {
            let marks: Vec<u32> = text.chars().skip(1).map(u32::from).collect();
            found.push((row, column, marks, *color));
        }
    }
    let Some((top, left, ..)) = found.first().cloned() else { return false };
    let [high, .., low] = id.to_be_bytes();
    let expected = |row: usize, column: usize| {
        // The emulator does not know the marks of large numbers; those of the picture's number are checked elsewhere.
        (top + row, left + column, [MARKS[row], MARKS[column]])
    };
    let grid = (0..usize::from(rows)).flat_map(|row| (0..usize::from(columns)).map(move |column| (row, column)));
    let is_right = |((row, column), (at, across, marks, color)): ((usize, usize), &(usize, usize, Vec<u32>, _))| {
        marks.len() == 3 && expected(row, column) == (*at, *across, [marks[0], marks[1]]) && *color == Some(low)
    };
    let same_third = found.iter().all(|(_, _, marks, _)| marks.get(2) == found[0].2.get(2));
    let is_third_right = MARKS.get(usize::from(high)).is_none_or(|mark| found[0].2.get(2) == Some(mark));
    found.len() == usize::from(columns) * usize::from(rows)
        && grid.zip(&found).all(is_right)
        && same_third
        && is_third_right
}

fn photo(sandbox: &Sandbox) -> image::RgbaImage {
    let image = picture(200, 100, false);
    sandbox.write("photo.png", &encoded(&image.clone().into(), ImageFormat::Png));
    image
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_photo_is_drawn_by_placeholders() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    let image = photo(&sandbox);
    let link = send(&sandbox, &relay, &["photo.png"]);
    let command = format!("\"$SHARE\" open -y '{link}'; echo \"it ended: $?\"; sleep 1000");
    let mut session = Session::start(&sandbox, TerminalKind::Kitty, "on", &command);
    let expected: Vec<u8> = image.pixels().flat_map(|pixel| pixel.0[..3].to_vec()).collect();
    let shown = session.whole();
    assert_eq!((shown.width, shown.height, shown.depth), (200, 100, 3));
    assert!(shown.pixels == expected);
    assert_eq!(session.placed()[0].1, (20, 5));
    let before = session.placed();
    // tmux draws the characters again by itself.
    session.tmux(&["refresh-client"]);
    session.whole();
    assert_eq!(session.placed(), before);
    // In a smaller pane the photo is drawn anew, and the first one is gone.
    session.tmux(&["split-window", "-h", "-d", "sleep 1000"]);
    session.tty.until("drawn again", |seen| seen.drawn >= 2 && seen.images.len() == 1);
    assert!(session.whole().pixels == expected);
    session.tty.press("q");
    session.tty.until("deleted", |seen| seen.images.is_empty() && seen.placed.is_empty());
    session.tty.expect("it ended: 0");
    assert!(!session.tmux(&["capture-pane", "-p", "-S", "-"]).contains(PLACEHOLDER));
    assert!(!session.tty.history().contains(PLACEHOLDER));
    assert!(!session.tty.seen(|seen| contains(&seen.bytes, b"tmux;")), "tmux passes sequences on without their wrap");
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_terminal_within_the_pane_gets_no_placeholders() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    photo(&sandbox);
    let link = send(&sandbox, &relay, &["photo.png"]);
    // As an editor's terminal does, script(1) opens one of its own, whose programs inherit the variables of tmux.
    let command = format!("script -qec \"\\\"$SHARE\\\" open '{link}'\" /dev/null; sleep 1000");
    let mut session = Session::start(&sandbox, TerminalKind::Kitty, "on", &command);
    session.tty.expect("this terminal cannot show photos. Show the photo as colored [b]locks");
    assert!(session.tty.seen(|seen| seen.drawn == 0));
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn without_passthrough_or_placeholders_photos_are_blocks() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    photo(&sandbox);
    let link = send(&sandbox, &relay, &["photo.png"]);
    let command = format!("\"$SHARE\" open '{link}'; sleep 1000");
    let hint = "to see photos here: tmux set -p allow-passthrough on";
    for (kind, passthrough, has_hint) in [
        (TerminalKind::Kitty, "off", true),
        (TerminalKind::WezTerm, "off", false),
        (TerminalKind::WezTerm, "on", false),
    ] {
        let mut session = Session::start(&sandbox, kind, passthrough, &command);
        session.tty.expect("this terminal cannot show photos. Show the photo as colored [b]locks");
        assert_eq!(session.tty.screen().contains(hint), has_hint, "{}", session.tty.screen());
        assert!(session.tty.seen(|seen| seen.drawn == 0));
    }
}

#[test]
#[ignore = "needs mpv, tmux and others: tests/all"]
fn a_hidden_photo_is_not_drawn_and_its_deletion_waits() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    photo(&sandbox);
    let links = [send(&sandbox, &relay, &["photo.png"]), send(&sandbox, &relay, &["photo.png"])];
    // The window is hidden before the program starts.
    let opens = links.map(|link| format!("\"$SHARE\" open -y '{link}'; echo \"it ended: $?\";"));
    let command = format!("tmux new-window 'sleep 1000'; {} read; {} sleep 1000", opens[0], opens[1]);
    let mut session = Session::start(&sandbox, TerminalKind::Kitty, "on", &command);
    let pane = |session: &Session<'_>| session.tmux(&["capture-pane", "-p", "-t", ":0"]);
    let until = |session: &Session<'_>, text: &str| {
        let begun = Instant::now();
        while !pane(session).contains(text) {
            assert!(begun.elapsed() < TIME_LIMIT, "{text} never came\n{}", pane(session));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(&session, "q closes");
    assert!(session.tty.seen(|seen| seen.drawn == 0), "nothing is drawn where nobody looks");
    session.tmux(&["select-window", "-t", ":0"]);
    session.whole();
    until(&session, "q closes");
    // Closed while it is hidden: the deletion arrives when the window is shown again.
    session.tmux(&["select-window", "-t", ":1"]);
    session.tmux(&["send-keys", "-t", ":0", "q"]);
    let begun = Instant::now();
    while pane(&session).contains(PLACEHOLDER) {
        assert!(begun.elapsed() < TIME_LIMIT);
    }
    assert!(session.tty.seen(|seen| seen.images.len() == 1));
    session.tmux(&["select-window", "-t", ":0"]);
    session.tty.until("deleted", |seen| seen.images.is_empty());
    session.tty.expect("it ended: 0");
    assert!(!session.tty.screen().contains("warning"), "{}", session.tty.screen());
    // Hidden to the end.
    session.tty.press("\r");
    session.whole();
    until(&session, "q closes");
    session.tmux(&["select-window", "-t", ":1"]);
    session.tmux(&["send-keys", "-t", ":0", "q"]);
    until(&session, "warning: tmux did not pass the deletion on");
    assert!(session.tty.seen(|seen| seen.images.len() == 1));
}
