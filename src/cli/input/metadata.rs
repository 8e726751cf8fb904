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

/// The reason why metadata stays in what comes through a pipe.
pub(super) const FROM_A_PIPE: &str = "input from a pipe cannot be cleaned";

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
    /// It was read through, and this is removed.
    Of(Removed),
    /// It cannot be cleaned.
    Not(Unclean),
    /// It is sent unchanged: it comes through a pipe, or the user asked for that.
    AsItIs,
}

/// The beginning of an input. It is empty until the input is read.
pub(super) type Head = Arc<Mutex<Vec<u8>>>;

/// The facts about an input besides its bytes.
pub(super) struct Known {
    /// Its own path: it may be sent under another name, or none.
    pub(super) path: Option<PathBuf>,
    pub(super) head: Head,
    pub(super) cleaned: Cleaned,
    /// The codecs of a film, by the names in its sample descriptions.
    pub(super) codecs: Vec<[u8; 4]>,
}

impl Known {
    pub(super) fn piped(path: Option<&Path>, head: Head) -> Self {
        Self { path: path.map(Path::to_owned), head, cleaned: Cleaned::AsItIs, codecs: Vec::new() }
    }

    /// Its own name, or the name in the share.
    pub(super) fn name(&self, entry: &Entry) -> String {
        let own = self.path.as_deref().and_then(Path::file_name).map(OsStr::to_string_lossy);
        own.as_deref().or(entry.name()).map_or_else(|| "standard input".to_owned(), printable)
    }

    /// The extension of its own name, or of the name in the share where it comes through a pipe.
    fn extension(&self, entry: &Entry) -> Option<String> {
        let name = self.path.clone().or_else(|| entry.name().map(PathBuf::from));
        name.as_deref().and_then(extension)
    }

    /// Its format, if that can hold metadata.
    pub(super) fn format(&self, entry: &Entry) -> Option<Format> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        with_metadata(&head, self.extension(entry).as_deref())
    }

    /// The format for which most browsers do not show it.
    pub(super) fn unshown(&self, entry: &Entry, surely: bool) -> Option<(Kind, String)> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        unshown(&head, self.extension(entry).as_deref(), &self.codecs, surely)
    }
}

/// The extension of a name, where it is text.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension()?.to_str().map(str::to_owned)
}

/// Whether a file cannot hold metadata: it is empty, or a text that is neither a drawing nor named like a photo.
pub(super) fn is_innocent(head: &[u8], extension: Option<&str>) -> bool {
    let is_text = Kind::of(media::sniff(head, head.len() < HEAD_LEN)) == Kind::Text;
    head.is_empty() || (is_text && with_metadata(head, extension).is_none())
}

pub(super) fn refused(label: &str, why: &str) -> Failure {
    Failure::local(
        format!("the metadata of {} cannot be removed: {why}", printable(label)),
        Hint::line("use --metadata keep to send the file unchanged; nothing was sent"),
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

/// Finds the kind of a file and the metadata to remove.
pub(super) fn look(mut file: File, data: &FileData, metadata: Metadata) -> io::Result<(Vec<u8>, Looked)> {
    let head = head(&mut file)?;
    let mut codecs = Vec::new();
    // Neither its name nor its apparent kind decides.
    let plan = match metadata {
        Metadata::Strip | Metadata::Require => Some(strip::plan(&file)),
        // Only its codecs are needed.
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

/// A source whose beginning is kept while it is read.
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

/// A file that fails to be read once it has changed: the offsets of its metadata would be wrong.
struct Steady {
    file: File,
    seen: (u64, Option<SystemTime>),
}

impl Read for Steady {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(space)?;
        let now = self.file.metadata()?;
        if (now.len(), now.modified().ok()) != self.seen {
            return Err(io::Error::other("the file changed while it was read"));
        }
        Ok(count)
    }
}

impl io::Seek for Steady {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
