//! `share open`: opens a share, once. Its destination is files, standard output, or a screen on which it is seen once.

mod ask;
mod deliver;
mod destination;
mod reporting;
mod showing;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use self::deliver::{Delivery, Got, Undelivered, Unreceived};
pub(super) use self::destination::capabilities;
use self::destination::{ChosenDestination, DestinationOptions};
use self::reporting::Reporting;
pub(super) use self::showing::{MAY_REMAIN, WORDS};
use crate::cli::catch_up::catch_up;
use crate::cli::context::Context;
use crate::cli::input::link::{Access, AccessArgs};
use crate::cli::look::look;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::manifest::Manifest;
use crate::open::{Begin, Earlier, Finishable, Look, OpenError, Progress, Refusal, Session, Stage, absolute};
use crate::relay::Relay;
use crate::safe_text::reason;
use crate::secret::DeviceSecret;
use crate::wordlist::openers_words;

/// Open a link and show or save what was sent
///
/// A link opens once. At a terminal, `share open` asks whether to show or save what was sent. If the connection breaks,
/// run the same command again on the same device within 24 hours.
///
/// Paste the link at the prompt, pipe it in, or set `SHARE_LINK`. Other programs can read a link in the arguments, and
/// the shell keeps it in its history.
#[derive(Args)]
#[command(after_long_help = OPEN_EXAMPLES)]
pub(super) struct OpenArgs {
    /// Save to FILE or DIR, or to standard output (-)
    #[arg(short, long, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath, help_heading = OUTPUT)]
    output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(short, long, help_heading = OUTPUT)]
    force: bool,
    /// Don't ask first; save what cannot be shown
    #[arg(short, long, help_heading = OUTPUT)]
    yes: bool,
    /// Close the view after N seconds
    #[arg(long, value_name = "N", value_parser = seconds, value_hint = ValueHint::Other, help_heading = OUTPUT)]
    seconds: Option<u64>,
    #[command(flatten)]
    access: AccessArgs,
}

/// The longest `--seconds`: a day.
const MAX_SECONDS: u64 = 24 * 60 * 60;

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    seconds.ok_or_else(|| format!("use a number from 1 to {MAX_SECONDS}"))
}

/// The heading of the options about what is done with the content.
const OUTPUT: &str = "Output";

const OPEN_EXAMPLES: &str = "\
Examples:
  share open                          Paste the link at the prompt
  share open --output .               Save under the sender's name
  echo \"$link\" | share open >copy     Write to standard output";

/// Runs the command.
pub(super) async fn run(args: OpenArgs, cx: &Context) -> Result<(), Failure> {
    if cx.output.is_json() && args.options().wants_stdout() {
        return Err(Failure::usage(
            "with --json, standard output is for events",
            Hint::line("use -o FILE to save the share; nothing was opened"),
        ));
    }
    let access = args.access.find(cx).await?;
    let relay = cx.connect(&access.endpoint).await?.relay;
    let progress = Progress::default();
    let reporting = Reporting::new(cx, &access.endpoint, access.secret.id(), &progress);
    let opening = Opening { args, access, cx, relay, progress, reporting };
    let interrupted = || {
        Err(Failure::Interrupted(match opening.progress.stage() {
            Stage::Untouched => None,
            Stage::Claimed => Some(AGAIN.into()),
            Stage::Saved => Some(Hint::outcome("the files are saved; the next `share` command informs the relay")),
        }))
    };
    tokio::select! {
        // Ctrl-C at a question, too.
        result = opening.run() => match result {
            Err(Failure::Interrupted(None)) => interrupted(),
            result => result,
        },
        _ = cx.interrupted() => interrupted(),
    }
}

/// The hint after a claim without delivery.
const AGAIN: &str = "run the same command again on this device within 24 hours";
/// The hint after a claim if showing fails.
const SAVE_IT: &str = "run this again with -o FILE on this device within 24 hours";

impl OpenArgs {
    fn options(&self) -> DestinationOptions<'_> {
        DestinationOptions { output: self.output.as_deref(), force: self.force, yes: self.yes, seconds: self.seconds }
    }
}

/// One opening, with its arguments.
struct Opening<'a> {
    args: OpenArgs,
    access: Access,
    cx: &'a Context,
    relay: Arc<dyn Relay>,
    progress: Progress,
    reporting: Reporting<'a>,
}

impl Opening<'_> {
    /// The hint after a claim without delivery.
    fn again(&self) -> &'static str {
        let nothing_kept = "this device could not save its state: ask the sender to send it again";
        if self.progress.is_resumable() { AGAIN } else { nothing_kept }
    }

    async fn run(&self) -> Result<(), Failure> {
        let (id, endpoint) = (self.access.secret.id(), &self.access.endpoint);
        let begun = self.cx.state().and_then(|state| Session::begin(&state, &id, endpoint, &self.progress));
        let session = match begun {
            // This run can open the share, but no later run can resume.
            Err(error) => {
                let (why, so) = (reason(&error), "an interrupted opening cannot be resumed");
                self.cx.output.warn(&format!("cannot save state on this device ({why}): {so}"));
                return self.open(Session::without_journal(DeviceSecret::random(), &self.progress)).await;
            }
            Ok(Begin::Busy) => return Err(Failure::BeingOpenedHere),
            // The relay still has the bytes, so standard output gets them again.
            Ok(Begin::Saved(earlier)) if self.args.options().wants_stdout() => Session::again(*earlier, &self.progress),
            Ok(Begin::Saved(earlier)) => return self.finish_earlier(*earlier).await,
            Ok(Begin::New(session)) => *session,
        };
        catch_up(self.cx).await;
        self.open(session).await
    }

    /// An earlier run was killed after the files were in place: only informs the relay.
    async fn finish_earlier(&self, earlier: Earlier) -> Result<(), Failure> {
        for placed in &earlier.files {
            let facts = json!({ "path": absolute(&placed.path).to_string_lossy() });
            let text = format!("Already saved as {}.", format::path(&placed.path));
            self.cx.output.event("saved", facts, &text);
        }
        earlier.finish(&*self.relay).await.map_err(|error| self.reporting.failure(error.into(), true))
    }

    async fn open(&self, session: Session) -> Result<(), Failure> {
        let (share, reporting) = (self.look(session).await?, &self.reporting);
        let Manifest { view_only, from, note, .. } = share.manifest().clone();
        let got = match self.args.options().destination(share.manifest(), self.cx).await? {
            ChosenDestination::Stdout => deliver::to_stdout(share, reporting).await,
            ChosenDestination::Terminal => deliver::to_terminal(share, reporting).await,
            ChosenDestination::Files(targets) => deliver::to_files(share, targets, reporting).await,
            ChosenDestination::View(view) => deliver::to_screen(share, view, reporting).await,
        };
        match got {
            Ok(Got { share, how }) => self.finish(share, how, json!({ "from": from, "note": note })).await,
            Err(Unreceived::Failed(failure)) => return Err(failure),
            // The reader closed the pipe early. The relay keeps the share for this device until the lease ends.
            Err(Unreceived::Open(OpenError::Write(error))) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(Unreceived::Open(error)) => return Err(self.reporting.failure(error, false)),
            Err(Unreceived::Left) => return Err(Failure::Interrupted(Some(self.again().into()))),
            Err(Unreceived::Unseen(why)) => {
                // Showing it in the same way would fail again.
                let can_save = self.progress.is_resumable() && !view_only;
                let hint = if can_save { Hint::line(SAVE_IT) } else { self.again().into() };
                return Err(Failure::local(format!("the share could not be shown: {why}"), hint));
            }
        }
        Ok(())
    }

    /// Looks at the share, and prints its content in one line.
    async fn look(&self, mut session: Session) -> Result<Undelivered, Failure> {
        let (output, args) = (&self.cx.output, &self.args.access);
        loop {
            let looked = look(session, &self.relay, args, &self.access, self.cx).await;
            let ours = match looked.map_err(|failure| self.reporting.with_hint(failure))? {
                Look::Waits(envelope) => {
                    output.info(&format::describe(&envelope.manifest));
                    format::words(&envelope.manifest).for_each(|words| output.info(&words));
                    return Ok(Undelivered::Waits(envelope));
                }
                Look::Ours(ours) => ours,
            };
            match ours.resume().await {
                Ok(resumed) => {
                    output.info(&format!("Resuming {}", format::describe(resumed.manifest())));
                    format::words(resumed.manifest()).for_each(|words| output.info(&words));
                    return Ok(Undelivered::Resumed(Box::new(resumed)));
                }
                Err(Refusal { session: Some(again), .. }) if args.may_ask_again() => {
                    output.info("Wrong passphrase.");
                    session = *again;
                }
                Err(Refusal { error, .. }) => return Err(self.reporting.failure(error, true)),
            }
        }
    }

    /// Finishes the share at the relay, and prints the outcome. `facts` are about the share, for programs.
    async fn finish(&self, share: Finishable, how: Delivery, mut facts: Value) {
        let finished = share.finish().await;
        let is_confirmed = finished.is_confirmed();
        let words = openers_words(&finished.claimant);
        let was_seen = how == Delivery::Seen;
        let done = match how {
            Delivery::Seen if is_confirmed && !self.reporting.is_held() => "Closed and deleted".to_owned(),
            Delivery::Seen => "Closed".to_owned(),
            Delivery::Written => "Done".to_owned(),
            Delivery::Saved(text) => text,
        };
        let text = if is_confirmed {
            format!("{done}. The sender sees it was opened by: {words}")
        } else {
            let later = "The next `share` command informs the relay";
            format!("{done}. {later}; then the sender sees it was opened by: {words}")
        };
        let id = self.access.secret.id().hex();
        let outcome = json!({ "opener": words, "id": id, "finished": is_confirmed, "seen": was_seen });
        if let (Value::Object(facts), Value::Object(outcome)) = (&mut facts, outcome) {
            facts.extend(outcome);
        }
        self.cx.output.event("opened", facts, &text);
        self.reporting.ended(is_confirmed, finished.ended);
        finished.close();
    }
}
