//! Delivers a share to each kind of destination: the steps of [`crate::open`], with a progress bar and messages.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::json;

use super::destination::UNSPENT;
use super::reporting::Reporting;
use super::showing;
use crate::cli::folders;
use crate::cli::output;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::manifest::Manifest;
use crate::open::{
    Claimed, Destination, Envelope, Finishable, JournalError, OpenError, PlaceError, PrepareError, Resumed, Stream,
    Targets, Unnamed, absolute,
};
use crate::platform::process::keep_memory_private;
use crate::safe_text::reason;
use crate::view::{self, End, MemoryFile, View, visible};

/// The hint at failures of the journal before anything was claimed.
const ELSEWHERE: &str = "use --state-dir DIR on another disk; nothing was opened";

/// A share without a destination.
pub(super) enum Undelivered {
    /// It was not claimed.
    Waits(Box<Envelope>),
    /// This device has claimed it before.
    Resumed(Box<Resumed>),
}

impl Undelivered {
    /// Its files.
    pub(super) fn manifest(&self) -> &Manifest {
        match self {
            Self::Waits(envelope) => &envelope.manifest,
            Self::Resumed(resumed) => resumed.manifest(),
        }
    }

    /// Prepares a destination, and claims the share if this device has not done so before. `name` is what an error
    /// calls the destination.
    async fn claim<D: Destination>(
        self,
        to: D,
        name: Option<&str>,
        reporting: &Reporting<'_>,
    ) -> Result<Claimed<D::Sink>, Unreceived> {
        let unprepared = |error| match error {
            PrepareError::Journal(JournalError { directory, error }) => {
                Failure::path(&directory, &error, Hint::line(ELSEWHERE))
            }
            PrepareError::Destination(error) => {
                let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
                Failure::local(format!("{name}{}", reason(&error)), UNSPENT)
            }
        };
        let claimed = match self {
            Self::Waits(envelope) => envelope.prepare(to).map_err(unprepared)?.claim().await?,
            Self::Resumed(resumed) => resumed.prepare(to).map_err(unprepared)?,
        };
        reporting.claimed(&claimed);
        Ok(claimed)
    }
}

/// A share that was delivered and not yet finished at the relay.
pub(super) struct Got {
    pub(super) share: Finishable,
    pub(super) how: Delivery,
}

/// How a share was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It was viewed and closed.
    Seen,
    /// Its bytes went to standard output.
    Written,
    /// It was saved: `Saved as beach.jpg`, `Saved 3 files in Trip`.
    Saved(String),
}

/// Why nothing was received, or not to its end.
pub(super) enum Unreceived {
    /// Nothing was claimed.
    Failed(Failure),
    /// The download was incomplete, or the content could not be written.
    Open(OpenError),
    /// The person left the viewer without closing it.
    Left,
    /// It could not be shown, for the reason in words.
    Unseen(String),
}

impl From<Failure> for Unreceived {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<OpenError> for Unreceived {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<PlaceError> for Unreceived {
    /// The reason names the directory, since either of two may fail.
    fn from(PlaceError { directory, error }: PlaceError) -> Self {
        let why = format!("{}: {}", format::path(&directory), reason(&error));
        Self::Open(OpenError::Write(io::Error::other(why)))
    }
}

/// Standard output, for bytes.
struct Stdout;

impl Destination for Stdout {
    type Sink = Stream;

    fn hidden_names(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn prepare(self, _: Vec<PathBuf>) -> io::Result<Stream> {
        output::stdout().map(Stream)
    }
}

/// The terminal, for a text that is held back until all of it was verified.
struct Terminal;

/// A text for the terminal.
struct Text {
    text: Vec<u8>,
    terminal: File,
}

impl Destination for Terminal {
    type Sink = Text;

    fn hidden_names(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn prepare(self, _: Vec<PathBuf>) -> io::Result<Text> {
        Ok(Text { text: Vec::new(), terminal: output::stdout()? })
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unnamed for Text {}

/// A screen, and the files that a key may save.
struct Screen {
    view: Box<View>,
    targets: Targets,
}

/// The content in memory, and the screen for it.
struct Shown {
    view: Box<View>,
    memory: MemoryFile,
}

impl Destination for Screen {
    type Sink = Shown;

    fn hidden_names(&self) -> Vec<PathBuf> {
        self.targets.hidden_names()
    }

    fn prepare(self, hidden: Vec<PathBuf>) -> io::Result<Shown> {
        let Self { mut view, targets } = self;
        if !view.manifest.view_only {
            view.save = Some(Box::new(move |memory| {
                let saved = targets.clone().save(hidden.clone(), |range| memory.read(range))?;
                let files = saved.files.into_iter().map(|file| file.path);
                Ok(saved.album.map_or_else(|| files.collect(), |album| vec![album]))
            }));
        }
        Ok(Shown { view, memory: MemoryFile::new()? })
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.memory.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.memory.flush()
    }
}

impl Unnamed for Shown {}

/// Advances a bar.
fn moving(bar: &ProgressBar) -> impl FnMut(u64) + Send + 'static {
    let bar = bar.clone();
    move |count| bar.inc(count)
}

fn bar<S>(claimed: &Claimed<S>, output: &Output) -> ProgressBar {
    output.bar("Downloading", Some(claimed.manifest().total_size()))
}

/// Writes the bytes to standard output.
pub(super) async fn to_stdout(share: Undelivered, reporting: &Reporting<'_>) -> Result<Got, Unreceived> {
    let claimed = share.claim(Stdout, Some("standard output"), reporting).await?;
    let bar = bar(&claimed, reporting.output());
    let delivered = claimed.receive(moving(&bar)).await?.sync()?;
    bar.finish_and_clear();
    Ok(Got { share: delivered.note(), how: Delivery::Written })
}

/// Prints a text on the terminal.
pub(super) async fn to_terminal(share: Undelivered, reporting: &Reporting<'_>) -> Result<Got, Unreceived> {
    let claimed = share.claim(Terminal, Some("standard output"), reporting).await?;
    let bar = bar(&claimed, reporting.output());
    let received = claimed.receive(|_| {}).await?;
    bar.finish_and_clear();
    let print = async |Text { text, mut terminal }| terminal.write_all(visible(&text).as_bytes());
    let ((), delivered) = received.deliver(print).await.map_err(OpenError::Write)?;
    Ok(Got { share: delivered.note(), how: Delivery::Written })
}

/// Saves files.
pub(super) async fn to_files(
    share: Undelivered,
    targets: Targets,
    reporting: &Reporting<'_>,
) -> Result<Got, Unreceived> {
    let output = reporting.output();
    let directory = format::path(targets.directory());
    let programs = programs(share.manifest());
    let claimed = share.claim(targets, Some(&directory), reporting).await?;
    let bar = bar(&claimed, output);
    let (saved, share) = claimed.receive(moving(&bar)).await?.save().await?;
    bar.finish_and_clear();
    let how = report_saved(saved.files.iter().map(|file| file.path.as_path()), saved.album.as_deref(), output);
    report_programs(programs, output);
    report_place(saved.files.first().map(|file| &*file.path), output);
    Ok(Got { share, how })
}

/// How many files are programs for the sender.
fn programs(manifest: &Manifest) -> usize {
    manifest.entries.iter().filter(|entry| entry.executable).count()
}

/// Prints that programs were saved as ordinary files: nothing that a stranger sent runs at a click.
fn report_programs(count: usize, output: &Output) {
    match count {
        0 => {}
        1 => output.info("1 file is marked as executable; it was saved as an ordinary file."),
        many => output.info(&format!("{many} files are marked as executable; they were saved as ordinary files.")),
    }
}

/// Reports that others may read the directory of a saved file.
fn report_place(saved: Option<&Path>, output: &Output) {
    if let Some(directory) = saved.and_then(Path::parent) {
        folders::report_unguarded(directory, output);
    }
}

/// Shows the share until it is closed.
pub(super) async fn to_screen(
    share: Undelivered,
    view: Box<View>,
    reporting: &Reporting<'_>,
) -> Result<Got, Unreceived> {
    let output = reporting.output();
    let is_whole = view.is_whole();
    let notify = |notice: view::ViewerNotice<'_>| showing::notice(notice, reporting.is_held(), output);
    let targets = Targets::within(&view.manifest, Path::new("."));
    let programs = programs(&view.manifest);
    let claimed = share.claim(Screen { view, targets }, None, reporting).await?;
    let (saved, delivered) = if is_whole {
        let bar = bar(&claimed, output);
        keep_memory_private();
        let received = claimed.receive(moving(&bar)).await?;
        output.clear();
        let show = async |Shown { mut view, memory }: Shown| {
            (view.report, view.is_held) = (reporting.of_viewer(), reporting.is_held());
            closed(view::show(memory, *view, &notify).await)
        };
        received.deliver(show).await?
    } else {
        keep_memory_private();
        let show = async |(seekable, Shown { view, .. })| closed(view::show_through(seekable, *view, &notify).await);
        claimed.seek().await?.deliver(show).await?
    };
    let how = if saved.is_empty() {
        Delivery::Seen
    } else {
        report_programs(programs, output);
        report_place(saved.first().map(PathBuf::as_path), output);
        report_saved(saved.iter().map(PathBuf::as_path), None, output)
    };
    Ok(Got { share: delivered.note(), how })
}

/// The files that were saved from a screen that was closed.
fn closed(end: io::Result<End>) -> Result<Vec<PathBuf>, Unreceived> {
    match end {
        Ok(End::Closed { saved }) => Ok(saved),
        Ok(End::Left) => Err(Unreceived::Left),
        Ok(End::Unseen(why)) => Err(Unreceived::Unseen(why.to_string())),
        Err(error) => Err(Unreceived::Unseen(reason(&error))),
    }
}

/// Lists the paths of saved files for programs. Returns the words for people, which are printed with the outcome.
fn report_saved<'a>(paths: impl Iterator<Item = &'a Path>, album: Option<&Path>, output: &Output) -> Delivery {
    let paths: Vec<&Path> = paths.collect();
    for path in paths.iter().filter(|_| output.is_json()) {
        output.event("saved", json!({ "path": absolute(path).to_string_lossy() }), "");
    }
    Delivery::Saved(match (&paths[..], album) {
        (many @ ([] | [_, _, ..]), Some(album)) => format!("Saved {} files in {}", many.len(), format::path(album)),
        (paths, _) => {
            let names: Vec<String> = paths.iter().map(|path| format::path(path)).collect();
            format!("Saved as {}", names.join(", "))
        }
    })
}
