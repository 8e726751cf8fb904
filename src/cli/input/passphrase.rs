//! The passphrase: from a prompt, or the first line of a file. It is never an argument.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::input::prompt;
use crate::cli::output::errors::{Failure, Hint};

/// The source of a passphrase.
#[derive(Args)]
pub(in crate::cli) struct PassphraseArgs {
    /// Prompt for a passphrase
    #[arg(short, long)]
    passphrase: bool,
    /// Read the passphrase from the first line of FILE
    #[arg(
        long, value_name = "FILE", env = "SHARE_PASSPHRASE_FILE", value_hint = ValueHint::FilePath,
        hide_short_help = true
    )]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Whether a passphrase is to be used.
    pub(in crate::cli) fn is_given(&self) -> bool {
        self.passphrase || self.passphrase_file.is_some()
    }

    /// Whether the user asked for a prompt.
    pub(in crate::cli) fn is_flag(&self) -> bool {
        self.passphrase
    }

    /// Whether a file was named among the arguments, and not only in the environment.
    pub(in crate::cli) fn is_file_given(&self) -> bool {
        let from_environment = std::env::var_os("SHARE_PASSPHRASE_FILE").map(PathBuf::from);
        self.passphrase_file.is_some() && self.passphrase_file != from_environment
    }

    /// Whether it comes from a prompt, which can be repeated.
    pub(in crate::cli) fn is_asked(&self) -> bool {
        self.file().is_none() && prompt::possible()
    }

    /// The file, unless an argument asks for a prompt: a file may come from the environment, and the argument wins.
    fn file(&self) -> Option<&PathBuf> {
        self.passphrase_file.as_ref().filter(|_| !self.passphrase)
    }

    /// The passphrase. `twice`: prompt for it twice, because a mistyped one would make a share that nobody can open.
    pub(in crate::cli) async fn read(&self, twice: bool, cx: &Context) -> Result<Zeroizing<String>, Failure> {
        let hint = if twice { Hint::line("leave out -p for a link without a passphrase") } else { ASK_SENDER.into() };
        self.read_or(twice, hint, cx).await
    }

    /// The passphrase of a share that cannot be opened any more: prompts for it twice, because nothing else checks it.
    pub(in crate::cli) async fn read_unchecked(&self, cx: &Context) -> Result<Zeroizing<String>, Failure> {
        self.read_or(true, ASK_SENDER.into(), cx).await
    }

    async fn read_or(&self, twice: bool, hint: Hint, cx: &Context) -> Result<Zeroizing<String>, Failure> {
        let passphrase = match self.file() {
            Some(path) => read_file(path, cx).await?,
            None => ask(twice, cx).await?,
        };
        if passphrase.is_empty() {
            return Err(Failure::usage("the passphrase is empty", hint));
        }
        Ok(passphrase)
    }
}

/// The hint for recipients.
const ASK_SENDER: &str = "ask the sender for the passphrase";

/// The first line of a file.
async fn read_file(path: &Path, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    if path.as_os_str() == "-" {
        let hint = Hint::line("use --passphrase-file FILE, or -p for a prompt");
        return Err(Failure::usage("--passphrase-file does not read standard input", hint));
    }
    let source = path.to_owned();
    let text = cx.unless_interrupted(move || fs::read_to_string(source).map(Zeroizing::new)).await?;
    let text = text.map_err(|error| Failure::path(path, &error, "nothing was sent or opened"))?;
    let first = text.lines().next().unwrap_or_default();
    if first.is_empty() {
        return Err(Failure::usage("the passphrase is empty", "put the passphrase on the first line of the file"));
    }
    Ok(Zeroizing::new(first.to_owned()))
}

async fn ask(twice: bool, cx: &Context) -> Result<Zeroizing<String>, Failure> {
    if !prompt::possible() {
        return Err(Failure::usage(
            "a passphrase is required, and there is no terminal to prompt on",
            Hint::run("--passphrase-file FILE"),
        ));
    }
    let first = prompt::ask_hidden("Passphrase:", cx).await?;
    if twice && !first.is_empty() && *prompt::ask_hidden("Repeat the passphrase:", cx).await? != *first {
        return Err(Failure::usage("the passphrases differ", "run the command again; nothing was sent"));
    }
    Ok(first)
}
