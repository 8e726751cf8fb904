//! Help texts. `-h` is a summary that fits a screen of 80 × 40; `--help` has every option and examples.
//!
//! clap aligns each group of options by itself and gives every option of `--help` a paragraph. Here all groups of a
//! command share one column, in both forms.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::builder::styling::Style;
use clap::{Arg, Command};
use textwrap::{WordSeparator, WordSplitter};

/// Exit codes, as the help, the manual and the README list them.
pub(super) const EXIT_CODES: [(u8, &str); 11] = [
    (0, "success"),
    (1, "unexpected error"),
    (2, "invalid arguments or link"),
    (3, "already opened"),
    (4, "expired, revoked, locked or unknown"),
    (5, "wrong passphrase or identity"),
    (6, "relay unreachable, busy or full"),
    (7, "damaged or altered in transit"),
    (8, "local file error"),
    (9, "refused by the relay"),
    (130, "interrupted or declined"),
];

/// The heading of the options that every command has.
pub(super) const COMMON: &str = "Common options";

/// The heading of the examples of a command, in its `after_long_help`.
pub(super) const EXAMPLES: &str = "Examples:\n";

/// Columns of a help text: more would make lines that are hard to read.
const COLUMNS: usize = 80;
/// Columns of the names of options; a longer name has its text on the next line.
const MAX_NAME: usize = 30;
/// The fewest columns for the text beside a name.
const MIN_TEXT: usize = 28;

/// The form of a help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The answer to `share` alone.
    Overview,
    /// `-h`.
    Summary,
    /// `--help`, and the command `help`.
    Full,
}

/// Sets the help of a command that is built, and of every command below it.
pub(super) fn set(command: Command, form: Form, columns: Option<usize>) -> Command {
    let columns = columns.unwrap_or(COLUMNS).min(COLUMNS);
    let is_root = command.get_bin_name() == Some("share");
    let text = if is_root && form == Form::Overview { overview(&command) } else { text(&command, form, columns) };
    command.override_help(StyledStr::from(text)).mut_subcommands(|below| set(below, form, Some(columns)))
}

/// The commands that are listed.
pub(super) fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

/// The answer to `share` alone.
fn overview(command: &Command) -> String {
    let (header, literal) = (command.get_styles().get_header(), command.get_styles().get_literal());
    let names: Vec<_> = commands(command).map(Command::get_name).collect();
    let examples = [
        ("share send photo.jpg", "Print a link that works once"),
        ("share send", "Type a text or a secret to send"),
        ("share open", "Open a link that you received"),
    ];
    let examples = examples.map(|(line, what)| format!("  {literal}{line:22}{literal:#}{what}\n"));
    format!(
        "{}\n\n{}\n{header}Commands:{header:#} {}\n\n\
         Run `share --help` for more, or `share COMMAND --help` for one command.\n",
        about(command, Form::Summary),
        examples.concat(),
        filled(&names.join(", "), COLUMNS, "Commands: ".len())
    )
}

/// The description of a command: in one line, or all of it.
pub(super) fn about(command: &Command, form: Form) -> String {
    let long = command.get_long_about().filter(|_| form == Form::Full);
    long.or(command.get_about()).map(ToString::to_string).unwrap_or_default()
}

/// Breaks a line between words, and indents all lines but the first. Lines that are indented are not broken.
fn filled(line: &str, columns: usize, indent: usize) -> String {
    if line.starts_with(' ') {
        return line.to_owned();
    }
    // A variable and its label stay on one line.
    let line = line.replace("[env: ", "[env:\u{a0}").replace("[default: ", "[default:\u{a0}");
    let options = textwrap::Options::new(columns.saturating_sub(indent).max(MIN_TEXT)).break_words(false);
    let options = options.word_separator(WordSeparator::AsciiSpace).word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(&line, options).replace('\u{a0}', " ").replace('\n', &format!("\n{}", " ".repeat(indent)))
}

/// A command, an argument or an option, with its text.
pub(super) struct Row {
    /// The name; an option's long name stands under those of others with a short one.
    pub(super) name: String,
    /// The value that follows the name of an option.
    pub(super) value: String,
    pub(super) text: String,
    /// Values with texts of their own.
    pub(super) values: Vec<(String, String)>,
}

fn text(command: &Command, form: Form, columns: usize) -> String {
    let (header, literal) = (command.get_styles().get_header(), command.get_styles().get_literal());
    let paragraphs: Vec<_> = about(command, form).lines().map(|line| filled(line, columns, 0)).collect();
    // Usage has its own styles.
    let usage = command.clone().render_usage();
    let mut text = format!("{}\n\n{}\n", paragraphs.join("\n"), usage.ansi());
    let sections = sections(command, form);
    let widths = sections.iter().flat_map(|(_, rows)| rows).map(Row::width);
    let column = widths.filter(|width| *width <= MAX_NAME).max().unwrap_or(0) + 4;
    for (heading, rows) in sections {
        let _ = writeln!(text, "\n{header}{heading}:{header:#}");
        for row in rows {
            row.write(&mut text, literal, column, columns);
        }
    }
    match (form, command.get_after_long_help()) {
        (Form::Full, Some(more)) => {
            for block in more.to_string().split("\n\n") {
                let (heading, lines) = block.split_once('\n').unwrap_or((block, ""));
                let _ = writeln!(text, "\n{header}{heading}{header:#}\n{lines}");
            }
        }
        (Form::Full, None) => {}
        _ => {
            let line = match command.get_bin_name() {
                Some("share") | None => {
                    "Run `share --help` for exit codes, or `share COMMAND --help` for one command.".to_owned()
                }
                Some(name) => format!("Run `{name} --help` for all options and examples."),
            };
            let _ = writeln!(text, "\n{}", filled(&line, columns, 0));
        }
    }
    text
}

/// The rows of a help text, by their headings.
pub(super) fn sections(command: &Command, form: Form) -> Vec<(String, Vec<Row>)> {
    let mut sections: Vec<(String, Vec<Row>)> = Vec::new();
    let mut add = |heading: &str, row| match sections.iter_mut().find(|(known, _)| known == heading) {
        Some((_, rows)) => rows.push(row),
        None => sections.push((heading.to_owned(), vec![row])),
    };
    for below in commands(command) {
        add("Commands", Row::of_command(below));
    }
    let is_shown = |arg: &&Arg| !arg.is_hide_set() && (form == Form::Full || !arg.is_hide_short_help_set());
    let (positional, options): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(is_shown).partition(|arg| arg.is_positional());
    for arg in positional {
        add("Arguments", Row::of_arg(arg, form));
    }
    let is_common = |arg: &Arg| arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str());
    let (common, own): (Vec<_>, Vec<_>) = options.into_iter().partition(|arg| is_common(arg));
    for arg in own {
        add(arg.get_help_heading().unwrap_or("Options"), Row::of_arg(arg, form));
    }
    for arg in common {
        add(COMMON, Row::of_arg(arg, form));
    }
    sections
}

impl Row {
    fn of_command(command: &Command) -> Self {
        let (name, text) = (command.get_name().to_owned(), about(command, Form::Summary));
        Self { name, value: String::new(), text, values: Vec::new() }
    }

    fn of_arg(arg: &Arg, form: Form) -> Self {
        let (shown, long) = (arg.to_string(), arg.get_long().map(|long| format!("--{long}")));
        let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
        let value = long.as_ref().and_then(|long| shown.strip_prefix(long)).unwrap_or_default().to_owned();
        let name = long.map_or(shown, |long| short + &long);
        let mut text = match arg.get_id().as_str() {
            "help" => "Print help".to_owned(),
            _ => {
                let long = arg.get_long_help().filter(|_| form == Form::Full);
                long.or(arg.get_help()).map(ToString::to_string).unwrap_or_default()
            }
        };
        let takes_value = arg.get_action().takes_values();
        let shows_default = takes_value && !arg.is_hide_default_value_set();
        if let (true, [default, ..]) = (shows_default, arg.get_default_values()) {
            let _ = write!(text, " [default: {}]", default.to_string_lossy());
        }
        let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
        let values: Vec<_> = values
            .filter(|_| takes_value && !arg.is_hide_possible_values_set())
            .map(|value| (value.get_name().to_owned(), value.get_help().map(ToString::to_string).unwrap_or_default()))
            .collect();
        let are_explained = values.iter().any(|(_, what)| !what.is_empty());
        if !are_explained && !values.is_empty() {
            let names: Vec<_> = values.iter().map(|(name, _)| name.as_str()).collect();
            let _ = write!(text, " [{}]", names.join(", "));
        }
        if let (Form::Full, Some(variable), false) = (form, arg.get_env(), arg.is_hide_env_set()) {
            let _ = write!(text, " [env: {}]", variable.to_string_lossy());
        }
        Self { name, value, text, values: if form == Form::Full && are_explained { values } else { Vec::new() } }
    }

    fn width(&self) -> usize {
        self.name.len() + self.value.len()
    }

    /// Writes the row with its text from `column` on, or on the next line where that is too narrow.
    fn write(&self, text: &mut String, literal: &Style, column: usize, columns: usize) {
        let is_narrow = columns < column + MIN_TEXT;
        let column = if is_narrow { 10 } else { column };
        let indent = " ".repeat(column);
        let _ = write!(text, "  {literal}{}{literal:#}{}", self.name, self.value);
        if is_narrow || self.width() + 4 > column {
            let _ = write!(text, "\n{indent}");
        } else {
            text.push_str(&indent[self.width() + 2..]);
        }
        let _ = writeln!(text, "{}", filled(&self.text, columns, column));
        let widest = self.values.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, what) in &self.values {
            let _ = writeln!(text, "{indent}  {name:widest$}  {}", filled(what, columns, column + widest + 4));
        }
    }
}

/// The exit codes in two columns.
pub(super) fn exit_codes() -> String {
    let (left, right) = EXIT_CODES.split_at(EXIT_CODES.len().div_ceil(2));
    let mut text = "Exit codes:".to_owned();
    for (row, (code, meaning)) in left.iter().enumerate() {
        let _ = write!(text, "\n  {code:>3}  {meaning:<35}");
        if let Some((code, meaning)) = right.get(row) {
            let _ = write!(text, "  {code:>3}  {meaning}");
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
