//! Metadata of photos, videos and documents: removal, and the facts about each input that it needs.

use std::ffi::OsStr;
use std::fs::{File, Metadata as FileData};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::ValueEnum;

use crate::cli::output::errors::{Failure, Hint};
use crate::manifest::Entry;
use crate::media;
use crate::media::browsers::unshown;
use crate::media::edits::{Edited, Edits};
use crate::media::formats::{Format, with_metadata};
use crate::media::strip::{Removed, Unclean};
use crate::media::{HEAD_LEN, Kind, strip};
use crate::safe_text::printable;

/// The treatment of metadata in photos and videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Metadata {
    /// Remove location, time and camera data
    Strip,
    /// Send files unchanged
    Keep,
    /// Refuse files that cannot be cleaned
    Require,
}

/// The outcome for the metadata of one input.
pub(super) enum Cleaned {
    /// It was looked through, and this goes.
    Of(Removed),
    /// It could not be.
    Not(Unclean),
    /// It goes as it is: it came through a pipe, or that was asked for.
    AsItIs,
}

/// The beginning of an input, which may not have come yet.
pub(super) type Head = Arc<Mutex<Vec<u8>>>;

/// The facts about an input besides its bytes.
pub(super) struct Known {
    /// Its own path: it may be sent under another name, or none.
    pub(super) path: Option<PathBuf>,
    pub(super) head: Head,
    pub(super) cleaned: Cleaned,
    /// How pictures and sounds of a film are coded.
    pub(super) codecs: Vec<[u8; 4]>,
}

impl Known {
    pub(super) fn piped(path: Option<&Path>, head: Head) -> Self {
        Self { path: path.map(Path::to_owned), head, cleaned: Cleaned::AsItIs, codecs: Vec::new() }
    }

    /// Its own name, or the one that it is sent under.
    pub(super) fn name(&self, entry: &Entry) -> String {
        let own = self.path.as_deref().and_then(Path::file_name).map(OsStr::to_string_lossy);
        own.as_deref().or(entry.name.as_deref()).map_or_else(|| "it".to_owned(), printable)
    }

    /// The extension of its own name; of the one that it is sent under, where it comes through a pipe.
    fn extension(&self, entry: &Entry) -> Option<String> {
        let name = self.path.clone().or_else(|| entry.name.as_ref().map(PathBuf::from));
        name.as_deref().and_then(extension)
    }

    /// Its format, if that can hold metadata.
    pub(super) fn format(&self, entry: &Entry) -> Option<Format> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        with_metadata(&head, self.extension(entry).as_deref())
    }

    /// The part of it that most browsers do not show.
    pub(super) fn unshown(&self, entry: &Entry, surely: bool) -> Option<(Kind, String)> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        unshown(&head, self.extension(entry).as_deref(), &self.codecs, surely)
    }
}

/// The extension of a name, where it is text.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension()?.to_str().map(str::to_owned)
}

/// Whether a file has no place for anything but what it shows: it is a text, and not one that is a drawing or is called
/// a photo, or it is empty.
pub(super) fn is_innocent(head: &[u8], extension: Option<&str>) -> bool {
    let is_text = Kind::of(media::sniff(head, head.len() < HEAD_LEN)) == Kind::Text;
    head.is_empty() || (is_text && with_metadata(head, extension).is_none())
}

pub(super) fn refused(label: &str, why: &str) -> Failure {
    Failure::local(
        format!("{} cannot be cleaned of its metadata: {why}", printable(label)),
        Hint::line("nothing was sent; --metadata keep sends it as it is"),
    )
}

/// The beginning of a source.
pub(super) fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(HEAD_LEN as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A file as it will be read.
pub(super) struct Looked {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) len: u64,
    pub(super) cleaned: Cleaned,
    pub(super) codecs: Vec<[u8; 4]>,
}

/// Finds out what a file is and what has to go.
pub(super) fn look(mut file: File, data: &FileData, metadata: Metadata) -> io::Result<(Vec<u8>, Looked)> {
    let head = head(&mut file)?;
    let mut codecs = Vec::new();
    // Its name and its apparent kind do not matter here.
    let plan = match metadata {
        Metadata::Strip | Metadata::Require => Some(strip::plan(&file)),
        // Only how it is coded is asked for.
        Metadata::Keep if strip::is_indexed(&head) => {
            codecs = strip::plan(&file).map(|plan| plan.codecs).unwrap_or_default();
            None
        }
        Metadata::Keep => None,
    };
    let (edits, len, cleaned) = match plan {
        Some(Ok(plan)) => {
            codecs = plan.codecs;
            (plan.edits, plan.len, Cleaned::Of(plan.removed))
        }
        Some(Err(Unclean::Read(error))) => return Err(error),
        Some(Err(why)) => (Edits::default(), data.len(), Cleaned::Not(why)),
        None => (Edits::default(), data.len(), Cleaned::AsItIs),
    };
    let len_after = edits.len_of(len);
    let is_changed = matches!(cleaned, Cleaned::Of(_));
    let steady = Steady { file, seen: (data.len(), data.modified().ok()) };
    let reader: Box<dyn Read + Send> = if is_changed {
        Box::new(Edited::new(steady, len, edits)?)
    } else {
        let mut file = steady.file;
        io::Seek::rewind(&mut file)?;
        Box::new(file)
    };
    Ok((head, Looked { reader, len: len_after, cleaned, codecs }))
}

/// A source whose beginning is noted while it is read.
pub(super) struct HeadReader {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) head: Head,
}

impl Read for HeadReader {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(space)?;
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = (HEAD_LEN - head.len()).min(count);
        head.extend_from_slice(&space[..missing]);
        Ok(count)
    }
}

/// A file that is still the one in which was found what has to go. Changed meanwhile, it might show something else in
/// those places.
struct Steady {
    file: File,
    seen: (u64, Option<SystemTime>),
}

impl Read for Steady {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(space)?;
        let now = self.file.metadata()?;
        if (now.len(), now.modified().ok()) != self.seen {
            return Err(io::Error::other("it was changed while it was read"));
        }
        Ok(count)
    }
}

impl io::Seek for Steady {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
