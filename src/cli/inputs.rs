//! What is sent: files, standard input or a text; and photos and videos without what they tell of their makers.

use std::fs::{File, Metadata as FileData};
use std::io::{self, Cursor, IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::failure::{Trouble, is_a_directory};
use super::output::Output;
use super::{Context, prompt, words};
use crate::manifest::{Manifest, printable};
use crate::media::edits::{Edited, Edits};
use crate::media::strip::{self, Removed, Unclean};
use crate::media::{self, HEAD_LEN, Kind};
use crate::send::Input;

/// How many files a warning names.
const NAMED: usize = 5;

/// What becomes of the metadata in photos and videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Metadata {
    /// Take it out where that is possible, and say where it is not
    Strip,
    /// Send everything as it is
    Keep,
    /// Send nothing that cannot be cleaned
    Require,
}

/// What the arguments say of it.
pub(super) struct Wanted<'a> {
    pub(super) files: &'a [PathBuf],
    /// A text is asked for.
    pub(super) text: bool,
    /// What a single one is called.
    pub(super) name: Option<String>,
    pub(super) no_name: bool,
    pub(super) metadata: Metadata,
    /// It is to be seen and not saved.
    pub(super) view_only: bool,
    /// What to say when a file cannot be read.
    pub(super) hint: &'static str,
}

/// What became of the metadata of one input.
enum Cleaned {
    /// It was looked through, and this goes.
    Of(Removed),
    /// It could not be.
    Not(Unclean),
    /// It goes as it is: it came through a pipe, or is nothing that we look into.
    AsItIs,
}

/// Everything that is sent, opened.
pub(super) struct Inputs {
    pub(super) sources: Vec<Input>,
    /// Bytes of all of them, where that can be known.
    pub(super) len: Option<u64>,
    cleaned: Vec<Cleaned>,
    metadata: Metadata,
}

impl Inputs {
    fn new(metadata: Metadata) -> Self {
        Self { sources: Vec::new(), len: Some(0), cleaned: Vec::new(), metadata }
    }

    fn push(&mut self, input: Input, len: Option<u64>, cleaned: Cleaned) {
        self.sources.push(input);
        self.len = self.len.zip(len).map(|(sum, len)| sum + len);
        self.cleaned.push(cleaned);
    }

    /// What goes, in words: `None` where nothing does.
    pub(super) fn removed(&self) -> Option<String> {
        let mut all = Removed::default();
        for cleaned in &self.cleaned {
            if let Cleaned::Of(removed) = cleaned {
                all.add(removed);
            }
        }
        words::removed(&all)
    }

    /// Says what stays in photos, videos and sounds, where nobody has said that it shall.
    pub(super) fn warn(&self, sent: &Manifest, output: &Output) {
        if self.metadata == Metadata::Keep {
            return;
        }
        let mut stays = Vec::new();
        for (cleaned, entry) in self.cleaned.iter().zip(&sent.entries) {
            let why = match cleaned {
                Cleaned::Of(_) => continue,
                Cleaned::Not(why) => Some(why),
                Cleaned::AsItIs => None,
            };
            if is_told(Kind::of(&entry.r#type)) || is_camera_file(entry.name.as_deref()) {
                stays.push((entry.name.as_deref(), why));
            }
        }
        match &stays[..] {
            [] => {}
            [(name, why)] => {
                let name = name.map_or_else(|| "it".to_owned(), printable);
                let why = why.map_or("what comes through a pipe is sent as it is".to_owned(), ToString::to_string);
                output.warn(&format!(
                    "metadata NOT removed ({why}): {name} goes with the position, time and camera it may have in it"
                ));
            }
            many => {
                let mut names: Vec<String> = many.iter().filter_map(|(name, _)| name.map(printable)).collect();
                let rest = many.len() - names.len().min(NAMED);
                names.truncate(NAMED);
                if rest > 0 {
                    names.push(if rest == 1 { "one more".to_owned() } else { format!("{rest} more") });
                }
                output.warn(&format!(
                    "metadata NOT removed: {} go with the position, time and camera they may have in them",
                    names.join(", ")
                ));
            }
        }
    }
}

impl Wanted<'_> {
    /// Opens all of it.
    pub(super) async fn open(self, cx: &Context) -> Result<Inputs, Trouble> {
        let mut all = Inputs::new(self.metadata);
        let stdin = Path::new("-");
        if self.files.iter().filter(|file| *file == stdin).count() > 1 {
            return Err(Trouble::usage("standard input can be read only once", "give - only once"));
        }
        let bare_terminal = self.files.is_empty() && io::stdin().is_terminal();
        if self.text || bare_terminal {
            let (input, len) = self.text(cx).await?;
            all.push(input, Some(len), Cleaned::AsItIs);
            return Ok(all);
        }
        if self.files.is_empty() {
            all.push(self.stdin(cx).await?, None, Cleaned::AsItIs);
            return Ok(all);
        }
        for path in self.files {
            if path == stdin {
                all.push(self.stdin(cx).await?, None, Cleaned::AsItIs);
                continue;
            }
            let (input, len, cleaned) = self.file(path, cx).await?;
            all.push(input, len, cleaned);
        }
        Ok(all)
    }

    async fn text(&self, cx: &Context) -> Result<(Input, u64), Trouble> {
        if !prompt::possible() {
            return Err(Trouble::usage("there is no terminal to ask for a text at", "echo … | share send"));
        }
        let text = prompt::ask_hidden("text (one line, not shown):", cx).await?;
        if prompt::discard_rest() {
            return Err(Trouble::usage(
                "the text has more than one line, and nothing of it was sent",
                "cat | share send, paste it, and press Ctrl-D",
            ));
        }
        if text.is_empty() {
            return Err(Trouble::local("the text is empty", "nothing was sent"));
        }
        let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let input = Input { name: self.name.clone(), label: "the text".into(), reader, must_have_content: true };
        Ok((input, text.len() as u64))
    }

    /// Standard input. Where it matters what comes, its beginning is read first.
    async fn stdin(&self, cx: &Context) -> Result<Input, Trouble> {
        let label = "standard input".to_owned();
        let reader: Box<dyn Read + Send> = if self.view_only || self.metadata == Metadata::Require {
            let head = cx.unless_interrupted(|| head(&mut io::stdin())).await?;
            let head = head.map_err(|error| Trouble::path(Path::new(&label), &error, self.hint))?;
            self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
            if self.metadata == Metadata::Require && kind(&head) != Kind::Text {
                return Err(refused(&label, "what comes through a pipe is sent as it is"));
            }
            Box::new(Cursor::new(head).chain(io::stdin()))
        } else {
            Box::new(io::stdin())
        };
        let name = self.name.clone().filter(|_| self.files.len() <= 1);
        Ok(Input { name, label, reader, must_have_content: true })
    }

    async fn file(&self, path: &Path, cx: &Context) -> Result<(Input, Option<u64>, Cleaned), Trouble> {
        if path.to_string_lossy().to_ascii_lowercase().contains("#share1") {
            return Err(Trouble::usage("a link is not a file", "share open, and paste the link when it asks"));
        }
        let failed = |error: &io::Error| Trouble::path(path, error, self.hint);
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
                Metadata::Require => Err(refused(&label, "what comes through a pipe is sent as it is")),
                _ => Ok((input(Box::new(file)), None, Cleaned::AsItIs)),
            };
        }
        let metadata = self.metadata;
        let (head, looked) =
            cx.unless_interrupted(move || look(file, &data, metadata)).await?.map_err(|error| failed(&error))?;
        self.expect_fit(&head, head.len() < HEAD_LEN, &label)?;
        let is_text = kind(&head) == Kind::Text || head.is_empty();
        match looked.cleaned {
            Cleaned::Not(why) if metadata == Metadata::Require && !is_text => Err(refused(&label, &why.to_string())),
            cleaned => Ok((input(looked.reader), Some(looked.len), cleaned)),
        }
    }

    /// What is to be seen and not saved has to be something that can be seen.
    fn expect_fit(&self, head: &[u8], whole: bool, label: &str) -> Result<(), Trouble> {
        if self.view_only && Kind::of(media::sniff(head, whole)) == Kind::File {
            return Err(Trouble::usage(
                format!("{} can only be saved, and --view-only asks for the opposite", printable(label)),
                "nothing was sent; photos, videos, sounds and texts can be viewed",
            ));
        }
        Ok(())
    }
}

fn kind(head: &[u8]) -> Kind {
    Kind::of(media::sniff(head, head.len() < HEAD_LEN))
}

/// Whether people hardly think of what else such a thing tells.
fn is_told(kind: Kind) -> bool {
    matches!(kind, Kind::Photo | Kind::Video | Kind::Sound)
}

/// Whether a file that is nothing we know has a name that cameras give to photos and films of their own kinds.
fn is_camera_file(name: Option<&str>) -> bool {
    const CAMERAS: [&str; 28] = [
        "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "gpr", "heif", "iiq", "insp", "insv", "jxl", "k25",
        "kdc", "lrv", "m2ts", "mef", "mos", "mrw", "mts", "nef", "nrw", "orf", "pef", "raf", "rw2",
    ];
    let extension = name.and_then(|name| Path::new(name).extension()?.to_str().map(str::to_ascii_lowercase));
    extension.is_some_and(|extension| CAMERAS.contains(&&*extension))
}

fn refused(label: &str, why: &str) -> Trouble {
    Trouble::local(
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
}

/// Finds out what a file is and what has to go.
fn look(mut file: File, data: &FileData, metadata: Metadata) -> io::Result<(Vec<u8>, Looked)> {
    let head = head(&mut file)?;
    // Whatever it is called, and whatever it seems to be.
    let plan = match metadata {
        Metadata::Strip | Metadata::Require => Some(strip::plan(&file)),
        Metadata::Keep => None,
    };
    let (edits, len, cleaned) = match plan {
        Some(Ok(plan)) => (plan.edits, plan.len, Cleaned::Of(plan.removed)),
        Some(Err(Unclean::Read(error))) => return Err(error),
        Some(Err(why)) => (Edits::default(), data.len(), Cleaned::Not(why)),
        None => (Edits::default(), data.len(), Cleaned::AsItIs),
    };
    let len_after = edits.len_of(len);
    let is_changed = matches!(cleaned, Cleaned::Of(_));
    let steady = Steady { file, seen: (data.len(), data.mtime(), data.mtime_nsec()) };
    let reader: Box<dyn Read + Send> = if is_changed {
        Box::new(Edited::new(steady, len, edits)?)
    } else {
        let mut file = steady.file;
        io::Seek::rewind(&mut file)?;
        Box::new(file)
    };
    Ok((head, Looked { reader, len: len_after, cleaned }))
}

/// A file that is still the one in which was found what has to go. Changed meanwhile, it might show something else in
/// those places.
struct Steady {
    file: File,
    seen: (u64, i64, i64),
}

impl Read for Steady {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(space)?;
        let now = self.file.metadata()?;
        if (now.len(), now.mtime(), now.mtime_nsec()) != self.seen {
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
