//! Progress: one bar at most, below the text.

use std::fmt;
use std::io::{self, IsTerminal, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::output::format::{about, size};
use crate::cli::output::streams::columns;
use crate::terminal::style;

/// The time after which a rate means something.
const SETTLED: Duration = Duration::from_secs(1);
/// Columns from which on a bar is drawn, and not only a percentage.
const WIDE: usize = 60;
/// Columns before the text of [`BarSlot::show_waiting`]: a percentage or a size, and a space.
const BEFORE_WAITING: usize = 14;

/// The place of the bar, below the text.
#[derive(Clone, Default)]
pub(super) struct BarSlot(Arc<Mutex<Option<Shown>>>);

/// A bar that is shown.
struct Shown {
    bar: ProgressBar,
    /// The activity: `Uploading`.
    verb: &'static str,
}

impl BarSlot {
    fn lock(&self) -> MutexGuard<'_, Option<Shown>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes text where the bar is, and draws the bar again below it.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &*self.lock() {
            Some(shown) => shown.bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        if let Some(shown) = self.lock().take() {
            shown.bar.finish_and_clear();
        }
    }

    /// Shows in the bar's place that this program waits for the relay `name`, and the time until the next attempt.
    /// Returns whether there is a bar.
    pub(super) fn show_waiting(&self, name: &str, pause: Duration) -> bool {
        let slot = self.lock();
        let Some(Shown { bar, .. }) = &*slot else { return false };
        let template = before_waiting(bar.length(), bar.position());
        let (name, again) = (name.to_owned(), Instant::now() + pause);
        let waiting = move |_: &ProgressState, to: &mut dyn fmt::Write| {
            let left = again.saturating_duration_since(Instant::now());
            let text = if left.is_zero() {
                format!("waiting for {name}, trying again now")
            } else {
                format!("waiting for {name}, trying again in {}", about(left))
            };
            // A line that is broken cannot be removed again.
            let room = columns().unwrap_or(80).saturating_sub(BEFORE_WAITING);
            let _ = to.write_str(&style::readable(&text.chars().take(room).collect::<String>()));
        };
        bar.set_style(style(template).with_key("waiting", waiting));
        true
    }

    /// Lets the bar move again after a wait.
    pub(super) fn resume(&self) {
        if let Some(Shown { bar, verb }) = &*self.lock() {
            bar.reset_eta();
            bar.set_style(moving(verb, bar.length().is_some()));
        }
    }

    /// A bar over `total` bytes (a count where they are unknown) on standard error, unless that is no terminal. `verb`
    /// begins its line: `Uploading`.
    pub(super) fn start(&self, verb: &'static str, total: Option<u64>, quiet: bool) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        if quiet || style::is_dumb() || !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            return bar;
        }
        bar.set_style(moving(verb, total.is_some()));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.lock() = Some(Shown { bar: bar.clone(), verb });
        bar
    }
}

/// The template of a bar that waits, after `done` of `total` bytes.
fn before_waiting(total: Option<u64>, done: u64) -> &'static str {
    match total {
        // All bytes were read, and the relay has yet to confirm them: 100 % would look like the end.
        Some(total) if done >= total => "{waiting}",
        Some(_) => "{percent:>3} % {waiting}",
        None => "{size} {waiting}",
    }
}

/// The look of a bar that moves: `Uploading  41 % ████░░░░ 3.4 MB/s, 12 seconds left`.
fn moving(verb: &str, has_length: bool) -> ProgressStyle {
    let template = match (has_length, columns().unwrap_or(80) >= WIDE) {
        (true, true) => "{percent:>3} % {wide_bar:.dim} {speed:<28}",
        (true, false) => "{percent:>3} %",
        (false, _) => "{size} {speed}",
    };
    let speed = |state: &ProgressState, to: &mut dyn fmt::Write| {
        let left = state.len().map(|len| (len.saturating_sub(state.pos()), state.eta()));
        let _ = to.write_str(&style::readable(&speed(state.elapsed(), state.per_sec(), left)));
    };
    style(&format!("{verb} {template}")).with_key("speed", speed)
}

/// The rate in bytes a second and, of a known number of bytes, the time left. Neither is shown before it means
/// something. `left`: bytes, and the time that they take.
fn speed(elapsed: Duration, rate: f64, left: Option<(u64, Duration)>) -> String {
    if left.is_some_and(|(bytes, _)| bytes == 0) {
        return "finishing …".to_owned();
    }
    if elapsed < SETTLED || rate < 1.0 {
        return String::new();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and far smaller")]
    let rate = size(rate as u64);
    match left {
        Some((_, left)) if !left.is_zero() => format!("{rate}/s, {} left", about(left)),
        _ => format!("{rate}/s"),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let size = |state: &ProgressState, to: &mut dyn fmt::Write| {
        let _ = to.write_str(&size(state.pos()));
    };
    let style = style.with_key("size", size);
    if style::has_utf8() { style } else { style.progress_chars("#>-") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_that_waits_never_shows_100_percent() {
        assert!(before_waiting(Some(10), 9).contains("percent"));
        assert_eq!(before_waiting(Some(10), 10), "{waiting}");
        assert!(before_waiting(None, 10).contains("{size}"));
    }

    #[test]
    fn rate_and_time_left_are_shown_only_when_they_mean_something() {
        let second = Duration::from_secs(1);
        for (elapsed, rate, left, text) in [
            (second / 2, 1e6, Some((10, second)), ""),
            (second, 0.0, Some((10, second)), ""),
            (second, 3.4e6, Some((10, 12 * second)), "3.4 MB/s, 12 seconds left"),
            (second, 3.4e6, Some((10, Duration::ZERO)), "3.4 MB/s"),
            (second, 0.0, Some((0, Duration::ZERO)), "finishing …"),
            (second, 3.4e6, None, "3.4 MB/s"),
        ] {
            assert_eq!(speed(elapsed, rate, left), text);
        }
    }
}
