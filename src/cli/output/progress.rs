//! Progress: one bar at most, below the text.

use std::fmt;
use std::io::{self, IsTerminal, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::output::streams::columns;
use crate::terminal::style;

/// The place of the bar, below the text.
#[derive(Clone, Default)]
pub(super) struct BarSlot(Arc<Mutex<Option<ProgressBar>>>);

impl BarSlot {
    fn lock(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes text where the bar is, and draws the bar again below it.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &*self.lock() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    /// Says in the bar's place that `name` is waited for and when it is asked again. Returns whether there is a bar.
    pub(super) fn show_waiting(&self, name: &str, pause: Duration) -> bool {
        let bar = self.lock();
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

    /// Lets the bar move again after a wait.
    pub(super) fn resume(&self) {
        if let Some(bar) = &*self.lock() {
            bar.reset_eta();
            bar.set_style(moving(bar.length().is_some()));
        }
    }

    /// A bar over `total` bytes (a count where they are unknown), if there is anybody to see it.
    pub(super) fn start(&self, total: Option<u64>, quiet: bool) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        if quiet || style::is_dumb() || !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            return bar;
        }
        bar.set_style(moving(total.is_some()));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.lock() = Some(bar.clone());
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

/// A reader that moves a bar.
pub(in crate::cli) struct Watched<R> {
    pub(in crate::cli) inner: R,
    pub(in crate::cli) bar: ProgressBar,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(space)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
