//! Tables for people, as wide as the terminal; lines of tab-separated values for scripts.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::style;

/// Columns between two columns of a table.
const GAP: usize = 2;
/// Joins emoji into one. It has no width, and must not be the last character.
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// A column of a table.
pub(in crate::cli) struct Column {
    /// Its heading.
    pub(in crate::cli) title: &'static str,
    /// The width to which it may be shortened on a narrow terminal.
    pub(in crate::cli) min: usize,
    /// The importance: where not even the shortened columns fit, those with the lowest ranks are left out.
    pub(in crate::cli) rank: u8,
}

/// The lines of a table: a heading and `rows`, none wider than `width` columns. Without a width (standard output is no
/// terminal) only the rows: values separated by tabs, `-` for an empty one, nothing shortened.
pub(in crate::cli) fn table<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    width: Option<usize>,
) -> Vec<String> {
    let Some(width) = width else { return rows.iter().map(tabbed).collect() };
    let heading = columns.each_ref().map(|column| column.title.to_owned());
    let rows: Vec<[String; N]> = std::iter::once(&heading)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| style::readable(cell).into_owned()))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = cell.width().max(*widest);
        }
    }
    let mut min = columns.each_ref().map(|column| column.min);
    omit(&mut widths, &mut min, columns, width);
    let room = width.saturating_sub(gaps(&widths));
    shrink(&mut widths, &min, room);
    rows.iter().map(|row| line(row, &widths, width)).collect()
}

/// The columns of space between those that are shown.
fn gaps(widths: &[usize]) -> usize {
    GAP * widths.iter().filter(|width| **width > 0).count().saturating_sub(1)
}

/// Leaves out the least important columns, until the others fit into `total` at their least widths.
fn omit<const N: usize>(widths: &mut [usize; N], min: &mut [usize; N], columns: &[Column; N], total: usize) {
    loop {
        let least: usize = widths.iter().zip(&*min).map(|(width, min)| width.min(min)).sum();
        let shown = || (0..N).filter(|at| widths[*at] > 0);
        let Some(last) = shown().min_by_key(|at| columns[*at].rank) else { return };
        if least + gaps(widths) <= total || shown().count() == 1 {
            return;
        }
        (widths[last], min[last]) = (0, 0);
    }
}

fn tabbed<const N: usize>(row: &[String; N]) -> String {
    row.each_ref().map(|cell| if cell.is_empty() { "-" } else { cell }).join("\t")
}

/// Takes width from the columns that are furthest above their minimum, until all fit into `total`.
fn shrink<const N: usize>(widths: &mut [usize; N], min: &[usize; N], total: usize) {
    while widths.iter().sum::<usize>() > total {
        let Some(widest) = (0..N).filter(|at| widths[*at] > min[*at]).max_by_key(|at| widths[*at] - min[*at]) else {
            return;
        };
        widths[widest] -= 1;
    }
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N], width: usize) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let cell = shortened(cell, *width);
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
    }
    shortened(line.trim_end(), width)
}

/// `text` in at most `width` columns: the end is replaced by an ellipsis where it does not fit.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let ellipsis = style::readable("…");
    let room = width.saturating_sub(ellipsis.width());
    // Not before a combining character, and not after a joiner.
    let is_end = |at: &usize| {
        let next = text[*at..].chars().next().and_then(UnicodeWidthChar::width);
        next != Some(0) && !text[..*at].ends_with(ZERO_WIDTH_JOINER)
    };
    let ends = text.char_indices().map(|(at, _)| at).filter(is_end);
    let end = ends.take_while(|at| text[..*at].width() <= room).last().unwrap_or(0);
    let cut: String = if width < ellipsis.width() { String::new() } else { ellipsis.into_owned() };
    format!("{}{cut}", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [column("id", 4, 2), column("name", 8, 1), column("state", 7, 3)];

    const fn column(title: &'static str, min: usize, rank: u8) -> Column {
        Column { title, min, rank }
    }

    fn rows(name: &str) -> [[String; 3]; 2] {
        [["1111".to_owned(), name.to_owned(), "waiting".to_owned()], ["2222".into(), "b".into(), String::new()]]
    }

    #[test]
    fn columns_are_aligned_whatever_their_characters_are() {
        for name in ["beach.jpg", "海辺の写真.jpg", "👨‍👩‍👧 at the beach ❤️.jpg", "e\u{301}te\u{301}"]
        {
            let lines = table(&COLUMNS, &rows(name), Some(80));
            let column = |line: &str, word: &str| line[..line.find(word).unwrap()].width();
            assert_eq!(column(&lines[0], "state"), column(&lines[1], "waiting"), "{lines:#?}");
            assert_eq!(lines[2], "2222  b", "{lines:#?}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for name in ["a".repeat(300), "海".repeat(300), "👨‍👩‍👧".repeat(100), "e\u{301}".repeat(300)] {
            for width in 1..120 {
                for line in table(&COLUMNS, &rows(&name), Some(width)) {
                    assert!(line.width() <= width && !line.contains("\u{200d}…"), "{width}: {line}");
                }
            }
            let lines = table(&COLUMNS, &rows(&name), Some(40));
            assert!(lines[1].contains('…') && lines[1].ends_with("waiting"), "{lines:#?}");
        }
    }

    #[test]
    fn narrow_terminal_gets_the_most_important_columns_whole() {
        for (width, row) in [
            (23, "1111  abcdefg…  waiting"),
            (22, "1111  waiting"),
            (13, "1111  waiting"),
            (12, "waiting"),
            (7, "waiting"),
            (6, "waiti…"),
        ] {
            assert_eq!(table(&COLUMNS, &rows("abcdefghijklmno"), Some(width))[1], row, "{width}");
        }
    }

    #[test]
    fn scripts_get_whole_values_between_tabs() {
        let name = "a".repeat(300);
        assert_eq!(table(&COLUMNS, &rows(&name), None), [format!("1111\t{name}\twaiting"), "2222\tb\t-".to_owned()]);
    }
}
