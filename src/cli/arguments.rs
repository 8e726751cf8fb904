//! Parsing of the arguments, and errors in them.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::num::ParseIntError;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, FromArgMatches};

use crate::cli::help::{self, Form};
use crate::cli::input::prompt;
use crate::cli::output::errors::{self, Failure, Hint};
use crate::cli::output::{self, Output, format};
use crate::link::Link;
use crate::safe_text::printable;
use crate::secret::FRAGMENT_PREFIX;

/// A name that no variable can have.
const NO_VARIABLE: &str = "";

/// The arguments of the process.
pub(super) struct Arguments<C> {
    pub(super) cli: C,
    /// A question to ask before the command runs: `share FILE` does not name a command.
    pub(super) question: Option<String>,
}

/// Parses the arguments. What was printed instead, a help text or an error, has an exit code.
pub(super) fn parse<C: FromArgMatches>(command: Command, arguments: &[OsString]) -> Result<Arguments<C>, ExitCode> {
    let mut command = lenient(command);
    let error = match parsed(&mut command, arguments) {
        Ok(cli) => return Ok(Arguments { cli, question: None }),
        Err(error) => error,
    };
    command.build();
    let form = match error.kind() {
        ErrorKind::DisplayVersion => return Err(output::help(&error)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Form::Overview,
        ErrorKind::DisplayHelp if wants_all(arguments) => Form::Full,
        ErrorKind::DisplayHelp => Form::Summary,
        _ => {
            if let Some((at, question)) = question(&error, arguments) {
                let (before, after) = arguments.split_at(at);
                let as_send = [before, &["send".into()], after].concat();
                if let Ok(cli) = parsed(&mut command, &as_send) {
                    return Ok(Arguments { cli, question: Some(question) });
                }
            }
            let failure = failure(&error, arguments, &command);
            return Err(Output::new(false, wants_json(arguments)).failure(&failure));
        }
    };
    let mut command = help::set(command, form, output::stdout_columns());
    let error = command.try_get_matches_from_mut(arguments).err().unwrap_or(error);
    Err(if form == Form::Overview { output::help_instead(&error) } else { output::help(&error) })
}

fn parsed<C: FromArgMatches>(command: &mut Command, arguments: &[OsString]) -> Result<C, clap::Error> {
    command.try_get_matches_from_mut(arguments).and_then(|found| C::from_arg_matches(&found))
}

/// Arguments as people give them. A variable that is empty is one that is not set.
fn lenient(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        // The last one counts: an alias of the shell may have set it before.
        .args_override_self(true)
        // A variable may hold a link.
        .mut_args(|arg| if is_empty(&arg) { arg.env(NO_VARIABLE) } else { arg.hide_env_values(true) })
        .mut_subcommands(lenient)
}

/// Whether the whole help is asked for, and not a summary.
fn wants_all(arguments: &[OsString]) -> bool {
    let is_option = |argument: &&OsString| argument.as_encoded_bytes().starts_with(b"-");
    arguments.iter().any(|argument| argument == "--help")
        || arguments.iter().skip(1).find(|argument| !is_option(argument)).is_some_and(|word| word == "help")
}

/// Whether errors are printed as JSON. Errors in the arguments are found before `--json` is parsed.
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

/// The files at the place of a command, and where they begin among the arguments.
fn files<'a>(error: &clap::Error, arguments: &'a [OsString]) -> Option<(usize, &'a [OsString])> {
    let word = context(error, ContextKind::InvalidSubcommand)?;
    let at = arguments.iter().position(|argument| *argument == *word)?;
    let is_file = |argument: &&OsString| Path::new(argument).is_file();
    let count = arguments[at..].iter().take_while(is_file).count();
    (count > 0).then(|| (at, &arguments[at..at + count]))
}

/// The question whether to send the files that stand at the place of a command, if there is a user to answer it.
fn question(error: &clap::Error, arguments: &[OsString]) -> Option<(usize, String)> {
    let (at, files) = files(error, arguments)?;
    let is_interactive = io::stdin().is_terminal() && output::stdout_is_terminal() && prompt::possible();
    if !is_interactive || wants_json(arguments) || arguments.iter().any(|argument| is_secret(argument)) {
        return None;
    }
    let name = printable(&files[0].to_string_lossy());
    let what = match files.len() {
        1 => name,
        2 => format!("{name} and 1 other file"),
        count => format!("{name} and {} other files", count - 1),
    };
    Some((at, format!("Send {what}? [y]es, [n]o")))
}

/// The text in a clap error that is wrong, or that it suggests.
fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    }
}

/// A clap error in our words. Neither a link nor a text among the arguments is ever repeated.
fn failure(error: &clap::Error, arguments: &[OsString], command: &Command) -> Failure {
    let word = context(error, ContextKind::InvalidSubcommand).filter(|_| error.kind() != ErrorKind::MissingSubcommand);
    let meant = named(arguments, command);
    let path = meant.get_bin_name().and_then(|name| name.split_once(' ')).map(|(_, path)| format!("{path} "));
    let path = path.unwrap_or_default();
    let help = Hint::run(format!("share {path}--help"));
    if arguments.iter().any(|argument| is_secret(argument)) {
        return if word.is_some_and(|word| is_secret(OsStr::new(&word))) {
            Failure::usage("a link is not a command", Hint::line("run share open and paste the link at the prompt"))
        } else {
            Failure::usage("invalid arguments", help)
        };
    }
    if let Some(word) = word {
        return no_such_command(&word, &path, error, arguments);
    }
    let wrong = context(error, ContextKind::InvalidArg).map(|text| printable(&text)).unwrap_or_default();
    let value = context(error, ContextKind::InvalidValue).map(|text| printable(&text)).unwrap_or_default();
    match error.kind() {
        ErrorKind::MissingSubcommand => Failure::usage("a command is missing", Hint::run("share --help")),
        ErrorKind::MissingRequiredArgument => Failure::usage(format!("{wrong} is missing"), help),
        ErrorKind::UnknownArgument => {
            let kind = if wrong.starts_with('-') { "unknown option" } else { "unexpected argument" };
            let hint = context(error, ContextKind::SuggestedArg)
                .map_or(help, |similar| Hint::line(format!("did you mean {}?", printable(&similar))));
            Failure::usage(format!("{kind} '{wrong}'"), hint)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if value.is_empty() => {
            Failure::usage(format!("'{wrong}' needs a value"), help)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let name = variable(meant, &wrong, &value, arguments).unwrap_or_else(|| format!("'{wrong}'"));
            invalid_value(error, &value, &name, help)
        }
        ErrorKind::TooManyValues => Failure::usage(format!("'{wrong}' takes no value"), help),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Failure::usage(printable(first), help)
        }
    }
}

/// `path`: the commands before the word, each followed by a space.
fn no_such_command(word: &str, path: &str, error: &clap::Error, arguments: &[OsString]) -> Failure {
    let hint = if let Some((_, files)) = files(error, arguments) {
        let names: Vec<_> = files.iter().map(|file| format::quoted(&file.to_string_lossy())).collect();
        Hint::run(format!("share send {}", names.join(" ")))
    } else if Path::new(word).is_dir() {
        errors::is_a_directory(Path::new(word)).message().hint.unwrap_or_else(|| Hint::run("share send --help"))
    } else if let Some(similar) = context(error, ContextKind::SuggestedSubcommand) {
        Hint::run(format!("share {path}{similar}"))
    } else {
        Hint::run(format!("share {path}--help"))
    };
    Failure::usage(format!("'{}' is not a command", printable(word)), hint)
}

/// An error about a value. `name`: the option or variable that has it.
fn invalid_value(error: &clap::Error, value: &str, name: &str, help: Hint) -> Failure {
    let why = std::error::Error::source(error).map(|why| {
        let is_number = !why.is::<ParseIntError>();
        if is_number { format!(": {}", printable(&why.to_string())) } else { ": it is not a number".to_owned() }
    });
    let hint = match (context(error, ContextKind::SuggestedValue), error.get(ContextKind::ValidValue)) {
        (Some(similar), _) => format!("did you mean '{}'?", printable(&similar)).into(),
        (None, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            format!("one of: {}", values.join(", ")).into()
        }
        _ => help,
    };
    Failure::usage(format!("invalid value '{value}' for {name}{}", why.unwrap_or_default()), hint)
}

/// The variable from which an invalid value comes, unless it comes from the arguments.
fn variable(command: &Command, arg: &str, value: &str, arguments: &[OsString]) -> Option<String> {
    if arguments.iter().any(|argument| argument.to_string_lossy().ends_with(value)) {
        return None;
    }
    let found = command.get_arguments().find(|found| found.to_string() == arg)?;
    let variable = found.get_env()?.to_string_lossy().into_owned();
    (std::env::var(&variable).ok()? == value).then_some(variable)
}

/// The command that was named, as far as its names are known.
fn named<'a>(arguments: &[OsString], command: &'a Command) -> &'a Command {
    arguments.iter().skip(1).fold(command, |command, argument| command.find_subcommand(argument).unwrap_or(command))
}
