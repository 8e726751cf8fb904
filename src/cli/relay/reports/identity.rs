//! The operator's identity file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::report::{self, Identity, KeyError, without_secret_keys};
use crate::safe_text::printable;

/// The longest identity file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The option for the identity file.
#[derive(Args)]
pub(super) struct IdentityArg {
    /// Decrypt with the age identity in FILE; - reads it from standard input
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    identity: Option<PathBuf>,
}

impl IdentityArg {
    /// Whether it is standard input.
    pub(super) fn is_stdin(&self) -> bool {
        self.identity.as_deref() == Some(Path::new("-"))
    }

    /// The identities in the file, if one was given.
    pub(super) async fn read(&self, cx: &Context) -> Result<Option<Vec<Identity>>, Failure> {
        let Some(path) = self.identity.clone() else { return Ok(None) };
        // Someone may mistake the option for one that takes the key itself.
        if matches!(without_secret_keys(&path.to_string_lossy()), Cow::Owned(_)) {
            return Err(Failure::usage(
                KeyError::Secret.to_string(),
                Hint::line("write the key into a file, and use --identity FILE"),
            ));
        }
        let opened = path.clone();
        let text = cx.unless_interrupted(move || read(&opened)).await?;
        let text = text.map_err(|error| {
            Failure::path(&path, &error, Hint::line("use --identity FILE, which age-keygen -o FILE wrote"))
        })?;
        let shown = if self.is_stdin() { "standard input".to_owned() } else { printable(&path.to_string_lossy()) };
        let file = if self.is_stdin() { "FILE".to_owned() } else { quoted(&path.to_string_lossy()) };
        let identities = report::identities(&text).map_err(|error| match error {
            KeyError::Encrypted => Failure::usage(
                format!("{shown} is encrypted"),
                Hint::line(format!("decrypt it first, and pass it with --identity -: age -d {file}")),
            ),
            _ => Failure::usage(
                format!("{shown} is not an age identity file"),
                Hint::line("use --identity FILE, which age-keygen -o FILE wrote"),
            ),
        })?;
        Ok(Some(identities))
    }

    /// The identities in the file.
    pub(super) async fn expect(&self, cx: &Context) -> Result<Vec<Identity>, Failure> {
        self.read(cx).await?.ok_or_else(|| {
            Failure::usage(
                "a report can be read only with the operator's identity",
                Hint::line("use --identity FILE, which age-keygen -o FILE wrote; or save --encrypted"),
            )
        })
    }
}

/// The error of an identity and a report that are both on standard input.
pub(super) fn both_from_stdin() -> Failure {
    Failure::usage("standard input cannot be both the report and the identity", Hint::line("use --identity FILE"))
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE).read_to_string(&mut text)?;
    } else {
        File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    }
    Ok(text)
}
