//! The metadata that is found in a file and removed.

/// The metadata that was found and is removed: the kinds that people ask about by name, and the rest as a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of metadata by itself")]
pub struct Removed {
    /// GPS coordinates or the name of a location.
    pub location: bool,
    /// Maker, model, serial number or lens of the camera.
    pub camera: bool,
    /// Date or time of recording, digitizing or editing.
    pub time: bool,
    /// A small copy of the picture, which may show an earlier state of it.
    pub thumbnail: bool,
    /// Data behind the end of the picture, such as the video of a motion photo or a second picture.
    pub hidden: bool,
    /// A track of data beside picture and sound: GPS coordinates, sensors, times of day.
    pub track: bool,
    /// The number of all other fields: exposure, software, owners, comments.
    pub fields: u32,
    /// The name of the first of them. It is shown where there is only one.
    first: Option<&'static str>,
}

impl Removed {
    /// Adds the findings in another file.
    pub fn add(&mut self, other: &Self) {
        self.location |= other.location;
        self.camera |= other.camera;
        self.time |= other.time;
        self.thumbnail |= other.thumbnail;
        self.hidden |= other.hidden;
        self.track |= other.track;
        self.first = if self.fields == 0 { other.first } else { self.first };
        self.fields += other.fields;
    }

    /// The name of the only other field: `comment`, `software`. `None`: there are none or several, or it has no name
    /// that is known here.
    pub fn only_field(&self) -> Option<&'static str> {
        self.first.filter(|_| self.fields == 1)
    }

    /// Counts another field, with its name if it has one.
    pub(super) fn field(&mut self, name: impl Into<Option<&'static str>>) {
        self.fields_of(1, name);
    }

    /// Counts so many other fields. `name` is that of the first.
    pub(super) fn fields_of(&mut self, count: u32, name: impl Into<Option<&'static str>>) {
        if self.fields == 0 {
            self.first = name.into();
        }
        self.fields += count;
    }

    /// Undoes the count of other fields since `before`.
    pub(super) fn restore_fields(&mut self, before: &Self) {
        (self.fields, self.first) = (before.fields, before.first);
    }

    /// Searches text such as XMP for the kinds of metadata that are reported by name. Returns whether there are any.
    pub(super) fn read(&mut self, text: &[u8]) -> bool {
        let has = |words: &[&[u8]]| words.iter().any(|word| contains(text, word));
        let location = has(&[b"GPSL", b"GPSPos", b"ISO6709", b"\xa9xyz", b"loci\0\0\0\0"]);
        let camera = has(&[b"tiff:Model", b"tiff:Make", b"\xa9mod", b"\xa9mak", b".model", b".make", b"aux:Lens"]);
        let time = has(&[b"CreateDate", b"ModifyDate", b"DateTimeOriginal", b":DateCreated", b"creationdate"])
            || has(&[b"Creation Time", b"\xa9day"]);
        let thumbnail = has(&[b"xmpGImg", b"covr"]);
        self.location |= location;
        self.camera |= camera;
        self.time |= time;
        self.thumbnail |= thumbnail;
        location || camera || time || thumbnail
    }

    /// Notes a piece of metadata by its content: as one of the kinds that are reported by name, or as another field.
    pub(super) fn piece(&mut self, content: &[u8]) {
        let (is_named, name) = (self.read(content), name_of(content));
        // XMP has other fields beside those.
        if !is_named || name == Some(XMP) {
            self.field(name);
        }
    }
}

/// The name of XMP (ISO 16684-1).
const XMP: &str = "XMP data";
/// Bytes at the beginning of a piece of metadata in which its name stands.
const NAMED_WITHIN: usize = 128;

/// The name of a piece of metadata, from the first known word at its beginning: keywords of PNG, names of atoms, keys
/// of `QuickTime`.
pub(super) fn name_of(text: &[u8]) -> Option<&'static str> {
    const NAMES: [(&[&[u8]], &str); 8] = [
        (&[b"http://ns.adobe.com/xap/", b"<x:xmpmeta", b"XML:com.adobe.xmp", b"XMP DataXMP"], XMP),
        (&[b"Photoshop 3.0"], "IPTC data"),
        (&[b"opyright", b"cprt"], "copyright"),
        (&[b"omment", b"\xa9cmt"], "comment"),
        (&[b"oftware", b"ncoder", b"\xa9too", b"\xa9swr", b"\xa9enc"], "software"),
        (&[b"uthor", b"rtist", b"\xa9ART", b"\xa9aut"], "author"),
        (&[b"escription", b"\xa9des", b"desc", b"dscp"], "description"),
        (&[b"itle", b"\xa9nam", b"titl"], "title"),
    ];
    let text = &text[..text.len().min(NAMED_WITHIN)];
    let first = |words: &[&[u8]]| words.iter().filter_map(|word| position(text, word)).min();
    let found = NAMES.iter().filter_map(|(words, name)| Some((first(words)?, *name)));
    found.min_by_key(|(at, _)| *at).map(|(_, name)| name)
}

/// Whether `text` contains `word`.
pub(in crate::media) fn contains(text: &[u8], word: &[u8]) -> bool {
    position(text, word).is_some()
}

fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_field_is_named() {
        let mut removed = Removed::default();
        assert_eq!(removed.only_field(), None);
        removed.field("comment");
        assert_eq!(removed.only_field(), Some("comment"));
        let mut album = Removed::default();
        album.add(&removed);
        assert_eq!(album.only_field(), Some("comment"));
        album.add(&removed);
        assert_eq!((album.fields, album.only_field()), (2, None));
        removed.field(None);
        assert_eq!((removed.fields, removed.only_field()), (2, None));
    }

    #[test]
    fn pieces_are_named_by_their_words() {
        for (text, name) in [
            (&b"Comment\0made by me"[..], Some("comment")),
            (b"\xa9too\0\0\0\x10data", Some("software")),
            (b"com.apple.quicktime.software", Some("software")),
            (b"Photoshop 3.0\x008BIM", Some("IPTC data")),
            (b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta Copyright", Some("XMP data")),
            (b"something else", None),
        ] {
            assert_eq!(name_of(text), name, "{}", String::from_utf8_lossy(text));
        }
        let mut removed = Removed::default();
        removed.piece(b"Creation Time\x002026");
        assert_eq!(removed, Removed { time: true, ..Removed::default() });
    }
}
