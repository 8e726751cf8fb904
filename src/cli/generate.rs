//! `share completions` and `share man`: completions and manual pages, from the same definitions with which the program
//! parses its arguments.

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};

/// Print completions for a shell
#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Print the manual page, or the one of a command
#[derive(Args)]
pub(super) struct ManArgs {
    /// The command, such as `send` or `relay use`
    command: Vec<String>,
}

/// Runs `share completions`.
pub(super) fn completions(args: &CompletionsArgs, mut command: clap::Command, cx: &Context) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "share", &mut text);
    let text = String::from_utf8_lossy(&text);
    cx.output.answer("completions", json!({ "text": text }), text.trim_end())
}

/// Runs `share man`.
pub(super) fn man(args: &ManArgs, mut command: clap::Command, cx: &Context) -> Result<(), Failure> {
    command.build();
    for name in args.command.iter().flat_map(|word| word.split('-')) {
        let called = |sub: &&clap::Command| sub.get_name() == name || sub.get_all_aliases().any(|alias| alias == name);
        let found = command.get_subcommands().find(called).cloned();
        command = found.ok_or_else(|| Failure::usage("there is no such command", Hint::run("share --help")))?;
    }
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(anyhow::Error::from)?;
    let text = String::from_utf8_lossy(&text);
    cx.output.answer("man", json!({ "text": text }), text.trim_end())
}
