//! Pictures from characters.

use std::fmt::Write as _;

use image::RgbaImage;

use crate::terminal::style;

/// Encodes two pixels, one above the other, in each character: an upper half block in both colors. Without UTF-8: a
/// space in the average color. Without colors: a character of the average brightness.
pub(super) fn encode(image: &RgbaImage) -> Vec<u8> {
    let is_rich = std::env::var("COLORTERM").is_ok_and(|colors| matches!(&*colors, "truecolor" | "24bit"));
    let (has_colors, has_utf8) = (style::has_colors(), style::has_utf8());
    let color = |[red, green, blue]: [u8; 3]| {
        if is_rich {
            return format!("2;{red};{green};{blue}");
        }
        let step = |part: u8| u16::from(part) * 5 / 255;
        format!("5;{}", 16 + 36 * step(red) + 6 * step(green) + step(blue))
    };
    let shades: &[char] =
        if has_utf8 { &[' ', '░', '▒', '▓', '█'] } else { &[' ', '.', ':', '-', '=', '+', '*', '#', '@'] };
    let mut codes = String::new();
    for y in (0..image.height()).step_by(2) {
        for x in 0..image.width() {
            let pixel = |y: u32| {
                if y >= image.height() {
                    return [0; 3];
                }
                let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u16::from);
                // Blended with black.
                [red, green, blue].map(|part| u8::try_from(part * alpha / 255).unwrap_or(u8::MAX))
            };
            let (upper, lower) = (pixel(y), pixel(y + 1));
            let both: [u8; 3] = std::array::from_fn(|part| upper[part].midpoint(lower[part]));
            let _ = match (has_colors, has_utf8) {
                (true, true) => write!(codes, "\x1b[38;{};48;{}m▀", color(upper), color(lower)),
                (true, false) => write!(codes, "\x1b[48;{}m ", color(both)),
                (false, _) => {
                    let [red, green, blue] = both.map(usize::from);
                    // Brightness (ITU-R BT.601).
                    let light = (299 * red + 587 * green + 114 * blue) / 1000;
                    write!(codes, "{}", shades[light * (shades.len() - 1) / 255])
                }
            };
        }
        // Moves one row down and back to the first column.
        let _ = write!(codes, "\x1b[0m\x1b[B\x1b[{}D", image.width());
    }
    codes.into_bytes()
}
