//! The destination of a share: by the arguments, or by a question. Nothing is claimed yet.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::ask::{self, Choice, choose, not_now, this, wants_to_save};
use super::showing;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output;
use crate::cli::output::errors::{self, Failure, Hint};
use crate::cli::output::format;
use crate::manifest::Manifest;
use crate::media::Kind;
use crate::open::{TargetError, Targets};
use crate::safe_text::printable;
use crate::view::{Capabilities, Presentation, Showable, Unshowable, View};

/// The longest text that is printed on a terminal, in bytes.
const MAX_PRINTED: u64 = 1 << 20;

/// The hint at failures before anything was claimed.
pub(super) const UNSPENT: &str = "nothing is lost; try another -o";

/// A destination, before anything was tried there.
pub(super) enum ChosenDestination {
    /// Bytes, to a pipe or a file that the shell has opened.
    Stdout,
    /// A text, made harmless, to the terminal.
    Terminal,
    /// Files of ours.
    Files(Targets),
    /// A screen, once.
    View(Box<View>),
}

/// The arguments that choose a destination.
pub(super) struct DestinationOptions<'a> {
    pub(super) output: Option<&'a Path>,
    pub(super) force: bool,
    pub(super) yes: bool,
    pub(super) seconds: Option<u64>,
}

impl DestinationOptions<'_> {
    /// Whether the bytes go to standard output: by argument, or because it is no terminal.
    pub(super) fn wants_stdout(&self) -> bool {
        self.output.map_or_else(|| !output::stdout_is_terminal(), |path| path == Path::new("-"))
    }

    /// The destination by the arguments, or by asking.
    pub(super) async fn destination(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        let is_given = self.wants_stdout() || self.output.is_some();
        if manifest.view_only && is_given {
            return Err(Failure::usage(
                "the sender asks that it be seen and not saved",
                Hint::line("nothing is lost; share open at a terminal, without -o, shows it; so does a browser"),
            ));
        }
        if self.wants_stdout() {
            return to_stdout(manifest);
        }
        if let Some(path) = self.output {
            return at(path, manifest, self.force);
        }
        if cx.output.is_json() && manifest.view_only {
            return Err(unseeable("with --json nothing is shown"));
        }
        if cx.output.is_json() {
            return self.here(manifest, cx).await;
        }
        self.screen_or_here(manifest, cx).await
    }

    /// Files in this directory, by the arguments or by asking.
    async fn here(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        if self.yes || wants_to_save(manifest, cx).await? { Ok(here(manifest)) } else { Err(not_now()) }
    }

    /// A screen where the share can be shown, or files.
    async fn screen_or_here(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        let capabilities = capabilities(cx).await?;
        let time = self.seconds.map(Duration::from_secs);
        let view = |capabilities, presentation| {
            let (manifest, words) = (manifest.clone(), showing::WORDS);
            ChosenDestination::View(Box::new(View { capabilities, presentation, manifest, time, save: None, words }))
        };
        let (this, save) = (this(manifest), ask::save_it_here(manifest));
        let can =
            if prompt::possible() { capabilities.showable(manifest) } else { Showable::Not(Unshowable::NoTerminal) };
        let (question, view) = match can {
            Showable::So(presentation, _) if self.yes => return Ok(view(capabilities, presentation)),
            Showable::So(presentation, how) => {
                let question = format!("{this} can be opened once. [v]iew it {how}, {save}[n]ot now?");
                (question, view(capabilities, presentation))
            }
            Showable::Coarsely if !self.yes => {
                let question = format!(
                    "{this} can be opened once, and nothing here draws pictures. Coarsely, in [b]locks, {save}[n]ot now?"
                );
                (question, view(capabilities.coarsely(), Presentation::Screen))
            }
            Showable::Coarsely | Showable::Not(_) => {
                let why = match can {
                    Showable::Not(why) => why.to_string(),
                    _ => "nothing here draws pictures".to_owned(),
                };
                if manifest.view_only {
                    return Err(unseeable(&why));
                }
                cx.output.info(&format!("It cannot be shown here: {why}."));
                return self.here(manifest, cx).await;
            }
        };
        match choose(&question, manifest, cx).await? {
            Choice::View => Ok(view),
            Choice::Save => Ok(here(manifest)),
            Choice::NotNow => Err(not_now()),
        }
    }
}

/// The means to show a share here.
async fn capabilities(cx: &Context) -> Result<Capabilities, Failure> {
    let preference = std::env::var("SHARE_VIEWER").ok().filter(|preference| !preference.trim().is_empty());
    let preference = preference.as_deref().or(cx.config.viewer.as_deref());
    let capabilities = Capabilities::find(preference).await.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::Interrupted(None),
        _ => Failure::local(format!("the terminal: {error}"), "nothing is lost; -o FILE saves it"),
    })?;
    if let Some(name) = capabilities.missing_program() {
        return Err(Failure::usage(
            format!("the viewer {} is not there", printable(name)),
            "nothing is lost; SHARE_VIEWER and the setting viewer name a program, or kitty, iterm, sixel, blocks or browser",
        ));
    }
    Ok(capabilities)
}

/// A share that must not be saved and cannot be shown.
fn unseeable(why: &str) -> Failure {
    Failure::usage(
        format!("the sender asks that it be seen and not saved, and it cannot be shown here: {why}"),
        "nothing is lost; open the link in a browser, or at another terminal",
    )
}

/// The bytes of one file, or the letters of one text.
fn to_stdout(manifest: &Manifest) -> Result<ChosenDestination, Failure> {
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
        return Ok(ChosenDestination::Stdout);
    }
    if Kind::of(&only.r#type) == Kind::Text && only.size <= MAX_PRINTED {
        return Ok(ChosenDestination::Terminal);
    }
    Err(Failure::usage(
        format!("{} is not for a terminal", format::describe(manifest)),
        "nothing is lost; save it: -o FILE",
    ))
}

/// Files in this directory, under the sender's names.
fn here(manifest: &Manifest) -> ChosenDestination {
    ChosenDestination::Files(Targets::within(manifest, Path::new(".")))
}

/// Files at a path that was named.
fn at(path: &Path, manifest: &Manifest, force: bool) -> Result<ChosenDestination, Failure> {
    let name = || printable(&path.to_string_lossy());
    match Targets::at(manifest, path, force) {
        Ok(targets) => Ok(ChosenDestination::Files(targets)),
        Err(TargetError::Special) => Err(Failure::local(
            format!("{} is not a regular file", name()),
            "nothing is lost; -o - writes to standard output, which can be redirected anywhere",
        )),
        Err(TargetError::NotADirectory) => Err(Failure::local(
            format!("{} is not a directory", name()),
            "nothing is lost; several files go into a directory: -o DIR",
        )),
        Err(TargetError::Exists) => Err(errors::exists(path)),
        Err(TargetError::Path(error)) => Err(Failure::path(path, &error, UNSPENT)),
    }
}
