//! A link as a QR code, drawn with half blocks: two modules above each other in one character.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around the code. Four by the standard (ISO/IEC 18004); two are read as well where space is short.
const MARGINS: [usize; 2] = [4, 2];

/// The code for `link` in lines of at most `columns` characters; `None` where it does not fit.
///
/// The fragment goes in as capital letters, which take a third less space: a link is read in either case.
pub(super) fn draw(link: &str, columns: usize) -> Option<String> {
    let (page, fragment) = link.split_once('#')?;
    let text = format!("{page}#{}", fragment.to_ascii_uppercase());
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()?;
    let width = code.width();
    let margin = MARGINS.into_iter().find(|margin| width + 2 * margin <= columns)?;
    let side = width + 2 * margin;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(margin).filter(|at| *at < width);
        matches!((inside(x), inside(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
    };
    let mut drawn = String::new();
    for y in (0..side).step_by(2) {
        // Black on white, whatever the terminal's own colours are.
        drawn.push_str("\x1b[30;107m");
        for x in 0..side {
            drawn.push(match (is_dark(x, y), is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        drawn.push_str("\x1b[0m\n");
    }
    drawn.pop();
    Some(drawn)
}

#[cfg(test)]
mod tests {
    /// Reads what was drawn as a camera would.
    fn read(drawn: &str) -> String {
        let rows: Vec<Vec<char>> = drawn
            .lines()
            .map(|line| line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m").chars().collect())
            .collect();
        let pixel = |x: usize, y: usize| {
            let (upper, lower) = match rows[y / 8][x / 4] {
                '█' => (0, 0),
                '▀' => (0, 255),
                '▄' => (255, 0),
                _ => (255, 255),
            };
            if y % 8 < 4 { upper } else { lower }
        };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(rows[0].len() * 4, rows.len() * 8, pixel);
        let codes = image.detect_grids();
        codes.first().unwrap().decode().unwrap().1
    }

    #[test]
    fn a_code_fits_into_forty_columns_and_leads_to_the_link() {
        let link = format!("http://192.168.178.123:40801/#share1{}", "q".repeat(46));
        for columns in [40, 80] {
            let drawn = super::draw(&link, columns).unwrap();
            assert!(drawn.lines().all(|line| line.chars().filter(|c| " ▀▄█".contains(*c)).count() <= columns));
            let (page, fragment) = link.split_once('#').unwrap();
            assert_eq!(read(&drawn), format!("{page}#{}", fragment.to_ascii_uppercase()));
        }
        assert!(super::draw(&link, 36).is_none());
    }
}
