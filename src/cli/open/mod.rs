//! `share open`: opens a share, once. Where it goes is the [`destination`]'s business: files, standard output, or a
//! screen on which it is seen once.

mod destination;
mod showing;

use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use self::destination::{Got, Ready, Unreceived, absolute};

use crate::cli::context::Context;
use crate::cli::input::link::{Access, AccessArgs};
use crate::cli::output::errors::Failure;
use crate::cli::output::{Output, format};
use crate::open::staging::Placed;
use crate::open::{Look, OpenError, Opened, Opener};
use crate::relay::{Credential, Relay, RelayError};
use crate::secret::{DeviceSecret, Keys, Receipt};
use crate::state::journal;
use crate::state::journal::{Begin, Opening, Record};
use crate::wordlist::openers_words;

/// Open a link. It opens once
#[derive(Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    access: AccessArgs,
    /// Save it instead of showing it: to a file, into a directory under the sender's name, or `-` for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(short, long)]
    force: bool,
    /// Don't ask: show it, or save it here where it cannot be shown
    #[arg(short, long)]
    yes: bool,
    /// Close what is shown after so many seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
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
pub(crate) async fn run(args: OpenArgs, cx: &Context) -> Result<(), Failure> {
    if cx.output.is_json() && args.wants_stdout() {
        return Err(Failure::usage("with --json standard output is for events", "nothing is lost; save it: -o FILE"));
    }
    let access = args.access.find(cx).await?;
    let relay = cx.connect(&access.endpoint).await?.relay;
    let opening = Opens { args, access, cx, output: &cx.output, relay, kept: Cell::new(true) };
    let stage = Cell::new(Stage::Untouched);
    let interrupted = || {
        Err(Failure::Interrupted(match stage.get() {
            Stage::Untouched => None,
            Stage::Claimed => Some(AGAIN.into()),
            Stage::Saved => Some("it is saved; the relay will be told by the next command".into()),
        }))
    };
    tokio::select! {
        // At a question, too.
        result = opening.run(&stage) => match result {
            Err(Failure::Interrupted(None)) => interrupted(),
            result => result,
        },
        _ = cx.interrupted() => interrupted(),
    }
}

/// What to do when this device has claimed a share and does not have it yet.
const AGAIN: &str = "it is not lost: run the same command again on this device, within a day";
/// And what to do when showing it does not work.
const SAVE_IT: &str = "it is not lost: run it again on this device, within a day, with -o FILE, which saves it";
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
    fn trouble(&self, error: OpenError, ours: bool) -> Failure {
        self.access.endpoint.trouble(error, ours, self.kept.get())
    }

    /// What to do when it was claimed and neither seen nor saved.
    fn again(&self) -> &'static str {
        if self.kept.get() { AGAIN } else { "nothing could be kept on this device: ask the sender to send it again" }
    }

    async fn run(&self, stage: &Cell<Stage>) -> Result<(), Failure> {
        // Where nothing can be kept, this run can open, and no later one can go on.
        let mut record = None;
        let mut device = DeviceSecret::random();
        let state = self.cx.state();
        let kept = state.as_ref().map_err(crate::safe_text::reason).and_then(|state| {
            let begun = Opening::begin(state, &self.access.secret.id(), &self.access.endpoint);
            begun.and_then(|begun| Ok((begun, state.device()?))).map_err(|error| crate::safe_text::reason(&error))
        });
        match kept {
            Err(why) => {
                self.kept.set(false);
                let so = "if this breaks off, it cannot go on";
                self.output.warn(&format!("nothing can be kept on this device ({why}): {so}"));
            }
            Ok((Begin::Busy, _)) => return Err(Failure::BeingOpenedHere),
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
                journal::catch_up(self.cx).await;
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
    ) -> Result<(), Failure> {
        for placed in placed {
            let facts = json!({ "path": absolute(&placed.path).to_string_lossy() });
            self.output.happens("saved", facts, &format!("opened before; it is in {}", format::path(&placed.path)));
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
    ) -> Result<(), Failure> {
        let (opened, ready) = self.claim(stage, record, device).await?;
        let (receipt, until, view_only) = (opened.receipt(), opened.until(), opened.manifest.view_only);
        let got = match ready.receive(opened, record, self.cx).await {
            // Whoever closed the pipe has seen enough. The relay keeps it for this device until the lease ends.
            Err(Unreceived::Open(OpenError::Write(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(());
            }
            Err(Unreceived::Open(error)) => return Err(self.trouble(error, false)),
            Err(Unreceived::Left) => return Err(Failure::Interrupted(Some(self.again().into()))),
            Err(Unreceived::Unseen(why)) => {
                // Shown again in the same way it would fail again.
                let hint = if self.kept.get() && !view_only { SAVE_IT } else { self.again() };
                return Err(Failure::local(format!("it could not be shown: {why}"), hint));
            }
            Ok(got) => got,
        };
        let (received, was_seen) = match got {
            Got::Saved(received) => (received, false),
            Got::Activity(received) => (received, true),
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
        let what = if was_seen { "Seen" } else { "Opened" };
        let text = format!("{what}, {gone}. The sender sees who it was: {words}.");
        self.output.happens(
            "opened",
            json!({ "opener": words, "id": id.hex(), "finished": is_told, "seen": was_seen }),
            &text,
        );
        Ok(())
    }

    /// Looks, asks, tries out everything that can fail, and then opens: the one opening.
    async fn claim(
        &self,
        stage: &Cell<Stage>,
        record: &mut Option<Opening>,
        device: &DeviceSecret,
    ) -> Result<(Opened, Ready), Failure> {
        loop {
            let keys = self.args.keys(&self.access, self.cx).await?;
            let claim_token = device.claim_token(&keys.id);
            let opener = Opener::new(self.relay.clone(), keys, claim_token, self.cx.patience());
            match opener.look().await {
                Ok(Look::Waits(envelope)) => {
                    self.output.say(&format::describe(&envelope.manifest));
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
                        self.output.say(&format!("going on with {}", format::describe(&opened.manifest)));
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
    async fn keys(&self, access: &Access, cx: &Context) -> Result<Keys, Failure> {
        let passphrase = self.access.passphrase(&access.secret, cx).await?;
        Ok(access.secret.keys(passphrase.as_ref().map(|passphrase| passphrase.as_str())))
    }
}
