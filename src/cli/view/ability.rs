//! What this terminal and this machine can show, found out before anything is spent.

use std::io;
use std::time::{Duration, Instant};

use super::player::Player;
use super::terminal::Screen;
use crate::cli::clipboard::is_desktop;

/// How long a terminal may think about what it can do.
const PATIENCE: Duration = Duration::from_millis(200);

/// How a terminal draws pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Graphics {
    /// Kitty's protocol: pixels as they are.
    Kitty,
    /// iTerm2's: a PNG.
    Iterm,
    /// Six rows of 256 colours at a time.
    Sixel,
    /// Two coloured halves of a character: coarse, and never chosen for anybody.
    Blocks,
}

/// A character's width and height, in pixels.
pub(super) type Cell = (u16, u16);

/// The person's word on how things are shown: `SHARE_VIEWER`, or `viewer` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Wish {
    Graphics(Graphics),
    Browser,
    /// A program and its arguments.
    Program(Vec<String>),
}

impl Wish {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "" => return None,
            "kitty" => Self::Graphics(Graphics::Kitty),
            "iterm" => Self::Graphics(Graphics::Iterm),
            "sixel" => Self::Graphics(Graphics::Sixel),
            "blocks" => Self::Graphics(Graphics::Blocks),
            "browser" => Self::Browser,
            command => Self::Program(command.split_whitespace().map(str::to_owned).collect()),
        })
    }
}

/// What there is to show with.
pub(in crate::cli) struct Ability {
    pub(super) wish: Option<Wish>,
    /// How the terminal draws, if it does.
    pub(super) graphics: Option<Graphics>,
    /// How large a character is, where the terminal has told.
    pub(super) cell: Option<Cell>,
    /// Whether somebody sits at this machine's screen, who can be shown a window or a browser.
    pub(super) desktop: bool,
    /// What plays videos.
    pub(super) player: Option<Player>,
}

impl Ability {
    /// Asks the terminal, and looks for programs.
    pub(super) fn find(wish: Option<Wish>) -> Self {
        // One that cannot be asked draws nothing.
        let (answered, cell) = ask_terminal().unwrap_or((None, None));
        let graphics = match &wish {
            Some(Wish::Graphics(graphics)) => Some(*graphics),
            _ => answered,
        };
        let desktop = is_desktop();
        let player = match &wish {
            Some(Wish::Program(command)) => Player::chosen(command),
            _ => Player::find(desktop, graphics),
        };
        Self { wish, graphics, cell, desktop, player }
    }
}

/// What a terminal says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    kitty: bool,
    iterm: bool,
    sixel: bool,
    cell: Option<Cell>,
}

/// Asks what it is, how large its characters are, whether it takes a pixel of Kitty's, and last what every terminal answers:
/// when that has come, nothing else does.
fn ask_terminal() -> io::Result<(Option<Graphics>, Option<Cell>)> {
    let kind = std::env::var("TERM").unwrap_or_default();
    // These print what they don't understand.
    if matches!(&*kind, "" | "dumb" | "linux" | "unknown") {
        return Ok((None, None));
    }
    // Between us and the terminal tmux or screen answers for what it can itself; we send nothing past it.
    let is_nested = std::env::var_os("TMUX").is_some() || kind.starts_with("screen") || kind.starts_with("tmux");
    let mut screen = Screen::open(false)?;
    let questions: &[u8] =
        if is_nested { b"\x1b[16t\x1b[c" } else { b"\x1b[>q\x1b[16t\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c" };
    screen.write(questions)?;
    let (mut told, until) = (Vec::new(), Instant::now() + PATIENCE);
    while !is_complete(&told) {
        let left = until.saturating_duration_since(Instant::now());
        match screen.read(left)? {
            Some(bytes) => told.extend(bytes),
            None if left.is_zero() => break,
            None => {}
        }
    }
    screen.forget_keys();
    drop(screen);
    let answer = Answer::read(&told);
    let graphics = match answer {
        Answer { iterm: true, .. } => Some(Graphics::Iterm),
        Answer { kitty: true, .. } => Some(Graphics::Kitty),
        Answer { sixel: true, .. } => Some(Graphics::Sixel),
        _ => None,
    };
    Ok((graphics, answer.cell))
}

/// Whether the answer to the last question, `CSI ? … c`, has come.
fn is_complete(told: &[u8]) -> bool {
    device_attributes(told).is_some()
}

fn device_attributes(told: &[u8]) -> Option<&[u8]> {
    let at = told.windows(3).position(|window| window == b"\x1b[?")? + 3;
    let len = told[at..].iter().position(|byte| *byte == b'c')?;
    told[at..at + len].iter().all(|byte| byte.is_ascii_digit() || *byte == b';').then_some(&told[at..at + len])
}

impl Answer {
    fn read(told: &[u8]) -> Self {
        let text = String::from_utf8_lossy(told);
        let is_iterm = ["iTerm2", "WezTerm"].iter().any(|name| text.contains(name));
        let sixel =
            device_attributes(told).is_some_and(|list| list.split(|byte| *byte == b';').any(|word| word == b"4"));
        let cell = text.split("\x1b[6;").nth(1).and_then(|rest| {
            let (height, rest) = rest.split_once(';')?;
            let (width, _) = rest.split_once('t')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        });
        Self { kitty: text.contains("Gi=31;OK"), iterm: is_iterm, sixel, cell: cell.filter(|cell| *cell > (0, 0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminals_answers_are_understood_in_any_order() {
        let answer = Answer::read(b"\x1bP>|kitty(0.35)\x1b\\\x1b[6;20;10t\x1b_Gi=31;OK\x1b\\\x1b[?62;c");
        assert_eq!(answer, Answer { kitty: true, iterm: false, sixel: false, cell: Some((10, 20)) });
        assert!(Answer::read(b"\x1b[?65;1;4;9c").sixel);
        assert!(!Answer::read(b"\x1b[?64;1;44c").sixel);
        assert!(Answer::read(b"\x1bP>|WezTerm 2024\x1b\\\x1b[?65;4c").iterm);
        assert_eq!(Answer::read(b"q\r\x1b[A"), Answer::default());
        assert!(!is_complete(b"\x1b[?62;"));
        assert!(is_complete(b"x\x1b[?62;4c"));
    }
}
