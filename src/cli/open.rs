//! `share open`: opens a share, once.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::access::{Access, AccessArgs};
use super::failure::{self, Trouble};
use super::opening::{self, Begin, Opening, Record};
use super::output::{self, Output, Watched};
use super::state::State;
use super::{Context, prompt, words};
use crate::manifest::{Manifest, is_plain, printable, safe_name};
use crate::media::{self, Kind};
use crate::open::place::{Placed, Staging, Target, numbered};
use crate::open::{Look, OpenError, Opened, Opener, Received};
use crate::relay::{Credential, Relay, RelayError};
use crate::secret::{DeviceSecret, Keys, Receipt};
use crate::spoken::openers_words;

/// The longest text that is printed on a terminal, in bytes.
const MAX_PRINTED: u64 = 1 << 20;

/// Open a link. It opens once
#[derive(Args)]
pub(super) struct OpenArgs {
    #[command(flatten)]
    access: AccessArgs,
    /// Save it: to a file, into a directory under the sender's name, or `-` for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(short, long)]
    force: bool,
    /// Don't ask; on a terminal, save it in this directory
    #[arg(short, long)]
    yes: bool,
}

/// Where it goes.
enum Destination {
    /// Bytes, to a pipe or a file of the shell's.
    Stdout,
    /// A text, made harmless, to the terminal.
    Terminal,
    /// Files of ours.
    Files {
        targets: Vec<Target>,
        /// A directory that is made for an album.
        new_directory: Option<PathBuf>,
    },
}

/// A destination that was tried: files can be made there, be named, and find room. Of standard output nothing can be
/// known before.
enum Ready {
    Stdout(fs::File),
    Terminal(fs::File),
    Files(Staging),
}

/// How far it has come: what an interrupted person should know.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// It still waits.
    Untouched,
    /// The one opening may have been spent, and only this device can go on.
    Claimed,
    /// It is safe here.
    Saved,
}

/// Runs the command.
pub(super) async fn run(args: OpenArgs, cx: &Context) -> Result<(), Trouble> {
    if cx.output.is_json() && args.wants_stdout() {
        return Err(Trouble::usage("with --json standard output is for events", "nothing is lost; save it: -o FILE"));
    }
    let access = args.access.find(cx).await?;
    let relay = cx.connect(&access.way).await?.relay;
    let opening = Opens { args, access, cx, output: &cx.output, relay, kept: Cell::new(true) };
    let stage = Cell::new(Stage::Untouched);
    let interrupted = || {
        Err(Trouble::Interrupted(match stage.get() {
            Stage::Untouched => None,
            Stage::Claimed => Some(AGAIN.to_owned()),
            Stage::Saved => Some("it is saved; the relay will be told by the next command".to_owned()),
        }))
    };
    tokio::select! {
        // At a question, too.
        result = opening.run(&stage) => match result {
            Err(Trouble::Interrupted(None)) => interrupted(),
            result => result,
        },
        _ = cx.interrupted() => interrupted(),
    }
}

/// What to do when this device has claimed a share and does not have it yet.
const AGAIN: &str = "it is not lost: run the same command again on this device, within a day";
/// What telling the relay may take; after that the next command does it.
const FINISH_TIME: Duration = Duration::from_secs(15);

/// One opening, with all that it was told.
struct Opens<'a> {
    args: OpenArgs,
    access: Access,
    cx: &'a Context,
    output: &'a Output,
    relay: Arc<dyn Relay>,
    /// Whether a later run could go on.
    kept: Cell<bool>,
}

impl Opens<'_> {
    fn trouble(&self, error: OpenError, ours: bool) -> Trouble {
        self.access.way.trouble(error, ours, self.kept.get())
    }

    async fn run(&self, stage: &Cell<Stage>) -> Result<(), Trouble> {
        // Where nothing can be kept, this run can open, and no later one can go on.
        let mut record = None;
        let mut device = DeviceSecret::random();
        let state = State::open(self.cx);
        let kept = state.as_ref().map_err(failure::reason).and_then(|state| {
            let begun = Opening::begin(state, &self.access.secret.id(), &self.access.way);
            begun.and_then(|begun| Ok((begun, state.device()?))).map_err(|error| failure::reason(&error))
        });
        match kept {
            Err(why) => {
                self.kept.set(false);
                let so = "if this breaks off, it cannot go on";
                self.output.warn(&format!("nothing can be kept on this device ({why}): {so}"));
            }
            Ok((Begin::Busy, _)) => return Err(Trouble::BeingOpenedHere),
            Ok((Begin::Ours(ours, earlier), ours_alone)) => {
                device = ours_alone;
                match earlier.map(Record::into_saved) {
                    // Whoever wants the bytes now gets them: the relay still has them.
                    Some(Ok(_)) if self.args.wants_stdout() => stage.set(Stage::Claimed),
                    Some(Ok((placed, receipt))) => {
                        return self.finish_earlier(*ours, &device, &placed, &receipt).await;
                    }
                    // Claimed by an earlier run, which may have left half of an album.
                    Some(Err(earlier)) => {
                        earlier.remove_named();
                        stage.set(Stage::Claimed);
                    }
                    None => {}
                }
                record = Some(*ours);
                opening::catch_up(self.cx).await;
            }
        }
        let result = self.open(stage, &mut record, &device).await;
        // What was not claimed leaves no trace; what was claimed can be taken up again.
        if let (Some(record), true) = (record, stage.get() != Stage::Claimed) {
            record.done();
        }
        result
    }

    /// An earlier run was killed after the files were in place: only the relay does not know yet.
    async fn finish_earlier(
        &self,
        record: Opening,
        device: &DeviceSecret,
        placed: &[Placed],
        receipt: &Receipt,
    ) -> Result<(), Trouble> {
        for placed in placed {
            let facts = json!({ "path": absolute(&placed.path).to_string_lossy() });
            self.output.happens("saved", facts, &format!("opened before; it is in {}", shown(&placed.path)));
        }
        let id = self.access.secret.id();
        let holder = Credential::new(id, device.claim_token(&id));
        let finished = crate::open::finish(&*self.relay, &holder, receipt).await;
        finished.map_err(|error| self.trouble(error.into(), true))?;
        record.done();
        Ok(())
    }

    async fn open(
        &self,
        stage: &Cell<Stage>,
        record: &mut Option<Opening>,
        device: &DeviceSecret,
    ) -> Result<(), Trouble> {
        let (opened, ready) = self.claim(stage, record, device).await?;
        let (receipt, until) = (opened.receipt(), opened.until());
        let received = match ready.receive(opened, record, self.output).await {
            // Whoever closed the pipe has seen enough. The relay keeps it for this device until the lease ends.
            Err(OpenError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            received => received.map_err(|error| self.trouble(error, false))?,
        };
        stage.set(Stage::Saved);
        if let Some(record) = record.as_mut().filter(|record| record.is_unnoted()) {
            // What went to standard output has no file that a crash could undo.
            let _ = record.note_named(receipt, Vec::new(), until);
        }
        let told = tokio::time::timeout(FINISH_TIME, received.finish()).await;
        // Also where it ended meanwhile, revoked or too late: what was received stays received.
        let is_told = matches!(told, Ok(Ok(()) | Err(RelayError::Gone { .. } | RelayError::Unknown)));
        if !is_told {
            // Safe here; the next command tells the relay.
            drop(record.take());
        }
        let id = self.access.secret.id();
        let words = openers_words(&device.claim_token(&id).claimant(&id));
        let gone = if is_told { "and gone" } else { "and the relay will be told so by the next command" };
        let text = format!("Opened, {gone}. The sender sees who it was: {words}.");
        self.output.happens("opened", json!({ "opener": words, "id": id.hex(), "finished": is_told }), &text);
        Ok(())
    }

    /// Looks, asks, tries out everything that can fail, and then opens: the one opening.
    async fn claim(
        &self,
        stage: &Cell<Stage>,
        record: &mut Option<Opening>,
        device: &DeviceSecret,
    ) -> Result<(Opened, Ready), Trouble> {
        loop {
            let keys = self.args.keys(&self.access, self.cx).await?;
            let claim_token = device.claim_token(&keys.id);
            let opener = Opener::new(self.relay.clone(), keys, claim_token, self.cx.patience());
            match opener.look().await {
                Ok(Look::Waits(envelope)) => {
                    self.output.say(&words::describe(&envelope.manifest));
                    let ready = self.args.destination(&envelope.manifest, self.cx).await?.prepare(record)?;
                    // From here on it may be spent.
                    stage.set(Stage::Claimed);
                    let opened = envelope.claim().await;
                    if let Err(OpenError::Relay(RelayError::Gone { .. } | RelayError::Unknown)) = &opened {
                        stage.set(Stage::Untouched);
                    }
                    return Ok((opened.map_err(|error| self.trouble(error, false))?, ready));
                }
                Ok(Look::OursToResume(holder)) => match holder.resume().await {
                    Ok(opened) => {
                        stage.set(Stage::Claimed);
                        self.output.say(&format!("going on with {}", words::describe(&opened.manifest)));
                        let ready = self.args.destination(&opened.manifest, self.cx).await?.prepare(record)?;
                        return Ok((opened, ready));
                    }
                    Err(OpenError::WrongPassphrase) if self.args.access.may_ask_again() => {
                        self.output.say("wrong passphrase");
                    }
                    Err(error) => return Err(self.trouble(error, true)),
                },
                Err(OpenError::Relay(RelayError::WrongPassphrase { left }))
                    if left > 0 && self.args.access.may_ask_again() =>
                {
                    self.output.say(&format!("wrong passphrase; {left} more may be tried"));
                }
                Err(error) => return Err(self.trouble(error, false)),
            }
        }
    }
}

impl OpenArgs {
    async fn keys(&self, access: &Access, cx: &Context) -> Result<Keys, Trouble> {
        let passphrase = self.access.passphrase(&access.secret, cx).await?;
        Ok(access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str())))
    }

    /// Whether the bytes go to standard output: that was said, or it is no terminal.
    fn wants_stdout(&self) -> bool {
        self.output.as_deref().map_or_else(|| !output::stdout_is_terminal(), |path| path == Path::new("-"))
    }

    /// Where it goes, by the arguments or by asking. Nothing is spent yet.
    async fn destination(&self, manifest: &Manifest, cx: &Context) -> Result<Destination, Trouble> {
        if manifest.view_only {
            return Err(Trouble::usage(
                "the sender asks that it be seen and not saved, and this version cannot show it",
                "update share, then open it",
            ));
        }
        if self.wants_stdout() {
            return to_stdout(manifest);
        }
        if let Some(path) = self.output.as_deref() {
            return self.to_path(manifest, path);
        }
        if !self.yes {
            let question = format!("{} can be opened once. [s]ave it here, [n]ot now?", this(manifest));
            let answer = prompt::ask(&question, cx).await?;
            if !matches!(answer.as_str(), "s" | "save" | "y" | "yes") {
                return Err(Trouble::Interrupted(Some("not now: nothing is lost".to_owned())));
            }
        }
        Ok(into_directory(manifest, Path::new("."), None))
    }

    fn to_path(&self, manifest: &Manifest, path: &Path) -> Result<Destination, Trouble> {
        let directory_meant = path.to_string_lossy().ends_with('/');
        // Where a link leads, or what a device does, is not for us to replace.
        let special = fs::symlink_metadata(path).is_ok_and(|data| !data.is_file() && !path.is_dir());
        if special {
            return Err(Trouble::local(
                format!("{} is not a regular file", printable(&path.to_string_lossy())),
                "nothing is lost; -o - writes to standard output, which can be redirected anywhere",
            ));
        }
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => Ok(into_directory(manifest, path, None)),
            Ok(_) if manifest.entries.len() > 1 || directory_meant => Err(Trouble::local(
                format!("{} is not a directory", printable(&path.to_string_lossy())),
                "nothing is lost; several files go into a directory: -o DIR",
            )),
            Ok(_) if !self.force => Err(failure::exists(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Trouble::path(path, &error, UNSPENT)),
            Err(_) if manifest.entries.len() > 1 || directory_meant => {
                Ok(into_directory(manifest, path, Some(absolute(path))))
            }
            Ok(_) | Err(_) => {
                let target = Target { path: absolute(path), size: manifest.total_size(), replace: self.force };
                Ok(Destination::Files { targets: vec![target], new_directory: None })
            }
        }
    }
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
fn to_stdout(manifest: &Manifest) -> Result<Destination, Trouble> {
    let [only] = &manifest.entries[..] else {
        return Err(Trouble::usage(
            format!("these are {} files, and there is one standard output", manifest.entries.len()),
            "nothing is lost; save them: -o DIR",
        ));
    };
    if output::stdout_is_closed() {
        return Err(Trouble::local("standard output is closed", "nothing is lost; save it: -o FILE"));
    }
    if !output::stdout_is_terminal() {
        return Ok(Destination::Stdout);
    }
    if Kind::of(&only.r#type) == Kind::Text && only.size <= MAX_PRINTED {
        return Ok(Destination::Terminal);
    }
    Err(Trouble::usage(
        format!("{} is not for a terminal", words::describe(manifest)),
        "nothing is lost; save it: -o FILE",
    ))
}

/// A path that still means the same when a later run, somewhere else, reads it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Under the sender's names.
fn into_directory(manifest: &Manifest, directory: &Path, new_directory: Option<PathBuf>) -> Destination {
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
    Destination::Files { targets, new_directory }
}

impl Destination {
    /// Everything that can fail here fails now, while nothing is spent.
    fn prepare(self, opening: &mut Option<Opening>) -> Result<Ready, Trouble> {
        let stdout = || {
            output::stdout()
                .map_err(|error| Trouble::local(format!("standard output: {}", failure::reason(&error)), UNSPENT))
        };
        // Also where there is nothing to note: what an earlier run noted is no longer so.
        let mut note = |hidden| opening.as_mut().map_or(Ok(()), |opening| opening.note_begun(hidden));
        match self {
            Self::Stdout | Self::Terminal => {
                note(Vec::new()).map_err(|error| {
                    Trouble::local(format!("the state directory: {}", failure::reason(&error)), UNSPENT)
                })?;
                let stdout = stdout()?;
                Ok(if matches!(self, Self::Stdout) { Ready::Stdout(stdout) } else { Ready::Terminal(stdout) })
            }
            Self::Files { targets, new_directory } => {
                let place = new_directory.as_deref().or(targets.first().and_then(|target| target.path.parent()));
                let place = shown(place.unwrap_or(Path::new(".")));
                let failed =
                    |error: io::Error| Trouble::local(format!("{place}: {}", failure::reason(&error)), UNSPENT);
                let hidden = Staging::hidden_names(&targets);
                note(hidden.clone()).map_err(failed)?;
                let staging = Staging::create(targets, hidden, new_directory).map_err(failed)?;
                Ok(Ready::Files(staging))
            }
        }
    }
}

/// What is true of a failure that costs nothing.
const UNSPENT: &str = "nothing is lost; try another -o";

impl Ready {
    /// Fetches, verifies, and puts it where it belongs.
    async fn receive(
        self,
        opened: Opened,
        opening: &mut Option<Opening>,
        output: &Output,
    ) -> Result<Received, OpenError> {
        let (receipt, until) = (opened.receipt(), opened.until());
        let bar = output.bar(Some(opened.manifest.total_size()));
        let received = match self {
            Self::Stdout(stdout) => {
                let out = Watched { inner: stdout, bar: bar.clone() };
                let (received, out) = opened.receive(out).await?;
                // A file of the shell's must be on the disk before the relay forgets it. There is no such thing for a
                // pipe.
                if out.inner.metadata().is_ok_and(|data| data.is_file()) {
                    out.inner.sync_all().map_err(OpenError::Write)?;
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
                let (placed, back) =
                    place(out.inner, receipt, until, opening.take()).await.map_err(OpenError::Write)?;
                *opening = back;
                bar.finish_and_clear();
                for placed in placed {
                    let facts = json!({ "path": absolute(&placed.path).to_string_lossy() });
                    output.happens("saved", facts, &format!("saved as {}", shown(&placed.path)));
                }
                received
            }
        };
        bar.finish_and_clear();
        Ok(received)
    }
}

/// A path as the user would write it here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).ok().filter(|relative| !relative.as_os_str().is_empty());
    printable(&relative.unwrap_or(path).to_string_lossy())
}

/// Flushes the files, notes what is about to be placed, and names them, where that may block.
async fn place(
    staging: Staging,
    receipt: Receipt,
    until: u64,
    mut opening: Option<Opening>,
) -> io::Result<(Vec<Placed>, Option<Opening>)> {
    spawn_blocking(move || {
        let intended = staging.sync()?;
        if let Some(opening) = &mut opening {
            opening.note_received(receipt, intended, until)?;
        }
        let placed = staging.place()?;
        if let Some(opening) = &mut opening {
            opening.note_named(receipt, placed.clone(), until)?;
        }
        Ok((placed, opening))
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A text for a terminal: control characters are shown and not obeyed.
fn visible(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown: String = text
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            // Unicode has pictures of the control characters.
            '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            c if is_plain(c) => c,
            _ => '\u{fffd}',
        })
        .collect();
    if !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(super::visible(b"a\x1b[2Jb\tc\r\n\x07"), "a␛[2Jb\tc␍\n␇\n");
        assert_eq!(super::visible("a\u{9b}31m\u{202e}b".as_bytes()), "a\u{fffd}31m\u{fffd}b\n");
    }
}
