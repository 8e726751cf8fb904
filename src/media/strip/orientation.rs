//! The orientation of a picture, from every place that states one: EXIF first, then text chunks of PNG that carry EXIF,
//! then XMP. It is kept as EXIF that holds nothing else, in the first of these places.

use flate2::{Decompress, FlushDecompress, Status};

use crate::media::strip::exif;
use crate::media::strip::removed::{Removed, contains};
use crate::media::strip::scan::LOOKED_INTO;

/// Sources of the orientation, the most trusted first.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Exif,
    Text,
    Xmp,
}

/// The orientations that a file states, and the first place that states one.
#[derive(Default)]
pub(super) struct Orientations {
    /// One for each [`Source`].
    stated: [Option<u8>; 3],
    /// Offset in the file.
    place: Option<u64>,
}

impl Orientations {
    /// Notes what a piece at `at` states, which goes. Of two pieces of one kind the first counts, as for decoders.
    pub(super) fn note(&mut self, source: Source, orientation: Option<u8>, at: u64) {
        let stated = &mut self.stated[source as usize];
        *stated = stated.or(orientation);
        if orientation.is_some() {
            self.place.get_or_insert(at);
        }
    }

    /// The orientation, unless it is the usual one, and the place that it gets.
    pub(super) fn settle(&self) -> Option<(u8, u64)> {
        let orientation = self.stated.iter().flatten().next().copied().filter(|orientation| *orientation > 1)?;
        self.place.map(|at| (orientation, at))
    }
}

/// The orientation in XMP (ISO 16684-1), as an attribute or an element.
pub(super) fn in_xmp(text: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"tiff:Orientation";
    let mut rest = text;
    loop {
        let at = rest.windows(NAME.len()).position(|window| window == NAME)?;
        rest = &rest[at + NAME.len()..];
        let mut value = rest.iter().skip_while(|byte| byte.is_ascii_whitespace() || b"=\"'>".contains(byte));
        if let (Some(digit @ b'1'..=b'8'), Some(b'"' | b'\'' | b'<' | b' ' | b'\n' | b'\r')) =
            (value.next(), value.next())
        {
            return Some(digit - b'0');
        }
    }
}

/// The orientation in a text chunk of PNG: XMP, or EXIF in hexadecimal digits, as `ImageMagick` and others write it.
pub(super) fn in_text(kind: [u8; 4], content: &[u8], removed: &mut Removed) -> Option<(Source, u8)> {
    let (keyword, rest) = content.split_at(content.iter().position(|byte| *byte == 0)?);
    let is_xmp = keyword == b"XML:com.adobe.xmp";
    if !is_xmp && !keyword.starts_with(b"Raw profile type ") {
        return None;
    }
    let text = match &kind {
        b"tEXt" => rest.get(1..)?.to_vec(),
        b"zTXt" => unpacked(rest.get(2..)?)?,
        _ => {
            // A flag, a method, a language and a keyword in it.
            let (is_packed, rest) = (*rest.get(1)? == 1, rest.get(3..)?);
            let rest = rest.splitn(3, |byte| *byte == 0).nth(2)?;
            if is_packed { unpacked(rest)? } else { rest.to_vec() }
        }
    };
    if is_xmp || keyword.ends_with(b" xmp") {
        return in_xmp(&decoded(&text).unwrap_or(text)).map(|orientation| (Source::Xmp, orientation));
    }
    let profile = decoded(&text)?;
    if contains(&profile, b"tiff:Orientation") {
        return in_xmp(&profile).map(|orientation| (Source::Xmp, orientation));
    }
    let tiff = profile.strip_prefix(b"Exif\0\0").unwrap_or(&profile);
    exif::read(tiff, removed).map(|orientation| (Source::Text, orientation))
}

/// A compressed text. `None`: it is damaged, longer than what is looked into, or other bytes follow it. Decoders ignore
/// damaged text, and the page's decompressor forgets the text before an error.
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let limit = usize::try_from(LOOKED_INTO).ok()?;
    let (mut text, mut unpacking) = (Vec::with_capacity(limit + 1), Decompress::new(true));
    let status = unpacking.decompress_vec(packed, &mut text, FlushDecompress::Finish).ok()?;
    let is_whole = status == Status::StreamEnd && unpacking.total_in() == packed.len() as u64;
    (is_whole && text.len() <= limit).then_some(text)
}

/// The bytes of a raw profile: a name and a length, each on a line of its own, and hexadecimal digits.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.trim_ascii_start().splitn(3, |byte| *byte == b'\n');
    let (_, len, digits) = (lines.next()?, lines.next()?, lines.next()?);
    let len = len.trim_ascii();
    if len.is_empty() || !len.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits: Vec<u8> =
        digits.iter().filter_map(|digit| u8::try_from(char::from(*digit).to_digit(16)?).ok()).collect();
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xmp_says_it_as_an_attribute_or_an_element() {
        for (text, orientation) in [
            (&b"<rdf:Description tiff:Orientation=\"6\"/>"[..], Some(6)),
            (b"<rdf:Description tiff:Orientation = '8'/>", Some(8)),
            (b"<tiff:Orientation>3</tiff:Orientation>", Some(3)),
            (b"<tiff:Orientation>\n 3\n</tiff:Orientation>", Some(3)),
            (b"<tiff:Orientation>1</tiff:Orientation>", Some(1)),
            (b"<tiff:Orientation>31</tiff:Orientation>", None),
            (b"<tiff:Orientation></tiff:Orientation>", None),
            (b"tiff:Orientation", None),
        ] {
            assert_eq!(in_xmp(text), orientation, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn exif_counts_more_than_xmp_wherever_it_stands() {
        let mut orientations = Orientations::default();
        orientations.note(Source::Xmp, Some(6), 10);
        assert_eq!(orientations.settle(), Some((6, 10)));
        orientations.note(Source::Exif, Some(3), 20);
        assert_eq!(orientations.settle(), Some((3, 10)));
        let mut orientations = Orientations::default();
        orientations.note(Source::Exif, Some(1), 20);
        orientations.note(Source::Xmp, Some(6), 30);
        assert_eq!(orientations.settle(), None, "EXIF says that it is upright");
    }
}
