//! Text from strangers: which of its characters are shown, and which are replaced.
//!
//! Some invisible characters are part of ordinary text in the right place: joiners in Persian and Indic words, in emoji
//! families and in flags. Everywhere else they are replaced. The page applies the same rules (`page/safe_text.ts`) to
//! the same table of characters (`page/characters.txt`), and tests compare both over all of Unicode.

use std::error::Error;
use std::io;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// The table of characters, which the page reads too.
const TABLE: &str = include_str!("page/characters.txt");
/// The longest file name that is written, in bytes. Common file systems allow 255, and a suffix may be added.
const MAX_NAME: usize = 200;
/// The longest extension that survives when a name is cut, in bytes, with its period.
const MAX_EXTENSION: usize = 16;
/// Zero width non-joiner and joiner.
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// The black flag, which tags turn into another flag; and the end of the tags.
const FLAG: char = '\u{1f3f4}';
const TAGS_END: char = '\u{e007f}';
/// The separator in front of the last vowel of a Mongolian word.
const MONGOLIAN_SEPARATOR: char = '\u{180e}';

/// A class of characters: ranges of code points in ascending order.
struct Class(Vec<RangeInclusive<u32>>);

impl Class {
    /// Reads a class from the table.
    fn read(name: &str) -> Self {
        let heading = format!("{name}:");
        let lines = TABLE.lines().skip_while(|line| *line != heading).skip(1);
        let words = lines.take_while(|line| line.starts_with(' ')).flat_map(str::split_whitespace);
        Self(words.filter_map(range).collect())
    }

    fn contains(&self, c: char) -> bool {
        let c = u32::from(c);
        let after = self.0.partition_point(|range| *range.start() <= c);
        self.0[..after].last().is_some_and(|range| range.contains(&c))
    }
}

/// A code point, or a range of them, as the table writes it: `34f` or `600-605`.
fn range(word: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(u32::from_str_radix(first, 16).ok()?..=u32::from_str_radix(last, 16).ok()?)
}

static HIDDEN: LazyLock<Class> = LazyLock::new(|| Class::read("hidden"));
static LETTER: LazyLock<Class> = LazyLock::new(|| Class::read("letter"));
static JOINING: LazyLock<Class> = LazyLock::new(|| Class::read("joining"));
static MARK: LazyLock<Class> = LazyLock::new(|| Class::read("mark"));
static VIRAMA: LazyLock<Class> = LazyLock::new(|| Class::read("virama"));
static HAN: LazyLock<Class> = LazyLock::new(|| Class::read("han"));
static MONGOLIAN: LazyLock<Class> = LazyLock::new(|| Class::read("mongolian"));
static PICTOGRAPH: LazyLock<Class> = LazyLock::new(|| Class::read("pictograph"));

/// `text`, with `other` in place of each character that is hidden where it stands.
pub fn plain(text: &str, other: impl Fn(char) -> char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut rest) = (String::with_capacity(text.len()), &chars[..]);
    while let [first, after @ ..] = rest {
        match sequence(rest) {
            0 => {
                shown.push(if is_hidden(*first) { other(*first) } else { *first });
                rest = after;
            }
            count => {
                shown.extend(&rest[..count]);
                rest = &rest[count..];
            }
        }
    }
    shown
}

/// Whether a character, by itself, is invisible, moves the cursor or reorders other text.
pub fn is_hidden(c: char) -> bool {
    HIDDEN.contains(c)
}

/// The length of the sequence at the start of `text` whose hidden characters belong to it, in characters; 0: none.
///
/// These are rules A1, A2 and B of UAX #31, somewhat wider: any letter of a joining script counts for A1, whatever its
/// joining type, and no letter has to follow a virama, since people write both.
fn sequence(text: &[char]) -> usize {
    if text[0].is_ascii() {
        return 0;
    }
    match (in_word(text), text[0]) {
        (0, FLAG) => flag(text),
        (0, first) if PICTOGRAPH.contains(first) => emoji(text),
        (0, first) if HAN.contains(first) => {
            // A variant of the character, as in names of people and places.
            if matches!(text.get(1), Some('\u{e0100}'..='\u{e01ef}')) { 2 } else { 0 }
        }
        (count, _) => count,
    }
}

/// The length of a letter with its marks and the joiner, selector or separator behind it.
fn in_word(text: &[char]) -> usize {
    let first = text[0];
    if !LETTER.contains(first) {
        return 0;
    }
    let marks = |from: usize| from + text[from..].iter().take_while(|c| MARK.contains(**c)).count();
    let end = marks(1);
    let next = text.get(end).copied();
    // A1: a non-joiner between letters that would join; a joiner behind a letter that nothing else joins, as in Persian
    // abbreviations.
    let joins = |from: usize| text.get(marks(from)).is_some_and(|c| JOINING.contains(*c));
    match next {
        Some(ZWNJ) if JOINING.contains(first) && joins(end + 1) => return end + 1,
        Some(ZWJ) if JOINING.contains(first) && !joins(end + 1) => return end + 1,
        _ => {}
    }
    // A2 and B: behind a virama; in front of one too, as Bengali spells ra and ya (The Unicode Standard, 12.2).
    let beside_virama = VIRAMA.contains(text[end - 1]) || text.get(end + 1).is_some_and(|c| VIRAMA.contains(*c));
    if matches!(next, Some(ZWNJ | ZWJ)) && beside_virama {
        return end + 1;
    }
    if !MONGOLIAN.contains(first) {
        return 0;
    }
    let end = if matches!(text.get(1), Some('\u{180b}'..='\u{180d}' | '\u{180f}')) { 2 } else { 1 };
    let is_separated =
        text.get(end) == Some(&MONGOLIAN_SEPARATOR) && text.get(end + 1).is_some_and(|c| MONGOLIAN.contains(*c));
    end + usize::from(is_separated)
}

/// The length of the flag of a country's part, which is spelled in tags.
fn flag(text: &[char]) -> usize {
    let is_tag = |c: &&char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let tags = text[1..].iter().take_while(is_tag).count();
    let is_whole = (3..=6).contains(&tags) && text.get(tags + 1) == Some(&TAGS_END);
    if is_whole { tags + 2 } else { emoji(text) }
}

/// The length of an emoji with the joiner that ties it to the next one.
fn emoji(text: &[char]) -> usize {
    // A variation selector, or a skin tone.
    let end = if matches!(text.get(1), Some('\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')) { 2 } else { 1 };
    let is_tied = text.get(end) == Some(&ZWJ) && text.get(end + 1).is_some_and(|c| PICTOGRAPH.contains(*c));
    if is_tied { end + 1 } else { 0 }
}

/// A single file name that can be created in a directory, from a name that a stranger chose. `fallback` replaces a
/// missing or empty one.
pub fn safe_name(name: Option<&str>, fallback: &str) -> String {
    let last = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let clean = plain(last, |_| '_').replace(|c| r#"<>:"|?*"#.contains(c), "_");
    // Spaces at either end, a leading dot (hidden file) or hyphen (option), and a trailing dot, which Windows drops.
    let clean = clean.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    let clean = clean.trim_start_matches(|c: char| c.is_whitespace() || "-.".contains(c));
    if clean.chars().all(|c| c == '_') {
        return fallback.to_owned();
    }
    let stem = clean.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || ["COM", "LPT"].iter().any(|port| {
            stem.strip_prefix(port).is_some_and(|rest| {
                let mut rest = rest.chars();
                rest.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && rest.next().is_none()
            })
        });
    let name = if device { format!("_{clean}") } else { clean.to_owned() };
    shortened(&name, MAX_NAME)
}

/// Cuts `name` to at most `limit` bytes, with its extension.
fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    };
    let mut end = limit - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    // The cut may have split a sequence.
    let stem = plain(&stem[..end], |_| '_');
    format!("{}{extension}", stem.trim_end_matches(|c: char| c.is_whitespace() || c == '.'))
}

/// A stranger's text for a terminal or a page: hidden characters are replaced by U+FFFD.
pub fn printable(text: &str) -> String {
    plain(text, |_| '\u{fffd}')
}

/// An error and its causes, the error first. Some errors of reading and writing hide their cause inside.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// The words of an operating system's error, such as "Connection refused (os error 111)", without its number, in lower
/// case, and without the period that those of Windows have.
pub fn os_words(text: &str) -> String {
    text.split_once(" (os error").map_or(text, |(words, _)| words.trim_end_matches('.')).to_lowercase()
}

/// The operating system's words without its number.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        io::ErrorKind::InvalidData if error.get_ref().is_none() => "not UTF-8 text".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        // A text of our own may have a path in it.
        _ if error.get_ref().is_some() => error.to_string(),
        _ => os_words(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_the_table_is_read_whole() {
        let classes = [&HIDDEN, &LETTER, &JOINING, &MARK, &VIRAMA, &HAN, &MONGOLIAN, &PICTOGRAPH];
        let listed = TABLE.lines().filter(|line| line.starts_with(' ')).flat_map(str::split_whitespace).count();
        assert_eq!(classes.map(|class| class.0.len()).iter().sum::<usize>(), listed);
        for class in classes {
            assert!(!class.0.is_empty() && class.0.iter().all(|range| range.start() <= range.end()));
            assert!(class.0.is_sorted_by(|one, other| one.end() < other.start()), "{:x?}", class.0);
        }
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_extension() {
        let long = format!("{}.jpeg", "é".repeat(300));
        let cut = safe_name(Some(&long), "file");
        assert!(cut.len() <= MAX_NAME && cut.ends_with("é.jpeg"), "{cut}");
    }

    #[test]
    fn causes_that_are_hidden_inside_are_found() {
        let outer = io::Error::other(io::Error::other(io::Error::other("Access is denied. (os error 5)")));
        let all: Vec<String> = causes(&outer).map(ToString::to_string).collect();
        assert_eq!(all.len(), 4);
        assert_eq!(os_words(all.last().unwrap()), "access is denied");
        assert_eq!(reason(&io::ErrorKind::ConnectionRefused.into()), "connection refused");
    }
}
