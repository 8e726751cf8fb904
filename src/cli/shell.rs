//! `share completions` and `share man`: what shells and manuals want to know, from the same definitions that the
//! program reads its arguments by.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use super::failure::Trouble;
use super::{Cli, Context};

/// Print completions for a shell
#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Print the manual page, or the one of a command
#[derive(Args)]
pub(super) struct ManArgs {
    /// The command
    command: Option<String>,
}

/// Runs `share completions`.
pub(super) fn completions(args: &CompletionsArgs, cx: &Context) -> Result<(), Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "share", &mut text);
    let text = String::from_utf8_lossy(&text);
    print("completions", &text, cx)
}

/// Runs `share man`.
pub(super) fn man(args: &ManArgs, cx: &Context) -> Result<(), Trouble> {
    let mut command = Cli::command();
    command.build();
    if let Some(name) = &args.command {
        let called = |sub: &&clap::Command| sub.get_name() == name || sub.get_all_aliases().any(|alias| alias == name);
        let found = command.get_subcommands().find(called).cloned();
        command = found.ok_or_else(|| Trouble::usage("there is no such command", "share --help lists the commands"))?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(anyhow::Error::from)?;
    print("man", &String::from_utf8_lossy(&text), cx)
}

fn print(event: &str, text: &str, cx: &Context) -> Result<(), Trouble> {
    match cx.output.result(event, json!({ "text": text }), text.trim_end()) {
        // Whoever pages through it may stop.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::Error::from(error).into()),
        _ => Ok(()),
    }
}
