//! The terminal's answers to questions about itself.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::platform::tty::{Cell, Size};
use crate::terminal::{style, tmux};
use crate::view::full_screen::FullScreen;
use crate::view::graphics::{Graphics, Limits};

/// The longest wait for a terminal's answer. Over slow connections an answer takes seconds.
const BOUND: Duration = Duration::from_secs(3);
/// The wait for a second answer, in addition to three times that of the first.
const SPARE: Duration = Duration::from_millis(500);

/// Facts about the terminal.
#[derive(Default)]
pub(super) struct Facts {
    /// Its graphics protocol, if it has one.
    pub(super) graphics: Option<Graphics>,
    pub(super) cell: Option<Cell>,
    pub(super) limits: Limits,
    pub(super) size: Option<Size>,
    /// Whether the outer terminal has graphics, and tmux is set not to pass them on.
    pub(super) is_held_back: bool,
}

/// A terminal's answers.
#[derive(Debug, Default, PartialEq, Eq)]
struct TerminalAnswer {
    /// Its name and version (`XTVERSION`).
    name: String,
    /// Its kind, from the secondary device attributes.
    kind: Option<u16>,
    /// Whether it accepted a pixel in Kitty's protocol.
    kitty: bool,
    sixel: bool,
    cell: Option<Cell>,
    /// The largest Sixel picture in pixels, and its most colors (`XTSMGRAPHICS`).
    largest: Option<(u32, u32)>,
    colors: Option<u16>,
}

/// Asks the terminal for its name, then for what it can show. The first questions are control sequences with
/// parameters, which every terminal ignores if it does not support them. Kitty's questions come later: tmux and screen
/// would show them as a title.
///
/// `preferred`: the protocol in the user's settings. `stop` ends the questions.
pub(super) fn ask_terminal(preferred: Option<Graphics>, stop: &AtomicBool) -> io::Result<Facts> {
    let kind = std::env::var("TERM").unwrap_or_default();
    // These print unknown sequences.
    if style::is_dumb() {
        return Ok(Facts::default());
    }
    if matches!(&*kind, "linux" | "unknown") {
        return Ok(Facts { graphics: preferred, ..Facts::default() });
    }
    // Without a terminal to ask, only the settings count.
    let Ok(mut screen) = FullScreen::open(false) else { return Ok(Facts { graphics: preferred, ..Facts::default() }) };
    let begun = Instant::now();
    let mut answers = Vec::new();
    let has_answered = ask(&mut screen, b"\x1b[>q\x1b[>c\x1b[16t", BOUND, &mut answers, stop)?;
    let first = TerminalAnswer::read(&answers);
    // Within SSH, `su` and `docker exec`, only the answers show that tmux or screen is in between.
    let has_kind = ["screen", "tmux"].iter().any(|word| kind.starts_with(word) || first.name.starts_with(word));
    let is_nested = has_kind || tmux::is_around() || first.is_multiplexer();
    let more = first.further_questions(preferred, is_nested);
    if has_answered && !more.is_empty() {
        let bound = begun.elapsed() * 3 + SPARE;
        ask(&mut screen, &more, bound.min(BOUND), &mut answers, stop)?;
    }
    let size = screen.size();
    drop(screen);
    let answer = TerminalAnswer::read(&answers);
    // The terminal itself answers with the name of tmux: another terminal within the pane does not.
    let is_tmux = is_nested && answer.name.starts_with("tmux ");
    let outer = if is_tmux && style::has_utf8() { tmux::outer().filter(|outer| outer.has_placeholders) } else { None };
    let placeholders = outer.as_ref().filter(|outer| outer.may_pass).map(|_| Graphics::Placeholders);
    let graphics = match preferred {
        Some(Graphics::Kitty) if is_nested => placeholders,
        // tmux and screen do not pass it on to the terminal.
        Some(Graphics::Iterm) if is_nested => None,
        Some(graphics) => Some(graphics),
        None => placeholders.or_else(|| answer.graphics(is_nested)),
    };
    let graphics = graphics.filter(|it| *it != Graphics::Sixel || !is_nested || tmux::draws_sixel() != Some(false));
    let limits = Limits {
        sequence: is_nested.then(tmux::longest_sequence),
        pixels: answer.largest.filter(|_| graphics == Some(Graphics::Sixel)),
        colors: answer.colors,
    };
    let is_held_back = outer.is_some_and(|outer| !outer.may_pass);
    Ok(Facts { graphics, cell: answer.cell, limits, size: Some(size), is_held_back })
}

/// Asks, and waits for the primary device attributes: every terminal answers this last question, so no other answer
/// follows. Returns whether the answer came. Ctrl-C ends the wait; other keys are discarded.
fn ask(
    screen: &mut FullScreen,
    questions: &[u8],
    bound: Duration,
    answers: &mut Vec<u8>,
    stop: &AtomicBool,
) -> io::Result<bool> {
    screen.write(questions)?;
    screen.write(b"\x1b[c")?;
    let until = Instant::now() + bound;
    while let Some(arrived) = screen.next(Some(until), stop)? {
        if arrived == [0x03] {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if arrived.len() > 1 {
            answers.extend_from_slice(&arrived);
        }
        if device_attributes(&arrived).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The numbers of the primary device attributes.
fn device_attributes(answers: &[u8]) -> Option<&[u8]> {
    let at = answers.windows(3).position(|window| window == b"\x1b[?")? + 3;
    let len = answers[at..].iter().position(|byte| !byte.is_ascii_digit() && *byte != b';')?;
    if answers[at + len] == b'c' { Some(&answers[at..at + len]) } else { device_attributes(&answers[at..]) }
}

impl TerminalAnswer {
    fn read(answers: &[u8]) -> Self {
        let text = String::from_utf8_lossy(answers);
        // The numbers of the first sequence that starts with `begin` and ends with `end`.
        let numbers = |begin: &str, end: char| {
            text.match_indices(begin).find_map(|(at, _)| {
                let rest = &text[at + begin.len()..];
                let len = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
                rest[len..]
                    .starts_with(end)
                    .then(|| rest[..len].split(';').map(str::parse).collect::<Result<Vec<u32>, _>>().ok())?
            })
        };
        let name =
            text.split("\x1bP>|").nth(1).and_then(|rest| rest.split('\x1b').next()).unwrap_or_default().to_owned();
        let sixel =
            device_attributes(answers).is_some_and(|list| list.split(|byte| *byte == b';').any(|word| word == b"4"));
        let cell = numbers("\x1b[6;", 't').and_then(|cell| match &cell[..] {
            [height, width] => Some((u16::try_from(*width).ok()?, u16::try_from(*height).ok()?)),
            _ => None,
        });
        // The 0 means success.
        let sizes = text.match_indices("\x1b[?2;0;").filter_map(|(at, begin)| {
            let (width, rest) = text[at + begin.len()..].split_once(';')?;
            let (height, _) = rest.split_once('S')?;
            Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?))
        });
        let sizes = sizes.filter(|(width, height)| *width > 0 && *height > 0);
        let largest = sizes.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)));
        let colors = numbers("\x1b[?1;0;", 'S').and_then(|colors| u16::try_from(*colors.first()?).ok());
        let kind = numbers("\x1b[>", 'c').and_then(|kind| u16::try_from(*kind.first()?).ok());
        let cell = cell.filter(|cell| cell.0 > 0 && cell.1 > 0);
        Self {
            name,
            kind,
            kitty: text.contains("Gi=31;OK"),
            sixel,
            cell,
            largest,
            colors: colors.filter(|count| *count > 1),
        }
    }

    /// The questions that follow from the first answer.
    fn further_questions(&self, preferred: Option<Graphics>, is_nested: bool) -> Vec<u8> {
        let mut questions = Vec::new();
        if self.name.starts_with("Konsole") && !is_nested {
            questions.extend(b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\");
        }
        if self.sixel || preferred == Some(Graphics::Sixel) {
            // The current and the largest size of a picture, and its most colors.
            questions.extend(b"\x1b[?2;1;0S\x1b[?2;4;0S\x1b[?1;1;0S");
        }
        questions
    }

    /// Whether tmux (84) or screen (83) answers, and not the terminal itself.
    fn is_multiplexer(&self) -> bool {
        matches!(self.kind, Some(83 | 84))
    }

    /// The best graphics protocol. `is_nested`: a multiplexer answers, and not the terminal itself.
    fn graphics(&self, is_nested: bool) -> Option<Graphics> {
        let is = |names: &[&str]| !is_nested && names.iter().any(|name| self.name.starts_with(name));
        if is(&["iTerm2", "WezTerm"]) {
            Some(Graphics::Iterm)
        } else if is(&["kitty", "ghostty"]) || self.kitty {
            Some(Graphics::Kitty)
        } else if self.sixel {
            Some(Graphics::Sixel)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_in_any_order() {
        let answer = TerminalAnswer::read(b"\x1bP>|kitty(0.35)\x1b\\\x1b[>1;4000;35c\x1b[6;20;10t\x1b[?62;c");
        assert_eq!((answer.name.as_str(), answer.kind, answer.cell), ("kitty(0.35)", Some(1), Some((10, 20))));
        assert_eq!(answer.graphics(false), Some(Graphics::Kitty));
        assert_eq!(answer.graphics(true), None);
        assert!(TerminalAnswer::read(b"\x1b[?2;0;800;600S\x1b[?65;1;4;9c").sixel);
        assert!(!TerminalAnswer::read(b"\x1b[?64;1;44c").sixel);
        assert_eq!(
            TerminalAnswer::read(b"\x1bP>|WezTerm 2024\x1b\\\x1b[?65;4c").graphics(false),
            Some(Graphics::Iterm)
        );
        assert_eq!(TerminalAnswer::read(b"q\r\x1b[A"), TerminalAnswer::default());
        assert!(device_attributes(b"\x1b[?62;").is_none());
        assert_eq!(device_attributes(b"x\x1b[?2;0;1;1S\x1b[?62;4c"), Some(&b"62;4"[..]));
    }

    #[test]
    fn limits_of_a_terminal_are_the_least_it_reports() {
        let answer = TerminalAnswer::read(b"\x1b[?2;0;1000;1000S\x1b[?2;0;800;1200S\x1b[?1;0;16S\x1b[?63;4c");
        assert_eq!((answer.largest, answer.colors), (Some((800, 1000)), Some(16)));
        // The terminal does not support the question.
        assert_eq!(TerminalAnswer::read(b"\x1b[?2;3;0S\x1b[?2;1;0S").largest, None);
    }

    #[test]
    fn multiplexers_name_themselves() {
        for answers in [&b"\x1b[>84;0;0c\x1b[?1;2;4c"[..], b"\x1b[>83;40900;0c\x1b[?1;2c"] {
            assert!(TerminalAnswer::read(answers).is_multiplexer());
        }
        assert!(!TerminalAnswer::read(b"\x1b[>41;390;0c\x1b[?64;4c").is_multiplexer());
    }
}
