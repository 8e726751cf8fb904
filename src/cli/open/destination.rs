//! Where what was opened goes, and everything that can fail there, tried before it is opened.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::cli::context::Context;
use crate::cli::input::prompt::{self, Otherwise};
use crate::cli::open::{OpenArgs, showing};
use crate::cli::output;
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, Watched, errors, format};
use crate::durable_fs::sync;
use crate::manifest::Manifest;
use crate::media::Kind;
use crate::open::staging::{Placed, Staging, Target, numbered, numbered_directory};
use crate::open::{OpenError, Opened, Received};
use crate::platform::process::keep_memory_private;
use crate::safe_text::{printable, safe_name};
use crate::secret::Receipt;
use crate::state::journal::Opening;
use crate::view::{Capabilities, End, Memory, Presentation, Showable, Unshowable, View, visible};
use crate::{media, view};

/// The longest text that is printed on a terminal, in bytes.
const MAX_PRINTED: u64 = 1 << 20;
/// Bytes that are copied at once from what is being looked at.
const COPIED: u64 = 1 << 20;

/// Where it goes.
pub(crate) enum Destination {
    /// Bytes, to a pipe or a file of the shell's.
    Stdout,
    /// A text, made harmless, to the terminal.
    Terminal,
    /// Files of ours.
    Files(Files),
    /// A screen, once.
    View(Box<View>),
}

/// Files, and the directory that is made for those of an album.
#[derive(Clone)]
pub(crate) struct Files {
    targets: Vec<Target>,
    album: Option<PathBuf>,
}

impl Files {
    fn place(&self) -> &Path {
        let first = self.targets.first().map(|target| target.path.as_path());
        self.album.as_deref().or(first).and_then(Path::parent).unwrap_or(Path::new("."))
    }

    fn hidden_names(&self) -> Vec<PathBuf> {
        Staging::hidden_names(&self.targets, self.album.as_deref())
    }

    /// Saves what is being looked at.
    fn save(self, hidden: Vec<PathBuf>, memory: &Memory) -> io::Result<Vec<PathBuf>> {
        let total: u64 = self.targets.iter().map(|target| target.size).sum();
        let mut staging = Staging::create(self.targets, hidden, self.album)?;
        let mut at = 0;
        while at < total {
            let piece = memory.read(at..total.min(at + COPIED))?;
            staging.write_all(&piece)?;
            at += piece.len() as u64;
        }
        staging.sync()?;
        let (placed, directory) = staging.place()?;
        Ok(directory
            .map_or_else(|| placed.into_iter().map(|placed| placed.path).collect(), |directory| vec![directory]))
    }
}

/// A destination that was tried: files can be made there, be named, and find room. Of standard output nothing can be
/// known before.
pub(crate) enum Ready {
    Stdout(fs::File),
    Terminal(fs::File),
    Files(Staging),
    View(Box<View>, Memory),
}

impl OpenArgs {
    /// Whether the bytes go to standard output: that was said, or it is no terminal.
    pub(crate) fn wants_stdout(&self) -> bool {
        self.output.as_deref().map_or_else(|| !output::stdout_is_terminal(), |path| path == Path::new("-"))
    }

    /// Where it goes, by the arguments or by asking. Nothing is spent yet.
    pub(crate) async fn destination(&self, manifest: &Manifest, cx: &Context) -> Result<Destination, Failure> {
        let is_said = self.wants_stdout() || self.output.is_some();
        if manifest.view_only && is_said {
            return Err(Failure::usage(
                "the sender asks that it be seen and not saved",
                "nothing is lost; share open at a terminal, without -o, shows it; so does a browser",
            ));
        }
        if self.wants_stdout() {
            return to_stdout(manifest);
        }
        if let Some(path) = self.output.as_deref() {
            return self.to_path(manifest, path);
        }
        let here = || into_directory(manifest, Path::new("."));
        if cx.output.is_json() && manifest.view_only {
            return Err(unseeable("with --json nothing is shown"));
        }
        if cx.output.is_json() {
            return if self.yes || self.wants_to_save(manifest, cx).await? { Ok(here()) } else { Err(not_now()) };
        }
        let wish = std::env::var("SHARE_VIEWER").ok().filter(|wish| !wish.trim().is_empty());
        let wish = wish.as_deref().or(cx.config.viewer.as_deref());
        let ability = Capabilities::find(wish).await.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Failure::Interrupted(None),
            _ => Failure::local(format!("the terminal: {error}"), "nothing is lost; -o FILE saves it"),
        })?;
        if let Some(name) = ability.missing_program() {
            return Err(Failure::usage(
                format!("the viewer {} is not there", printable(name)),
                "nothing is lost; SHARE_VIEWER and the setting viewer name a program, or kitty, iterm, sixel, blocks or browser",
            ));
        }
        let time = self.seconds.map(Duration::from_secs);
        let view = |capabilities, presentation| {
            let (manifest, words) = (manifest.clone(), showing::WORDS);
            Destination::View(Box::new(View { capabilities, presentation, manifest, time, save: None, words }))
        };
        let (this, save) = (this(manifest), if manifest.view_only { "" } else { "[s]ave it here, " });
        let can = if prompt::possible() { ability.showable(manifest) } else { Showable::Not(Unshowable::NoTerminal) };
        let (question, view) = match can {
            Showable::So(way, _) if self.yes => return Ok(view(ability, way)),
            Showable::So(way, how) => {
                let question = format!("{this} can be opened once. [v]iew it {how}, {save}[n]ot now?");
                (question, view(ability, way))
            }
            Showable::Coarsely if !self.yes => {
                let question = format!(
                    "{this} can be opened once, and nothing here draws pictures. Coarsely, in [b]locks, {save}[n]ot now?"
                );
                (question, view(ability.coarsely(), Presentation::Screen))
            }
            Showable::Coarsely | Showable::Not(_) => {
                let why = if let Showable::Not(why) = can {
                    why.to_string()
                } else {
                    "nothing here draws pictures".to_owned()
                };
                if manifest.view_only {
                    return Err(unseeable(&why));
                }
                cx.output.say(&format!("It cannot be shown here: {why}."));
                return if self.yes || self.wants_to_save(manifest, cx).await? { Ok(here()) } else { Err(not_now()) };
            }
        };
        match choose(&question, manifest, cx).await? {
            Choice::View => Ok(view),
            Choice::Save => Ok(here()),
            Choice::NotNow => Err(not_now()),
        }
    }

    async fn wants_to_save(&self, manifest: &Manifest, cx: &Context) -> Result<bool, Failure> {
        let question = format!("{} can be opened once. [s]ave it here, [n]ot now?", this(manifest));
        let yes: [(&[&str], bool); 1] = [(&["s", "save", "y", "yes"], true)];
        prompt::choose(&question, &yes, Otherwise::Take(false), cx).await
    }

    fn to_path(&self, manifest: &Manifest, path: &Path) -> Result<Destination, Failure> {
        let directory_meant = path.to_string_lossy().ends_with('/');
        // Where a link leads, or what a device does, is not for us to replace.
        let special = fs::symlink_metadata(path).is_ok_and(|data| !data.is_file() && !path.is_dir());
        if special {
            return Err(Failure::local(
                format!("{} is not a regular file", printable(&path.to_string_lossy())),
                "nothing is lost; -o - writes to standard output, which can be redirected anywhere",
            ));
        }
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => Ok(into_directory(manifest, path)),
            Ok(_) if manifest.entries.len() > 1 || directory_meant => Err(Failure::local(
                format!("{} is not a directory", printable(&path.to_string_lossy())),
                "nothing is lost; several files go into a directory: -o DIR",
            )),
            Ok(_) if !self.force => Err(errors::exists(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::path(path, &error, UNSPENT)),
            Err(_) if manifest.entries.len() > 1 || directory_meant => Ok(as_album(manifest, absolute(path))),
            Ok(_) | Err(_) => {
                let target = Target { path: absolute(path), size: manifest.total_size(), replace: self.force };
                Ok(Destination::Files(Files { targets: vec![target], album: None }))
            }
        }
    }
}

/// What somebody wants to do with it.
#[derive(Clone, Copy)]
enum Choice {
    View,
    Save,
    NotNow,
}

/// Asks until the answer is one. Enter is no.
async fn choose(question: &str, manifest: &Manifest, cx: &Context) -> Result<Choice, Failure> {
    let save: &[&str] = if manifest.view_only { &[] } else { &["s", "save"] };
    let answers: [(&[&str], Choice); 3] = [
        (&["v", "view", "b", "blocks", "y", "yes"], Choice::View),
        (save, Choice::Save),
        (&["", "n", "no", "not now"], Choice::NotNow),
    ];
    prompt::choose(question, &answers, Otherwise::AskAgain, cx).await
}

/// Somebody who says no keeps it.
fn not_now() -> Failure {
    Failure::Interrupted(Some("not now: nothing is lost".into()))
}

/// What must not be saved and cannot be shown.
fn unseeable(why: &str) -> Failure {
    Failure::usage(
        format!("the sender asks that it be seen and not saved, and it cannot be shown here: {why}"),
        "nothing is lost; open the link in a browser, or at another terminal",
    )
}

/// What a question calls it.
fn this(manifest: &Manifest) -> &'static str {
    match &manifest.entries[..] {
        [only] => match Kind::of(&only.r#type) {
            Kind::Photo => "This photo",
            Kind::Video => "This video",
            Kind::Sound => "This sound",
            Kind::Text => "This text",
            Kind::File => "This file",
        },
        _ => "This album",
    }
}

/// The bytes of one file, or the letters of one text.
fn to_stdout(manifest: &Manifest) -> Result<Destination, Failure> {
    let [only] = &manifest.entries[..] else {
        return Err(Failure::usage(
            format!("these are {} files, and there is one standard output", manifest.entries.len()),
            "nothing is lost; save them: -o DIR",
        ));
    };
    if output::stdout_is_closed() {
        return Err(Failure::local("standard output is closed", "nothing is lost; save it: -o FILE"));
    }
    if !output::stdout_is_terminal() {
        return Ok(Destination::Stdout);
    }
    if Kind::of(&only.r#type) == Kind::Text && only.size <= MAX_PRINTED {
        return Ok(Destination::Terminal);
    }
    Err(Failure::usage(
        format!("{} is not for a terminal", format::describe(manifest)),
        "nothing is lost; save it: -o FILE",
    ))
}

/// A path that still means the same when a later run, somewhere else, reads it.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Under the sender's names: one file, or the directory of an album.
fn into_directory(manifest: &Manifest, directory: &Path) -> Destination {
    Destination::Files(files_in(manifest, directory))
}

fn as_album(manifest: &Manifest, album: PathBuf) -> Destination {
    let targets = targets(manifest, &album);
    Destination::Files(Files { targets, album: Some(album) })
}

fn files_in(manifest: &Manifest, directory: &Path) -> Files {
    if manifest.entries.len() == 1 {
        return Files { targets: targets(manifest, directory), album: None };
    }
    let wished = absolute(&directory.join(safe_name(manifest.name.as_deref(), "album")));
    // One that is there already stays as it is.
    let mut names =
        (0..10_000).map(|number| if number == 0 { wished.clone() } else { numbered_directory(&wished, number) });
    let album = names.find(|path| path.symlink_metadata().is_err()).unwrap_or(wished.clone());
    Files { targets: targets(manifest, &album), album: Some(album) }
}

fn targets(manifest: &Manifest, directory: &Path) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::with_capacity(manifest.entries.len());
    let (mut taken, mut numbers) = (HashSet::new(), HashMap::<PathBuf, u32>::new());
    for entry in &manifest.entries {
        let given = entry.name.as_deref().or(manifest.name.as_deref().filter(|_| manifest.entries.len() == 1));
        let path = absolute(&directory.join(safe_name(given, media::default_name(&entry.r#type))));
        let mut free = path.clone();
        while !taken.insert(free.clone()) {
            let number = numbers.entry(path.clone()).or_default();
            *number += 1;
            free = numbered(&path, *number);
        }
        targets.push(Target { path: free, size: entry.size, replace: false });
    }
    targets
}

impl Destination {
    /// Everything that can fail here fails now, while nothing is spent.
    pub(crate) fn prepare(self, opening: &mut Option<Opening>) -> Result<Ready, Failure> {
        let stdout = || {
            output::stdout().map_err(|error| {
                Failure::local(format!("standard output: {}", crate::safe_text::reason(&error)), UNSPENT)
            })
        };
        // Also where there is nothing to note: what an earlier run noted is no longer so.
        let mut note = |hidden| match opening {
            Some(opening) => {
                let noted = opening.note_begun(hidden);
                noted.map_err(|error| Failure::path(opening.directory(), &error, ELSEWHERE))
            }
            None => Ok(()),
        };
        match self {
            Self::Stdout | Self::Terminal => {
                note(Vec::new())?;
                let stdout = stdout()?;
                Ok(if matches!(self, Self::Stdout) { Ready::Stdout(stdout) } else { Ready::Terminal(stdout) })
            }
            Self::Files(files) => {
                let place = format::path(files.place());
                let failed = |error: io::Error| {
                    Failure::local(format!("{place}: {}", crate::safe_text::reason(&error)), UNSPENT)
                };
                let hidden = files.hidden_names();
                note(hidden.clone())?;
                Ok(Ready::Files(Staging::create(files.targets, hidden, files.album).map_err(failed)?))
            }
            Self::View(mut view) => {
                let failed = |error: io::Error| Failure::local(crate::safe_text::reason(&error), UNSPENT);
                let files = files_in(&view.manifest, Path::new("."));
                let hidden = files.hidden_names();
                note(hidden.clone())?;
                if !view.manifest.view_only {
                    view.save = Some(Box::new(move |memory| files.clone().save(hidden.clone(), memory)));
                }
                Ok(Ready::View(view, Memory::new().map_err(failed)?))
            }
        }
    }
}

/// What is true of a failure that costs nothing.
const UNSPENT: &str = "nothing is lost; try another -o";
/// The same where it is this device's notes that fail.
const ELSEWHERE: &str = "nothing is lost; set --state-dir DIR to another directory";

/// What was received, and how.
pub(crate) enum Got {
    /// Bytes or files, which stay.
    Saved(Received),
    /// It was looked at, and nothing stays.
    Activity(Received),
}

/// Why nothing was received, or not to its end.
pub(crate) enum Unreceived {
    Open(OpenError),
    /// Somebody left before they closed it.
    Left,
    /// It could not be shown; why.
    Unseen(String),
}

impl From<OpenError> for Unreceived {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl Ready {
    /// Fetches, verifies, and puts it where it belongs; or shows it, until it is closed.
    pub(crate) async fn receive(
        self,
        opened: Opened,
        opening: &mut Option<Opening>,
        cx: &Context,
    ) -> Result<Got, Unreceived> {
        let output = &cx.output;
        let (receipt, until) = (opened.receipt(), opened.until());
        let bar = match &self {
            Self::View(view, _) if !view.is_whole() => indicatif::ProgressBar::hidden(),
            _ => output.bar(Some(opened.manifest.total_size())),
        };
        let received = match self {
            Self::View(view, memory) => return look(opened, *view, Watched { inner: memory, bar }, output).await,
            Self::Stdout(stdout) => {
                let out = Watched { inner: stdout, bar: bar.clone() };
                let (received, out) = opened.receive(out).await?;
                // A file of the shell's must be on the disk before the relay forgets it. There is no such thing for a
                // pipe.
                if out.inner.metadata().is_ok_and(|data| data.is_file()) {
                    sync(&out.inner).map_err(OpenError::Write)?;
                }
                received
            }
            Self::Terminal(mut stdout) => {
                let (received, text) = opened.receive(Vec::new()).await?;
                bar.finish_and_clear();
                stdout.write_all(visible(&text).as_bytes()).map_err(OpenError::Write)?;
                received
            }
            Self::Files(staging) => {
                let out = Watched { inner: staging, bar: bar.clone() };
                let (received, out) = opened.receive(out).await?;
                let (placed, directory, back) =
                    place(out.inner, receipt, until, opening.take()).await.map_err(OpenError::Write)?;
                *opening = back;
                bar.finish_and_clear();
                tell_saved(placed.iter().map(|placed| placed.path.as_path()), directory.as_deref(), output);
                received
            }
        };
        bar.finish_and_clear();
        Ok(Got::Saved(received))
    }
}

/// Shows it, until it is closed.
async fn look(opened: Opened, view: View, memory: Watched<Memory>, output: &Output) -> Result<Got, Unreceived> {
    let failed = |error: io::Error| Unreceived::Unseen(crate::safe_text::reason(&error));
    keep_memory_private();
    let notify = |notice: view::Notice<'_>| showing::notice(notice, output);
    let (received, end) = if view.is_whole() {
        let (received, memory) = opened.receive(memory).await?;
        output.clear();
        (received, view::show(memory.inner, view, &notify).await.map_err(failed)?)
    } else {
        let (window, received) = opened.window().await?;
        (received, view::show_through(window, view, &notify).await.map_err(failed)?)
    };
    match end {
        End::Closed { saved } if saved.is_empty() => Ok(Got::Activity(received)),
        End::Closed { saved } => {
            tell_saved(saved.iter().map(PathBuf::as_path), None, output);
            Ok(Got::Saved(received))
        }
        End::Left => Err(Unreceived::Left),
        End::Unseen(why) => Err(Unreceived::Unseen(why.to_string())),
    }
}

/// Says where files are now.
fn tell_saved<'a>(paths: impl Iterator<Item = &'a Path>, album: Option<&Path>, output: &Output) {
    let mut count = 0;
    for path in paths {
        count += 1;
        let facts = json!({ "path": absolute(path).to_string_lossy() });
        if output.is_json() || album.is_none() {
            output.happens("saved", facts, &format!("saved as {}", format::path(path)));
        }
    }
    if let Some(album) = album.filter(|_| !output.is_json()) {
        output.say(&format!("saved {count} files in {}", format::path(album)));
    }
}

/// Flushes the files, notes what is about to be placed, and names them, where that may block.
async fn place(
    staging: Staging,
    receipt: Receipt,
    until: u64,
    mut opening: Option<Opening>,
) -> io::Result<(Vec<Placed>, Option<PathBuf>, Option<Opening>)> {
    spawn_blocking(move || {
        // Which of the two directories failed is known only here.
        let about = |path: &Path, error: &io::Error| {
            io::Error::other(format!("{}: {}", format::path(path), crate::safe_text::reason(error)))
        };
        let there = staging.directory();
        let intended = staging.sync().map_err(|error| about(&there, &error))?;
        if let Some(opening) = &mut opening {
            let noted = opening.note_received(receipt, intended, until);
            noted.map_err(|error| about(opening.directory(), &error))?;
        }
        let (placed, directory) = staging.place().map_err(|error| about(&there, &error))?;
        if let Some(opening) = &mut opening {
            let noted = opening.note_named(receipt, placed.clone(), until);
            noted.map_err(|error| about(opening.directory(), &error))?;
        }
        Ok((placed, directory, opening))
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)))
}
