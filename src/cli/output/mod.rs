//! The only place that prints.
//!
//! The rules of the terminal: results go to standard output, one a line, and nothing else does. Everything said to a
//! person goes to standard error; `--quiet` leaves warnings and errors. With `--json` standard output has one object a
//! line, the last of which is `done`, and standard error only warnings and errors. Bars are drawn only on a terminal.
//! Whatever a stranger chose (a file's name) goes through [`crate::safe_text::printable`] first. Times are local.

pub(crate) mod errors;
pub(crate) mod format;
pub(crate) mod qr;

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rustix::fs::OFlags;
use serde_json::{Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::errors::{Failure, Message};
use crate::terminal::style;

/// How the program talks.
#[derive(Clone)]
pub(crate) struct Output {
    quiet: bool,
    json: bool,
    /// What is drawn below the text.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Output {
    pub(crate) fn new(quiet: bool, json: bool) -> Self {
        Self { quiet: quiet || json, json, bar: Arc::default() }
    }

    /// Whether a program listens, and not a person.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    fn print(&self, text: &str) {
        let columns = columns();
        let text = if columns.is_some() { style::readable(text) } else { text.into() };
        let text = wrapped(&text, columns);
        match &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(|| complain(&text)),
            None => complain(&text),
        }
    }

    /// Tells a person what happens.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.print(text);
        }
    }

    /// Tells a person what matters even when they asked for silence.
    pub(crate) fn warn(&self, text: &str) {
        self.print(&format!("warning: {text}"));
        if self.json {
            let _ = self.line(&event("warning", json!({ "text": text })));
        }
    }

    /// Tells a person something that must not be missed, whatever they asked for: a passphrase that was made for them.
    pub(crate) fn insist(&self, text: &str) {
        if !self.json {
            self.print(text);
        }
    }

    /// Writes a result: `text` for people and scripts, or the event `name` with its `facts` for programs.
    pub(crate) fn result(&self, name: &str, facts: Value, text: &str) -> io::Result<()> {
        if self.json { self.line(&event(name, facts)) } else { self.line(text) }
    }

    /// Writes a result that is there to be asked for again: whoever closed the pipe has seen enough.
    pub(crate) fn tell(&self, name: &str, facts: Value, text: &str) -> Result<(), Failure> {
        match self.result(name, facts, text) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::local(
                format!("standard output: {}", crate::safe_text::reason(&error)),
                "what was asked for could not be written there",
            )),
            _ => Ok(()),
        }
    }

    /// Tells what happens: a person in words, a program as the event `name`.
    pub(crate) fn happens(&self, name: &str, facts: Value, text: &str) {
        if self.json {
            let _ = self.line(&event(name, facts));
        } else {
            self.say(text);
        }
    }

    fn line(&self, text: &str) -> io::Result<()> {
        let text = match columns_of(&io::stdout()) {
            Some(columns) if !self.json => wrapped(&style::readable(text), Some(columns)),
            _ => text.to_owned(),
        };
        let write = || {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}")?;
            out.flush()
        };
        match &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    /// All went well.
    pub(crate) fn success(&self) -> ExitCode {
        self.clear();
        if self.json {
            let _ = self.line(&event("done", json!({ "ok": true, "exit": 0, "error": null })));
        }
        ExitCode::SUCCESS
    }

    /// Says what went wrong, and what to do.
    pub(crate) fn failure(&self, trouble: &Failure) -> ExitCode {
        let Message { exit, what, hint } = trouble.explain();
        self.clear();
        if self.json {
            let error = if what.is_empty() { "interrupted" } else { &what };
            let facts = json!({ "ok": false, "exit": exit as u8, "error": error, "hint": &hint });
            let _ = self.line(&event("done", facts));
        }
        if crate::terminal::question::is_open() {
            // The question's line is still open.
            complain("");
        }
        if !what.is_empty() {
            self.print(&format!("error: {what}"));
        }
        if let Some(hint) = hint.filter(|_| !what.is_empty() || !self.quiet) {
            self.print(&format!("hint: {hint}"));
        }
        ExitCode::from(exit as u8)
    }

    /// Says in the bar's place that `name` is waited for and when it is asked again. Returns whether there is a bar.
    pub(crate) fn waits(&self, name: &str, pause: Duration) -> bool {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bar) = &*bar else { return false };
        let template = if bar.length().is_some() { "{percent:>3} % {waiting}" } else { "{decimal_bytes} {waiting}" };
        let (name, again) = (name.to_owned(), Instant::now() + pause);
        let waiting = move |_: &ProgressState, to: &mut dyn fmt::Write| {
            let left = again.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
            let text = match left {
                0.0 => format!("waiting for {name}, trying again now"),
                left => format!("waiting for {name}, trying again in {left} s"),
            };
            // A line that is broken cannot be taken away again.
            let room = columns().unwrap_or(80).saturating_sub(14);
            let _ = to.write_str(&style::readable(&text.chars().take(room).collect::<String>()));
        };
        bar.set_style(style(template).with_key("waiting", waiting));
        true
    }

    /// What was waited for has answered: the bar moves again.
    pub(crate) fn goes_on(&self) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.reset_eta();
            bar.set_style(moving(bar.length().is_some()));
        }
    }

    /// A bar over `total` bytes (a count where they are unknown), if there is anybody to see it.
    pub(crate) fn bar(&self, total: Option<u64>) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        if self.quiet || style::is_dumb() || !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            return bar;
        }
        bar.set_style(moving(total.is_some()));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        bar
    }
}

/// A bar that moves.
fn moving(has_length: bool) -> ProgressStyle {
    style(if has_length {
        "{percent:>3} % {wide_bar:.dim} {decimal_bytes_per_sec:>12}, {eta} left"
    } else {
        "{spinner} {decimal_bytes} {decimal_bytes_per_sec:>12}"
    })
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    if style::has_utf8() { style } else { style.progress_chars("#>-").tick_chars(r"|/-\ ") }
}

/// A line broken between words, which a terminal of so many columns would break anywhere. What may be copied stays in
/// one line: links, which have no space, and commands. What is drawn, or has lines of its own, stays as it is.
pub(crate) fn wrapped(text: &str, columns: Option<usize>) -> String {
    let is_command = text.starts_with("hint: ") && ["share ", "--", "tar c "].iter().any(|word| text.contains(word));
    match columns {
        Some(columns) if !is_command && !text.contains('\n') => {
            let whole = textwrap::Options::new(columns.max(20)).break_words(false);
            textwrap::fill(text, whole.word_splitter(textwrap::WordSplitter::NoHyphenation))
        }
        _ => text.to_owned(),
    }
}

/// Writes to standard error. Where that is gone, nobody listens, and what is being done is done all the same.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// One line of `--json`.
fn event(name: &str, facts: Value) -> String {
    let mut line = json!({ "v": 1, "event": name });
    if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
        line.extend(facts);
    }
    line.to_string()
}

/// How many columns there are for people, if standard error is a terminal.
pub(crate) fn columns() -> Option<usize> {
    columns_of(&io::stderr())
}

pub(crate) fn columns_of(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let columns = rustix::termios::tcgetwinsize(stream).map_or(0, |size| size.ws_col);
    // One that does not know is as wide as terminals used to be.
    Some(if columns == 0 { 80 } else { usize::from(columns) })
}

/// Standard output without a buffer of its own, for bytes.
pub(crate) fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Whether there is no standard output. The runtime opens /dev/null in the place of a closed one, for reading and
/// writing: whoever starts a program like that cannot see what it prints either.
pub(crate) fn stdout_is_closed() -> bool {
    let stdout = io::stdout();
    let null = std::fs::metadata("/dev/null").map(|data| data.rdev());
    let is_null = rustix::fs::fstat(&stdout).is_ok_and(|stat| null.is_ok_and(|null| null == stat.st_rdev));
    is_null && rustix::fs::fcntl_getfl(&stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Whether somebody looks at standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints a help text or the version.
pub(crate) fn help(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::SUCCESS
}

/// Prints the help that a command without arguments gets.
pub(crate) fn help_instead(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(errors::Exit::Usage as u8)
}

/// Sends our own log lines, and nobody else's, to standard error.
pub(crate) fn log(verbose: u8, server: bool) {
    let level = match (verbose, server) {
        (0, false) => LevelFilter::OFF,
        (0, true) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false);
    // Libraries log URLs and headers.
    let ours = Targets::new().with_target("share", level);
    let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
}

/// A reader that moves a bar.
pub(crate) struct Watched<R> {
    pub(crate) inner: R,
    pub(crate) bar: ProgressBar,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(space)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.bar.inc(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
