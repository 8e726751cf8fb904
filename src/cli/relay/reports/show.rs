//! `share relay reports show`.

use std::io;

use clap::{Args, ValueHint};

use super::evidence::{Found, decrypt, facts, text};
use super::identity::{IdentityArg, both_from_stdin};
use super::store::StoreArg;
use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::open::{MAY_REMAIN, WORDS, capabilities};
use crate::cli::output::Output;
use crate::cli::output::errors::{Failure, Hint};
use crate::manifest::Manifest;
use crate::platform::process::keep_memory_private;
use crate::safe_text::reason;
use crate::view::{self, Capabilities, End, MemoryFile, Presentation, Showable, Unshowable, View, ViewerNotice, Words};

/// Verify a report, and show what was reported
///
/// The content is decrypted in memory only. Nothing is deleted, and neither sender nor recipient can notice it.
#[derive(Args)]
#[command(after_long_help = SHOW_EXAMPLES)]
pub(super) struct ShowArgs {
    /// ID of a report, or its beginning; a file from `save --encrypted`; or - for standard input
    #[arg(value_name = "ID|FILE|-", value_hint = ValueHint::AnyPath)]
    which: String,
    #[command(flatten)]
    identity: IdentityArg,
    #[command(flatten)]
    store: StoreArg,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  share relay reports show 3f2a9c01 --identity operator.key
  ssh relay share relay reports save 3f2a9c01 --encrypted -o - | \\
    share relay reports show - --identity operator.key";

/// The ways to show the content here.
enum Means {
    /// In this way, with the words for the question.
    So(Box<(Capabilities, Presentation, String)>),
    /// Not, for the reason in words.
    Not(String),
}

/// Runs the command.
pub(super) async fn run(args: ShowArgs, cx: &Context) -> Result<(), Failure> {
    if args.which == "-" && args.identity.is_stdin() {
        return Err(both_from_stdin());
    }
    let identities = args.identity.expect(cx).await?;
    let found = Found::find(&args.which, &args.store, cx).await?;
    let (id, source) = (found.bundle.id.hex(), found.source());
    let verified = found.verify(&identities)?;
    let means = if cx.output.is_json() { None } else { means(&verified.manifest, cx).await? };
    let in_memory = matches!(means, Some(Means::So(_)));
    keep_memory_private();
    let (verified, memory) = if in_memory {
        let memory = MemoryFile::new().map_err(anyhow::Error::from)?;
        let (verified, memory) = decrypt(verified, found.blob, memory, cx).await?;
        (verified, Some(memory))
    } else {
        (decrypt(verified, found.blob, io::sink(), cx).await?.0, None)
    };
    cx.output.answer("report", facts(&id, &verified, source), &text(&id, &verified, source))?;
    match (means, memory) {
        (Some(Means::So(means)), Some(memory)) => ask_and_show(*means, verified.manifest, memory, cx).await,
        (Some(Means::Not(why)), _) => {
            cx.output.info(&format!("It cannot be shown here: {why}."));
            cx.output.hint(Hint::line("to save it: share relay reports save ID -o DIR"));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// How to show files here. `None`: nobody can be asked.
async fn means(manifest: &Manifest, cx: &Context) -> Result<Option<Means>, Failure> {
    if !prompt::possible() {
        return Ok(None);
    }
    let capabilities = capabilities("save the report with -o DIR instead", cx).await?;
    let large = || Means::Not(Unshowable::Large.to_string());
    Ok(Some(match capabilities.showable(manifest) {
        // Only what a relay serves can be shown while it is downloaded.
        Showable::So(Presentation::Stream | Presentation::Page { whole: false }, _) => large(),
        Showable::So(presentation, how) => Means::So(Box::new((capabilities, presentation, how))),
        Showable::Coarsely => {
            let how = "as colored blocks".to_owned();
            Means::So(Box::new((capabilities.coarsely(), Presentation::Screen, how)))
        }
        Showable::Not(why) => Means::Not(why.to_string()),
    }))
}

async fn ask_and_show(
    (capabilities, presentation, how): (Capabilities, Presentation, String),
    manifest: Manifest,
    memory: MemoryFile,
    cx: &Context,
) -> Result<(), Failure> {
    let question = format!("Show what was reported? [v]iew {how}, or [n]ot now?");
    let answers: [(&[&str], bool); 2] = [(&["v", "view", "y", "yes"], true), (&["", "n", "no", "not now"], false)];
    if !prompt::choose(&question, &answers, cx).await? {
        return Ok(());
    }
    let view = View {
        capabilities,
        presentation,
        manifest,
        time: None,
        save: None,
        report: None,
        // Nothing is deleted when it is closed.
        is_held: true,
        words: Words { page: "", ..WORDS },
    };
    let output = &cx.output;
    let notify = |notice: ViewerNotice<'_>| notify(notice, output);
    match view::show(memory, view, &notify).await {
        Ok(End::Closed { .. } | End::Left) => Ok(()),
        Ok(End::Unseen(why)) => Err(not_shown(&why.to_string())),
        Err(error) => Err(not_shown(&reason(&error))),
    }
}

fn not_shown(why: &str) -> Failure {
    Failure::local(
        format!("what was reported could not be shown: {why}"),
        Hint::line("to save it: share relay reports save ID -o DIR"),
    )
}

fn notify(notice: ViewerNotice<'_>, output: &Output) {
    match notice {
        ViewerNotice::InPlayer { name } => output.info(&format!("Opened in {name}.")),
        ViewerNotice::NoBrowser { why, url, .. } => {
            output
                .info(&format!("No browser loaded the page ({why}). Open this address in a browser on this computer:"));
            output.info(url);
            output.info("Press q to stop.");
        }
        ViewerNotice::InBrowser { .. } => output.info("Opened in your browser. Press q to stop."),
        ViewerNotice::MayRemain => output.warn(MAY_REMAIN),
    }
}
