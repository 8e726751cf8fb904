//! Manual pages. They have the texts of the helps, and beside these the environment and the files.

use clap::Command;
use roff::{Roff, bold, roman};

use crate::cli::help::{self, EXAMPLES, EXIT_CODES, Form, Row};

/// Variables, as the manual lists them.
const ENVIRONMENT: [(&str, &str); 21] = [
    ("SHARE_RELAY", "Relay to upload to, unless --relay is given."),
    ("SHARE_EXPIRE", "How long a share waits to be opened, unless --expire is given."),
    ("SHARE_FROM", "Name of the sender for recipients, unless --from is given."),
    ("SHARE_LINK", "Link to open."),
    ("SHARE_PASSPHRASE_FILE", "File whose first line is the passphrase."),
    ("SHARE_CREATE_TOKEN", "Create token, for a relay that requires one."),
    ("SHARE_GIVE_UP", "How long to retry when a relay does not answer, unless --give-up is given."),
    ("SHARE_STATE_DIR", "Directory of the state, unless --state-dir is given."),
    ("SHARE_VIEWER", "How photos, videos and text are shown: kitty, iterm, sixel, blocks, browser, or a program."),
    ("SHARE_LISTEN", "Address on which a relay or a direct share listens."),
    ("SHARE_INTERFACE", "Network interface of direct shares, such as wlan0."),
    ("SHARE_PUBLIC_URL", "Address in the links of a relay or a direct share."),
    ("SHARE_ADMIN", "Address of the admin listener of a relay."),
    ("SHARE_STORE", "Where a relay stores shares."),
    ("SHARE_OPERATOR_RECIPIENT", "Age key to which recipients can report what a relay brought them."),
    ("SHARE_CONTACT", "How to reach the operator of a relay."),
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
        "Settings: relay, expire, from, give_up, listen, interface, public_url, viewer. Options and variables win.",
    ),
    (
        "~/.local/state/share",
        "State: this device's secret, what was sent and what is being opened, and create tokens; never a link. A relay \
         listens on relay.sock there.",
    ),
];

/// The name of a page, such as `share-send`.
pub(super) fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command that is built, in section 1. `root`: the program.
pub(super) fn page(command: &Command, root: &Command) -> String {
    let mut roff = Roff::new();
    // No hyphens, which would break the names of options and variables, and no wide spaces.
    roff.control("nh", []).control("ad", ["l"]);
    let about = help::about(command, Form::Summary);
    section(&mut roff, "NAME", &format!("{} - {about}", name(command)));
    synopsis(&mut roff, command);
    description(&mut roff, command);
    let (commands, options): (Vec<_>, Vec<_>) =
        help::sections(command, Form::Full).into_iter().partition(|(heading, _)| heading == "Commands");
    for (_, rows) in commands {
        let rows = rows.into_iter().map(|row| (format!("{}-{}(1)", name(command), row.name), row.text));
        table(&mut roff, "COMMANDS", rows);
    }
    roff.control("SH", ["OPTIONS"]);
    for (heading, rows) in options {
        roff.control("SS", [heading.as_str()]);
        for row in &rows {
            option(&mut roff, row);
        }
    }
    examples(&mut roff, command);
    let codes = EXIT_CODES.iter().map(|(code, meaning)| (code.to_string(), (*meaning).to_owned()));
    table(&mut roff, "EXIT STATUS", codes);
    roff.control("PP", []);
    roff.text([roman("After codes 6 and 8 it is safe to run the same command again.")]);
    if name(command) == name(root) {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        table(&mut roff, "ENVIRONMENT", ENVIRONMENT.iter().map(owned));
        table(&mut roff, "FILES", FILES.iter().map(owned));
    }
    see_also(&mut roff, command, root);
    // An empty date: the page would differ from build to build.
    let title = name(command).to_uppercase();
    format!(".TH {title} 1 \"\" \"share {}\" \"User Commands\"\n{}", env!("CARGO_PKG_VERSION"), roff.render())
}

fn section(roff: &mut Roff, heading: &str, text: &str) {
    roff.control("SH", [heading]);
    roff.text([roman(text)]);
}

fn synopsis(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    let name = command.get_bin_name().unwrap_or("share");
    for (number, line) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        if number > 0 {
            roff.control("br", []);
        }
        roff.text([bold(name), roman(line.strip_prefix(name).unwrap_or(line))]);
    }
}

/// The paragraphs after the line that stands under `NAME`, if there are some. Lines that are indented stay as they are.
fn description(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["DESCRIPTION"]);
    let text = help::about(command, Form::Full);
    let text = text.split_once("\n\n").map_or(text.as_str(), |(_, more)| more);
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            roff.control("PP", []);
        }
        if paragraph.starts_with(' ') {
            verbatim(roff, paragraph);
        } else {
            roff.text([roman(paragraph)]);
        }
    }
}

fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

/// A section of names, each with a text.
fn table(roff: &mut Roff, heading: &str, rows: impl Iterator<Item = (String, String)>) {
    roff.control("SH", [heading]);
    for (name, text) in rows {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    }
}

fn option(roff: &mut Roff, row: &Row) {
    roff.control("TP", []);
    roff.text([bold(row.name.trim_start()), roman(row.value.as_str())]);
    roff.text([roman(row.text.as_str())]);
    for (value, what) in &row.values {
        roff.control("br", []);
        roff.text([bold(value.as_str()), roman(format!(": {what}"))]);
    }
}

fn examples(roff: &mut Roff, command: &Command) {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    roff.control("SH", ["EXAMPLES"]);
    verbatim(roff, text.split("\n\n").find_map(|block| block.strip_prefix(EXAMPLES)).unwrap_or_default());
}

/// The program for its commands, and the commands beside or below this one.
fn see_also(roff: &mut Roff, command: &Command, root: &Command) {
    let own = help::commands(command).map(name);
    let others = help::commands(root).map(name);
    let mut names: Vec<_> = [name(root)].into_iter().chain(own).chain(others).collect();
    let mut seen = std::collections::HashSet::from([name(command)]);
    names.retain(|name| seen.insert(name));
    let names: Vec<_> = names.into_iter().map(|name| format!("{name}(1)")).collect();
    section(roff, "SEE ALSO", &names.join(", "));
}
