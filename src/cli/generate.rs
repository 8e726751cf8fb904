//! `share completions` and `share man`: completions and manual pages, from the definition of the command line.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueHint};
use clap_complete::Shell;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;
use crate::cli::{help, manual};

/// Print completions for a shell
#[derive(Args)]
#[command(after_long_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// Name of the shell
    shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  share completions bash >~/.local/share/bash-completion/completions/share
  share completions fish >~/.config/fish/completions/share.fish";

/// Print a manual page, or write all of them
#[derive(Args)]
#[command(after_long_help = MAN_EXAMPLES)]
pub(super) struct ManArgs {
    /// Command, such as `send` or `relay use` [default: overview]
    command: Vec<String>,
    /// Write all pages to DIR
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    output: Option<PathBuf>,
}

const MAN_EXAMPLES: &str = "\
Examples:
  share man | man -l -
  share man send | man -l -
  share man --output ~/.local/share/man/man1";

/// The words that `share man` takes, for completions. Other words are errors of `share man` itself.
#[derive(Clone)]
struct CommandNames(Vec<PossibleValue>);

impl TypedValueParser for CommandNames {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &std::ffi::OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}

/// Lets completions offer the names of commands to `share man`.
pub(super) fn with_command_names(command: Command) -> Command {
    fn collect(command: &Command, names: &mut BTreeSet<String>) {
        for below in command.get_subcommands() {
            names.insert(below.get_name().to_owned());
            collect(below, names);
        }
    }
    let mut names = BTreeSet::new();
    collect(&command, &mut names);
    let names = CommandNames(names.into_iter().map(PossibleValue::new).collect());
    command
        .mut_subcommand("man", |man| man.mut_arg("command", |arg| arg.value_parser(names).hide_possible_values(true)))
}

/// Runs `share completions`.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command, cx: &Context) -> Result<(), Failure> {
    command.build();
    let mut command = with_own_words(command);
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "share", &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if args.shell == Shell::Fish {
        fish_arguments(&command, None, &mut text);
    }
    cx.output.answer("completions", json!({ "text": text }), text.trim_end())
}

/// A command that is built, with our words for the help that clap adds.
fn with_own_words(command: Command) -> Command {
    let is_help = |arg: &Arg| arg.get_id().as_str() == "help";
    command.mut_args(|arg| if is_help(&arg) { arg.help("Print help") } else { arg }).mut_subcommands(|below| {
        if below.get_name() == "help" { below.about("Print the help of a command") } else { with_own_words(below) }
    })
}

/// Adds completions of arguments for fish: clap makes them for options alone, and without any, fish offers files.
fn fish_arguments(command: &Command, parent: Option<&str>, text: &mut String) {
    for below in help::commands(command) {
        let name = below.get_name();
        let condition = match parent {
            None => format!("__fish_share_using_subcommand {name}"),
            Some(parent) => format!("__fish_share_using_subcommand {parent}; and __fish_seen_subcommand_from {name}"),
        };
        let argument = below.get_positionals().next();
        let values: Vec<_> = argument.into_iter().flat_map(Arg::get_possible_values).collect();
        let values: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        let takes_file = argument.is_some_and(|argument| argument.get_value_hint() == ValueHint::FilePath);
        if !values.is_empty() {
            let _ = writeln!(text, "complete -c share -n \"{condition}\" -f -a \"{}\"", values.join(" "));
        } else if !takes_file {
            let _ = writeln!(text, "complete -c share -n \"{condition}\" -f");
        }
        fish_arguments(below, Some(name), text);
    }
}

/// Runs `share man`.
pub(super) fn man(args: &ManArgs, command: Command, cx: &Context) -> Result<(), Failure> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    if let Some(directory) = &args.output {
        return write_all(&command, directory, cx);
    }
    let root = command.clone();
    for name in args.command.iter().flat_map(|word| word.split('-')) {
        let called = |sub: &&Command| sub.get_name() == name || sub.get_all_aliases().any(|alias| alias == name);
        let found = command.get_subcommands().find(called).cloned();
        command = found.ok_or_else(|| Failure::usage("there is no such command", Hint::run("share --help")))?;
    }
    let text = manual::page(&command, &root);
    cx.output.answer("man", json!({ "text": text }), text.trim_end())
}

/// Writes the page of each command to `directory`.
fn write_all(root: &Command, directory: &Path, cx: &Context) -> Result<(), Failure> {
    fn collect<'a>(command: &'a Command, all: &mut Vec<&'a Command>) {
        all.push(command);
        help::commands(command).for_each(|below| collect(below, all));
    }
    let mut all = Vec::new();
    collect(root, &mut all);
    let failed = |error| Failure::path(directory, &error, "name a directory that you can write to");
    fs::create_dir_all(directory).map_err(failed)?;
    for command in &all {
        fs::write(directory.join(format!("{}.1", manual::name(command))), manual::page(command, root))
            .map_err(failed)?;
    }
    let text = format!("Wrote {} pages to {}.", all.len(), format::path(directory));
    cx.output.event("man", json!({ "pages": all.len(), "path": directory.to_string_lossy() }), &text);
    Ok(())
}
