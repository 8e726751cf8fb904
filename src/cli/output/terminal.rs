//! Lines for people and for programs.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::output::errors::{Exit, Failure, Hint, Message};
use crate::cli::output::progress::BarSlot;
use crate::cli::output::streams::{columns, stdout, stdout_columns};
use crate::secret::Wiped;
use crate::terminal::notice::{self, Occasion};
use crate::terminal::{question, style};

/// The output of a command, as its arguments ask for it.
#[derive(Clone)]
pub(in crate::cli) struct Output {
    quiet: bool,
    json: bool,
    /// Whether lines for people are logged instead: the log of a relay is for programs.
    logged: bool,
    /// The warnings so far of a command without a terminal, which shows them and its end on the desktop.
    desktop: Option<Arc<Mutex<Vec<String>>>>,
    progress: BarSlot,
}

impl Output {
    pub(in crate::cli) fn new(quiet: bool, json: bool) -> Self {
        Self { quiet: quiet || json, json, logged: false, desktop: None, progress: BarSlot::default() }
    }

    /// The same output, whose lines for people are events of the log.
    pub(in crate::cli) fn logged(self) -> Self {
        Self { logged: true, ..self }
    }

    /// The same output for a command without a terminal: its end, its error and its warnings are on the desktop too.
    pub(in crate::cli) fn on_desktop(self) -> Self {
        Self { quiet: true, desktop: Some(Arc::default()), ..self }
    }

    /// Shows a notification on the desktop, with the warnings so far. If that fails, standard error gets it.
    pub(in crate::cli) fn notify(&self, occasion: Occasion, title: &str, text: &str) {
        let warnings =
            self.desktop.iter().flat_map(|warnings| warnings.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let body = warnings.fold(text.to_owned(), |body, warning| format!("{body}\nWarning: {warning}"));
        if let Err(error) = notice::give(occasion, title, &body) {
            tracing::debug!(%error, "no notification");
            // An error is printed in any case.
            if occasion == Occasion::Done {
                self.print(&format!("{title}. {text}"));
            }
        }
    }

    /// Whether the output is JSON, for a program.
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only results, warnings and errors are printed.
    pub(in crate::cli) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line for people, broken between words where the terminal is narrow.
    fn print(&self, text: &str) {
        let columns = columns();
        let text = if columns.is_some() { style::readable(text) } else { text.into() };
        let text = wrapped(&text, columns);
        self.progress.above(|| write_stderr(&text));
    }

    fn print_hint(&self, hint: &Hint) {
        let line = hint.to_string();
        match hint {
            Hint::Text(_) | Hint::Outcome(_) => self.print(&line),
            Hint::Run(_) | Hint::Line(_) => {
                let line = if columns().is_some() { style::readable(&line) } else { line.as_str().into() };
                self.progress.above(|| write_stderr(&line));
            }
        }
    }

    /// Prints a line for people; `--quiet` drops it.
    pub(in crate::cli) fn info(&self, text: &str) {
        if self.logged {
            tracing::info!("{text}");
        } else if !self.quiet {
            self.print(text);
        }
    }

    /// Prints the keys that a question takes, also with `--quiet`: the question is asked again.
    pub(in crate::cli) fn answer_keys(&self, keys: &str) {
        self.print(keys);
    }

    /// Prints a hint; `--quiet` drops it.
    pub(in crate::cli) fn hint(&self, hint: impl Into<Hint>) {
        if !self.quiet && !self.logged {
            self.print_hint(&hint.into());
        }
    }

    /// Prints a warning, also with `--quiet`.
    pub(in crate::cli) fn warn(&self, text: &str) {
        if self.logged {
            tracing::warn!("{text}");
        } else {
            self.print(&format!("warning: {text}"));
        }
        if let Some(warnings) = &self.desktop {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        }
        if self.json {
            let _ = self.line(&event("warning", json!({ "text": text })));
        }
    }

    /// Prints a secret that must not be missed, also with `--quiet`: a passphrase that was made for the user.
    pub(in crate::cli) fn show_secret(&self, label: &str, secret: &str) {
        if !self.json {
            let text = Zeroizing::new([label, secret].concat());
            let text = Zeroizing::new(wrapped(&text, columns()));
            self.progress.above(|| write_stderr(&text));
        }
    }

    /// Writes a result that is secret: `text` for people and scripts, or an event of one object for programs. No copy
    /// of either stays in memory.
    pub(in crate::cli) fn secret_result<T: Serialize>(&self, text: &str, event: impl FnOnce() -> T) -> io::Result<()> {
        let mut line = Wiped::default();
        if self.json {
            serde_json::to_writer(&mut line, &event())?;
        } else {
            let shown = stdout_columns().map(|columns| Zeroizing::new(wrapped(text, Some(columns))));
            line.write_all(shown.as_ref().map_or(text, |shown| shown.as_str()).as_bytes())?;
        }
        line.write_all(b"\n")?;
        // Not through the buffer of standard output, which would keep it.
        self.progress.above(|| stdout()?.write_all(&line))
    }

    /// Writes a result: `text` for people and scripts, or the event `name` with its `facts` for programs.
    pub(in crate::cli) fn result(&self, name: &str, facts: Value, text: &str) -> io::Result<()> {
        if self.json { self.line(&event(name, facts)) } else { self.line(text) }
    }

    /// Writes a result that the user can get again. A closed pipe is no error: its reader has read enough.
    pub(in crate::cli) fn answer(&self, name: &str, facts: Value, text: &str) -> Result<(), Failure> {
        written(self.result(name, facts, text))
    }

    /// Writes a result like [`Self::answer`]. `row` fits the width of the terminal and stays one line.
    pub(in crate::cli) fn answer_row(&self, name: &str, facts: Value, row: &str) -> Result<(), Failure> {
        written(if self.json { self.line(&event(name, facts)) } else { self.write(row) })
    }

    /// Reports an event: in words for people, as the event `name` for programs.
    pub(in crate::cli) fn event(&self, name: &str, facts: Value, text: &str) {
        if self.json {
            let _ = self.line(&event(name, facts));
        } else {
            self.info(text);
        }
    }

    fn line(&self, text: &str) -> io::Result<()> {
        let text = match stdout_columns() {
            Some(columns) if !self.json => wrapped(&style::readable(text), Some(columns)),
            _ => text.to_owned(),
        };
        self.write(&text)
    }

    fn write(&self, line: &str) -> io::Result<()> {
        let write = || {
            let mut out = io::stdout().lock();
            writeln!(out, "{line}")?;
            out.flush()
        };
        self.progress.above(write)
    }

    /// Removes the bar.
    pub(in crate::cli) fn clear(&self) {
        self.progress.clear();
    }

    /// Ends the output of a command that succeeded.
    pub(in crate::cli) fn success(&self) -> ExitCode {
        self.clear();
        if self.json {
            let _ = self.line(&event("done", json!({ "ok": true, "exit": 0, "error": null })));
        }
        ExitCode::SUCCESS
    }

    /// Prints an error and its hint.
    pub(in crate::cli) fn failure(&self, failure: &Failure) -> ExitCode {
        let Message { exit, what, hint } = failure.message();
        self.clear();
        if self.json {
            let error = if what.is_empty() { "interrupted" } else { &what };
            let facts =
                json!({ "ok": false, "exit": exit as u8, "error": error, "hint": hint.as_ref().map(Hint::as_str) });
            let _ = self.line(&event("done", facts));
        }
        if question::is_open() {
            // The question's line is still open.
            write_stderr("");
        }
        if !what.is_empty() {
            self.print(&format!("error: {what}"));
        }
        if self.desktop.is_some() && !what.is_empty() {
            let hint = hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
            self.notify(Occasion::Failed, "Not sent", &format!("{what}{hint}"));
        }
        if let Some(hint) = hint.filter(|_| !what.is_empty() || !self.quiet) {
            self.print_hint(&hint);
        }
        ExitCode::from(exit as u8)
    }

    /// Shows in the bar's place that this program waits for the relay `name`, and the time until the next attempt.
    /// Returns whether there is a bar.
    pub(in crate::cli) fn show_waiting(&self, name: &str, pause: Duration) -> bool {
        self.progress.show_waiting(name, pause)
    }

    /// Lets the bar move again after a wait.
    pub(in crate::cli) fn resume(&self) {
        self.progress.resume();
    }

    /// A bar over `total` bytes (a count where they are unknown) on standard error, unless that is no terminal. `verb`
    /// begins its line: `Uploading`.
    pub(in crate::cli) fn bar(&self, verb: &'static str, total: Option<u64>) -> ProgressBar {
        self.progress.start(verb, total, self.quiet)
    }
}

/// A line broken between words, which a terminal of so many columns would break anywhere. A link has no space and stays
/// in one line. Text that is drawn, or has lines of its own, stays as it is.
pub(in crate::cli) fn wrapped(text: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if !text.contains('\n') => {
            let whole = textwrap::Options::new(columns.max(20)).break_words(false);
            // Only spaces divide words: the usual rules break a link behind a slash.
            let whole = whole.word_separator(textwrap::WordSeparator::AsciiSpace);
            textwrap::fill(text, whole.word_splitter(textwrap::WordSplitter::NoHyphenation))
        }
        _ => text.to_owned(),
    }
}

/// A line of a result below its first one: indented by two columns, and broken between words where standard output is a
/// narrow terminal.
pub(in crate::cli) fn indented(text: &str) -> String {
    const INDENT: &str = "  ";
    match stdout_columns() {
        None => format!("{INDENT}{text}"),
        Some(columns) => {
            let whole = textwrap::Options::new(columns.max(20)).break_words(false);
            // Only spaces divide words: the usual rules break a link behind a slash.
            let whole = whole.word_separator(textwrap::WordSeparator::AsciiSpace);
            let indented = whole.initial_indent(INDENT).subsequent_indent(INDENT);
            textwrap::fill(text, indented.word_splitter(textwrap::WordSplitter::NoHyphenation))
        }
    }
}

/// The failure of writing a result.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::local(
            format!("standard output: {}", crate::safe_text::reason(&error)),
            "the result could not be written there",
        )),
        _ => Ok(()),
    }
}

/// Writes to standard error. A closed standard error does not stop the command.
fn write_stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// One line of `--json`.
pub(in crate::cli) fn event(name: &str, facts: Value) -> String {
    let mut line = json!({ "v": 1, "event": name });
    if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
        line.extend(facts);
    }
    line.to_string()
}

/// Prints a help text or the version.
pub(in crate::cli) fn help(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::SUCCESS
}

/// Prints the help that a command without arguments gets.
pub(in crate::cli) fn help_instead(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(Exit::Usage as u8)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_stays_in_one_line() {
        let link = "http://192.168.178.123:4080/#share1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29sh4hc8pg";
        assert_eq!(super::wrapped(link, Some(40)), link);
    }
}
