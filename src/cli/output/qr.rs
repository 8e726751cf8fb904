//! A link as a QR code. Scanners expect dark modules on a light ground (ISO/IEC 18004).

use qrcode::{Color, EcLevel, QrCode};

use crate::terminal::style;

/// Modules of white around the code: four by the standard, two where space is short, which scanners read as well.
const MARGINS: [usize; 2] = [4, 2];
/// Rows of a screen on which the wide margin is used.
const TALL: usize = 32;
/// Black on white: first by the palette, for terminals with 16 colors, then by the 256 colors of which no palette
/// changes these two. Themes change the first 16: white on a light theme may be black.
const INK: &str = "\x1b[30;107m\x1b[38;5;16;48;5;231m";

/// How modules are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Pen {
    /// Half blocks: two modules, one above the other, in one character; black on white.
    Colors,
    /// Half blocks without colors, in which the color of letters is the light one. On a light terminal the code is
    /// inverted, which most cameras read as well.
    Letters,
    /// Two blanks for each module, black or white: without UTF-8.
    Blanks,
}

impl Pen {
    /// The one for this terminal. `None`: it has neither colors nor UTF-8, and no scanner could read the code.
    pub(in crate::cli) fn of_this_terminal() -> Option<Self> {
        match (style::has_colors(), style::has_utf8()) {
            (true, true) => Some(Self::Colors),
            (false, true) if !style::is_dumb() => Some(Self::Letters),
            (true, false) => Some(Self::Blanks),
            (false, _) => None,
        }
    }
}

/// The space for a code, in characters.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Space {
    pub(in crate::cli) columns: usize,
    /// Rows that are free for the code.
    pub(in crate::cli) rows: usize,
    /// Rows of the whole screen.
    pub(in crate::cli) screen: usize,
    /// Whether the code may have more rows than are free.
    pub(in crate::cli) may_scroll: bool,
}

/// The code for `link` in the space that there is; `None` where it does not fit.
///
/// Capital letters take a third less space in a code, and a link is read in either case: the fragment is always in
/// capitals, and scheme and host are where the code would not fit otherwise.
pub(in crate::cli) fn draw(link: &str, space: Space, pen: Pen) -> Option<String> {
    let (page, fragment) = link.split_once('#')?;
    let fragment = fragment.to_ascii_uppercase();
    let code =
        |page: &str| QrCode::with_error_correction_level(format!("{page}#{fragment}").as_bytes(), EcLevel::L).ok();
    // A path is not read in either case.
    let has_path = page.trim_end_matches('/').matches('/').count() > 2;
    let capitals = if has_path { None } else { code(&page.to_ascii_uppercase()) };
    let codes = [code(page), capitals];
    let margins = &MARGINS[usize::from(space.screen < TALL)..];
    let sizes = || codes.iter().flatten().flat_map(|code| margins.iter().map(move |margin| (code, *margin)));
    let side = |code: &QrCode, margin: usize| code.width() + 2 * margin;
    let is_narrow =
        |code: &QrCode, margin| side(code, margin) * if pen == Pen::Blanks { 2 } else { 1 } <= space.columns;
    let rows =
        |code: &QrCode, margin| if pen == Pen::Blanks { side(code, margin) } else { side(code, margin).div_ceil(2) };
    let narrow = || sizes().filter(|(code, margin)| is_narrow(code, *margin));
    let fitting = narrow().find(|(code, margin)| rows(code, *margin) <= space.rows);
    let smallest = || narrow().filter(|_| space.may_scroll).min_by_key(|(code, margin)| rows(code, *margin));
    fitting.or_else(smallest).map(|(code, margin)| drawn(code, margin, pen))
}

fn drawn(code: &QrCode, margin: usize, pen: Pen) -> String {
    let width = code.width();
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
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn space(columns: usize, rows: usize) -> Space {
        Space { columns, rows, screen: rows, may_scroll: false }
    }

    #[test]
    fn code_fits_into_its_columns_and_leads_to_the_link() {
        let link = format!("http://192.168.178.123:40801/#share1{}", "q".repeat(46));
        for (columns, pen) in [(40, Pen::Colors), (80, Pen::Colors), (80, Pen::Letters), (80, Pen::Blanks)] {
            let drawn = draw(&link, space(columns, 50), pen).unwrap();
            assert!(drawn.lines().all(|line| line.chars().filter(|c| " ▀▄█".contains(*c)).count() <= columns));
            let (page, fragment) = link.split_once('#').unwrap();
            assert_eq!(read(&drawn), format!("{page}#{}", fragment.to_ascii_uppercase()), "{pen:?}");
            assert_eq!(drawn.contains('\x1b'), pen != Pen::Letters, "{pen:?}");
            assert_eq!(drawn.is_ascii(), pen == Pen::Blanks, "{pen:?}");
        }
        assert!(draw(&link, space(36, 50), Pen::Colors).is_none());
        assert!(draw(&link, space(73, 50), Pen::Blanks).is_none());
    }

    #[test]
    fn code_leaves_five_of_24_rows_to_the_link() {
        let fragment = format!("#share1{}", "q".repeat(46));
        for (page, capitals) in [
            ("http://192.168.178.123:40801/", false),
            ("https://share.example.org/", false),
            ("https://share.with-a-rather-long-name.example.org/", true),
        ] {
            let drawn = draw(&format!("{page}{fragment}"), space(80, 19), Pen::Colors).unwrap();
            assert!(drawn.lines().count() <= 19, "{page}");
            let page = if capitals { page.to_ascii_uppercase() } else { page.to_owned() };
            assert_eq!(read(&drawn), format!("{page}{}", fragment.to_ascii_uppercase()));
        }
        let with_path = format!("https://share.with-a-rather-long-name.example.org/path/{fragment}");
        assert!(draw(&with_path, space(80, 19), Pen::Colors).is_none(), "a path is not read in capitals");
        let scrolling = Space { may_scroll: true, ..space(80, 19) };
        assert!(draw(&with_path, scrolling, Pen::Colors).is_some());
    }

    #[test]
    fn margin_is_two_modules_below_32_rows() {
        let link = format!("http://192.168.1.2:4080/#share1{}", "q".repeat(46));
        let lines = |screen| draw(&link, Space { screen, ..space(80, 24) }, Pen::Colors).unwrap().lines().count();
        assert_eq!((lines(24), lines(31), lines(32)), (19, 19, 21));
    }
}
