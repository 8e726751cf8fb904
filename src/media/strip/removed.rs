//! The metadata that is found in a file and removed.

/// The metadata that was found, and is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that people want to know")]
pub struct Removed {
    /// The location at which it was taken.
    pub location: bool,
    /// With which camera.
    pub camera: bool,
    /// A small picture of it, which may show what was cut off since.
    pub thumbnail: bool,
    /// A short video behind a photo ("motion photo", "live photo"), or a second picture.
    pub hidden: bool,
    /// A track of data beside picture and sound: positions, sensors, times of day.
    pub track: bool,
    /// Everything else: dates, exposure, software, owners, comments, each of them one.
    pub fields: u32,
}

impl Removed {
    /// Adds what was found in another file.
    pub fn add(&mut self, other: &Self) {
        self.location |= other.location;
        self.camera |= other.camera;
        self.thumbnail |= other.thumbnail;
        self.hidden |= other.hidden;
        self.track |= other.track;
        self.fields += other.fields;
    }

    /// Searches text such as XMP for the kinds of metadata that are reported.
    pub(super) fn read(&mut self, text: &[u8]) {
        let has = |words: &[&[u8]]| words.iter().any(|word| contains(text, word));
        self.location |= has(&[b"GPSL", b"GPSPos", b"ISO6709", b"\xa9xyz", b"loci\0\0\0\0"]);
        self.camera |= has(&[b"tiff:Model", b"tiff:Make", b"\xa9mod", b"\xa9mak", b".model", b".make", b"aux:Lens"]);
        self.thumbnail |= has(&[b"xmpGImg", b"covr"]);
    }
}

/// Whether `word` stands in `text`.
pub(in crate::media) fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
