//! Photos and videos without what their pixels and sounds don't need: position, time, camera, thumbnails, comments.
//!
//! Nothing is decoded and nothing is written anew. A file is looked through once, piece by piece, and what is found
//! becomes a list of [`Edits`], which are made while the file is read and sealed. Each container has a room of its own
//! that knows which pieces a decoder needs: those stay, with orientation and colour profile, and everything else goes,
//! what nobody has heard of too. What cannot be followed to its end is not called clean.

mod bmff;
mod exif;
mod gif;
mod jpeg;
mod png;
mod turn;
mod webp;

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::media::edits::Edits;

/// The longest piece of metadata that is looked into, in bytes, before it goes.
const LOOKED_INTO: u64 = 1 << 20;
/// The most changes that one file may need: they are kept in memory.
const MAX_EDITS: usize = 1 << 20;

/// Why a file cannot be cleaned.
#[derive(Debug, thiserror::Error)]
pub enum Unclean {
    /// Not one of the containers that are known here.
    #[error("this kind cannot be cleaned")]
    Unknown,
    /// The container is one that is known, and this one is not built as it should be.
    #[error("{0}")]
    Damaged(&'static str),
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// What was found and goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that people want to know")]
pub struct Removed {
    /// Where it was taken.
    pub position: bool,
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
        self.position |= other.position;
        self.camera |= other.camera;
        self.thumbnail |= other.thumbnail;
        self.hidden |= other.hidden;
        self.track |= other.track;
        self.fields += other.fields;
    }

    /// Looks into text such as XMP for what people want to know of.
    fn read(&mut self, text: &[u8]) {
        let has = |words: &[&[u8]]| words.iter().any(|word| contains(text, word));
        self.position |= has(&[b"GPSL", b"GPSPos", b"ISO6709", b"\xa9xyz", b"loci\0\0\0\0"]);
        self.camera |= has(&[b"tiff:Model", b"tiff:Make", b"\xa9mod", b"\xa9mak", b".model", b".make", b"aux:Lens"]);
        self.thumbnail |= has(&[b"xmpGImg", b"covr"]);
    }
}

/// A file looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The changes that clean it.
    pub edits: Edits,
    /// Its length as it is, in bytes.
    pub len: u64,
    /// What goes.
    pub removed: Removed,
    /// How pictures and sounds of a film are coded: the names in its sample descriptions.
    pub codecs: Vec<[u8; 4]>,
}

/// Whether a file that begins with `head` has a table of contents, so that [`plan`] does not read all of it.
pub fn is_indexed(head: &[u8]) -> bool {
    head.get(4..8).is_some_and(bmff::begins_with)
}

/// Looks through a photo or a video. `source` may be left anywhere.
pub fn plan<R: Read + Seek>(source: R) -> Result<Plan, Unclean> {
    let mut scan = Scan::new(source)?;
    let head = scan.peek(0, 12)?;
    match &head[..] {
        [0xff, 0xd8, 0xff, ..] => jpeg::scan(&mut scan)?,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::scan(&mut scan)?,
        [b'G', b'I', b'F', b'8', ..] => gif::scan(&mut scan)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => webp::scan(&mut scan)?,
        // A raw photo of Canon's keeps what it has in boxes of its own.
        [_, _, _, _, b'f', b't', b'y', b'p', b'c', b'r', b'x', ..] => return Err(Unclean::Unknown),
        [_, _, _, _, kind @ ..] if kind.len() == 8 && bmff::begins_with(&kind[..4]) => bmff::scan(&mut scan)?,
        _ => return Err(Unclean::Unknown),
    }
    let Scan { mut edits, len, removed, codecs, .. } = scan;
    if edits.count() > MAX_EDITS {
        return Err(Unclean::Damaged("it has too many pieces"));
    }
    if edits.settle() { Ok(Plan { edits, len, removed, codecs }) } else { Err(Unclean::Damaged("its pieces overlap")) }
}

/// A file that is looked through, and what was found.
struct Scan<R> {
    reader: BufReader<R>,
    at: u64,
    len: u64,
    edits: Edits,
    removed: Removed,
    codecs: Vec<[u8; 4]>,
}

impl<R: Read + Seek> Scan<R> {
    fn new(mut source: R) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let reader = BufReader::with_capacity(64 << 10, source);
        let (edits, removed) = (Edits::default(), Removed::default());
        Ok(Self { reader, at: 0, len, edits, removed, codecs: Vec::new() })
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        match i64::try_from(to).ok().zip(i64::try_from(self.at).ok()) {
            // What is in the buffer is used.
            Some((to, at)) => self.reader.seek_relative(to - at)?,
            None => return Err(io::ErrorKind::InvalidInput.into()),
        }
        self.at = to;
        Ok(())
    }

    /// Up to `len` bytes from `at` on: fewer only where the file ends.
    fn peek(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        self.seek(at)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(len).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    /// Exactly `N` bytes from `at` on.
    fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Unclean> {
        <[u8; N]>::try_from(self.peek(at, N as u64)?).map_err(|_| Unclean::Damaged("it ends too early"))
    }

    fn u16(&mut self, at: u64) -> Result<u16, Unclean> {
        Ok(u16::from_be_bytes(self.array(at)?))
    }

    fn u32(&mut self, at: u64) -> Result<u32, Unclean> {
        Ok(u32::from_be_bytes(self.array(at)?))
    }

    fn u64(&mut self, at: u64) -> Result<u64, Unclean> {
        Ok(u64::from_be_bytes(self.array(at)?))
    }

    /// Everything from `at` on goes: it is behind the picture's end.
    fn cut(&mut self, at: u64) -> io::Result<()> {
        if at >= self.len {
            return Ok(());
        }
        let tail = self.peek(at, LOOKED_INTO)?;
        if contains(&tail, b"ftyp") || contains(&tail, b"\xff\xd8\xff") {
            self.removed.hidden = true;
        } else {
            self.removed.fields += 1;
        }
        self.edits.remove(at, self.len - at);
        Ok(())
    }

    /// A piece of `len` bytes goes; `content` is where in it something is that people want to know of.
    fn drop_piece(&mut self, at: u64, len: u64, content: u64) -> io::Result<()> {
        let text = self.peek(content, (at + len).saturating_sub(content).min(LOOKED_INTO))?;
        self.removed.read(&text);
        self.removed.fields += 1;
        self.edits.remove(at, len);
        Ok(())
    }
}

pub(super) fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
