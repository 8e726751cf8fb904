//! `share completions` and `share man`: completions and manual pages, from the definition of the command line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::help::{self, EXAMPLES, EXIT_CODES};
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format;

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

/// Variables, as the manual lists them.
const ENVIRONMENT: [(&str, &str); 17] = [
    ("SHARE_RELAY", "Relay to upload to, unless --relay is given."),
    ("SHARE_EXPIRE", "How long a share waits to be opened, unless --expire is given."),
    ("SHARE_LINK", "Link to open."),
    ("SHARE_PASSPHRASE_FILE", "File whose first line is the passphrase."),
    ("SHARE_CREATE_TOKEN", "Create token, for a relay that requires one."),
    ("SHARE_GIVE_UP", "How long to retry when a relay does not answer, unless --give-up is given."),
    ("SHARE_STATE_DIR", "Directory of the state, unless --state-dir is given."),
    ("SHARE_VIEWER", "How photos, videos and text are shown: kitty, iterm, sixel, blocks, browser, or a program."),
    ("SHARE_LISTEN", "Address on which a relay or a direct share listens."),
    ("SHARE_INTERFACE", "Network interface of direct shares, such as wlan0."),
    ("SHARE_PUBLIC_URL", "Address in the links of a relay or a direct share."),
    ("SHARE_STORE", "Where a relay stores shares."),
    ("SHARE_QUIET", "Same as --quiet, unless it is empty, 0, no or false."),
    ("SHARE_JSON", "Same as --json, unless it is empty, 0, no or false."),
    ("SHARE_LOG", "Level of log lines: error, warn, info, debug or trace; 1 and 2 are -v and -vv."),
    ("AWS_…, GOOGLE_…, AZURE_…", "Addresses of buckets, and the credentials for them."),
    ("NO_COLOR, TERM, LANG", "Colors and character set of the terminal, as in other programs."),
];

/// Files, as the manual lists them.
const FILES: [(&str, &str); 2] = [
    (
        "~/.config/share/config.toml",
        "Settings: relay, expire, give_up, listen, interface, public_url and viewer. Options and variables win over it.",
    ),
    (
        "~/.local/state/share",
        "State: this device's secret, what was sent and what is being opened, and create tokens; never a link.",
    ),
];

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
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "share", &mut text);
    let text = String::from_utf8_lossy(&text);
    cx.output.answer("completions", json!({ "text": text }), text.trim_end())
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
    let text = page(&command, &root)?;
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
    let failed = |error| Failure::path(directory, &error, "name a directory that can be written");
    fs::create_dir_all(directory).map_err(failed)?;
    for command in &all {
        fs::write(directory.join(format!("{}.1", title(command))), page(command, root)?).map_err(failed)?;
    }
    let text = format!("Wrote {} pages to {}.", all.len(), format::path(directory));
    cx.output.event("man", json!({ "pages": all.len(), "path": directory.to_string_lossy() }), &text);
    Ok(())
}

/// The name of a page, such as `share-send`.
fn title(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The manual page of a command.
fn page(command: &Command, root: &Command) -> Result<String, Failure> {
    let is_root = command.get_name() == root.get_name();
    let source = format!("share {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().version(None::<&str>)).source(source).manual("share manual");
    let mut text = Vec::new();
    let mut roff = Roff::new();
    let rendered = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| synopsis(command).to_writer(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| {
            if help::commands(command).next().is_some() { commands(command).to_writer(&mut text) } else { Ok(()) }
        })
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| {
            examples(command, &mut roff);
            table(&mut roff, "EXIT STATUS", EXIT_CODES.iter().map(|(code, meaning)| (code.to_string(), *meaning)));
            if is_root {
                table(&mut roff, "ENVIRONMENT", ENVIRONMENT.iter().map(|(name, text)| ((*name).to_owned(), *text)));
                table(&mut roff, "FILES", FILES.iter().map(|(name, text)| ((*name).to_owned(), *text)));
            }
            see_also(command, root, &mut roff);
            roff.to_writer(&mut text)
        });
    rendered.map_err(anyhow::Error::from)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn synopsis(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    for (number, line) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        if number > 0 {
            roff.control("br", []);
        }
        let name = command.get_bin_name().unwrap_or("share");
        roff.text([bold(name), roman(line.strip_prefix(name).unwrap_or(line))]);
    }
    roff
}

fn commands(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let rows = help::commands(command)
        .map(|below| (format!("{}(1)", title(below)), below.get_about().map(ToString::to_string).unwrap_or_default()));
    table(&mut roff, "COMMANDS", rows);
    roff
}

/// A section of names, each with a text.
fn table(roff: &mut Roff, heading: &str, rows: impl Iterator<Item = (String, impl Into<String>)>) {
    roff.control("SH", [heading]);
    for (name, text) in rows {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    }
}

fn examples(command: &Command, roff: &mut Roff) {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let examples = text.split("\n\n").find_map(|block| block.strip_prefix(EXAMPLES));
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in examples.unwrap_or_default().lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn see_also(command: &Command, root: &Command, roff: &mut Roff) {
    let parent = title(command).rsplit_once('-').map(|(parent, _)| parent.to_owned());
    let others = help::commands(if parent.is_some() { root } else { command });
    let names = parent.iter().map(String::as_str).chain(others.map(title)).filter(|name| *name != title(command));
    let mut names: Vec<_> = names.map(|name| format!("{name}(1)")).collect();
    names.dedup();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(names.join(", "))]);
}
