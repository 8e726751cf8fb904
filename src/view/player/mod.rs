//! Programs that play videos from memory and leave no traces.
//!
//! A player inherits the video as an anonymous file, in which it can seek. A video that is too large for memory is
//! downloaded through this program, from an address that is in an anonymous file too, because other users of this
//! computer can read a program's arguments. Systems other than Linux have no such files: there a browser shows videos.

mod report;
pub(super) mod wait;

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::media;
use crate::media::{HEAD_LEN, Kind};
use crate::platform::inherited::Inherited;
use crate::platform::process::{ask_to_end, find_program};
use crate::terminal::session::DesktopSession;
use crate::terminal::style;
use crate::view::graphics::Graphics;
use crate::view::memory::MemoryFile;
use crate::view::player::report::{Report, Shows};

/// Options that prevent mpv from reading and writing other files. mpv 0.32 and later have them.
const TRACELESS: [&str; 9] = [
    "--no-config",
    "--no-resume-playback",
    "--save-position-on-quit=no",
    "--load-scripts=no",
    "--ytdl=no",
    "--sub-auto=no",
    "--audio-file-auto=no",
    "--cache-on-disk=no",
    "--title=share",
];
/// Options that keep a photo, and a video at its end, on the screen until it is closed.
const COMFORT: [&str; 2] = ["--image-display-duration=inf", "--keep-open=yes"];
/// The longest time for a player to exit before it is killed.
const LEAVING: Duration = Duration::from_secs(1);
/// Disables mpv's keys for screenshots, which would write files.
const KEYS: &[u8] = b"s ignore\nS ignore\nCtrl+s ignore\nAlt+s ignore\n";

/// A program that shows videos, sounds and photos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Player {
    program: PathBuf,
    args: Vec<String>,
    is_mpv: bool,
    /// Whether it draws in this terminal.
    pub(super) in_terminal: bool,
}

/// Something to play.
pub(super) enum Playable<'a> {
    Memory(&'a MemoryFile),
    /// An address on this computer.
    Url(&'a str),
}

/// A running player and the handles that it inherited. It ends when this is dropped.
pub(super) struct Playing {
    child: Child,
    begun: Instant,
    is_mpv: bool,
    report: Option<Report>,
    _inherited: Vec<Inherited>,
}

impl Playing {
    /// Reads the player's reports.
    fn listen(&mut self) {
        if let Some(report) = &mut self.report {
            report.listen();
        }
    }

    /// The part of the file that was shown so far. `None`: this player does not report that.
    fn shown(&mut self) -> Option<Shows> {
        self.listen();
        self.report.as_ref().map(Report::shows)
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        // Asks first: it may have to restore the terminal.
        ask_to_end(&self.child);
        let begun = Instant::now();
        while begun.elapsed() < LEAVING {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Player {
    /// The program in the user's settings. `None`: it was not found.
    pub(super) fn chosen(command: &[String]) -> Option<Self> {
        let (program, args) = command.split_first()?;
        let program = find_program(program)?;
        let is_mpv = program.file_stem().is_some_and(|name| name == "mpv");
        let in_terminal = args
            .iter()
            .any(|arg| ["tct", "kitty", "sixel", "caca"].iter().any(|vo| arg.ends_with(&format!("vo={vo}"))));
        Some(Self { program, args: args.to_vec(), is_mpv, in_terminal })
    }

    /// mpv, if it is installed: in a window on a desktop, else in this terminal and without sound.
    pub(super) fn find(desktop: bool, graphics: Option<Graphics>) -> Option<Self> {
        let program = find_program("mpv")?;
        if desktop {
            return Some(Self { program, args: Vec::new(), is_mpv: true, in_terminal: false });
        }
        if style::is_dumb() {
            return None;
        }
        let known = Command::new(&program).args(["--no-config", "--vo=help"]).stdin(Stdio::null()).output().ok()?;
        let known = String::from_utf8_lossy(&known.stdout).into_owned();
        let knows = |vo: &str| known.lines().any(|line| line.split_whitespace().next() == Some(vo));
        let vo = match graphics {
            Some(Graphics::Kitty) if knows("kitty") => "kitty",
            Some(Graphics::Sixel) if knows("sixel") => "sixel",
            // It needs colors only.
            _ if knows("tct") && style::has_colors() => "tct",
            _ => return None,
        };
        let mut args = vec![format!("--vo={vo}"), "--ao=null".to_owned()];
        if vo == "tct" && !style::has_utf8() {
            // With spaces instead of half blocks.
            args.push("--vo-tct-algo=plain".to_owned());
        }
        Some(Self { program, args, is_mpv: true, in_terminal: true })
    }

    /// The name of the program.
    pub(super) fn name(&self) -> String {
        self.program.file_name().map_or_else(|| "it".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Codes that erase its pictures from the terminal, and reset its mouse and focus modes.
    pub(super) fn wipe(&self) -> Vec<u8> {
        let is_kitty = self.args.iter().any(|arg| arg.ends_with("vo=kitty"));
        let pictures: &[u8] = if is_kitty { b"\x1b_Ga=d,d=A,q=2\x1b\\" } else { b"" };
        [pictures, b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l"].concat()
    }

    /// Whether it can get an address that other users do not see.
    pub(super) fn takes_urls(&self) -> bool {
        self.is_mpv
    }

    /// Starts the player. Its window appears in `session`.
    pub(super) fn play(&self, what: &Playable<'_>, session: &DesktopSession) -> io::Result<Playing> {
        let mut command = Command::new(&self.program);
        session.apply(&mut command);
        command.env_remove("SHARE_LINK");
        // Its address on this machine is not for a proxy.
        command.env("no_proxy", "127.0.0.1");
        let mut inherited = Vec::new();
        let mut report = None;
        if self.is_mpv && report::is_possible(&self.program) {
            let (ours, theirs) = Report::begin()?;
            command.arg(format!("--input-ipc-client={}", theirs.url()));
            inherited.push(theirs);
            report = Some(ours);
        }
        let mut path_of = |memory: &MemoryFile| -> io::Result<String> {
            let handle = memory.inherited()?;
            let path = handle.path();
            inherited.push(handle);
            Ok(path)
        };
        if self.is_mpv {
            command.args(TRACELESS).args(COMFORT).arg(format!("--input-conf={}", path_of(&MemoryFile::of(KEYS)?)?));
            // A window for sounds too, so that it can be closed.
            let window: &[&str] =
                if self.in_terminal { &["--really-quiet"] } else { &["--terminal=no", "--force-window=yes"] };
            command.args(window);
        }
        command.args(&self.args);
        match what {
            Playable::Memory(memory) => {
                if self.is_mpv {
                    // Ignores other files that this one names.
                    command.arg("--access-references=no");
                }
                command.arg(path_of(memory)?)
            }
            Playable::Url(url) => command.arg(format!("--playlist={}", path_of(&MemoryFile::of(url.as_bytes())?)?)),
        };
        let drawn = || if self.in_terminal { Stdio::inherit() } else { Stdio::null() };
        let child = command.stdin(drawn()).stdout(drawn()).stderr(Stdio::null()).spawn()?;
        Ok(Playing { child, begun: Instant::now(), is_mpv: self.is_mpv, report, _inherited: inherited })
    }
}

/// Whether a player gets a file that starts with `head`. A playlist named like a video could make a player open other
/// files, or addresses whose owners would notice.
pub(super) fn is_playable(head: &[u8]) -> bool {
    matches!(Kind::of(media::sniff(head, head.len() < HEAD_LEN)), Kind::Photo | Kind::Video | Kind::Sound)
}
