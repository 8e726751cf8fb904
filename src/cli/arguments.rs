//! The arguments: how people write them, and errors in them.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{self, Output, format};
use crate::link::Link;
use crate::safe_text::printable;
use crate::secret::FRAGMENT_PREFIX;

/// A name that no variable can have.
const NO_VARIABLE: &str = "";

/// Arguments as people give them. A variable that is empty is one that is not set.
pub(super) fn lenient(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        // The last one counts: an alias may have set it before.
        .args_override_self(true)
        .mut_args(|arg| if is_empty(&arg) { arg.env(NO_VARIABLE) } else { arg })
        .mut_subcommands(lenient)
}

/// Reports an error of clap's, or prints the help or version that was asked for.
pub(super) fn report(error: &clap::Error, arguments: &[OsString], command: &clap::Command) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output::help(error),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => output::help_instead(error),
        _ => Output::new(false, wants_json(arguments)).failure(&failure(error, arguments, command)),
    }
}

/// Whether the errors are for a program. They are found before that is parsed.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--json")
        || std::env::var("SHARE_JSON").is_ok_and(|value| !matches!(&*value, "" | "0" | "false" | "no" | "off"))
}

/// Whether an argument is a link, or holds a text or a passphrase. A piece of a key counts too, however short it is.
fn is_secret(argument: &OsStr) -> bool {
    let argument = argument.to_string_lossy();
    let lower = argument.to_ascii_lowercase();
    Link::is_in(&argument)
        || lower.contains(FRAGMENT_PREFIX)
        || lower.starts_with("--text")
        || lower.starts_with("--passphrase=")
}

/// Returns the text that clap found wrong, or the one that it suggests.
fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    }
}

/// An error of clap's in our form. Neither a link nor a text among the arguments is ever repeated.
fn failure(error: &clap::Error, arguments: &[OsString], command: &clap::Command) -> Failure {
    let is_missing = error.kind() == ErrorKind::MissingSubcommand;
    let word = context(error, ContextKind::InvalidSubcommand).filter(|_| !is_missing);
    if arguments.iter().any(|argument| is_secret(argument)) {
        return if word.is_some_and(|word| is_secret(OsStr::new(&word))) {
            Failure::usage("a link is not a command", Hint::line("share open, and paste the link when it asks"))
        } else {
            Failure::usage("these arguments cannot be understood", help_for(arguments, command))
        };
    }
    if let Some(word) = word {
        return no_such_command(&word, context(error, ContextKind::SuggestedSubcommand));
    }
    match (error.kind(), context(error, ContextKind::InvalidArg)) {
        (ErrorKind::MissingSubcommand, _) => Failure::usage("a command is missing", Hint::run("share --help")),
        (ErrorKind::MissingRequiredArgument, Some(missing)) => {
            Failure::usage(format!("{missing} is missing"), help_for(arguments, command))
        }
        _ => in_claps_words(error, help_for(arguments, command)),
    }
}

fn no_such_command(word: &str, similar: Option<String>) -> Failure {
    let hint = if Path::new(word).exists() {
        Hint::run(format!("share send {}", format::quoted(word)))
    } else if let Some(meant) = similar {
        Hint::run(format!("share {meant}"))
    } else {
        Hint::run("share --help")
    };
    Failure::usage(format!("{} is not a command", printable(word)), hint)
}

/// The first line of clap's text, with its tip or the possible values.
fn in_claps_words(error: &clap::Error, help: Hint) -> Failure {
    let text = error.to_string();
    let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(printable);
    let hint = match (tip, error.get(ContextKind::ValidValue)) {
        // A tip names an argument to use, unless it is about a value.
        (Some(tip), _) if error.get(ContextKind::SuggestedValue).is_none() => Hint::line(tip),
        (Some(tip), _) => tip.into(),
        (None, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            format!("one of: {}", values.join(", ")).into()
        }
        (None, _) => help,
    };
    Failure::usage(printable(what), hint)
}

/// The help of the command that was meant, if one was.
fn help_for(arguments: &[OsString], command: &clap::Command) -> Hint {
    let named = arguments.iter().skip(1).find_map(|argument| command.find_subcommand(argument));
    Hint::run(named.map_or_else(|| "share --help".to_owned(), |found| format!("share {} --help", found.get_name())))
}
