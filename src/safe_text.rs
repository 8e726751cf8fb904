//! Characters that show as themselves, and those that do so only in the right company: joiners in Persian and Indic
//! words, families of emoji, flags of countries in a country. The page has the same rules (`page/safe_text.ts`),
//! and `tests/it/vectors.json` holds both to them.

use std::error::Error;
use std::io;

use icu_properties::props::{EmojiModifier, ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The longest file name that is written, in bytes: common file systems take 255, and a suffix may be added.
const MAX_NAME: usize = 200;
/// Zero width non-joiner and joiner.
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// The black flag, which tags make another one; and the end of the tags.
const FLAG: char = '\u{1f3f4}';
const TAGS_END: char = '\u{e007f}';
/// The separator that Mongolian has before a last vowel.
const MONGOLIAN_SEPARATOR: char = '\u{180e}';

/// Signs that take a consonant's vowel away: canonical combining class 9 in Unicode's `UnicodeData.txt` (14.0).
const VIRAMAS: &str = "\
    \u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d3b}\u{d3c}\u{d4d}\u{dca}\u{e3a}\u{eba}\u{f84}\
    \u{1039}\u{103a}\u{1714}\u{1715}\u{1734}\u{17d2}\u{1a60}\u{1b44}\u{1baa}\u{1bab}\u{1bf2}\u{1bf3}\u{2d7f}\
    \u{a806}\u{a82c}\u{a8c4}\u{a953}\u{a9c0}\u{aaf6}\u{abed}\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\
    \u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\
    \u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}";

/// `text`, with `other` in the place of each character that does not show as itself.
pub fn plain(text: &str, other: impl Fn(char) -> char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut rest) = (String::with_capacity(text.len()), &chars[..]);
    while let [first, after @ ..] = rest {
        match company(rest) {
            0 => {
                shown.push(if is_plain(*first) { *first } else { other(*first) });
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

/// How many characters from the first one on belong together, with those among them that are visible only in a group.
/// For rules A1, A2 and B of Unicode (UAX #31), which ask for types of joining, any letter of a script that joins its
/// letters will do, and behind a virama no letter must follow: people write both.
fn company(text: &[char]) -> usize {
    let marks = |from: usize| from + text[from..].iter().take_while(|c| is_mark(**c)).count();
    let first = text[0];
    if is_letter(first) {
        let end = marks(1);
        let next = text.get(end).copied();
        // A1: between letters that would join, and, as in Persian abbreviations, behind one that nothing else joins.
        let joins = |from: usize| text.get(marks(from)).is_some_and(|c| is_joining(*c));
        match next {
            Some(ZWNJ) if is_joining(first) && joins(end + 1) => return end + 1,
            Some(ZWJ) if is_joining(first) && !joins(end + 1) => return end + 1,
            _ => {}
        }
        // A2 and B: behind a virama. In front of one too, as Bengali spells ra and ya (The Unicode Standard, 12.2).
        let is_virama = |c: &char| VIRAMAS.contains(*c);
        let beside_virama = is_virama(&text[end - 1]) || text.get(end + 1).is_some_and(is_virama);
        if matches!(next, Some(ZWNJ | ZWJ)) && beside_virama {
            return end + 1;
        }
        let script = script(first);
        // A variant of a character, as in names of people and places.
        if script == Script::Han && matches!(text.get(1), Some('\u{e0100}'..='\u{e01ef}')) {
            return 2;
        }
        if script == Script::Mongolian {
            let end = if matches!(text.get(1), Some('\u{180b}'..='\u{180d}' | '\u{180f}')) { 2 } else { 1 };
            let is_separated = text.get(end) == Some(&MONGOLIAN_SEPARATOR)
                && text.get(end + 1).is_some_and(|c| is_letter(*c) && self::script(*c) == Script::Mongolian);
            return end + usize::from(is_separated);
        }
    }
    if first == FLAG {
        let is_tag = |c: &&char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
        let tags = text[1..].iter().take_while(is_tag).count();
        if (3..=6).contains(&tags) && text.get(tags + 1) == Some(&TAGS_END) {
            return tags + 2;
        }
    }
    if is_pictograph(first) {
        let is_changed = text.get(1).is_some_and(|c| *c == '\u{fe0f}' || is_modifier(*c));
        let end = if is_changed { 2 } else { 1 };
        if text.get(end) == Some(&ZWJ) && text.get(end + 1).is_some_and(|c| is_pictograph(*c)) {
            return end + 1;
        }
    }
    0
}

fn is_letter(c: char) -> bool {
    GeneralCategoryGroup::Letter.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// A mark that shows.
fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c)) && is_plain(c)
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

/// A letter of a script that joins its letters.
fn is_joining(c: char) -> bool {
    const JOINING: [Script; 10] = [
        Script::Arabic,
        Script::Syriac,
        Script::Nko,
        Script::Mandaic,
        Script::Mongolian,
        Script::PhagsPa,
        Script::Manichaean,
        Script::PsalterPahlavi,
        Script::Adlam,
        Script::HanifiRohingya,
    ];
    is_letter(c) && JOINING.contains(&script(c))
}

fn is_pictograph(c: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(c)
}

fn is_modifier(c: char) -> bool {
    CodePointSetData::new::<EmojiModifier>().contains(c)
}

/// Whether a character shows as itself, wherever it stands: no control, no format character (Unicode's Cc and Cf:
/// bidirectional marks, zero-width characters, tags), no line separator, no blank that looks like nothing.
fn is_plain(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{0600}'..='\u{0605}' | '\u{061c}' | '\u{06dd}' | '\u{070f}'
            | '\u{0890}'..='\u{0891}' | '\u{08e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}'))
}

/// A single file name that can be created in a directory, made from a name that a stranger chose. `fallback` is the
/// name of the nameless.
pub fn safe_name(name: Option<&str>, fallback: &str) -> String {
    let last = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let clean = plain(last, |_| '_').replace(|c| r#"<>:"|?*"#.contains(c), "_");
    // Blanks of every kind, and what means something at an end: hidden files, options, nothing at all.
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

/// Cuts `name` to at most `limit` bytes and keeps its extension.
fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    };
    let mut end = limit - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    // Truncation may have split a sequence.
    let stem = plain(&stem[..end], |_| '_');
    format!("{}{extension}", stem.trim_end_matches(|c: char| c.is_whitespace() || c == '.'))
}

/// A stranger's text made fit for a terminal: whatever could move the cursor, hide or turn other text around is
/// replaced.
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

/// The words of an operating system's error, such as "Connection refused (os error 111)", without its number and in
/// lower case.
pub fn os_words(text: &str) -> String {
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// The operating system's words without its number.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        io::ErrorKind::InvalidData if error.get_ref().is_none() => "it is not text in UTF-8".to_owned(),
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
    fn a_long_name_is_cut_and_keeps_its_extension() {
        let long = format!("{}.jpeg", "é".repeat(300));
        let cut = safe_name(Some(&long), "file");
        assert!(cut.len() <= MAX_NAME && cut.ends_with("é.jpeg"), "{cut}");
    }

    #[test]
    fn causes_that_are_hidden_inside_are_found() {
        let denied = io::Error::from_raw_os_error(13);
        let outer = io::Error::other(io::Error::other(denied));
        let all: Vec<String> = causes(&outer).map(ToString::to_string).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(os_words(all.last().unwrap()), "permission denied");
        assert_eq!(reason(&io::Error::from_raw_os_error(111)), "connection refused");
    }
}
