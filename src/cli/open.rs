//! `share open`: opens a share, once.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::task::spawn_blocking;

use super::access::{Access, AccessArgs};
use super::failure::{self, Trouble};
use super::opening::{self, Begin, Opening};
use super::output::{self, Output, Watched};
use super::state::State;
use super::{Common, interrupted, prompt};
use crate::manifest::{Manifest, is_plain, printable, safe_name};
use crate::media::{self, Kind};
use crate::open::place::{self, Staging, Target, numbered};
use crate::open::{Look, OpenError, Opened, Opener, Received};
use crate::relay::RelayError;
use crate::secret::{DeviceSecret, Keys};

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

/// Whether the one opening may have been spent: what an interrupted person should know.
#[derive(Default)]
struct Spent(Cell<bool>);

/// Runs the command.
pub(super) async fn run(args: OpenArgs, common: &Common, output: &Output) -> Result<(), Trouble> {
    let access = args.access.find(output)?;
    let spent = Spent::default();
    tokio::select! {
        result = open(&args, &access, common, output, &spent) => result,
        () = interrupted() => Err(Trouble::Interrupted(spent.0.get().then(|| {
            "it is not lost: run the same command again on this device, within a day".to_owned()
        }))),
    }
}

async fn open(
    args: &OpenArgs,
    access: &Access,
    common: &Common,
    output: &Output,
    spent: &Spent,
) -> Result<(), Trouble> {
    // Where nothing can be kept, this run can open, and no later one can go on.
    let (state, device) = match State::open(common).and_then(|state| state.device().map(|device| (state, device))) {
        Ok((state, device)) => (Some(state), device),
        Err(_) => {
            output.warn("nothing can be kept on this device: if this is interrupted, it cannot go on later");
            (None, DeviceSecret::random())
        }
    };
    let id = access.secret.id();
    let mut opening = None;
    if let Some(state) = &state {
        let begun = Opening::begin(state, &id, &access.relay);
        match begun.map_err(|error| {
            Trouble::local(format!("the state directory: {}", failure::reason(&error)), "nothing was opened")
        })? {
            Begin::Busy => return Err(Trouble::BeingOpenedHere),
            Begin::Ours(ours, record) => {
                opening = Some(ours);
                if let Some(record) = record.filter(opening::Record::is_complete) {
                    return finish_earlier(args, access, common, output, opening, &device, &record).await;
                }
            }
        }
        opening::catch_up(state).await;
    }
    let result = open_now(args, access, common, output, spent, &mut opening, &device).await;
    // What was not claimed leaves no trace; what was claimed can be taken up again.
    if let (Some(opening), false) = (opening, spent.0.get() && result.is_err()) {
        opening.done();
    }
    result
}

/// An earlier run was killed after the files were in place: only the relay does not know yet.
async fn finish_earlier(
    args: &OpenArgs,
    access: &Access,
    common: &Common,
    output: &Output,
    opening: Option<Opening>,
    device: &DeviceSecret,
    record: &opening::Record,
) -> Result<(), Trouble> {
    let keys = args.keys(access)?;
    let holder = crate::relay::Credential::new(keys.id, device.claim_token(&keys.id));
    let receipt = keys.receipt(&holder.token.claimant(&keys.id));
    let relay = common.connect(&access.relay)?;
    crate::open::finish(&*relay, &holder, &receipt).await.map_err(|error| Trouble::relay(&access.relay, error))?;
    if let Some(opening) = opening {
        opening.done();
    }
    for placed in &record.placed {
        output.say(&format!("opened before; it is in {}", printable(&placed.path.to_string_lossy())));
    }
    Ok(())
}

async fn open_now(
    args: &OpenArgs,
    access: &Access,
    common: &Common,
    output: &Output,
    spent: &Spent,
    opening: &mut Option<Opening>,
    device: &DeviceSecret,
) -> Result<(), Trouble> {
    let trouble = |error: OpenError, ours| Trouble::Open { relay: access.relay.name(), error, ours };
    let relay = common.connect(&access.relay)?;
    let looked = loop {
        let keys = args.keys(access)?;
        let claim_token = device.claim_token(&keys.id);
        match Opener::new(relay.clone(), keys, claim_token, common.patience()).look().await {
            Err(OpenError::Relay(RelayError::WrongPassphrase { left })) if left > 0 && args.access.may_ask_again() => {
                output.say(&format!("wrong passphrase; {left} more may be tried"));
            }
            looked => break looked.map_err(|error| trouble(error, false))?,
        }
    };
    let (opened, destination) = match looked {
        Look::Waits(envelope) => {
            output.say(&output::describe(&envelope.manifest));
            let destination = args.destination(&envelope.manifest).await?;
            destination.preflight(&envelope.manifest)?;
            // From here on it may be spent.
            spent.0.set(true);
            let opened = envelope.claim().await;
            if let Err(OpenError::Relay(RelayError::Gone { .. } | RelayError::Unknown)) = &opened {
                spent.0.set(false);
            }
            (opened.map_err(|error| trouble(error, false))?, destination)
        }
        Look::OursToResume(holder) => {
            let opened = holder.resume().await.map_err(|error| trouble(error, true))?;
            spent.0.set(true);
            output.say(&format!("going on with {}", output::describe(&opened.manifest)));
            let destination = args.destination(&opened.manifest).await?;
            destination.preflight(&opened.manifest)?;
            (opened, destination)
        }
    };
    let received = destination.receive(opened, opening, output).await.map_err(|error| match error {
        Stopped::Open(error) => trouble(error, false),
        Stopped::Trouble(trouble) => trouble,
        Stopped::Unwanted => Trouble::Interrupted(None),
    });
    let received = match received {
        // Whoever closed the pipe has seen enough. The relay keeps it for this device until the lease ends.
        Err(Trouble::Interrupted(_)) => return Ok(()),
        received => received?,
    };
    match received.finish().await {
        Err(error) if error.is_transient() => {
            // Safe here; the next command tells the relay. Keep the record.
            tracing::debug!(%error, "not told yet");
            opening.take();
        }
        // Also where it ended meanwhile, revoked or too late: what was received stays received.
        Ok(()) | Err(_) => {}
    }
    Ok(())
}

/// Why nothing was received.
enum Stopped {
    Open(OpenError),
    Trouble(Trouble),
    /// Standard output was closed.
    Unwanted,
}

impl From<OpenError> for Stopped {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::Unwanted,
            error => Self::Open(error),
        }
    }
}

impl OpenArgs {
    fn keys(&self, access: &Access) -> Result<Keys, Trouble> {
        let passphrase = self.access.passphrase(&access.secret)?;
        Ok(access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str())))
    }

    /// Where it goes, by the arguments or by asking. Nothing is spent yet.
    async fn destination(&self, manifest: &Manifest) -> Result<Destination, Trouble> {
        if manifest.view_only {
            return Err(Trouble::usage(
                "the sender asks that it be seen and not saved, and this version cannot show it",
                "open the link in a browser",
            ));
        }
        let directory = match self.output.as_deref() {
            Some(path) if path == Path::new("-") => return to_stdout(manifest),
            Some(path) => return self.to_path(manifest, path),
            None if !output::stdout_is_terminal() => return to_stdout(manifest),
            None => Path::new("."),
        };
        if !self.yes {
            let question = format!("{} can be opened once. [s]ave it here, [n]ot now?", this(manifest));
            let answer = spawn_blocking(move || prompt::ask(&question)).await.map_err(anyhow::Error::from)?;
            let answer = answer.unwrap_or_default().to_lowercase();
            if !matches!(answer.as_str(), "s" | "save" | "y" | "yes") {
                return Err(Trouble::Interrupted(Some("not opened: it still waits".to_owned())));
            }
        }
        Ok(into_directory(manifest, directory, None))
    }

    fn to_path(&self, manifest: &Manifest, path: &Path) -> Result<Destination, Trouble> {
        let directory_meant = path.to_string_lossy().ends_with('/');
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => Ok(into_directory(manifest, path, None)),
            Ok(_) if manifest.entries.len() > 1 || directory_meant => Err(Trouble::local(
                format!("{} is not a directory", printable(&path.to_string_lossy())),
                "nothing was opened; several files go into a directory: -o DIR",
            )),
            Ok(_) if !self.force => Err(failure::exists(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::path(path, &error, "nothing was opened; try another -o"))
            }
            Err(_) if manifest.entries.len() > 1 || directory_meant => {
                Ok(into_directory(manifest, path, Some(path.to_owned())))
            }
            Ok(_) | Err(_) => {
                let target = Target { path: path.to_owned(), size: manifest.total_size(), replace: self.force };
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
            "nothing was opened; save them: -o DIR",
        ));
    };
    if !output::stdout_is_terminal() {
        return Ok(Destination::Stdout);
    }
    if Kind::of(&only.r#type) == Kind::Text && only.size <= MAX_PRINTED {
        return Ok(Destination::Terminal);
    }
    Err(Trouble::usage(
        format!("{} is not for a terminal", output::describe(manifest)),
        "nothing was opened; save it: -o FILE",
    ))
}

/// Under the sender's names.
fn into_directory(manifest: &Manifest, directory: &Path, new_directory: Option<PathBuf>) -> Destination {
    let mut targets: Vec<Target> = Vec::with_capacity(manifest.entries.len());
    for entry in &manifest.entries {
        let given = entry.name.as_deref().or(manifest.name.as_deref().filter(|_| manifest.entries.len() == 1));
        let path = directory.join(safe_name(given, media::default_name(&entry.r#type)));
        let mut free = path.clone();
        let mut number = 0;
        while targets.iter().any(|target| target.path == free) {
            number += 1;
            free = numbered(&path, number);
        }
        targets.push(Target { path: free, size: entry.size, replace: false });
    }
    Destination::Files { targets, new_directory }
}

impl Destination {
    /// Everything that can fail here fails now, while nothing is spent.
    fn preflight(&self, manifest: &Manifest) -> Result<(), Trouble> {
        let Self::Files { targets, new_directory } = self else { return Ok(()) };
        let mut directory = match (new_directory, targets.first()) {
            (Some(new), _) => new.parent().unwrap_or(Path::new(".")),
            (None, Some(target)) => target.path.parent().unwrap_or(Path::new(".")),
            (None, None) => return Ok(()),
        };
        if directory.as_os_str().is_empty() {
            directory = Path::new(".");
        }
        place::preflight(directory, manifest.total_size()).map_err(|error| {
            let free = "nothing was opened; try another -o";
            Trouble::path(directory, &error, free)
        })
    }

    /// Fetches, verifies, and puts it where it belongs.
    async fn receive(
        self,
        opened: Opened,
        opening: &mut Option<Opening>,
        output: &Output,
    ) -> Result<Received, Stopped> {
        let receipt = opened.receipt();
        let bar = output.bar(Some(opened.manifest.total_size()));
        let local = |error: io::Error| Stopped::Open(OpenError::Write(error));
        let received = match self {
            Self::Stdout => {
                let out = Watched { inner: output::stdout().map_err(local)?, bar: bar.clone() };
                let (received, out) = opened.receive(out).await?;
                // A file of the shell's must be on the disk before the relay forgets it; a pipe cannot be flushed.
                let _ = out.inner.sync_all();
                if let Some(opening) = opening {
                    opening.note_received(receipt, Vec::new()).map_err(local)?;
                }
                received
            }
            Self::Terminal => {
                let (received, text) = opened.receive(Vec::new()).await?;
                output::stdout().and_then(|mut out| out.write_all(visible(&text).as_bytes())).map_err(local)?;
                received
            }
            Self::Files { targets, new_directory } => {
                if let Some(directory) = &new_directory {
                    fs::create_dir_all(directory)
                        .map_err(|error| Stopped::Trouble(Trouble::path(directory, &error, AGAIN)))?;
                }
                let staging = Staging::create(targets).map_err(local)?;
                if let Some(opening) = opening {
                    opening.note_hidden(staging.hidden()).map_err(local)?;
                }
                let out = Watched { inner: staging, bar: bar.clone() };
                let (received, out) = opened.receive(out).await?;
                let placed = place(out.inner, receipt, opening.take()).await.map_err(local)?;
                let (placed, back) = placed;
                *opening = back;
                bar.finish_and_clear();
                for placed in placed {
                    output.say(&format!("saved as {}", printable(&placed.path.to_string_lossy())));
                }
                received
            }
        };
        bar.finish_and_clear();
        Ok(received)
    }
}

/// What to do when this device has claimed a share and could not keep it.
const AGAIN: &str = "it is not lost: make room, and run the same command again on this device";

/// Notes what is about to be placed, then flushes and names the files, where that may block.
async fn place(
    staging: Staging,
    receipt: crate::secret::Receipt,
    mut opening: Option<Opening>,
) -> io::Result<(Vec<place::Placed>, Option<Opening>)> {
    spawn_blocking(move || {
        let intended = staging.intended()?;
        if let Some(opening) = &mut opening {
            opening.note_received(receipt, intended.clone())?;
        }
        let placed = staging.place()?;
        if placed != intended
            && let Some(opening) = &mut opening
        {
            // A name was taken meanwhile.
            opening.note_received(receipt, placed.clone())?;
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
