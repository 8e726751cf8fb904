//! `share relay reports save`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;

use super::evidence::{Found, decrypt};
use super::identity::{IdentityArg, both_from_stdin};
use super::store::{StoreArg, is_id};
use crate::cli::context::Context;
use crate::cli::output;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::durable_fs::{parent, sync, sync_dir};
use crate::open::{Destination, TargetError, Targets};
use crate::platform::files;
use crate::safe_text::printable;

/// Save what was reported, or the whole report as it is
///
/// Without `--encrypted`, verifies the report and saves the files, as `share open -o DIR` does. With `--encrypted`,
/// needs no identity, and saves the ciphertext with the relay's records, for `show` and `save` on another computer.
#[derive(Args)]
#[command(after_long_help = SAVE_EXAMPLES)]
pub(super) struct SaveArgs {
    /// ID of a report, or its beginning; a file from `save --encrypted`; or - for standard input
    #[arg(value_name = "ID|FILE|-", value_hint = ValueHint::AnyPath)]
    which: String,
    /// Save to FILE or DIR; with --encrypted also to standard output (-)
    #[arg(short, long, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    output: PathBuf,
    /// Save the report as it is, encrypted
    #[arg(long, conflicts_with = "identity")]
    encrypted: bool,
    #[command(flatten)]
    identity: IdentityArg,
    #[command(flatten)]
    store: StoreArg,
}

const SAVE_EXAMPLES: &str = "\
Examples:
  share relay reports save 3f2a9c01 --identity operator.key -o evidence
  share relay reports save 3f2a9c01 --encrypted -o report";

/// The hint at failures before anything was saved.
const UNSAVED: &str = "use another path with -o; nothing was saved";

/// Runs the command.
pub(super) async fn run(args: SaveArgs, cx: &Context) -> Result<(), Failure> {
    if args.encrypted { args.save_encrypted(cx).await } else { args.save_files(cx).await }
}

impl SaveArgs {
    async fn save_files(&self, cx: &Context) -> Result<(), Failure> {
        if self.which == "-" && self.identity.is_stdin() {
            return Err(both_from_stdin());
        }
        if self.output == Path::new("-") {
            let hint = Hint::line("use -o FILE or -o DIR, or --encrypted");
            return Err(Failure::usage("only an encrypted report can be written to standard output", hint));
        }
        let identities = self.identity.expect(cx).await?;
        let found = Found::find(&self.which, &self.store, cx).await?;
        let verified = found.verify(&identities)?;
        let targets = Targets::at(&verified.manifest, &self.output, false).map_err(|error| self.unusable(error))?;
        let failed = |error: io::Error| Failure::path(&self.output, &error, Hint::line(UNSAVED));
        let staging = targets.clone().prepare(targets.hidden_names()).map_err(failed)?;
        let (_, staging) = decrypt(verified, found.blob, staging, cx).await?;
        let saved = staging.sync().map_err(failed)?.place().map_err(failed)?;
        let count = saved.files.len();
        let text = match (&saved.album, &saved.files[..]) {
            (Some(album), _) => format!("Saved {count} {} in {}", noun(count), format::path(album)),
            (None, [only]) => format!("Saved as {}", format::path(&only.path)),
            (None, _) => format!("Saved {count} {}", noun(count)),
        };
        let paths: Vec<_> = saved.files.iter().map(|file| file.path.to_string_lossy()).collect();
        cx.output.answer("report-saved", json!({ "id": found.bundle.id.hex(), "paths": paths }), &text)
    }

    fn unusable(&self, error: TargetError) -> Failure {
        let name = printable(&self.output.to_string_lossy());
        match error {
            TargetError::Special => Failure::local(format!("{name} is not a regular file"), Hint::line(UNSAVED)),
            TargetError::NotADirectory => Failure::local(format!("{name} is not a directory"), Hint::line(UNSAVED)),
            TargetError::Exists => Failure::local(format!("{name} already exists"), Hint::line(UNSAVED)),
            TargetError::Path(error) => Failure::path(&self.output, &error, Hint::line(UNSAVED)),
        }
    }

    async fn save_encrypted(&self, cx: &Context) -> Result<(), Failure> {
        if !is_id(&self.which) {
            return Err(Failure::usage("--encrypted takes the ID of a report", Hint::run("share relay reports list")));
        }
        let to_stdout = self.output == Path::new("-");
        if to_stdout && (output::stdout_is_terminal() || cx.output.is_json()) {
            return Err(Failure::usage(
                "an encrypted report cannot be printed",
                Hint::line("use -o FILE, or a pipe to share relay reports show -"),
            ));
        }
        let mut found = Found::find(&self.which, &self.store, cx).await?;
        let id = found.bundle.id.hex();
        if to_stdout {
            let out = output::stdout().map_err(anyhow::Error::from)?;
            return cx.unless_interrupted(move || write(&mut found, out, Path::new("-"))).await?;
        }
        let path = self.output.clone();
        let file = files::private(OpenOptions::new().write(true).create_new(true)).open(&path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::local(format!("{} already exists", printable(&path.to_string_lossy())), Hint::line(UNSAVED))
            }
            _ => Failure::path(&path, &error, Hint::line(UNSAVED)),
        })?;
        let of = path.clone();
        let written = cx.unless_interrupted(move || write(&mut found, file, &of)).await;
        if !matches!(written, Ok(Ok(()))) {
            // Only a part of it.
            let _ = fs::remove_file(&path);
        }
        written??;
        let text = format!("Saved as {}", format::path(&path));
        cx.output.answer("report-saved", json!({ "id": id, "paths": [path.to_string_lossy()] }), &text)
    }
}

/// Writes a report as it is.
fn write(found: &mut Found, mut out: File, path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::path(path, &error, Hint::line(UNSAVED));
    found.bundle.write_to(&mut out).map_err(failed)?;
    while let Some(bytes) = found.blob.next()? {
        out.write_all(&bytes).map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    // The operator may delete the report at the relay next.
    sync(&out).map_err(failed)?;
    if path == Path::new("-") { Ok(()) } else { sync_dir(parent(path)).map_err(failed) }
}

fn noun(count: usize) -> &'static str {
    if count == 1 { "file" } else { "files" }
}
