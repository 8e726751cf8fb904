//! What is sent: files, standard input or a text; and photos and videos without what they tell of their makers.

use std::ffi::OsStr;
use std::fs::{File, Metadata as FileData};
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, is_a_directory};
use crate::cli::output::{Output, format};
use crate::link::Link;
use crate::manifest::{Entry, Manifest};
use crate::media;
use crate::media::browsers::unshown;
use crate::media::edits::{Edited, Edits};
use crate::media::strip::{Removed, Unclean};
use crate::media::telling::{Telling, telling};
use crate::media::{HEAD_LEN, Kind, strip};
use crate::safe_text::printable;
use crate::send::Input;

/// How many files a warning names.
const NAMED: usize = 5;

/// What becomes of the metadata in photos and videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Metadata {
    /// Take it out where that is possible, and say where it is not
    Strip,
    /// Send everything as it is
    Keep,
    /// Send nothing that cannot be cleaned
    Require,
}

/// What the arguments say of it.
pub(crate) struct Wanted<'a> {
    pub(crate) files: &'a [PathBuf],
    /// A text is asked for.
    pub(crate) text: bool,
    /// What a single one is called.
    pub(crate) name: Option<String>,
    pub(crate) no_name: bool,
    pub(crate) metadata: Metadata,
    /// It is to be seen and not saved.
    pub(crate) view_only: bool,
    /// What to say when a file cannot be read.
    pub(crate) hint: &'static str,
}

/// What became of the metadata of one input.
enum Cleaned {
    /// It was looked through, and this goes.
    Of(Removed),
    /// It could not be.
    Not(Unclean),
    /// It goes as it is: it came through a pipe, or that was asked for.
    AsItIs,
}

/// The beginning of an input, which may not have come yet.
type Head = Arc<Mutex<Vec<u8>>>;

/// What is known of an input beside its bytes.
struct Known {
    /// Its own path: it may be sent under another name, or none.
    path: Option<PathBuf>,
    head: Head,
    cleaned: Cleaned,
    /// How pictures and sounds of a film are coded.
    codecs: Vec<[u8; 4]>,
}

impl Known {
    fn piped(path: Option<&Path>, head: Head) -> Self {
        Self { path: path.map(Path::to_owned), head, cleaned: Cleaned::AsItIs, codecs: Vec::new() }
    }

    /// Its own name, or the one that it is sent under.
    fn name(&self, entry: &Entry) -> String {
        let own = self.path.as_deref().and_then(Path::file_name).map(OsStr::to_string_lossy);
        own.as_deref().or(entry.name.as_deref()).map_or_else(|| "it".to_owned(), printable)
    }

    /// The extension of its own name; of the one that it is sent under, where it comes through a pipe.
    fn extension(&self, entry: &Entry) -> Option<String> {
        let name = self.path.clone().or_else(|| entry.name.as_ref().map(PathBuf::from));
        name.as_deref().and_then(extension)
    }

    fn telling(&self, entry: &Entry) -> Option<Telling> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        telling(&head, self.extension(entry).as_deref())
    }

    /// The part of it that most browsers do not show.
    fn unshown(&self, entry: &Entry, surely: bool) -> Option<(Kind, String)> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        unshown(&head, self.extension(entry).as_deref(), &self.codecs, surely)
    }
}

/// The extension of a name, where it is text.
fn extension(path: &Path) -> Option<String> {
    path.extension()?.to_str().map(str::to_owned)
}

/// Everything that is sent, opened.
pub(crate) struct Inputs {
    pub(crate) sources: Vec<Input>,
    /// Bytes of all of them, where that can be known.
    pub(crate) len: Option<u64>,
    known: Vec<Known>,
    metadata: Metadata,
}

impl Inputs {
    fn new(metadata: Metadata) -> Self {
        Self { sources: Vec::new(), len: Some(0), known: Vec::new(), metadata }
    }

    fn push(&mut self, input: Input, len: Option<u64>, known: Known) {
        self.sources.push(input);
        self.len = self.len.zip(len).map(|(sum, len)| sum + len);
        self.known.push(known);
    }

    /// What goes, in words: `None` where nothing does.
    pub(crate) fn removed(&self) -> Option<String> {
        let mut all = Removed::default();
        for known in &self.known {
            if let Cleaned::Of(removed) = &known.cleaned {
                all.add(removed);
            }
        }
        format::removed(&all)
    }

    /// Says what stays in photos, videos, sounds and documents, where nobody has said that it shall.
    pub(crate) fn warn(&self, sent: &Manifest, output: &Output) {
        if self.metadata == Metadata::Keep {
            return;
        }
        let mut stays = Vec::new();
        for (known, entry) in self.known.iter().zip(&sent.entries) {
            let why = match &known.cleaned {
                Cleaned::Of(_) => continue,
                Cleaned::Not(why) => Some(why),
                Cleaned::AsItIs => None,
            };
            stays.extend(known.telling(entry).map(|telling| (known.name(entry), why, telling)));
        }
        let is_media = |telling: Telling| telling == Telling::Media;
        let has = match (stays.iter().any(|stay| is_media(stay.2)), stays.iter().all(|stay| is_media(stay.2))) {
            (_, true) => "the position, time and camera",
            (false, _) => "the author, times and comments",
            _ => "the positions, times, cameras and authors",
        };
        match &stays[..] {
            [] => {}
            [(name, why, _)] => {
                let why = why.map_or("input from a pipe is sent unchanged".to_owned(), ToString::to_string);
                output.warn(&format!("metadata NOT removed ({why}): {name} goes with {has} it may have in it"));
            }
            many => {
                let mut names: Vec<String> = many.iter().map(|(name, ..)| name.clone()).collect();
                let rest = many.len() - names.len().min(NAMED);
                names.truncate(NAMED);
                if rest > 0 {
                    names.push(if rest == 1 { "one more".to_owned() } else { format!("{rest} more") });
                }
                output.warn(&format!("metadata NOT removed: {} go with {has} they may have in them", names.join(", ")));
            }
        }
    }

    /// Says what most browsers will not show, and the way out.
    pub(crate) fn warn_of_browsers(&self, sent: &Manifest, view_only: bool, output: &Output) {
        let unshown: Vec<(String, Kind, String)> = self
            .known
            .iter()
            .zip(&sent.entries)
            .filter_map(|(known, entry)| {
                known.unshown(entry, view_only).map(|(kind, what)| (known.name(entry), kind, what))
            })
            .collect();
        let Some((name, kind, what)) = unshown.first() else { return };
        let convert = match kind {
            Kind::Photo => "JPEG",
            Kind::Sound => "MP3",
            _ => "MP4 with H.264",
        };
        let others = match unshown.len() - 1 {
            0 => String::new(),
            1 => " and one more".to_owned(),
            more => format!(" and {more} more"),
        };
        output.warn(&if view_only {
            format!(
                "most browsers will not show {name}{others} ({what}), and --view-only asks recipients not to save: in \
    a \
                 browser they get nothing; convert it to {convert} first"
            )
        } else {
            format!(
                "most browsers will not show {name}{others} ({what}): recipients save it there, or use share open; \
    {convert} \
                 shows everywhere"
            )
        });
    }
}

impl Wanted<'_> {
    /// Opens all of it.
    pub(crate) async fn open(self, cx: &Context) -> Result<Inputs, Failure> {
        let mut all = Inputs::new(self.metadata);
        let stdin = Path::new("-");
        if self.files.iter().filter(|file| *file == stdin).count() > 1 {
            return Err(Failure::usage("standard input can be read only once", "give - only once"));
        }
        let bare_terminal = self.files.is_empty() && io::stdin().is_terminal();
        if self.text || bare_terminal {
            let (input, len) = self.text(cx).await?;
            // It is read where it is written, by the person who knows what it says.
            all.push(input, Some(len), Known::piped(None, Head::default()));
            return Ok(all);
        }
        if self.files.is_empty() {
            let (input, known) = self.stdin(cx).await?;
            all.push(input, None, known);
            return Ok(all);
        }
        for path in self.files {
            if path == stdin {
                let (input, known) = self.stdin(cx).await?;
                all.push(input, None, known);
                continue;
            }
            let (input, len, known) = self.file(path, cx).await?;
            all.push(input, len, known);
        }
        Ok(all)
    }

    async fn text(&self, cx: &Context) -> Result<(Input, u64), Failure> {
        if !prompt::possible() {
            return Err(Failure::usage("there is no terminal to ask for a text at", "echo … | share send"));
        }
        let text = prompt::ask_hidden("text (one line, not shown):", cx).await?;
        if prompt::discard_rest() {
            return Err(Failure::usage(
                "the text has more than one line, and nothing of it was sent",
                "cat | share send, paste it, and press Ctrl-D",
            ));
        }
        if text.is_empty() {
            return Err(Failure::local("the text is empty", "nothing was sent"));
        }
        let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let input = Input { name: self.name.clone(), label: "the text".into(), reader, must_have_content: true };
        Ok((input, text.len() as u64))
    }

    /// Standard input. Where it matters what comes, its beginning is read first.
    async fn stdin(&self, cx: &Context) -> Result<(Input, Known), Failure> {
        let label = "standard input".to_owned();
        let reader: Box<dyn Read + Send> = if self.view_only || self.metadata == Metadata::Require {
            let head = cx.unless_interrupted(|| head(&mut io::stdin())).await?;
            let head = head.map_err(|error| Failure::path(Path::new(&label), &error, self.hint))?;
            self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
            let given = self.name.as_deref().map(Path::new).and_then(extension);
            if self.metadata == Metadata::Require && !is_innocent(&head, given.as_deref()) {
                return Err(refused(&label, "input from a pipe is sent unchanged"));
            }
            Box::new(Cursor::new(head).chain(io::stdin()))
        } else {
            Box::new(io::stdin())
        };
        let name = self.name.clone().filter(|_| self.files.len() <= 1);
        let head = Head::default();
        let reader = Box::new(Noted { reader, head: head.clone() });
        Ok((Input { name, label, reader, must_have_content: true }, Known::piped(None, head)))
    }

    async fn file(&self, path: &Path, cx: &Context) -> Result<(Input, Option<u64>, Known), Failure> {
        if Link::is_in(&path.to_string_lossy()) {
            return Err(Failure::usage("a link is not a file", "share open, and paste the link when it asks"));
        }
        let failed = |error: &io::Error| Failure::path(path, error, self.hint);
        // A pipe with a name opens when somebody writes.
        let from = path.to_owned();
        let file = cx.unless_interrupted(move || File::open(from)).await?.map_err(|error| failed(&error))?;
        let data = file.metadata().map_err(|error| failed(&error))?;
        if data.is_dir() {
            return Err(is_a_directory(path));
        }
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let given = self.name.clone().filter(|_| self.files.len() == 1);
        let name = if self.no_name { None } else { given.or(own) };
        let label = path.to_string_lossy().into_owned();
        let input = |reader| Input { name, label: label.clone(), reader, must_have_content: false };
        if !data.is_file() {
            return match self.metadata {
                Metadata::Require => Err(refused(&label, "input from a pipe is sent unchanged")),
                _ => {
                    let head = Head::default();
                    let reader = Noted { reader: Box::new(file), head: head.clone() };
                    Ok((input(Box::new(reader)), None, Known::piped(Some(path), head)))
                }
            };
        }
        let metadata = self.metadata;
        let (head, looked) =
            cx.unless_interrupted(move || look(file, &data, metadata)).await?.map_err(|error| failed(&error))?;
        self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
        let is_innocent = is_innocent(&head, extension(path).as_deref());
        match looked.cleaned {
            Cleaned::Not(why) if metadata == Metadata::Require && !is_innocent => {
                Err(refused(&label, &why.to_string()))
            }
            cleaned => {
                let (path, head) = (Some(path.to_owned()), Arc::new(Mutex::new(head)));
                let known = Known { path, head, cleaned, codecs: looked.codecs };
                Ok((input(looked.reader), Some(looked.len), known))
            }
        }
    }

    /// What is to be seen and not saved has to be something that can be seen.
    fn expect_fit(&self, head: &[u8], whole: bool, label: &str) -> Result<(), Failure> {
        if self.view_only && Kind::of(media::sniff(head, whole)) == Kind::File {
            return Err(Failure::usage(
                format!("{} can only be saved, and --view-only asks for the opposite", printable(label)),
                "nothing was sent; photos, videos, sounds and texts can be viewed",
            ));
        }
        Ok(())
    }
}

/// Whether a file has no place for anything but what it shows: it is a text, and not one that is a drawing or is called
/// a photo, or it is empty.
fn is_innocent(head: &[u8], extension: Option<&str>) -> bool {
    let is_text = Kind::of(media::sniff(head, head.len() < HEAD_LEN)) == Kind::Text;
    head.is_empty() || (is_text && telling(head, extension).is_none())
}

fn refused(label: &str, why: &str) -> Failure {
    Failure::local(
        format!("{} cannot be cleaned of its metadata: {why}", printable(label)),
        "nothing was sent; --metadata keep sends it as it is",
    )
}

/// The beginning of a source.
fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(HEAD_LEN as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A file as it will be read.
struct Looked {
    reader: Box<dyn Read + Send>,
    len: u64,
    cleaned: Cleaned,
    codecs: Vec<[u8; 4]>,
}

/// Finds out what a file is and what has to go.
fn look(mut file: File, data: &FileData, metadata: Metadata) -> io::Result<(Vec<u8>, Looked)> {
    let head = head(&mut file)?;
    let mut codecs = Vec::new();
    // Whatever it is called, and whatever it seems to be.
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
struct Noted {
    reader: Box<dyn Read + Send>,
    head: Head,
}

impl Read for Noted {
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
