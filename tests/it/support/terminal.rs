//! Pseudo-terminals. The emulator keeps its screen and scrollback, accepts pictures in Kitty's protocol, and replies to
//! queries.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::ZlibDecoder;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::sandbox::{SHARE, Sandbox};

/// Delay of the replies of a terminal on a slow line.
const SLOW: Duration = Duration::from_millis(700);
/// The largest Sixel picture of the terminal, in pixels.
pub(crate) const SIXEL: (u32, u32) = (600, 300);

/// Time limit for expected output.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// The capabilities of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Kitty,
    /// Kitty on a slow line.
    Late,
    /// Kitty without room for another picture.
    Full,
    /// Kitty that never confirms a picture.
    Silent,
    WezTerm,
    Sixel,
    /// Text only.
    Plain,
    /// A terminal that never replies.
    Mute,
}

/// A received picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bytes of one pixel: three, or four with transparency.
    pub(crate) depth: usize,
    pub(crate) pixels: Vec<u8>,
}

/// The output that the terminal has received.
#[derive(Default)]
pub(crate) struct Activity {
    /// All bytes.
    pub(crate) bytes: Vec<u8>,
    /// The pictures in its memory now.
    pub(crate) images: HashMap<u32, Image>,
    /// Columns and rows of the pictures that placeholders stand for.
    pub(crate) placed: HashMap<u32, (u16, u16)>,
    /// Pictures in total.
    pub(crate) drawn: usize,
    /// The picture that is being received in pieces.
    coming: Option<(HashMap<String, String>, Vec<u8>)>,
    over: bool,
}

struct Shared {
    seen: Mutex<Activity>,
    changed: Condvar,
    screen: Mutex<vt100::Parser>,
}

pub(crate) struct Tty {
    child: Child,
    keys: File,
    shared: Arc<Shared>,
}

/// Size in characters; each has ten by twenty pixels.
pub(crate) const ROWS: u16 = 30;
pub(crate) const COLUMNS: u16 = 100;

/// The size of a terminal that does not know it.
const UNKNOWN: Winsize = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };

impl Tty {
    /// Runs a shell command at a terminal, with `$SHARE`.
    pub(crate) fn start(sandbox: &Sandbox, kind: Kind, command: &str) -> Self {
        Self::start_at(sandbox, kind, command, (COLUMNS * 10, ROWS * 20))
    }

    /// Runs a shell command at a screen of so many pixels.
    pub(crate) fn start_at(sandbox: &Sandbox, kind: Kind, command: &str, pixels: (u16, u16)) -> Self {
        let window = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: pixels.0, ws_ypixel: pixels.1 };
        let environment = [("TERM", "xterm"), ("LANG", "C.UTF-8"), ("COLORTERM", "truecolor")];
        Self::launch(sandbox, kind, command, window, &environment)
    }

    fn launch(sandbox: &Sandbox, kind: Kind, command: &str, window: Winsize, environment: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(path).unwrap();
        tcsetwinsize(slave.as_fd(), window).unwrap();
        // A test run under nohup ignores SIGHUP; programs at this terminal must not.
        let mut shell = Command::new("env");
        shell.args(["--default-signal=HUP", "setsid", "--ctty", "--wait", "bash", "-c", command]);
        shell
            .current_dir(sandbox.path(""))
            .env_clear()
            .env("HOME", sandbox.home())
            .env("TZ", "UTC")
            .envs(environment.iter().copied());
        shell.env("PATH", std::env::var_os("PATH").unwrap()).env("SHARE", SHARE);
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = shell.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop(slave);
        let master = File::from(master);
        let keys = master.try_clone().unwrap();
        let size = |side| std::num::NonZero::new(side).unwrap();
        let screen = Mutex::new(vt100::Parser::new(size(ROWS), size(COLUMNS), 10_000));
        let shared = Arc::new(Shared { seen: Mutex::default(), changed: Condvar::new(), screen });
        let (back, answers) = (shared.clone(), master.try_clone().unwrap());
        std::thread::spawn(move || back.listen(master, answers, kind));
        Self { child, keys, shared }
    }

    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        self.paste(keys.as_bytes())
    }

    /// Sends bytes that may not be UTF-8.
    pub(crate) fn paste(&mut self, bytes: &[u8]) -> &mut Self {
        self.keys.write_all(bytes).unwrap();
        self
    }

    /// Changes the size in characters.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let size = |side| std::num::NonZero::new(side).unwrap();
        self.shared.screen.lock().unwrap().screen_mut().set_size(size(rows), size(columns));
        let window = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: columns * 10, ws_ypixel: rows * 20 };
        tcsetwinsize(self.keys.as_fd(), window).unwrap();
        self
    }

    /// The text on the screen.
    pub(crate) fn screen(&self) -> String {
        self.shared.screen.lock().unwrap().screen().contents()
    }

    /// The characters of each cell on the screen, row by row, with the number of its color.
    pub(crate) fn cells(&self) -> Vec<Vec<(String, Option<u8>)>> {
        let parser = self.shared.screen.lock().unwrap();
        let (rows, columns) = parser.screen().size();
        let cell = |row, column| {
            let cell = parser.screen().cell(row, column).unwrap();
            let color = if let vt100::Color::Idx(color) = cell.fgcolor() { Some(color) } else { None };
            (cell.contents().to_owned(), color)
        };
        (0..rows.get()).map(|row| (0..columns.get()).map(|column| cell(row, column)).collect()).collect()
    }

    /// Whether a program uses the alternate screen now.
    pub(crate) fn is_alternate(&self) -> bool {
        self.shared.screen.lock().unwrap().screen().alternate_screen()
    }

    /// The screen and its scrollback.
    pub(crate) fn history(&self) -> String {
        let mut parser = self.shared.screen.lock().unwrap();
        let mut all = String::new();
        parser.screen_mut().set_scrollback(usize::MAX);
        let top = parser.screen().scrollback();
        for above in (0..=top).rev() {
            parser.screen_mut().set_scrollback(above);
            all.push_str(&parser.screen().contents());
            all.push('\n');
        }
        all
    }

    /// Waits until a condition holds.
    pub(crate) fn until(&mut self, what: &str, so: impl Fn(&Activity) -> bool) -> &mut Self {
        let begun = Instant::now();
        let mut seen = self.shared.seen.lock().unwrap();
        while !so(&seen) {
            let text = || self.shared.screen.lock().unwrap().screen().contents();
            assert!(!seen.over || so(&seen), "{what}: it ended\n{}", text());
            assert!(begun.elapsed() < TIME_LIMIT, "{what} never came\n{}", text());
            seen = self.shared.changed.wait_timeout(seen, Duration::from_millis(100)).unwrap().0;
        }
        drop(seen);
        self
    }

    /// Waits until the screen shows a text.
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        let shared = self.shared.clone();
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.until(text, move |_| plain(&shared.screen.lock().unwrap().screen().contents()).contains(text))
    }

    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Activity) -> T) -> T {
        look(&self.shared.seen.lock().unwrap())
    }

    /// Presses a key until the command has ended: the viewer drops keys that arrive together.
    pub(crate) fn press_until_end(&mut self, key: &str) -> i32 {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < TIME_LIMIT, "{key:?} never ended it\n{}", self.screen());
            let _ = self.keys.write_all(key.as_bytes());
            std::thread::sleep(Duration::from_millis(50));
        }
        self.end()
    }

    /// Waits until the command has ended. Returns its exit code.
    pub(crate) fn end(&mut self) -> i32 {
        let begun = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < TIME_LIMIT, "it never ended\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut seen = self.shared.seen.lock().unwrap();
        while !seen.over {
            assert!(begun.elapsed() < TIME_LIMIT, "something still has the terminal open");
            seen = self.shared.changed.wait_timeout(seen, Duration::from_millis(100)).unwrap().0;
        }
        code
    }
}

/// Opens a link at a terminal.
pub(crate) fn open(sandbox: &Sandbox, kind: Kind, link: &str, args: &str) -> Tty {
    Tty::start(sandbox, kind, &format!("\"$SHARE\" open {args} '{link}'"))
}

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal for prompts: without size and graphics, so that lines stay whole and nothing is drawn.
pub(crate) struct Conversation {
    terminal: Tty,
    /// Bytes that were received before the last key.
    since: usize,
}

impl Conversation {
    pub(crate) fn start(sandbox: &Sandbox, command: &str) -> Self {
        Self { terminal: Tty::launch(sandbox, Kind::Mute, command, UNKNOWN, &[("LANG", "C.UTF-8")]), since: 0 }
    }

    /// Waits until `text` appears after the last key.
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        let since = self.since;
        self.terminal.until(text, |seen| String::from_utf8_lossy(&seen.bytes[since..]).contains(text));
        self
    }

    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        self.since = self.terminal.seen(|seen| seen.bytes.len());
        self.terminal.press(keys);
        self
    }

    /// The output since the last key.
    pub(crate) fn seen(&self) -> String {
        self.terminal.seen(|seen| String::from_utf8_lossy(&seen.bytes[self.since..]).into_owned())
    }

    /// Waits until the command has ended. Returns its exit code, and the output since the last key.
    pub(crate) fn end(mut self) -> (i32, String) {
        let code = self.terminal.end();
        (code, self.seen())
    }
}

impl Shared {
    fn listen(&self, mut master: File, mut answers: File, kind: Kind) {
        let (mut buffer, mut pending) = (vec![0; 65536], Vec::new());
        // Reading fails when the other end is closed.
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            pending.extend_from_slice(&buffer[..count]);
            let mut seen = self.seen.lock().unwrap();
            seen.bytes.extend_from_slice(&buffer[..count]);
            // Kitty's commands go to the pictures, everything else to the screen.
            loop {
                let begins = pending.windows(3).position(|window| window == b"\x1b_G");
                let text = begins.unwrap_or_else(|| pending.len() - incomplete(&pending).max(unfinished(&pending)));
                let plain: Vec<u8> = pending.drain(..text).collect();
                answer(&plain, kind, &mut answers);
                self.screen.lock().unwrap().process(&plain);
                if begins.is_none() {
                    break;
                }
                let Some(end) = pending.windows(2).position(|window| window == b"\x1b\\") else { break };
                let command: Vec<u8> = pending.drain(..end + 2).collect();
                if let Some(reply) = seen.obey(&command[3..end], kind) {
                    answers.write_all(reply.as_bytes()).unwrap();
                }
            }
            self.changed.notify_all();
        }
        self.seen.lock().unwrap().over = true;
        self.changed.notify_all();
    }
}

/// Queries that are answered.
const QUESTIONS: [&[u8]; 4] = [b"\x1b[16t", b"\x1b[c", b"\x1b[>q", b"\x1b[?2;1;0S"];

/// The bytes at the end that may be the beginning of a query or command.
fn incomplete(bytes: &[u8]) -> usize {
    let begins = |tail: &[u8], whole: &[u8]| tail.len() < whole.len() && whole.starts_with(tail);
    let is_begun = |tail: &[u8]| begins(tail, b"\x1b_G") || QUESTIONS.iter().any(|question| begins(tail, question));
    (1..12).rev().find(|len| bytes.len() >= *len && is_begun(&bytes[bytes.len() - len..])).unwrap_or(0)
}

/// The bytes at the end of a character that has not arrived whole. The emulator loses a control character that follows
/// one in two pieces.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let begins = tail.iter().rposition(|byte| *byte >= 0xc0).map(|at| &tail[at..]);
    begins.filter(|it| std::str::from_utf8(it).is_err_and(|error| error.error_len().is_none())).map_or(0, <[u8]>::len)
}

/// Replies to the queries in an output, in their order.
fn answer(text: &[u8], kind: Kind, answers: &mut File) {
    let name = match kind {
        Kind::Mute => return,
        Kind::Kitty | Kind::Late | Kind::Full | Kind::Silent => "kitty(0.35.2)",
        Kind::WezTerm => "WezTerm 20240203",
        Kind::Sixel | Kind::Plain => "XTerm(390)",
    };
    let attributes = if kind == Kind::Sixel { "?62;4;22c" } else { "?62;22c" };
    for at in 0..text.len() {
        let reply = if text[at..].starts_with(b"\x1b[>q") {
            format!("\x1bP>|{name}\x1b\\")
        } else if text[at..].starts_with(b"\x1b[16t") {
            "\x1b[6;20;10t".to_owned()
        } else if text[at..].starts_with(b"\x1b[c") {
            format!("\x1b[{attributes}")
        } else if kind == Kind::Sixel && text[at..].starts_with(b"\x1b[?2;1;0S") {
            format!("\x1b[?2;0;{};{}S", SIXEL.0, SIXEL.1)
        } else {
            continue;
        };
        if kind == Kind::Late {
            std::thread::sleep(SLOW);
        }
        answers.write_all(reply.as_bytes()).unwrap();
    }
}

impl Activity {
    /// One command of Kitty's graphics protocol. Returns its reply.
    fn obey(&mut self, command: &[u8], kind: Kind) -> Option<String> {
        if !matches!(kind, Kind::Kitty | Kind::Late | Kind::Full | Kind::Silent) {
            return None;
        }
        let at = command.iter().position(|byte| *byte == b';').unwrap_or(command.len());
        let (keys, payload) = (std::str::from_utf8(&command[..at]).unwrap(), command.get(at + 1..).unwrap_or_default());
        let keys: HashMap<String, String> = keys
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let has = |key: &str, value: &str| keys.get(key).is_some_and(|it| it == value);
        if has("a", "q") {
            return Some(format!("\x1b_Gi={};OK\x1b\\", keys["i"]));
        }
        if has("a", "d") {
            // Capital letters also free the data.
            match keys.get("d").map(String::as_str) {
                Some("A") => self.images.clear(),
                Some("I") => {
                    let id = keys["i"].parse().unwrap();
                    self.images.remove(&id);
                    self.placed.remove(&id);
                }
                other => panic!("{other:?}"),
            }
            return None;
        }
        if has("a", "p") {
            assert!(has("U", "1") && has("q", "2"), "an answer would arrive as keys: {keys:?}");
            self.placed.insert(keys["i"].parse().unwrap(), (keys["c"].parse().unwrap(), keys["r"].parse().unwrap()));
            return None;
        }
        assert!(payload.len() <= 4096, "a piece is too long");
        let more = has("m", "1");
        let (first, mut data) = self.coming.take().unwrap_or_else(|| (keys.clone(), Vec::new()));
        data.extend_from_slice(payload);
        if more {
            self.coming = Some((first, data));
            return None;
        }
        let number = |key: &str| first[key].parse::<u32>().unwrap();
        // Pictures for placeholders are only kept; an answer would arrive as keys.
        let is_kept = first["a"] == "t" && first["q"] == "2";
        assert!((is_kept || first["a"] == "T") && first["o"] == "z", "{first:?}");
        assert!(!first.contains_key("t") || first["t"] == "d", "pixels come in the stream and not as a file");
        let mut pixels = Vec::new();
        ZlibDecoder::new(&*BASE64_STANDARD.decode(data).unwrap()).read_to_end(&mut pixels).unwrap();
        let depth = if number("f") == 24 { 3 } else { 4 };
        let image = Image { width: number("s"), height: number("v"), depth, pixels };
        assert_eq!(image.pixels.len(), image.width as usize * image.height as usize * depth);
        let (id, is_quiet) = (number("i"), first.contains_key("q"));
        if kind == Kind::Full {
            return Some(format!("\x1b_Gi={id};ENOSPC:no room\x1b\\"));
        }
        self.images.insert(id, image);
        self.drawn += 1;
        (kind != Kind::Silent && !is_quiet).then(|| format!("\x1b_Gi={id};OK\x1b\\"))
    }
}
