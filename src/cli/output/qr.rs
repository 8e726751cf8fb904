//! A link as a QR code. Scanners expect dark modules on a light ground (ISO/IEC 18004).

use qrcode::{Color, EcLevel, QrCode};

use crate::terminal::style;

/// Modules of white around the code. Four by the standard; two are read as well where space is short.
const MARGINS: [usize; 2] = [4, 2];
/// Black on white: first by the palette, for terminals with 16 colors, then by the 256 colors of which no palette
/// changes these two. Themes change the first 16: white on a light theme may be black.
const INK: &str = "\x1b[30;107m\x1b[38;5;16;48;5;231m";

/// How modules are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Pen {
    /// Half blocks, two modules above each other in one character, black on white.
    Colors,
    /// Half blocks without colors, in which the letters' color is the light one. That is right on dark terminals; on
    /// light ones the code is inverted, and most cameras read that as well.
    Letters,
    /// Two blanks a module, black or white: without UTF-8.
    Blanks,
}

impl Pen {
    /// The one for this terminal. `None`: without colors and without UTF-8 no scanner could read it.
    pub(in crate::cli) fn of_this_terminal() -> Option<Self> {
        match (style::has_colors(), style::has_utf8()) {
            (true, true) => Some(Self::Colors),
            (false, true) if !style::is_dumb() => Some(Self::Letters),
            (true, false) => Some(Self::Blanks),
            (false, _) => None,
        }
    }
}

/// The code for `link` in lines of at most `columns` characters; `None` where it does not fit.
///
/// The fragment goes in as capital letters, which take a third less space: a link is read in either case.
pub(in crate::cli) fn draw(link: &str, columns: usize, pen: Pen) -> Option<String> {
    let (page, fragment) = link.split_once('#')?;
    let text = format!("{page}#{}", fragment.to_ascii_uppercase());
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()?;
    let width = code.width();
    let columns = if pen == Pen::Blanks { columns / 2 } else { columns };
    let margin = MARGINS.into_iter().find(|margin| width + 2 * margin <= columns)?;
    let side = width + 2 * margin;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(margin).filter(|at| *at < width);
        matches!((inside(x), inside(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
    };
    let mut drawn = String::new();
    for y in (0..side).step_by(if pen == Pen::Blanks { 1 } else { 2 }) {
        match pen {
            Pen::Colors => drawn.push_str(INK),
            Pen::Letters => {}
            Pen::Blanks => {
                for x in 0..side {
                    drawn.push_str(if is_dark(x, y) { "\x1b[40m\x1b[48;5;16m  " } else { "\x1b[107m\x1b[48;5;231m  " });
                }
            }
        }
        for x in (0..side).filter(|_| pen != Pen::Blanks) {
            // Letters are dark on white ground, and light on a dark one. Below an odd last row is ground.
            let is_inked = |y: usize| if pen == Pen::Colors { is_dark(x, y) } else { y < side && !is_dark(x, y) };
            drawn.push(match (is_inked(y), is_inked(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        drawn.push_str(if pen == Pen::Letters { "\n" } else { "\x1b[0m\n" });
    }
    drawn.pop();
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::Pen;

    /// The light and dark halves of what was drawn, as a terminal shows them with light letters on a dark ground.
    fn rows(drawn: &str) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let (mut upper, mut lower) = (Vec::new(), Vec::new());
            let (mut ink, mut ground) = (255, 0);
            let mut rest = line;
            while let Some(c) = rest.chars().next() {
                if let Some(code) = rest.strip_prefix("\x1b[") {
                    let (code, after) = code.split_once('m').unwrap();
                    (ink, ground) = match code {
                        // A theme that swaps black and white.
                        "30;107" | "107" | "0" => (255, 0),
                        "40" => (255, 255),
                        "38;5;16;48;5;231" => (0, 255),
                        "48;5;231" => (ink, 255),
                        "48;5;16" => (ink, 0),
                        other => panic!("{other}"),
                    };
                    rest = after;
                    continue;
                }
                let (above, below) = match c {
                    '█' => (ink, ink),
                    '▀' => (ink, ground),
                    '▄' => (ground, ink),
                    ' ' => (ground, ground),
                    other => panic!("{other}"),
                };
                upper.push(above);
                lower.push(below);
                rest = &rest[c.len_utf8()..];
            }
            rows.extend([upper, lower]);
        }
        rows
    }

    /// Reads what was drawn as a camera would.
    fn read(drawn: &str) -> String {
        let rows = rows(drawn);
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(rows[0].len() * 4, rows.len() * 4, |x, y| rows[y / 4][x / 4]);
        let codes = image.detect_grids();
        codes.first().unwrap().decode().unwrap().1
    }

    #[test]
    fn code_fits_into_its_columns_and_leads_to_the_link() {
        let link = format!("http://192.168.178.123:40801/#share1{}", "q".repeat(46));
        for (columns, pen) in [(40, Pen::Colors), (80, Pen::Colors), (80, Pen::Letters), (80, Pen::Blanks)] {
            let drawn = super::draw(&link, columns, pen).unwrap();
            assert!(drawn.lines().all(|line| line.chars().filter(|c| " ▀▄█".contains(*c)).count() <= columns));
            let (page, fragment) = link.split_once('#').unwrap();
            assert_eq!(read(&drawn), format!("{page}#{}", fragment.to_ascii_uppercase()), "{pen:?}");
            assert_eq!(drawn.contains('\x1b'), pen != Pen::Letters, "{pen:?}");
            assert_eq!(drawn.is_ascii(), pen == Pen::Blanks, "{pen:?}");
        }
        assert!(super::draw(&link, 36, Pen::Colors).is_none());
        assert!(super::draw(&link, 73, Pen::Blanks).is_none());
    }
}
