//! The destination of a share, from the arguments or a question. Nothing is claimed here.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::ask::{Choice, Viewing, choose, not_now, noun, wants_to_save};
use super::showing;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output;
use crate::cli::output::errors::{self, Failure, Hint};
use crate::manifest::Manifest;
use crate::media::Kind;
use crate::open::{TargetError, Targets};
use crate::safe_text::printable;
use crate::view::{Capabilities, Presentation, Showable, Unshowable, View};

/// The longest text that is printed on a terminal, in bytes.
const MAX_PRINTED: u64 = 1 << 20;

/// The hint at failures before anything was claimed.
pub(super) const UNSPENT: &str = "use another path with -o; nothing was opened";

/// A destination that was not tried yet.
pub(super) enum ChosenDestination {
    /// Bytes, to a pipe or a file that the shell opened.
    Stdout,
    /// A text to the terminal, with its control characters made visible.
    Terminal,
    /// Files, by their paths.
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
    /// Whether the bytes go to standard output: by `-o -`, or because it is not a terminal.
    pub(super) fn wants_stdout(&self) -> bool {
        self.output.map_or_else(|| !output::stdout_is_terminal(), |path| path == Path::new("-"))
    }

    /// The destination, from the arguments or a question.
    pub(super) async fn destination(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        let is_given = self.wants_stdout() || self.output.is_some();
        if manifest.view_only && is_given {
            return Err(Failure::usage(
                "this share is view-only: it can be shown, but not saved",
                Hint::line(
                    "run share open at a terminal without -o, or open the link in a browser; nothing was opened",
                ),
            ));
        }
        if self.wants_stdout() {
            return to_stdout(manifest);
        }
        if let Some(path) = self.output {
            return at(path, manifest, self.force);
        }
        if cx.output.is_json() && manifest.view_only {
            return Err(unseeable("with --json, nothing is shown"));
        }
        if cx.output.is_json() {
            return self.here(manifest, cx).await;
        }
        self.screen_or_here(manifest, cx).await
    }

    /// Files in this directory, after a question unless `-y` was passed.
    async fn here(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        if self.yes || wants_to_save(manifest, cx).await? { Ok(here(manifest)) } else { Err(not_now()) }
    }

    /// A screen if the share can be shown, else files.
    async fn screen_or_here(&self, manifest: &Manifest, cx: &Context) -> Result<ChosenDestination, Failure> {
        let capabilities = capabilities("use -o FILE to save the share; nothing was opened", cx).await?;
        let time = self.seconds.map(Duration::from_secs);
        let view = |capabilities, presentation| {
            let (manifest, words) = (manifest.clone(), showing::WORDS);
            let (save, report, is_held) = (None, None, false);
            ChosenDestination::View(Box::new(View {
                capabilities,
                presentation,
                manifest,
                time,
                save,
                report,
                is_held,
                words,
            }))
        };
        let can =
            if prompt::possible() { capabilities.showable(manifest) } else { Showable::Not(Unshowable::NoTerminal) };
        let (how, view) = match &can {
            Showable::So(presentation, _) if self.yes => return Ok(view(capabilities, *presentation)),
            Showable::So(presentation, how) => (Viewing::Whole(how), view(capabilities, *presentation)),
            Showable::Coarsely if !self.yes => {
                if capabilities.is_held_back_by_tmux() {
                    cx.output.hint(Hint::line("to see photos here: tmux set -p allow-passthrough on"));
                }
                (Viewing::Blocks, view(capabilities.coarsely(), Presentation::Screen))
            }
            Showable::Coarsely | Showable::Not(_) => {
                let why = match can {
                    Showable::Not(why) => why.to_string(),
                    _ => "this terminal cannot show photos".to_owned(),
                };
                if manifest.view_only {
                    return Err(unseeable(&why));
                }
                cx.output.info(&format!("This {} cannot be shown here: {why}.", noun(manifest)));
                return self.here(manifest, cx).await;
            }
        };
        match choose(how, manifest, cx).await? {
            Choice::View => Ok(view),
            Choice::Save => Ok(here(manifest)),
            Choice::NotNow => Err(not_now()),
        }
    }
}

/// The ways to show a share in this terminal and on this computer. `instead`: a hint where the terminal fails.
pub(in crate::cli) async fn capabilities(instead: &'static str, cx: &Context) -> Result<Capabilities, Failure> {
    let preference = std::env::var("SHARE_VIEWER").ok().filter(|preference| !preference.trim().is_empty());
    let preference = preference.as_deref().or(cx.config.viewer.as_deref());
    let capabilities = Capabilities::find(preference).await.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::Interrupted(None),
        _ => Failure::local(format!("the terminal: {error}"), Hint::line(instead)),
    })?;
    if let Some(name) = capabilities.missing_program() {
        let (name, runs) = (printable(name), Capabilities::runs_programs());
        let why = if runs { "was not found" } else { "cannot show a share from memory on this system" };
        let program = if runs { "a program, or " } else { "" };
        let hint = format!(
            "nothing was opened; SHARE_VIEWER and the setting viewer take {program}kitty, iterm, sixel, blocks or \
             browser"
        );
        return Err(Failure::usage(format!("the viewer {name} {why}"), hint));
    }
    Ok(capabilities)
}

/// The error for a view-only share that cannot be shown.
fn unseeable(why: &str) -> Failure {
    Failure::usage(
        format!("this share is view-only and cannot be shown here: {why}"),
        "open the link in a browser or in another terminal; nothing was opened",
    )
}

/// Standard output, for the bytes of one file.
fn to_stdout(manifest: &Manifest) -> Result<ChosenDestination, Failure> {
    let [only] = &manifest.entries[..] else {
        return Err(Failure::usage(
            format!("{} files cannot be written to one standard output", manifest.entries.len()),
            Hint::line("use -o DIR to save the files; nothing was opened"),
        ));
    };
    if output::stdout_is_closed() {
        return Err(Failure::local(
            "standard output is closed",
            Hint::line("use -o FILE to save the share; nothing was opened"),
        ));
    }
    if !output::stdout_is_terminal() {
        return Ok(ChosenDestination::Stdout);
    }
    let is_text = Kind::of(&only.r#type) == Kind::Text;
    if is_text && only.size <= MAX_PRINTED {
        return Ok(ChosenDestination::Terminal);
    }
    let why = if is_text { "is too long to print" } else { "cannot be printed" };
    Err(Failure::usage(
        format!("this {} {why} on a terminal", noun(manifest)),
        Hint::line("use -o FILE to save the share; nothing was opened"),
    ))
}

/// Files in this directory, with the sender's names.
fn here(manifest: &Manifest) -> ChosenDestination {
    ChosenDestination::Files(Targets::within(manifest, Path::new(".")))
}

/// Files at the path of `-o`.
fn at(path: &Path, manifest: &Manifest, force: bool) -> Result<ChosenDestination, Failure> {
    let name = || printable(&path.to_string_lossy());
    match Targets::at(manifest, path, force) {
        Ok(targets) => Ok(ChosenDestination::Files(targets)),
        Err(TargetError::Special) => Err(Failure::local(
            format!("{} is not a regular file", name()),
            Hint::line("use -o - and redirect standard output; nothing was opened"),
        )),
        Err(TargetError::NotADirectory) => Err(Failure::local(
            format!("{} is not a directory", name()),
            Hint::line("use -o DIR to save several files; nothing was opened"),
        )),
        Err(TargetError::Exists) => Err(errors::exists(path)),
        Err(TargetError::Path(error)) => Err(Failure::path(path, &error, UNSPENT)),
    }
}
